#include "key_words.h"

#include <string.h>
#include <time.h>

#include "text.h"

const char *key_words_name(const struct stek *k, char out[static KEY_WORDS_NAME_SIZE])
{
    struct text t = text_of(out, KEY_WORDS_NAME_SIZE);

    text_add_hex(&t, k->name, sizeof k->name);
    return out;
}

const char *key_words_time(int64_t unix_s, char out[static KEY_WORDS_TIME_SIZE])
{
    const time_t at = (time_t)unix_s;
    struct tm tm;

    if (gmtime_r(&at, &tm) == NULL ||
        strftime(out, KEY_WORDS_TIME_SIZE, "%Y-%m-%d %H:%M:%SZ", &tm) == 0) {
        struct text t = text_of(out, KEY_WORDS_TIME_SIZE);

        text_add(&t, "far away");
    }
    return out;
}

const char *key_words_plain(const char *s, char out[static KEY_WORDS_PLAIN_SIZE])
{
    size_t n = 0;

    while (s[n] != '\0' && n < KEY_WORDS_PLAIN_SIZE - 1) {
        const unsigned char c = (unsigned char)s[n];

        out[n++] = c < ' ' || c == 0x7f ? '?' : (char)c;
    }
    out[n] = '\0';
    return out;
}

const char *key_words_role(enum key_role role)
{
    return role == KEY_SEALS ? "seals" : role == KEY_NEXT ? "next" : "opens";
}

unsigned key_words_hmac_len(enum key_format format, const struct format_key *k)
{
    if (format == KEY_FORMAT_DNSDIST_GNUTLS) {
        return 16;
    }
    return format_key_is_stek(k) ? k->stek.key_len : KEY_H2O_HMAC_LEN;
}

unsigned key_words_hmac(enum key_format format, const struct format_key *k,
                        uint8_t out[static KEY_H2O_HMAC_LEN])
{
    const size_t len = k->stek.key_len;

    memcpy(out, k->stek.hmac, len);
    memcpy(out + len, k->hmac_rest, KEY_H2O_HMAC_LEN - len);
    return key_words_hmac_len(format, k);
}
