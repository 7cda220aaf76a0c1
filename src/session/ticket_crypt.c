/* Not written yet: ticket_crypt. */
typedef int ticket_crypt_pending;
