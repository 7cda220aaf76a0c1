/* Not written yet: session_record. */
typedef int session_record_pending;
