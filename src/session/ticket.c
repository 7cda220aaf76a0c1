/* Not written yet: ticket. */
typedef int ticket_pending;
