/* The file with the fleet secret: who may read it, and what is in it (fleet_secret.h). */
#ifndef FLEET_SECRET_FILE_H
#define FLEET_SECRET_FILE_H

#include <reprise/status.h>

#include "fleet_secret.h"

/*
 * The file is regular, belongs to root or to this process's user, and gives nobody else anything.
 * RP_SYSTEM: it is not so, or it cannot be read; else as fleet_secrets_decode. err says which file
 * and line, what is wrong and what to do; *out is then wiped. On success the caller wipes it.
 */
enum rp_status fleet_secret_file_read(const char *path, struct fleet_secrets *out,
                                      struct rp_error *err) RP_MUST_USE;

#endif
