/* Not written yet: session_check. */
typedef int session_check_pending;
