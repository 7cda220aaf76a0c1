/*
 * A header that arrives at once and the same one byte by byte come to the same end, at the same
 * byte; and what was read of addresses goes round through both versions.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum proxy_progress at_once(const uint8_t *p, size_t n, struct proxy_decoder *d,
                                   size_t *taken)
{
    *d = (struct proxy_decoder){.why = NULL};
    *taken = 0;
    return n != 0 ? proxy_decode(d, p, n, taken) : PROXY_MORE;
}

static enum proxy_progress by_bytes(const uint8_t *p, size_t n, struct proxy_decoder *d,
                                    size_t *taken)
{
    enum proxy_progress progress = PROXY_MORE;
    size_t one;

    *d = (struct proxy_decoder){.why = NULL};
    for (*taken = 0; progress == PROXY_MORE && *taken < n; ++*taken) {
        progress = proxy_decode(d, p + *taken, 1, &one);
        if (one != 1) {
            abort();
        }
    }
    return progress;
}

static void expect_back(const uint8_t *p, size_t n, const struct proxy_addresses *wanted)
{
    struct proxy_decoder d;
    size_t taken;

    if (at_once(p, n, &d, &taken) != PROXY_DONE || taken != n ||
        memcmp(&d.addresses, wanted, sizeof *wanted) != 0) {
        abort();
    }
}

static void go_round(const struct proxy_addresses *a)
{
    const struct proxy_facts facts = {.version = "TLSv1.3", .cipher = "C", .authority = "a.b"};
    uint8_t v1[PROXY_V1_MAX];
    uint8_t v2[PROXY_V2_MAX];

    expect_back(v1, proxy_encode_v1(a, v1), a);
    expect_back(v2, proxy_encode_v2(a, &facts, v2), a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_decoder a;
    struct proxy_decoder b;
    size_t taken_a;
    size_t taken_b;
    const enum proxy_progress progress = at_once(data, size, &a, &taken_a);

    if (by_bytes(data, size, &b, &taken_b) != progress || taken_a != taken_b ||
        memcmp(&a.addresses, &b.addresses, sizeof a.addresses) != 0) {
        abort();
    }
    if ((progress == PROXY_REFUSED) != (a.why != NULL) ||
        (progress == PROXY_MORE && taken_a != size)) {
        abort();
    }
    if (progress == PROXY_DONE) {
        go_round(&a.addresses);
    }
    return 0;
}
