#include "keyring_options.h"

#include "error.h"
#include "segment.h"

#define DEFAULT_ROTATE_MS INT64_C(3600000)
#define DEFAULT_ACCEPT_MS INT64_C(86400000)
#define DEFAULT_DOMAINS 64
#define SPAN_MAX (INT64_MAX / 4) /* of rotate and of accept: their sums stay in range */

enum rp_status keyring_options_read(struct rp_keyring *keyring,
                                    const struct rp_keyring_options *options, struct rp_error *err)
{
    const int64_t rotate = options->rotate_ms != 0 ? options->rotate_ms : DEFAULT_ROTATE_MS;
    const int64_t accept = options->accept_ms != 0 ? options->accept_ms : DEFAULT_ACCEPT_MS;
    const unsigned domains = options->max_domains != 0 ? options->max_domains : DEFAULT_DOMAINS;
    int64_t max_keys;

    if (rotate < 1 || rotate > SPAN_MAX || accept < 1 || accept > SPAN_MAX) {
        error_set(err, "rotate and accept must be at least 1 ms and less than 70 million years");
        return RP_INVALID;
    }
    if (accept / rotate > SEGMENT_RATIO_MAX ||
        (accept / rotate == SEGMENT_RATIO_MAX && accept % rotate != 0)) {
        error_set(err,
                  "accept (%lld ms) is more than %d times rotate (%lld ms): lengthen rotate or "
                  "shorten accept",
                  (long long)accept, SEGMENT_RATIO_MAX, (long long)rotate);
        return RP_INVALID;
    }
    if (domains > SEGMENT_DOMAINS_MAX) {
        error_set(err, "%u security domains are more than the %d that are possible", domains,
                  SEGMENT_DOMAINS_MAX);
        return RP_INVALID;
    }
    max_keys = accept / rotate + (accept % rotate != 0) + 2;
    if (options->spare_keys > SEGMENT_KEYS_MAX - max_keys) {
        error_set(err, "%u spare keys are more than the %d that are possible", options->spare_keys,
                  (int)(SEGMENT_KEYS_MAX - max_keys));
        return RP_INVALID;
    }
    max_keys += options->spare_keys;
    keyring->rotate_ms = rotate;
    keyring->accept_ms = accept;
    segment_layout(&keyring->layout,
                   max_keys > STATIC_KEYS_MAX ? (unsigned)max_keys : STATIC_KEYS_MAX, domains);
    return RP_OK;
}
