/* Not written yet: keyring. */
typedef int keyring_pending;
