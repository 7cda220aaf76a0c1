/* Not written yet: ratchet. */
typedef int ratchet_pending;
