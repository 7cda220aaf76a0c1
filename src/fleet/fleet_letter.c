#include "fleet_letter.h"

#include "memory.h"
#include "text.h"

#define LIFETIME_MS 30000

static void box(const struct fleet *f, const char *name, const uint8_t *id, char *out)
{
    struct text t = text_of(out, LETTER_BOX_MAX);

    text_add(&t, "reprise/1/");
    text_add(&t, f->seals[0].fleet);
    text_add_char(&t, '/');
    text_add(&t, name);
    if (id != NULL) {
        text_add_hex(&t, id, MAILBOX_ID_LEN);
    }
}

void fleet_box(const struct fleet *f, const char *name, char out[static LETTER_BOX_MAX])
{
    box(f, name, NULL, out);
}

void fleet_box_of(const struct fleet *f, const struct mailbox_id *host,
                  char out[static LETTER_BOX_MAX])
{
    box(f, "in-", host->bytes, out);
}

void fleet_id_name(const char *before, const uint8_t id[static MAILBOX_ID_LEN],
                   char out[static LETTER_NAME_MAX])
{
    struct text t = text_of(out, LETTER_NAME_MAX);

    text_add(&t, before);
    text_add_hex(&t, id, MAILBOX_ID_LEN);
}

enum rp_status fleet_header(struct fleet *f, enum mailbox_type type, const struct mailbox_id *to,
                            struct mailbox_header *out)
{
    *out = (struct mailbox_header){.type = type, .from = f->self.id};
    if (to != NULL) {
        out->to = *to;
    }
    return fleet_random_bytes(&f->random, out->nonce.bytes, sizeof out->nonce.bytes);
}

void fleet_letter_put(struct fleet *f, const struct mailbox_header *header, const uint8_t *message,
                      size_t n)
{
    const uint8_t type = (uint8_t)header->type;
    char to[LETTER_BOX_MAX];
    char name[LETTER_NAME_MAX];
    struct text t = text_of(name, sizeof name);

    fleet_box_of(f, &header->to, to);
    text_add_hex(&t, header->nonce.bytes, sizeof header->nonce.bytes);
    text_add_hex(&t, &type, 1);
    f->post.put(f->post.cookie, to, name, message, n, LIFETIME_MS);
}

enum rp_status fleet_letter_seal(struct fleet *f, unsigned secret,
                                 const struct mailbox_header *header, const uint8_t *plain,
                                 size_t n)
{
    uint8_t message[LETTER_PLAIN_MAX + SEAL_OVERHEAD];
    const enum rp_status status = seal_message(&f->seals[secret], header, plain, n, message);

    if (status == RP_OK) {
        fleet_letter_put(f, header, message, n + SEAL_OVERHEAD);
    }
    return status;
}

enum rp_status fleet_open(const struct fleet *f, const uint8_t *message, size_t n,
                          struct mailbox_header *header, uint8_t *plain, unsigned *secret)
{
    enum rp_status status = RP_FORMAT;

    for (*secret = 0; *secret < f->n_seals; (*secret)++) {
        status = seal_open(&f->seals[*secret], message, n, header, plain);
        if (status != RP_FORMAT) {
            break;
        }
    }
    return status;
}
