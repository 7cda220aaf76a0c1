/* Not written yet: hello_ext. */
typedef int hello_ext_pending;
