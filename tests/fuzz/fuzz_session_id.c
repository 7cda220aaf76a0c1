/* The input as a session ID, as it is and under the hint of a live key. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "session_id.h"

#define HINT_LEN 4

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

struct fixture {
    struct rp_keyring *keyring;
    struct window_key key;
};

/* Made at the first input and kept: making it costs more than all the rest. */
static const struct fixture *the_fixture(void)
{
    static struct fixture f;

    if (f.keyring == NULL) {
        const struct rp_keyring_options options = {.max_domains = 1};

        require(rp_keyring_new(&options, &f.keyring, NULL) == RP_OK);
        require(rp_keyring_keep(f.keyring, 0, NULL, NULL) == RP_OK);
        require(rp_keyring_domain_add(f.keyring, "one") == RP_OK);
        require(window_sealing(f.keyring, 0, 0, &f.key));
    }
    return &f;
}

static void must_not_open(const struct fixture *f, const uint8_t *id, size_t n)
{
    struct window_key key;

    require(session_id_open(f->keyring, 0, 0, id, n, &key) == WINDOW_ABSENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct fixture *const f = the_fixture();

    must_not_open(f, data, size);
    if (size == SESSION_ID_LEN) {
        uint8_t id[SESSION_ID_LEN];

        memcpy(id, data, sizeof id);
        memcpy(id, f->key.keys.id_hint, HINT_LEN);
        must_not_open(f, id, sizeof id);
    }
    return 0;
}
