/* Between the parent and the feeder. */
#include <string.h>

#include "config.h"
#include "message.h"
#include "reader.h"
#include "writer.h"

_Static_assert(CONFIG_FEEDS_MAX == 16, "a bit of CLEAR for each");

void message_feed_run_encode(const struct message_feed_run *m,
                             uint8_t out[static MESSAGE_FEED_RUN_LEN])
{
    struct writer w = writer_of(out, MESSAGE_FEED_RUN_LEN);

    writer_u8(&w, (uint8_t)m->feed);
    writer_u8(&w, (uint8_t)m->what);
    writer_bytes(&w, m->key, sizeof m->key);
}

bool message_feed_run_decode(const uint8_t *p, size_t n, struct message_feed_run *out)
{
    static const uint8_t none[sizeof out->key];
    struct reader r = reader_of(p, n);
    const unsigned feed = reader_u8(&r);
    const unsigned what = reader_u8(&r);
    const uint8_t *key = reader_bytes(&r, sizeof out->key);

    memset(out, 0, sizeof *out);
    if (!reader_done(&r) || feed >= CONFIG_FEEDS_MAX || what >= MESSAGE_FEED_COMMANDS ||
        (what != MESSAGE_FEED_VERIFY && memcmp(key, none, sizeof none) != 0)) {
        return false;
    }
    out->feed = feed;
    out->what = (enum message_feed_command)what;
    memcpy(out->key, key, sizeof out->key);
    return true;
}

size_t message_feed_ran_encode(const struct message_feed_ran *m,
                               uint8_t out[static MESSAGE_FEED_RAN_MAX])
{
    struct writer w = writer_of(out, MESSAGE_FEED_RAN_MAX);

    writer_u8(&w, (uint8_t)m->feed);
    writer_u8(&w, (uint8_t)m->what);
    writer_u8(&w, (uint8_t)m->how);
    writer_u32(&w, m->value);
    writer_bytes(&w, m->words, strnlen(m->words, MESSAGE_FEED_WORDS_MAX));
    return writer_len(&w);
}

static bool is_end(unsigned what, unsigned how, uint32_t value)
{
    return what == MESSAGE_FEED_WRITE
               ? (how == MESSAGE_FEED_EXITED && value <= MESSAGE_FEED_SEEN) ||
                     (how == MESSAGE_FEED_NOT_WRITTEN && value == 0)
               : how <= MESSAGE_FEED_NOT_STARTED;
}

bool message_feed_ran_decode(const uint8_t *p, size_t n, struct message_feed_ran *out)
{
    struct reader r = reader_of(p, n);
    const unsigned feed = reader_u8(&r);
    const unsigned what = reader_u8(&r);
    const unsigned how = reader_u8(&r);
    const uint32_t value = reader_u32(&r);
    const size_t len = reader_left(&r);
    const uint8_t *words = reader_bytes(&r, len);

    memset(out, 0, sizeof *out);
    if (!reader_done(&r) || feed >= CONFIG_FEEDS_MAX || what >= MESSAGE_FEED_COMMANDS ||
        !is_end(what, how, value) || len > MESSAGE_FEED_WORDS_MAX ||
        (len != 0 && memchr(words, '\0', len) != NULL)) {
        return false;
    }
    out->feed = feed;
    out->what = (enum message_feed_command)what;
    out->how = (enum message_feed_end)how;
    out->value = value;
    if (len != 0) {
        memcpy(out->words, words, len);
    }
    return true;
}

void message_feed_clear_encode(uint16_t feeds, uint8_t out[static MESSAGE_FEED_CLEAR_LEN])
{
    struct writer w = writer_of(out, MESSAGE_FEED_CLEAR_LEN);

    writer_u16(&w, feeds);
}

bool message_feed_clear_decode(const uint8_t *p, size_t n, uint16_t *feeds)
{
    struct reader r = reader_of(p, n);

    *feeds = reader_u16(&r);
    return reader_done(&r);
}
