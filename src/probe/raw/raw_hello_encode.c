#include "raw_hello_encode.h"

#include <string.h>

#include "client_hello.h"
#include "memory.h"
#include "tls_extension.h"

/* Extensions have 65,535 bytes at most; an edit may go a little over. */
#define MESSAGE_ROOM 80000

#define JUNK_BINDER_LEN 32

/* The PSKs of a hello, and their binders. */
struct offer {
    const struct raw_psk *psks;
    size_t n;
    struct raw_binder_bytes *binders; /* n, and the extra ones */
    size_t n_binders;
};

static bool has_version(const struct raw_hello *h, uint16_t version)
{
    for (size_t i = 0; i < h->n_versions; i++) {
        if (h->versions[i] == version) {
            return true;
        }
    }
    return false;
}

static void write_shares(struct writer *w, const struct raw_hello_parts *parts)
{
    struct client_hello_share shares[RAW_SHARES_MAX];
    size_t n = 0;

    for (; n < parts->n_shares && n < RAW_SHARES_MAX; n++) {
        shares[n] = (struct client_hello_share){parts->shares[n].group, parts->shares[n].public_key,
                                                parts->shares[n].public_len};
    }
    client_hello_ext_shares(w, shares, n);
}

/* What either version has. */
static void write_common(struct writer *w, const struct raw_hello *h,
                         const struct raw_hello_parts *parts)
{
    static const uint8_t uncompressed[] = {1, 0};

    if (h->n_names != 0) {
        client_hello_ext_names(w, h->names, h->n_names);
    }
    if (h->extended_master_secret) {
        client_hello_ext(w, TLS_EXT_EXTENDED_MASTER_SECRET, NULL, 0);
    }
    if (h->renegotiation_info || (parts->renegotiation && parts->verify_data.n != 0)) {
        client_hello_ext_renegotiation(w, parts->verify_data.p, parts->verify_data.n);
    }
    if (h->n_groups != 0) {
        client_hello_ext_u16s(w, TLS_EXT_SUPPORTED_GROUPS, h->groups, h->n_groups, 2);
        client_hello_ext(w, TLS_EXT_EC_POINT_FORMATS, uncompressed, sizeof uncompressed);
    }
    if (h->ticket_ext != RAW_TICKET_ABSENT) {
        const bool bytes = h->ticket_ext == RAW_TICKET_BYTES && !parts->renegotiation;

        client_hello_ext(w, TLS_EXT_SESSION_TICKET, h->ticket, bytes ? h->ticket_len : 0);
    }
    if (h->n_alpn != 0) {
        client_hello_ext_alpn(w, h->alpn, h->n_alpn);
    }
    if (h->n_signatures != 0) {
        client_hello_ext_u16s(w, TLS_EXT_SIGNATURE_ALGORITHMS, h->signatures, h->n_signatures, 2);
    }
}

static void write_tls13(struct writer *w, const struct raw_hello *h,
                        const struct raw_hello_parts *parts)
{
    if (h->n_versions != 0) {
        client_hello_ext_u16s(w, TLS_EXT_SUPPORTED_VERSIONS, h->versions, h->n_versions, 1);
    }
    if (parts->cookie.n != 0) {
        client_hello_ext_cookie(w, parts->cookie.p, parts->cookie.n);
    }
    if (h->n_psk_modes != 0) {
        client_hello_ext_psk_modes(w, h->psk_modes, h->n_psk_modes);
    }
    if (has_version(h, RAW_TLS13)) {
        write_shares(w, parts);
    }
    if (h->early_data && (!parts->retried || h->early_data_again)) {
        client_hello_ext(w, TLS_EXT_EARLY_DATA, NULL, 0);
    }
    if (h->ticket_request_ext) {
        uint8_t body[2];

        client_hello_ext(w, TICKET_REQUEST_TYPE, body,
                         ticket_request_encode(&h->ticket_request, body));
    }
}

static enum rp_status write_psks(struct writer *w, const struct offer *offer)
{
    struct client_hello_identity *const identities =
        memory_new(offer->n != 0 ? offer->n : 1, sizeof *identities);
    uint8_t *const lens = memory_new(offer->n_binders + 1, 1);
    enum rp_status status = RP_NO_MEMORY;
    size_t n_lens = 0;

    if (identities != NULL && lens != NULL) {
        for (size_t i = 0; i < offer->n; i++) {
            const struct raw_psk *const psk = &offer->psks[i];

            identities[i] = (struct client_hello_identity){psk->identity, psk->identity_len,
                                                           psk->obfuscated_age};
        }
        for (size_t i = 0; i < offer->n_binders; i++) {
            if (offer->binders[i].len != 0) {
                lens[n_lens++] = (uint8_t)offer->binders[i].len;
            }
        }
        client_hello_ext_psk(w, identities, offer->n, lens, n_lens);
        status = RP_OK;
    }
    memory_free(identities);
    memory_free(lens);
    return status;
}

/* The lengths are known before the bytes are. */
static enum rp_status offer_init(struct offer *offer, const struct raw_hello *h, bool renegotiation)
{
    offer->psks = h->psks != NULL ? h->psks : &h->psk;
    offer->n = h->psks != NULL ? h->n_psks : (h->psk.identity != NULL ? 1 : 0);
    if (renegotiation) {
        offer->n = 0;
    }
    offer->n_binders = offer->n != 0 ? offer->n + h->n_extra_binders : 0;
    offer->binders = NULL;
    if (offer->n > RAW_IDENTITIES_MAX || h->n_extra_binders > RAW_IDENTITIES_MAX) {
        return RP_INVALID;
    }
    if (offer->n_binders == 0) {
        return RP_OK;
    }
    offer->binders = memory_new(offer->n_binders, sizeof *offer->binders);
    if (offer->binders == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < offer->n_binders; i++) {
        offer->binders[i].len = i < offer->n ? raw_binder_len(&offer->psks[i]) : JUNK_BINDER_LEN;
    }
    return RP_OK;
}

/* The list with its length: the last bytes of the message. */
static size_t binders_len(const struct offer *offer)
{
    size_t n = 2;

    for (size_t i = 0; i < offer->n_binders; i++) {
        n += offer->binders[i].len != 0 ? offer->binders[i].len + 1 : 0;
    }
    return n;
}

static enum rp_status make_binders(struct offer *offer, const struct raw_hello *h,
                                   struct raw_hello_parts *parts, struct raw_bytes truncated)
{
    const struct raw_binder_input input = {truncated, parts->first_hello, parts->retry};
    const struct raw_binder_bytes *const before = (const void *)parts->binders->bytes;
    const size_t n_before = parts->retried ? parts->binders->len / sizeof *before : 0;
    enum rp_status status = RP_OK;

    for (size_t i = 0; status == RP_OK && i < offer->n_binders; i++) {
        struct raw_binder_bytes *const binder = &offer->binders[i];

        status = i < offer->n
                     ? raw_binder_make(&offer->psks[i], &input, i < n_before ? &before[i] : NULL,
                                       parts->random, binder)
                     : raw_random_bytes(parts->random, binder->bytes, binder->len);
    }
    if (status == RP_OK && !parts->retried &&
        !raw_buffer_add(parts->binders, offer->binders,
                        offer->n_binders * sizeof *offer->binders)) {
        status = RP_NO_MEMORY;
    }
    if (h->swap_binders && offer->n_binders >= 2) {
        const struct raw_binder_bytes first = offer->binders[0];

        offer->binders[0] = offer->binders[1];
        offer->binders[1] = first;
    }
    return status;
}

static enum rp_status bind(struct offer *offer, const struct raw_hello *h,
                           struct raw_hello_parts *parts, uint8_t *message, size_t len)
{
    const size_t n = binders_len(offer);
    struct writer w;
    enum rp_status status;

    if (len <= n) {
        return RP_INVALID;
    }
    status = make_binders(offer, h, parts, (struct raw_bytes){message, len - n});
    w = writer_of(message + len - n, n);
    writer_u16(&w, (uint16_t)(n - 2));
    for (size_t i = 0; i < offer->n_binders; i++) {
        if (offer->binders[i].len != 0) {
            writer_u8(&w, (uint8_t)offer->binders[i].len);
            writer_bytes(&w, offer->binders[i].bytes, offer->binders[i].len);
        }
    }
    return status == RP_OK && w.failed ? RP_INVALID : status;
}

static enum rp_status write_message(struct writer *w, const struct raw_hello *h,
                                    const struct raw_hello_parts *parts, const struct offer *offer)
{
    const struct client_hello start = {h->legacy_version, parts->client_random,
                                       parts->session_id, parts->session_id_len,
                                       h->suites,         h->n_suites};
    const struct client_hello_marks marks = client_hello_open(w, &start);
    enum rp_status status = RP_OK;

    write_common(w, h, parts);
    if (!parts->renegotiation) {
        write_tls13(w, h, parts);
    }
    if (h->padding != 0) {
        client_hello_ext_padding(w, h->padding);
    }
    for (size_t i = 0; i < h->n_extra; i++) {
        client_hello_ext(w, h->extra[i].type, h->extra[i].body, h->extra[i].len);
    }
    if (offer->n != 0) {
        status = write_psks(w, offer);
    }
    client_hello_close(w, &marks);
    return status == RP_OK && w->failed ? RP_INVALID : status;
}

static bool in_range(const struct raw_hello *h)
{
    return h->n_versions <= RAW_VERSIONS_MAX && h->n_suites <= RAW_SUITES_MAX &&
           h->n_names <= RAW_NAMES_MAX && h->n_groups <= RAW_GROUPS_MAX &&
           h->n_shares <= RAW_SHARES_MAX && h->n_signatures <= RAW_SIGNATURES_MAX &&
           h->n_alpn <= RAW_ALPN_MAX && h->n_psk_modes <= RAW_MODES_MAX &&
           h->n_extra <= RAW_EXTRA_MAX && h->session_id_len <= RAW_SESSION_ID_MAX;
}

enum rp_status raw_hello_encode(const struct raw_hello *h, struct raw_hello_parts *parts,
                                struct raw_buffer *out)
{
    uint8_t *message;
    struct offer offer;
    struct writer w;
    size_t len;
    enum rp_status status;

    if (!in_range(h)) {
        return RP_INVALID;
    }
    message = raw_buffer_room(out, MESSAGE_ROOM);
    if (message == NULL) {
        return RP_NO_MEMORY;
    }
    status = offer_init(&offer, h, parts->renegotiation);
    w = writer_of(message, MESSAGE_ROOM);
    if (status == RP_OK) {
        status = write_message(&w, h, parts, &offer);
    }
    len = writer_len(&w);
    if (status == RP_OK && h->edit != NULL) {
        h->edit(h->edit_cookie, RAW_EDIT_UNBOUND, parts->retried, message, &len, MESSAGE_ROOM);
    }
    if (status == RP_OK && offer.n != 0) {
        status = bind(&offer, h, parts, message, len);
    }
    if (status == RP_OK && h->edit != NULL) {
        h->edit(h->edit_cookie, RAW_EDIT_ENCODED, parts->retried, message, &len, MESSAGE_ROOM);
    }
    if (status == RP_OK && len > MESSAGE_ROOM) {
        status = RP_INVALID;
    }
    out->len += status == RP_OK ? len : 0;
    memory_free(offer.binders);
    return status;
}
