/* For the tests of serve: a folder with certificates, and sites made from a configuration. */
#ifndef SERVE_KIT_H
#define SERVE_KIT_H

#include <stddef.h>

#include <openssl/ssl.h>
#include <reprise/reprise.h>

#include "config.h"
#include "sites.h"

struct serve_kit {
    char folder[32]; /* ec.pem ec.key locked.key empty.pem broken.pem */
    struct config *config;
    struct rp_keyring *keyring;
    struct rp_cache *cache;
    struct sites *sites;
    struct rp_error err;
};

void serve_kit_init(struct serve_kit *kit);
/* Adds rsa.pem and rsa.key, which take a moment to make. */
void serve_kit_add_rsa(struct serve_kit *kit);

void serve_kit_fini(struct serve_kit *kit);

/*
 * Makes the sites of a configuration, whose file names are taken relative to the folder; those that
 * were made before are freed. Fails the test unless the configuration itself is good.
 */
enum rp_status serve_kit_configure(struct serve_kit *kit, const char *yaml);

#endif
