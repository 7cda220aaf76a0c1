/* Not written yet: session_der. */
typedef int session_der_pending;
