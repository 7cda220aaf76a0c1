/* Not written yet: session_id. */
typedef int session_id_pending;
