/* Not written yet: ticket_request. */
typedef int ticket_request_pending;
