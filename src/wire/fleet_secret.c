#include "fleet_secret.h"

#include <stdbool.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "reader.h"
#include "text.h"
#include "writer.h"

#define CHECKSUM_LEN 4
#define PREFIX_LEN (sizeof FLEET_SECRET_PREFIX - 1)
#define FAMILY_LEN (PREFIX_LEN - 2) /* without version and colon */
#define AT_ONCE_LEN (sizeof FLEET_SECRET_AT_ONCE - 1)
#define PADDING_BITS 2
#define NO_DIGIT 32
#define REMEDY "make one with: reprise key fleet-secret"

_Static_assert(FLEET_SECRET_DIGITS * 5 == (FLEET_SECRET_LEN + CHECKSUM_LEN) * 8 + PADDING_BITS,
               "digits");

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* A line without the blanks around it; borrowed. */
struct line {
    const char *s;
    size_t n;
    unsigned number; /* from 1 */
    size_t indent;   /* blanks before it */
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* NO_DIGIT: it is none. */
static unsigned digit_value(char c)
{
    const char l = lower(c);
    const char meant = l == 'i' || l == 'l' ? '1' : l == 'o' ? '0' : l;

    for (unsigned i = 0; i < NO_DIGIT; i++) {
        if (alphabet[i] == meant) {
            return i;
        }
    }
    return NO_DIGIT;
}

static uint32_t crc32_add(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
        }
    }
    return crc;
}

static uint32_t checksum(const uint8_t secret[static FLEET_SECRET_LEN])
{
    const uint32_t crc = crc32_add(UINT32_MAX, FLEET_SECRET_PREFIX, PREFIX_LEN);

    return ~crc32_add(crc, secret, FLEET_SECRET_LEN);
}

void fleet_secret_encode(const uint8_t secret[static FLEET_SECRET_LEN],
                         char out[static FLEET_SECRET_TEXT_SIZE])
{
    uint8_t bytes[FLEET_SECRET_LEN + CHECKSUM_LEN];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct text t = text_of(out, FLEET_SECRET_TEXT_SIZE);
    unsigned bits = 0;
    unsigned n_bits = 0;

    writer_bytes(&w, secret, FLEET_SECRET_LEN);
    writer_u32(&w, checksum(secret));
    text_add(&t, FLEET_SECRET_PREFIX);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bits = (bits << 8 | bytes[i]) & 0xffff;
        for (n_bits += 8; n_bits >= 5; n_bits -= 5) {
            text_add_char(&t, alphabet[bits >> (n_bits - 5) & 31]);
        }
    }
    text_add_char(&t, alphabet[bits << PADDING_BITS & 31]);
    memory_wipe(bytes, sizeof bytes);
}

/* Of FLEET_SECRET_DIGITS characters, all of them digits. False: the checksum differs, or bits that
 * mean nothing are set. */
static bool decode_digits(const char *s, uint8_t secret[static FLEET_SECRET_LEN])
{
    uint8_t bytes[FLEET_SECRET_LEN + CHECKSUM_LEN];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct reader r = reader_of(bytes, sizeof bytes);
    unsigned bits = 0;
    unsigned n_bits = 0;
    bool good;

    for (size_t i = 0; i < FLEET_SECRET_DIGITS; i++) {
        bits = (bits << 5 | digit_value(s[i])) & 0xffff;
        n_bits += 5;
        if (n_bits >= 8) {
            n_bits -= 8;
            writer_u8(&w, (uint8_t)(bits >> n_bits));
        }
    }
    reader_copy(&r, secret, FLEET_SECRET_LEN);
    good = reader_u32(&r) == checksum(secret) && (bits & ((1u << PADDING_BITS) - 1)) == 0;
    memory_wipe(bytes, sizeof bytes);
    return good;
}

/* Why the bytes are not random; NULL: nothing shows. */
static const char *find_weakness(const uint8_t secret[static FLEET_SECRET_LEN])
{
    bool counts = true;

    for (size_t i = 2; i < FLEET_SECRET_LEN && counts; i++) {
        counts = (uint8_t)(secret[i] - secret[i - 1]) == (uint8_t)(secret[1] - secret[0]);
    }
    if (counts) {
        return secret[0] == secret[1] ? "all its bytes are equal" : "its bytes count";
    }
    for (size_t period = 2; period <= FLEET_SECRET_LEN / 2; period *= 2) {
        if (memcmp(secret, secret + period, FLEET_SECRET_LEN - period) == 0) {
            return "it repeats a pattern";
        }
    }
    return NULL;
}

static bool begins_with(const struct line *line, const char *lower_case, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i >= line->n || lower(line->s[i]) != lower_case[i]) {
            return false;
        }
    }
    return true;
}

/* The line begins as a secret does, and is judged up to its checksum. */
static enum rp_status decode_line(const char *name, const struct line *line,
                                  uint8_t secret[static FLEET_SECRET_LEN], struct rp_error *err)
{
    const char *digits = &line->s[PREFIX_LEN];
    const size_t n = line->n - PREFIX_LEN;
    const char *weakness;

    for (size_t i = 0; i < n; i++) {
        if (digit_value(digits[i]) == NO_DIGIT) {
            error_set(err, "%s:%u:%zu: no fleet secret has the character in this column", name,
                      line->number, line->indent + PREFIX_LEN + i + 1);
            return RP_FORMAT;
        }
    }
    if (n != FLEET_SECRET_DIGITS) {
        error_set(err, "%s:%u: %zu characters after the colon, where a fleet secret has %d: %s",
                  name, line->number, n, FLEET_SECRET_DIGITS,
                  n < FLEET_SECRET_DIGITS ? "something is missing" : "something is too much");
        return RP_FORMAT;
    }
    if (!decode_digits(digits, secret)) {
        error_set(err,
                  "%s:%u: the checksum differs: one or more characters of this fleet secret are "
                  "not those of the original",
                  name, line->number);
        return RP_FORMAT;
    }
    weakness = find_weakness(secret);
    if (weakness != NULL) {
        error_set(err, "%s:%u: the fleet secret is not random: %s; " REMEDY, name, line->number,
                  weakness);
        return RP_WEAK_KEY;
    }
    return RP_OK;
}

static enum rp_status take_line(const char *name, const struct line *line,
                                struct fleet_secrets *out, struct rp_error *err)
{
    enum rp_status status;

    if (line->n == AT_ONCE_LEN && begins_with(line, FLEET_SECRET_AT_ONCE, AT_ONCE_LEN)) {
        out->at_once = true;
        return RP_OK;
    }
    if (!begins_with(line, FLEET_SECRET_PREFIX, PREFIX_LEN)) {
        if (begins_with(line, FLEET_SECRET_PREFIX, FAMILY_LEN)) {
            error_set(err,
                      "%s:%u: a fleet secret begins with " FLEET_SECRET_PREFIX
                      ", and other versions are not known here",
                      name, line->number);
        } else {
            error_set(err,
                      "%s:%u: not a fleet secret, which begins with " FLEET_SECRET_PREFIX
                      ", and no comment, which begins with #",
                      name, line->number);
        }
        return RP_FORMAT;
    }
    if (out->n == FLEET_SECRETS_MAX) {
        error_set(err, "%s:%u: a third fleet secret: a file has one, or two while it is changed",
                  name, line->number);
        return RP_FULL;
    }
    status = decode_line(name, line, out->secret[out->n], err);
    if (status == RP_OK && out->n == 1 &&
        memcmp(out->secret[0], out->secret[1], FLEET_SECRET_LEN) == 0) {
        error_set(err, "%s:%u: the same fleet secret as the one before", name, line->number);
        return RP_FORMAT;
    }
    out->n += status == RP_OK ? 1 : 0;
    return status;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next line of what is left. */
static struct line next_line(struct reader *r, unsigned number)
{
    const size_t left = reader_left(r);
    const char *s = (const char *)r->at;
    const char *end = memchr(s, '\n', left);
    size_t n = end != NULL ? (size_t)(end - s) : left;
    size_t indent = 0;

    (void)reader_bytes(r, end != NULL ? n + 1 : n);
    while (n > 0 && is_blank(s[n - 1])) {
        n--;
    }
    while (indent < n && is_blank(s[indent])) {
        indent++;
    }
    return (struct line){&s[indent], n - indent, number, indent};
}

enum rp_status fleet_secrets_decode(const char *name, const uint8_t *p, size_t n,
                                    struct fleet_secrets *out, struct rp_error *err)
{
    struct reader r = reader_of(p, n);
    enum rp_status status = RP_OK;

    *out = (struct fleet_secrets){0};
    if (n > FLEET_SECRET_FILE_MAX) {
        error_set(err, "%s: more than %d bytes: not a file with a fleet secret", name,
                  FLEET_SECRET_FILE_MAX);
        return RP_FULL;
    }
    for (unsigned number = 1; reader_left(&r) != 0 && status == RP_OK; number++) {
        const struct line line = next_line(&r, number);

        if (line.n != 0 && line.s[0] != '#') {
            status = take_line(name, &line, out, err);
        }
    }
    if (status == RP_OK && out->n == 0) {
        error_set(err, "%s: no fleet secret in it; " REMEDY, name);
        status = RP_FORMAT;
    }
    if (status != RP_OK) {
        fleet_secrets_fini(out);
    }
    return status;
}

void fleet_secrets_fini(struct fleet_secrets *secrets)
{
    memory_wipe(secrets, sizeof *secrets);
}
