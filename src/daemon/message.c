#include "message.h"

#include <string.h>

#include "memory.h"
#include "message_mail.h"
#include "reader.h"
#include "writer.h"

#define SHORT_MAIL (2 + 2 * (1 + MESSAGE_MAIL_NAME_MAX))

/* From keeper to courier. */
#define MAIL_OUT                                                                                   \
    {CHANNEL_MAIL_WATCH, 2, SHORT_MAIL}, {CHANNEL_MAIL_PUT, 13, CHANNEL_MAIL_MAX},                 \
        {CHANNEL_MAIL_LIST, 4, SHORT_MAIL},                                                        \
    {                                                                                              \
        CHANNEL_MAIL_ERASE, 4, SHORT_MAIL                                                          \
    }
/* And back. */
#define MAIL_IN                                                                                    \
    {CHANNEL_MAIL_STATE, 1, 1}, {CHANNEL_MAIL_ENTRY, 2, CHANNEL_MAIL_MAX},                         \
        {CHANNEL_MAIL_LISTED, 7, 7}, {CHANNEL_MAIL_CLAIMED, 2, 2}, {CHANNEL_MAIL_ERASED, 0, 0},    \
    {                                                                                              \
        CHANNEL_MAIL_LETTER, 2, CHANNEL_MAIL_MAX                                                   \
    }

const struct channel_rule message_rules_of_keeper[10] = {
    {CHANNEL_STATIC_KEYS, 2 + KEY_FILE_NGINX_SHORT, MESSAGE_STATIC_KEYS_MAX},
    {CHANNEL_DOMAINS, 2, CHANNEL_BODY_MAX},
    {CHANNEL_DRAIN, MESSAGE_DRAIN_LEN, MESSAGE_DRAIN_LEN},
    {CHANNEL_PING, 0, 0},
    MAIL_IN,
};

const struct channel_rule message_rules_of_worker[3] = {
    {CHANNEL_ACCEPT, 0, 0},
    {CHANNEL_DRAIN, MESSAGE_DRAIN_LEN, MESSAGE_DRAIN_LEN},
    {CHANNEL_PING, 0, 0},
};

const struct channel_rule message_rules_of_courier[7] = {
    {CHANNEL_ACCEPT, 0, 0},
    {CHANNEL_DRAIN, MESSAGE_DRAIN_LEN, MESSAGE_DRAIN_LEN},
    {CHANNEL_PING, 0, 0},
    MAIL_OUT,
};

const struct channel_rule message_rules_for_keeper[10] = {
    {CHANNEL_READY, 0, 0},
    {CHANNEL_EPOCH, MESSAGE_EPOCH_LEN, MESSAGE_EPOCH_LEN},
    {CHANNEL_KEYS_TAKEN, 1, 1 + MESSAGE_SENTENCE_MAX},
    {CHANNEL_DOMAINS_TAKEN, 1, 1 + MESSAGE_SENTENCE_MAX},
    {CHANNEL_PONG, 0, 0},
    {CHANNEL_SETTLED, 0, 0},
    MAIL_OUT,
};

const struct channel_rule message_rules_for_worker[2] = {
    {CHANNEL_READY, 0, 0},
    {CHANNEL_PONG, 0, 0},
};

const struct channel_rule message_rules_for_courier[8] = {
    {CHANNEL_READY, 0, 0},
    {CHANNEL_PONG, 0, 0},
    MAIL_IN,
};

const struct channel_rule message_rules_of_feeder[6] = {
    {CHANNEL_ACCEPT, 0, 0},
    {CHANNEL_DRAIN, MESSAGE_DRAIN_LEN, MESSAGE_DRAIN_LEN},
    {CHANNEL_PING, 0, 0},
    {CHANNEL_EPOCH, MESSAGE_EPOCH_LEN, MESSAGE_EPOCH_LEN},
    {CHANNEL_FEED_RAN, MESSAGE_FEED_RAN_LEAST, MESSAGE_FEED_RAN_MAX},
    {CHANNEL_FEED_CLEAR, MESSAGE_FEED_CLEAR_LEN, MESSAGE_FEED_CLEAR_LEN},
};

const struct channel_rule message_rules_for_feeder[4] = {
    {CHANNEL_READY, 0, 0},
    {CHANNEL_PONG, 0, 0},
    {CHANNEL_SETTLED, 0, 0},
    {CHANNEL_FEED_RUN, MESSAGE_FEED_RUN_LEN, MESSAGE_FEED_RUN_LEN},
};

void message_epoch_encode(const struct message_epoch *m, uint8_t out[static MESSAGE_EPOCH_LEN])
{
    struct writer w = writer_of(out, MESSAGE_EPOCH_LEN);

    writer_u64(&w, m->generation);
    writer_u64(&w, m->epoch);
}

bool message_epoch_decode(const uint8_t *p, size_t n, struct message_epoch *out)
{
    struct reader r = reader_of(p, n);

    out->generation = reader_u64(&r);
    out->epoch = reader_u64(&r);
    return reader_done(&r);
}

size_t message_static_keys_encode(const struct stek *keys, size_t n,
                                  uint8_t out[static MESSAGE_STATIC_KEYS_MAX])
{
    struct writer w = writer_of(out, MESSAGE_STATIC_KEYS_MAX);
    uint8_t key[KEY_FILE_NGINX_LONG];

    writer_u8(&w, (uint8_t)n);
    for (size_t i = 0; i < n; i++) {
        const size_t len = key_file_nginx_encode(&keys[i], key);

        writer_u8(&w, (uint8_t)len);
        writer_bytes(&w, key, len);
    }
    memory_wipe(key, sizeof key);
    return writer_len(&w);
}

bool message_static_keys_decode(const uint8_t *p, size_t n,
                                struct stek keys[static MESSAGE_KEYS_MAX], size_t *n_keys)
{
    struct reader r = reader_of(p, n);
    bool good;

    *n_keys = reader_u8(&r);
    good = *n_keys >= 1 && *n_keys <= MESSAGE_KEYS_MAX;
    for (size_t i = 0; good && i < *n_keys; i++) {
        const size_t len = reader_u8(&r);
        const uint8_t *key = reader_bytes(&r, len);

        good = key != NULL && key_file_nginx_decode(key, len, &keys[i]);
    }
    if (!good || !reader_done(&r)) {
        memory_wipe(keys, MESSAGE_KEYS_MAX * sizeof *keys);
        *n_keys = 0;
        return false;
    }
    return true;
}

size_t message_taken_encode(const char *why_not, uint8_t out[static CHANNEL_BODY_MAX])
{
    struct writer w = writer_of(out, CHANNEL_BODY_MAX);
    const size_t n = why_not != NULL ? strnlen(why_not, MESSAGE_SENTENCE_MAX) : 0;

    writer_u8(&w, why_not == NULL);
    writer_bytes(&w, n != 0 ? why_not : "?", why_not == NULL ? 0 : n != 0 ? n : 1);
    return writer_len(&w);
}

bool message_taken_decode(const uint8_t *p, size_t n, struct message_taken *out)
{
    struct reader r = reader_of(p, n);
    const uint8_t taken = reader_u8(&r);
    const size_t len = reader_left(&r);
    const uint8_t *why_not = reader_bytes(&r, len);

    memset(out, 0, sizeof *out);
    if (!reader_done(&r) || taken > 1 || len > MESSAGE_SENTENCE_MAX || (taken == 1) != (len == 0)) {
        return false;
    }
    out->taken = taken == 1;
    if (len == 0) {
        return true;
    }
    memcpy(out->why_not, why_not, len);
    return memchr(out->why_not, '\0', len) == NULL;
}

void message_drain_encode(int64_t bound_ms, uint8_t out[static MESSAGE_DRAIN_LEN])
{
    struct writer w = writer_of(out, MESSAGE_DRAIN_LEN);

    writer_u64(&w, (uint64_t)bound_ms);
}

bool message_drain_decode(const uint8_t *p, size_t n, int64_t *bound_ms)
{
    struct reader r = reader_of(p, n);
    const uint64_t value = reader_u64(&r);

    *bound_ms = 0;
    if (!reader_done(&r) || value > INT64_MAX) {
        return false;
    }
    *bound_ms = (int64_t)value;
    return true;
}

size_t message_domains_encode(const char *const *names, size_t n, size_t *n_taken,
                              uint8_t out[static CHANNEL_BODY_MAX])
{
    struct writer w = writer_of(out, CHANNEL_BODY_MAX);

    for (*n_taken = 0; *n_taken < n; (*n_taken)++) {
        const size_t len = strlen(names[*n_taken]);

        if (writer_len(&w) + 1 + len > CHANNEL_BODY_MAX) {
            break;
        }
        writer_u8(&w, (uint8_t)len);
        writer_bytes(&w, names[*n_taken], len);
    }
    return writer_len(&w);
}

bool message_domains_next(const uint8_t *p, size_t n, size_t *at,
                          char name[static MESSAGE_DOMAIN_MAX + 1])
{
    struct reader r = reader_of(p, n);
    const uint8_t *bytes;
    size_t len;

    (void)reader_bytes(&r, *at);
    len = reader_u8(&r);
    bytes = reader_bytes(&r, len);
    if (bytes == NULL || len == 0 || memchr(bytes, '\0', len) != NULL) {
        return false;
    }
    memcpy(name, bytes, len);
    name[len] = '\0';
    *at += 1 + len;
    return true;
}

bool message_domains_check(const uint8_t *p, size_t n)
{
    char name[MESSAGE_DOMAIN_MAX + 1];
    size_t at = 0;

    while (at < n && message_domains_next(p, n, &at, name)) {
    }
    return n != 0 && at == n;
}
