/* Not written yet: hello. */
typedef int hello_pending;
