/* Not written yet: reprised. */
typedef int reprised_pending;
