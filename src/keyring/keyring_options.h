/* What rp_keyring_options ask for, checked, and what follows from them. */
#ifndef KEYRING_OPTIONS_H
#define KEYRING_OPTIONS_H

#include <reprise/keyring.h>

/* Sets rotation and layout of a keyring that has no memory yet. RP_INVALID: err says which option.
 */
enum rp_status keyring_options_read(struct rp_keyring *keyring,
                                    const struct rp_keyring_options *options,
                                    struct rp_error *err) RP_MUST_USE;

#endif
