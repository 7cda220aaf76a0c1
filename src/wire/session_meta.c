/* Not written yet: session_meta. */
typedef int session_meta_pending;
