#include "ticket_layout.h"

#include <string.h>

#include "reader.h"

#define SHARED_MAX 64
#define NAME_LONG 16
#define NAME_SHORT 4
#define BLOCK 16
#define IV_REPEATS 28 /* a long name and the shorter of IVs */

/* Where a fixed layout has what. The ciphertext is all between head and tag. */
struct shape {
    size_t name_at, name_len;
    size_t iv_at, iv_len;
    size_t head_len; /* all before the ciphertext */
    size_t tag_len;
    size_t aad_len; /* AEAD: bytes of the head that the tag covers; 0 with a MAC: it covers all */
    bool mac;
    bool has_len; /* the last two bytes of the head are the ciphertext's length */
    bool blocks;  /* the ciphertext is whole blocks */
};

static const struct shape shapes[TICKET_LAYOUTS] = {
    [TICKET_LAYOUT_BOTAN] = {8, 4, 28, 12, 40, 16, 0, false, false, false},
    [TICKET_LAYOUT_NSS] = {0, 16, 16, 16, 34, 32, 0, true, true, true},
    [TICKET_LAYOUT_GNUTLS] = {0, 16, 16, 16, 34, 20, 0, true, true, true},
    [TICKET_LAYOUT_MBEDTLS] = {0, 4, 4, 12, 18, 16, 18, false, true, false},
    [TICKET_LAYOUT_OPENSSL] = {0, 16, 16, 16, 32, 32, 0, true, false, true},
    [TICKET_LAYOUT_S2N] = {1, 16, 49, 12, 61, 16, 0, false, false, false},
    [TICKET_LAYOUT_GO] = {0, 16, 16, 16, 32, 32, 0, true, false, false},
    [TICKET_LAYOUT_S2N_OLD] = {0, 16, 16, 12, 28, 16, 0, false, false, false},
    [TICKET_LAYOUT_RUSTLS] = {0, 16, 16, 12, 28, 16, 16, false, false, false},
    [TICKET_LAYOUT_JSSE] = {0, 4, 4, 16, 20, 16, 4, false, false, false},
    [TICKET_LAYOUT_GO_NEW] = {0, 0, 0, 16, 16, 32, 0, true, false, false},
};

/* A session with its secret of 32 bytes or more is inside: no ticket holds less. */
#define CIPHERTEXT_MIN 32

static const uint8_t botan_magic[8] = {0x06, 0x8b, 0x5a, 0x9d, 0x39, 0x6c, 0x00, 0x00};

/* dwVersion 1 and the provider of DPAPI, df9d8cd0-1501-11d1-8c7a-00c04fc297eb. */
static const uint8_t dpapi[20] = {0x01, 0x00, 0x00, 0x00, 0xd0, 0x8c, 0x9d, 0xdf, 0x01, 0x15,
                                  0xd1, 0x11, 0x8c, 0x7a, 0x00, 0xc0, 0x4f, 0xc2, 0x97, 0xeb};
#define DPAPI_KEY_AT 24 /* after the provider: version of the master key 4, its GUID 16 */
#define DPAPI_HEAD 40

static struct ticket_bytes part(struct ticket_bytes t, size_t at, size_t n)
{
    return (struct ticket_bytes){n != 0 ? t.p + at : NULL, n};
}

static bool begins(struct ticket_bytes t, const uint8_t *p, size_t n)
{
    return t.n >= n && memcmp(t.p, p, n) == 0;
}

/* The outermost DER element is a SEQUENCE that is all of the ticket and begins with INTEGER 1. */
static bool is_der(struct ticket_bytes t)
{
    struct reader r = reader_of(t.p, t.n);
    size_t len;

    if (reader_u8(&r) != 0x30) {
        return false;
    }
    len = reader_u8(&r);
    if (len == 0x81) {
        len = reader_u8(&r);
    } else if (len == 0x82) {
        len = reader_u16(&r);
    } else if (len >= 0x80) {
        return false;
    }
    return len == reader_left(&r) && reader_u24(&r) == 0x020101 && !r.failed;
}

static bool split_shape(enum ticket_layout layout, struct ticket_bytes t, struct ticket_view *out)
{
    const struct shape *s = &shapes[layout];
    size_t body;

    if (t.n < s->head_len + s->tag_len + CIPHERTEXT_MIN) {
        return false;
    }
    body = t.n - s->head_len - s->tag_len;
    if (s->has_len && (t.p[s->head_len - 2] << 8 | t.p[s->head_len - 1]) != (int)body) {
        return false;
    }
    if (s->blocks && body % BLOCK != 0) {
        return false;
    }
    out->name = part(t, s->name_at, s->name_len);
    out->iv = part(t, s->iv_at, s->iv_len);
    out->ciphertext = part(t, s->head_len, body);
    out->tag = part(t, s->head_len + body, s->tag_len);
    out->authenticated = part(t, 0, s->mac ? s->head_len + body : s->aad_len);
    out->fit = s->has_len || layout == TICKET_LAYOUT_BOTAN ? TICKET_FIT_CERTAIN
               : s->blocks                                 ? TICKET_FIT_LIKELY
                                                           : TICKET_FIT_POSSIBLE;
    return true;
}

static bool split_dpapi(struct ticket_bytes t, struct ticket_view *out)
{
    if (!begins(t, dpapi, sizeof dpapi) || t.n < DPAPI_HEAD + CIPHERTEXT_MIN) {
        return false;
    }
    out->name = part(t, DPAPI_KEY_AT, NAME_LONG);
    out->ciphertext = part(t, DPAPI_HEAD, t.n - DPAPI_HEAD);
    out->fit = TICKET_FIT_CERTAIN;
    return true;
}

static bool split(enum ticket_layout layout, struct ticket_bytes t, struct ticket_view *out)
{
    switch (layout) {
    case TICKET_LAYOUT_SCHANNEL:
        return split_dpapi(t, out);
    case TICKET_LAYOUT_PLAIN:
        out->ciphertext = t;
        out->fit = TICKET_FIT_CERTAIN;
        return is_der(t);
    case TICKET_LAYOUT_STATEFUL:
        out->name = t;
        out->fit = TICKET_FIT_CERTAIN;
        return t.n == 32;
    case TICKET_LAYOUT_BOTAN:
        return begins(t, botan_magic, sizeof botan_magic) && split_shape(layout, t, out);
    case TICKET_LAYOUT_NSS:
    case TICKET_LAYOUT_GNUTLS:
    case TICKET_LAYOUT_MBEDTLS:
    case TICKET_LAYOUT_OPENSSL:
    case TICKET_LAYOUT_S2N:
    case TICKET_LAYOUT_GO:
    case TICKET_LAYOUT_S2N_OLD:
    case TICKET_LAYOUT_RUSTLS:
    case TICKET_LAYOUT_JSSE:
    case TICKET_LAYOUT_GO_NEW:
        return split_shape(layout, t, out);
    case TICKET_LAYOUTS:
        break;
    }
    return false;
}

bool ticket_layout_split(enum ticket_layout layout, struct ticket_bytes ticket,
                         struct ticket_view *out)
{
    *out = (struct ticket_view){.layout = layout};
    if (!split(layout, ticket, out)) {
        *out = (struct ticket_view){.layout = layout};
        return false;
    }
    return true;
}

/* Equal fits stay in the order of the table. */
static void insert(struct ticket_candidate *list, size_t n, struct ticket_candidate c)
{
    size_t at = n;

    while (at > 0 && list[at - 1].fit < c.fit) {
        list[at] = list[at - 1];
        at--;
    }
    list[at] = c;
}

/* A magic number, or a length that comes out, leaves nothing else to think of. */
static size_t drop_doubtful(struct ticket_candidate *list, size_t n)
{
    size_t kept = n;

    if (n != 0 && list[0].fit == TICKET_FIT_CERTAIN) {
        kept = 1;
        while (kept < n && list[kept].fit == TICKET_FIT_CERTAIN) {
            kept++;
        }
    }
    return kept;
}

size_t ticket_layout_guess(struct ticket_bytes ticket, struct ticket_view out[TICKET_LAYOUTS])
{
    struct ticket_judgement j;

    ticket_layout_judge(&ticket, 1, &j);
    for (size_t i = 0; i < j.n_candidates; i++) {
        (void)ticket_layout_split(j.candidates[i].layout, ticket, &out[i]);
    }
    return j.n_candidates;
}

static size_t common(struct ticket_bytes a, struct ticket_bytes b)
{
    const size_t least = a.n < b.n ? a.n : b.n;
    const size_t max = least < SHARED_MAX ? least : SHARED_MAX;
    size_t n = 0;

    while (n < max && a.p[n] == b.p[n]) {
        n++;
    }
    return n;
}

static bool equal(struct ticket_bytes a, struct ticket_bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* How many first bytes two different tickets share: all pairs that share a name at all. */
struct agreement {
    size_t n_long; /* pairs that share a long name */
    size_t least_long;
    size_t n_short; /* pairs that share a short one and not a long one */
    size_t least_short;
};

static void note(size_t shared, size_t *n, size_t *least)
{
    *least = *n == 0 || shared < *least ? shared : *least;
    *n += 1;
}

static void compare(const struct ticket_bytes *tickets, size_t n, struct agreement *out,
                    size_t *n_repeated)
{
    for (size_t i = 1; i < n; i++) {
        bool repeated = false;

        for (size_t j = 0; j < i; j++) {
            const size_t shared = common(tickets[i], tickets[j]);

            if (equal(tickets[i], tickets[j])) {
                repeated = true;
            } else if (shared >= NAME_LONG) {
                note(shared, &out->n_long, &out->least_long);
            } else if (shared >= NAME_SHORT) {
                note(shared, &out->n_short, &out->least_short);
            }
        }
        *n_repeated += repeated;
    }
}

/*
 * What follows a name is random, so two tickets under one key cease to be equal where it ends, or a
 * byte later once in 256 pairs. An IV that repeats is no longer name.
 */
static enum ticket_fit refine(enum ticket_layout layout, enum ticket_fit fit,
                              const struct agreement *a)
{
    const struct shape *s = &shapes[layout];
    const size_t fixed = s->name_at + s->name_len;
    const bool longer = a->n_long > 1 && a->least_long > NAME_LONG && a->least_long < IV_REPEATS;

    if (s->head_len == 0 || fit == TICKET_FIT_NONE || fit == TICKET_FIT_CERTAIN) {
        return fit;
    }
    if (a->n_long != 0) {
        if (fixed < NAME_LONG || a->least_long < fixed) {
            return TICKET_FIT_NONE;
        }
        return !longer                       ? fit
               : layout == TICKET_LAYOUT_S2N ? TICKET_FIT_LIKELY
                                             : TICKET_FIT_POSSIBLE;
    }
    if (a->n_short != 0) {
        return fixed == NAME_SHORT ? TICKET_FIT_LIKELY : TICKET_FIT_NONE;
    }
    return fit;
}

/* The worst of all; NONE if one does not fit. */
static enum ticket_fit fit_all(enum ticket_layout layout, const struct ticket_bytes *tickets,
                               size_t n)
{
    enum ticket_fit least = TICKET_FIT_CERTAIN;
    struct ticket_view view;

    for (size_t i = 0; i < n && least != TICKET_FIT_NONE; i++) {
        (void)ticket_layout_split(layout, tickets[i], &view);
        least = view.fit < least ? view.fit : least;
    }
    return least;
}

void ticket_layout_judge(const struct ticket_bytes *tickets, size_t n, struct ticket_judgement *out)
{
    const size_t compared = n < TICKET_JUDGED_MAX ? n : TICKET_JUDGED_MAX;
    struct agreement agreement = {0};

    *out = (struct ticket_judgement){0};
    if (n == 0) {
        return;
    }
    compare(tickets, compared, &agreement, &out->n_repeated);
    out->shared_prefix = agreement.n_long != 0 ? agreement.least_long : agreement.least_short;
    for (unsigned i = 0; i < TICKET_LAYOUTS; i++) {
        struct ticket_candidate c = {(enum ticket_layout)i, TICKET_FIT_NONE};

        c.fit = refine(c.layout, fit_all(c.layout, tickets, n), &agreement);
        if (c.fit != TICKET_FIT_NONE) {
            insert(out->candidates, out->n_candidates++, c);
        }
    }
    out->n_candidates = drop_doubtful(out->candidates, out->n_candidates);
}

static const struct {
    const char *word, *stacks, *shape;
} texts[TICKET_LAYOUTS] = {
#define TICKET_LAYOUT_TEXT(name, word, stacks, shape) {word, stacks, shape},
    TICKET_LAYOUT_MAP(TICKET_LAYOUT_TEXT)
#undef TICKET_LAYOUT_TEXT
};

const char *ticket_layout_word(enum ticket_layout layout)
{
    return texts[layout].word;
}

const char *ticket_layout_stacks(enum ticket_layout layout)
{
    return texts[layout].stacks;
}

const char *ticket_layout_shape(enum ticket_layout layout)
{
    return texts[layout].shape;
}

const char *ticket_fit_word(enum ticket_fit fit)
{
    static const char *const words[] = {"none", "possible", "likely", "certain"};

    return words[fit];
}

const char *ticket_layout_ambiguity(enum ticket_layout layout)
{
    switch (layout) {
    case TICKET_LAYOUT_OPENSSL:
        return "AES-128 and AES-256 look alike; so does one ticket in 16 of Go's";
    case TICKET_LAYOUT_NSS:
        return "NSS begins its key names with \"NSS!\"; without it this is wolfSSL or another";
    case TICKET_LAYOUT_GO:
        return "a ciphertext of whole blocks looks like OpenSSL's";
    case TICKET_LAYOUT_S2N_OLD:
    case TICKET_LAYOUT_RUSTLS:
        return "the older s2n-tls and rustls look alike";
    case TICKET_LAYOUT_S2N:
    case TICKET_LAYOUT_JSSE:
        return "any ticket that is long enough could be one; several under one key tell more";
    case TICKET_LAYOUT_GO_NEW:
        return "without a key name any ticket that is long enough could be one";
    case TICKET_LAYOUT_PLAIN:
        return "it may as well be a session file instead of a ticket";
    case TICKET_LAYOUT_SCHANNEL:
    case TICKET_LAYOUT_BOTAN:
    case TICKET_LAYOUT_GNUTLS:
    case TICKET_LAYOUT_MBEDTLS:
    case TICKET_LAYOUT_STATEFUL:
    case TICKET_LAYOUTS:
        break;
    }
    return NULL;
}
