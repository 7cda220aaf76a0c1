/*
 * The input as a ticket, as it is; under the name of a live key; and under the right MAC, with
 * whatever inside. And as a session: sealed, opened, and compared.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <reprise/ticket.h>

#include "window.h"

#define NAME_LEN 16
#define MAC_LEN 32

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Made at the first input and kept: making it costs more than all the rest. */
static struct rp_keyring *the_keyring(void)
{
    static struct rp_keyring *keyring;

    if (keyring == NULL) {
        const struct rp_keyring_options options = {.max_domains = 2};

        require(rp_keyring_new(&options, &keyring, NULL) == RP_OK);
        require(rp_keyring_keep(keyring, 0, NULL, NULL) == RP_OK);
        require(rp_keyring_domain_add(keyring, "one") == RP_OK);
        require(rp_keyring_domain_add(keyring, "two") == RP_OK);
    }
    return keyring;
}

static enum rp_verdict open_one(struct rp_keyring *keyring, const char *domain,
                                const uint8_t *ticket, size_t n)
{
    uint8_t *out = malloc(n != 0 ? n : 1);
    enum rp_verdict verdict;
    size_t out_len;

    require(out != NULL);
    require(rp_ticket_open(keyring, domain, 0, ticket, n, &verdict, out, &out_len) == RP_OK);
    require(verdict == RP_VERDICT_ACCEPTED ? out_len <= n : out_len == 0);
    free(out);
    return verdict;
}

static void open_under_live_key(struct rp_keyring *keyring, const uint8_t *data, size_t n)
{
    uint8_t *ticket = malloc(n + MAC_LEN);
    struct window_key key;
    enum rp_verdict verdict;

    require(ticket != NULL);
    require(window_sealing(keyring, 0, 0, &key));
    memcpy(ticket, data, n);
    memcpy(ticket, key.keys.stek.name, NAME_LEN);
    verdict = open_one(keyring, "one", ticket, n);
    require(verdict == RP_VERDICT_FORGED || verdict == RP_VERDICT_MALFORMED);
    verdict = open_one(keyring, "two", ticket, n);
    require(verdict == RP_VERDICT_WRONG_DOMAIN || verdict == RP_VERDICT_MALFORMED);
    require(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.keys.stek.hmac, key.keys.stek.key_len,
                      ticket, n, ticket + n, MAC_LEN, NULL) != NULL);
    verdict = open_one(keyring, "one", ticket, n + MAC_LEN);
    require(verdict == RP_VERDICT_ACCEPTED || verdict == RP_VERDICT_MALFORMED);
    window_key_wipe(&key);
    free(ticket);
}

static void seal_and_open(struct rp_keyring *keyring, const uint8_t *data, size_t n)
{
    uint8_t *ticket = malloc(n + RP_TICKET_OVERHEAD);
    uint8_t *out = malloc(n + RP_TICKET_OVERHEAD);
    enum rp_verdict verdict;
    size_t ticket_len;
    size_t len;

    require(ticket != NULL && out != NULL);
    require(rp_ticket_seal(keyring, "two", 0, data, n, ticket, &ticket_len) == RP_OK);
    require(rp_ticket_open(keyring, "two", 0, ticket, ticket_len, &verdict, out, &len) == RP_OK);
    require(verdict == RP_VERDICT_ACCEPTED && len == n && memcmp(out, data, n) == 0);
    free(ticket);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rp_keyring *const keyring = the_keyring();

    require(open_one(keyring, "one", data, size) != RP_VERDICT_ACCEPTED);
    if (size >= NAME_LEN && size <= RP_TICKET_MAX - MAC_LEN) {
        open_under_live_key(keyring, data, size);
    }
    if (size > 0 && size <= RP_TICKET_MAX - RP_TICKET_OVERHEAD) {
        seal_and_open(keyring, data, size);
    }
    return 0;
}
