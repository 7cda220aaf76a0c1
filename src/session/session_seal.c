/* Not written yet: session_seal. */
typedef int session_seal_pending;
