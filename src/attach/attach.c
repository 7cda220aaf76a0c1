/* Not written yet: attach. */
typedef int attach_pending;
