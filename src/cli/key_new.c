#include <stdio.h>

#include <openssl/rand.h>

#include "cmd.h"
#include "error.h"
#include "key_actions.h"
#include "key_output.h"
#include "memory.h"

static bool make_key(struct stek *k, uint8_t key_len)
{
    k->key_len = key_len;
    return RAND_bytes(k->name, sizeof k->name) == 1 && RAND_priv_bytes(k->aes, key_len) == 1 &&
           RAND_priv_bytes(k->hmac, key_len) == 1;
}

static enum rp_status check(const struct key_request *r, size_t n, struct rp_error *err)
{
    const struct key_format_traits *t = key_format_traits(r->format);
    const char *word = key_format_text(r->format);

    if (r->is_short && !t->takes_short) {
        error_set(err, "%s has no keys of 48 bytes", word);
    } else if (n > 1 && t->most == 1) {
        error_set(err, "%s has one key a file: make each by itself", word);
    } else if (t->most != 0 && n > t->most) {
        error_set(err, "%s keeps no more than %u keys", word, t->most);
    } else if (n < t->least) {
        error_set(err, "%s wants at least %u keys in its file", word, t->least);
    } else {
        return RP_OK;
    }
    return RP_INVALID;
}

/* The first seals, but where there is to be one before it; with dates they follow each other. */
static enum rp_status make_keys(const struct key_request *r, struct format_key *keys, size_t n,
                                struct rp_error *err)
{
    const struct key_format_traits *t = key_format_traits(r->format);
    const size_t sealing = t->least > 1 ? 1 : 0;
    const uint8_t key_len = r->is_short || !t->takes_long ? 16 : 32;

    for (size_t i = 0; i < n; i++) {
        keys[i].role = i == sealing ? KEY_SEALS : i == sealing + 1 ? KEY_NEXT : KEY_OPENS;
        keys[i].begins_s = r->now_s + (int64_t)i * r->rotate_s;
        keys[i].ends_s = keys[i].begins_s + r->rotate_s + r->accept_s;
        if (!make_key(&keys[i].stek, key_len)) {
            error_set(err, "libcrypto gives no random bytes");
            return RP_CRYPTO;
        }
    }
    return RP_OK;
}

int key_new(const struct key_request *r)
{
    const size_t n = r->n_keys != 0 ? r->n_keys : key_format_traits(r->format)->least;
    struct format_key *keys;
    struct rp_error err = {{0}};
    enum rp_status status = check(r, n, &err);

    if (status != RP_OK) {
        return key_fail(err.text, CMD_USAGE);
    }
    keys = memory_new(n, sizeof *keys);
    if (keys == NULL) {
        return key_fail("out of memory", CMD_USAGE);
    }
    status = make_keys(r, keys, n, &err);
    if (status == RP_OK) {
        status = key_output_keys(r->format, keys, n, r->output, r->force, &err);
    }
    memory_wipe(keys, n * sizeof *keys);
    memory_free(keys);
    return status == RP_OK ? CMD_OK : key_fail(err.text, CMD_USAGE);
}
