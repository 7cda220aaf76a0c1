/* Not written yet: key_file. */
typedef int key_file_pending;
