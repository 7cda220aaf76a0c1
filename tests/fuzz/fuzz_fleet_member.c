/*
 * A member that lies: it has the fleet secret, seals and answers as the protocol wants it, and says
 * what the input says. And a store that delivers to whom it likes, claims and counts. Whatever
 * comes of it, the host's rings stay sound, and each step ends.
 *
 * The input is steps: a byte that says which, and what it needs.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fleet.h"
#include "mailbox.h"
#include "memory.h"
#include "noise.h"
#include "reader.h"
#include "rings.h"
#include "seal.h"
#include "writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROTATE_MS 2000
#define ACCEPT_MS 10000
#define MAX_ROOTS 40
#define PLAIN_MAX 4096
#define STEPS_MAX 64
#define LIARS 4
#define NEAR_POWER 18
#define FAR_POWER 38
#define EPOCHS_MAX 64 /* that a ring may be behind its time: more take longer, and find no more */

static const uint8_t secret[SEAL_SECRET_LEN] = "a secret of thirty-two bytes ...";

struct host {
    struct fleet *fleet;
    struct rings *state;
    struct rings *draft;
    int64_t offset_ms;
    int64_t now_ms;
    struct seal seal;
    struct mailbox_id id;
    uint64_t seq;
    uint8_t pull[256]; /* the last one that it sent; 0 bytes: none */
    size_t pull_len;
    struct mailbox_header time; /* the last one that it sent */
    bool is_asked_time;
};

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void on_watch(void *cookie, const char *box)
{
    (void)cookie;
    require(box[0] != '\0');
}

static void on_put(void *cookie, const char *box, const char *name, const uint8_t *value, size_t n,
                   int64_t lifetime_ms)
{
    struct host *const h = cookie;
    struct mailbox_header header;

    require(box[0] != '\0' && name[0] != '\0' && lifetime_ms >= 1 && n <= MAILBOX_MESSAGE_MAX);
    require(mailbox_header_decode(value, n, &header));
    h->id = header.from;
    if (header.type == MAILBOX_PULL) {
        require(n <= sizeof h->pull);
        memcpy(h->pull, value, n);
        h->pull_len = n;
    } else if (header.type == MAILBOX_TIME) {
        h->time = header;
        h->is_asked_time = true;
    }
}

static void on_claim(void *cookie, const char *box, const char *name, const uint8_t *value,
                     size_t n, int64_t lifetime_ms)
{
    const struct host *const h = cookie;

    require(box[0] != '\0' && name[0] != '\0' && lifetime_ms >= 1 && n == MAILBOX_ID_LEN &&
            memcmp(value, h->id.bytes, n) == 0);
}

static void on_list(void *cookie, const char *box, size_t most)
{
    (void)cookie;
    require(box[0] != '\0' && most != 0);
}

static void on_erase(void *cookie, const char *box, const char *name)
{
    (void)cookie;
    require(box[0] != '\0' && name[0] != '\0');
}

static const struct rings *keys_state(void *cookie)
{
    return ((struct host *)cookie)->state;
}

static struct rings *keys_draft(void *cookie)
{
    struct host *const h = cookie;

    memcpy(h->draft, h->state, rings_size(MAX_ROOTS));
    return h->draft;
}

/* Roots stand in order, and each belongs to a ring. */
static void check(const struct rings *r)
{
    require(r->n >= 1 && r->n <= RINGS_MAX && r->sealing < r->n && r->ring[r->sealing].held);
    require(r->lead >= 1 && r->lead <= RINGS_LEAD_MAX && r->n_roots <= r->max_roots);
    for (uint32_t i = 0; i < r->n_roots; i++) {
        require(r->roots[i].ring < r->n);
        require(i == 0 || r->roots[i - 1].ring < r->roots[i].ring ||
                (r->roots[i - 1].ring == r->roots[i].ring &&
                 r->roots[i - 1].epoch > r->roots[i].epoch));
    }
    for (uint32_t i = 0; i < r->n; i++) {
        require(rings_find(r, r->ring[i].id) == (int)i);
    }
}

/* As the keyring does it: what is lost begins anew. */
static enum rp_status keys_commit(void *cookie)
{
    struct host *const h = cookie;
    struct rings *const before = h->state;

    check(h->draft);
    for (uint32_t i = 0; i < before->n; i++) {
        const int place = rings_find(h->draft, before->ring[i].id);

        require(place < 0 || !before->ring[i].held || !h->draft->ring[place].held ||
                h->draft->ring[place].epoch >= before->ring[i].epoch);
    }
    h->state = h->draft;
    h->draft = before;
    return RP_OK;
}

static void keys_abandon(void *cookie)
{
    (void)cookie;
}

static int64_t keys_offset(void *cookie)
{
    return ((struct host *)cookie)->offset_ms;
}

static void keys_set_offset(void *cookie, int64_t offset_ms)
{
    ((struct host *)cookie)->offset_ms = offset_ms;
}

static struct rings *new_rings(void)
{
    struct rings *const r = calloc(1, rings_size(MAX_ROOTS));

    require(r != NULL);
    r->max_roots = MAX_ROOTS;
    return r;
}

static void begin(struct host *h, bool is_member)
{
    struct fleet_options options = {
        .fleet = "shop",
        .secrets = {secret, NULL},
        .name = "host",
        .address = "",
        .version = "1",
        .rotate_ms = ROTATE_MS,
        .accept_ms = ACCEPT_MS,
        .reseed_ms = 60000,
        .is_member = is_member,
        .is_simulated = true,
        .seed = 1,
        .post = {on_watch, on_put, on_claim, on_list, on_erase, h},
        .keys = {keys_state, keys_draft, keys_commit, keys_abandon, keys_offset, keys_set_offset,
                 h},
    };

    *h = (struct host){.now_ms = 1000000, .state = new_rings(), .draft = new_rings()};
    require(seal_init(&h->seal, secret, "shop") == RP_OK);
    require(rings_begin(h->state, is_member ? RINGS_RANK_FOUNDED : RINGS_RANK_ALONE, h->now_ms,
                        ROTATE_MS, ACCEPT_MS) == RP_OK);
    require(fleet_new(&options, h->now_ms, &h->fleet) == RP_OK);
    h->id = fleet_member(h->fleet, 0)->id;
}

static void end(struct host *h)
{
    fleet_free(&h->fleet);
    seal_fini(&h->seal);
    free(h->state);
    free(h->draft);
}

static struct mailbox_id liar(struct reader *r)
{
    struct mailbox_id id = {{0}};

    id.bytes[0] = (uint8_t)(1 + reader_u8(r) % LIARS);
    return id;
}

static void fill(struct writer *w, uint8_t byte, size_t n)
{
    while (n-- != 0) {
        writer_u8(w, byte);
    }
}

static void put_text(struct writer *w, const char *s)
{
    writer_u8(w, (uint8_t)strlen(s));
    writer_bytes(w, s, strlen(s));
}

/* Of few ids, so that they meet: best, worst, or what the host seals by, with another rank. */
static void put_ring_id(const struct host *h, struct reader *r, struct writer *w)
{
    uint8_t id[MAILBOX_ID_LEN];
    const uint8_t kind = reader_u8(r);

    memcpy(id, h->state->ring[h->state->sealing].id, sizeof id);
    if ((kind & 1) != 0) {
        memset(id, kind >> 4, sizeof id);
    } else if ((kind & 2) != 0) {
        id[3] = (uint8_t)(id[3] - (kind >> 2));
    }
    writer_bytes(w, id, sizeof id);
}

/* A power of two, of either sign, or anything. Not what is far enough away to take long, and not so
 * far that it is refused. */
static int64_t number(struct reader *r)
{
    const uint8_t kind = reader_u8(r);
    unsigned power = kind & 0x3f;

    if ((kind & 0x80) != 0) {
        return (int64_t)reader_u64(r);
    }
    power = power > NEAR_POWER && power < FAR_POWER ? FAR_POWER : power;
    power = power < 62 ? power : 62;
    return (kind & 0x40) != 0 ? -((int64_t)1 << power) : (int64_t)1 << power;
}

static int64_t own_time(const struct host *h)
{
    return rings_time(h->state, h->state->sealing, h->now_ms + h->offset_ms);
}

static int64_t time_near(const struct host *h, struct reader *r)
{
    const int64_t n = number(r);
    int64_t sum;

    return (n & 1) != 0 || __builtin_add_overflow(own_time(h), n, &sum) ? n : sum;
}

static void say_presence(struct host *h, struct reader *r)
{
    struct mailbox_header header = {.type = MAILBOX_PRESENCE, .from = liar(r)};
    uint8_t plain[PLAIN_MAX];
    uint8_t message[PLAIN_MAX + SEAL_OVERHEAD];
    char name[2 * MAILBOX_ID_LEN + 1];
    struct writer w = writer_of(plain, sizeof plain);
    const uint8_t flags = reader_u8(r);
    const unsigned n = flags >> 6;

    writer_u64(&w, ++h->seq);
    fill(&w, 0, MAILBOX_ID_LEN);
    writer_u8(&w, (flags & 1) == 0);
    writer_u8(&w, 0);
    writer_u64(&w, ROTATE_MS + ((flags & 2) != 0 ? 1 : 0));
    writer_u64(&w, ACCEPT_MS);
    writer_u64(&w, 0);
    writer_u32(&w, (uint32_t)number(r));
    writer_u8(&w, (uint8_t)n);
    for (unsigned i = 0; i < n; i++) {
        put_ring_id(h, r, &w);
        writer_u64(&w, (uint64_t)time_near(h, r));
        writer_u64(&w, (uint64_t)number(r));
        writer_u8(&w, i == 0);
        fill(&w, 0, 7);
    }
    put_text(&w, "mallory");
    put_text(&w, "");
    put_text(&w, "1");
    require(!w.failed);
    for (unsigned i = 0; i < MAILBOX_ID_LEN; i++) {
        static const char digits[] = "0123456789abcdef";

        name[2 * i] = digits[header.from.bytes[i] >> 4];
        name[2 * i + 1] = digits[header.from.bytes[i] & 15];
    }
    name[2 * MAILBOX_ID_LEN] = '\0';
    require(seal_message(&h->seal, &header, plain, writer_len(&w), message) == RP_OK);
    fleet_on_listing(h->fleet, h->now_ms, name, message, writer_len(&w) + SEAL_OVERHEAD);
}

/* Not so far behind that stepping through it is all that this does. */
static uint64_t epoch_of(int64_t time_ms, uint8_t less)
{
    const uint64_t epoch = time_ms > 0 ? (uint64_t)(time_ms / ROTATE_MS) : 0;

    return epoch - (epoch < less % EPOCHS_MAX ? epoch : less % EPOCHS_MAX);
}

static size_t write_rings(const struct host *h, struct reader *r, uint8_t *plain)
{
    struct writer w = writer_of(plain, PLAIN_MAX);
    const unsigned n = 1 + reader_u8(r) % MAILBOX_RINGS_MAX;

    writer_u64(&w, ROTATE_MS);
    writer_u64(&w, ACCEPT_MS);
    writer_u8(&w, (uint8_t)n);
    for (unsigned i = 0; i < n; i++) {
        const uint8_t flags = reader_u8(r);
        const bool is_held = i == 0 || (flags & 1) != 0;
        const unsigned n_roots = flags >> 5;
        int64_t time_ms;
        uint64_t epoch;

        put_ring_id(h, r, &w);
        time_ms = time_near(h, r);
        epoch = (flags & 2) != 0 ? (uint64_t)number(r) : epoch_of(time_ms, reader_u8(r));
        writer_u8(&w, (is_held ? 1 : 0) | (i == 0 ? 2 : 0));
        writer_u64(&w, (uint64_t)time_ms);
        writer_u64(&w, epoch);
        fill(&w, (uint8_t)(i + 1), is_held ? MAILBOX_KEY_LEN : 0);
        writer_u64(&w, epoch + 2 - n_roots);
        writer_u16(&w, (uint16_t)n_roots);
        fill(&w, (uint8_t)(i + 0x40), (size_t)n_roots * MAILBOX_KEY_LEN);
    }
    require(!w.failed);
    return writer_len(&w);
}

static void answer_pull(struct host *h, struct reader *r)
{
    uint8_t plain[PLAIN_MAX];
    uint8_t message[MAILBOX_HEADER_LEN + PLAIN_MAX + NOISE_OVERHEAD];
    uint8_t prologue[SEAL_PROLOGUE_MAX];
    uint8_t invite[MAILBOX_ID_LEN];
    struct mailbox_header pull;
    struct mailbox_header header;
    struct noise noise;
    size_t n;

    if (h->pull_len == 0) {
        return;
    }
    require(mailbox_header_decode(h->pull, h->pull_len, &pull));
    n = seal_prologue(&h->seal, &pull, prologue);
    require(noise_hear(&noise, h->seal.psk, prologue, n, h->pull + MAILBOX_HEADER_LEN,
                       h->pull_len - MAILBOX_HEADER_LEN, invite) == RP_OK);
    n = write_rings(h, r, plain);
    header = (struct mailbox_header){MAILBOX_RINGS, pull.to, pull.from, pull.nonce};
    mailbox_header_encode(&header, message);
    require(noise_answer(&noise, plain, n, message + MAILBOX_HEADER_LEN) == RP_OK);
    h->pull_len = 0;
    fleet_on_letter(h->fleet, h->now_ms, message, MAILBOX_HEADER_LEN + n + NOISE_OVERHEAD);
}

static void answer_time(struct host *h, struct reader *r)
{
    struct mailbox_header header = {.type = MAILBOX_TIME_ANSWER, .from = h->time.to, .to = h->id};
    struct mailbox_time answer = {.question = h->time.nonce};
    uint8_t plain[MAILBOX_TIME_ANSWER_LEN];
    uint8_t message[MAILBOX_TIME_ANSWER_LEN + SEAL_OVERHEAD];

    if (!h->is_asked_time) {
        return;
    }
    h->is_asked_time = false;
    memcpy(answer.ring.bytes, h->state->ring[h->state->sealing].id, sizeof answer.ring.bytes);
    answer.ring_ms = time_near(h, r);
    mailbox_time_encode(&answer, plain);
    require(seal_message(&h->seal, &header, plain, sizeof plain, message) == RP_OK);
    fleet_on_letter(h->fleet, h->now_ms, message, sizeof message);
}

static void ask(struct host *h, struct reader *r)
{
    struct mailbox_header header = {.type = MAILBOX_TIME, .from = liar(r), .to = h->id};
    uint8_t message[SEAL_OVERHEAD];
    const uint8_t n = reader_u8(r);

    header.nonce.bytes[0] = n;
    require(seal_message(&h->seal, &header, NULL, 0, message) == RP_OK);
    fleet_on_letter(h->fleet, h->now_ms, message, sizeof message);
}

static void pass_time(struct host *h, struct reader *r)
{
    const uint8_t n = reader_u8(r);

    h->now_ms += n < 128 ? n * 10 : (int64_t)(n - 127) * ROTATE_MS;
    fleet_tick(h->fleet, h->now_ms);
    require(fleet_next_ms(h->fleet) > INT64_MIN);
}

/* As the keyring does at each boundary. */
static void advance(struct host *h)
{
    const int64_t fleet_ms = h->now_ms + h->offset_ms;

    (void)keys_draft(h);
    if (rings_lost(h->draft, fleet_ms)) {
        require(rings_begin(h->draft, RINGS_RANK_ALONE, fleet_ms, ROTATE_MS, ACCEPT_MS) == RP_OK);
    } else {
        require(rings_advance(h->draft, fleet_ms) == RP_OK);
    }
    require(keys_commit(h) == RP_OK);
}

static void step(struct host *h, struct reader *r)
{
    const uint8_t kind = reader_u8(r);

    switch (kind % 10) {
    case 0:
        say_presence(h, r);
        break;
    case 1:
        fleet_on_listed(h->fleet, h->now_ms, kind < 250, reader_u8(r) < 250 ? 2 : SIZE_MAX);
        break;
    case 2:
        answer_pull(h, r);
        break;
    case 3:
        answer_time(h, r);
        break;
    case 4:
        ask(h, r);
        break;
    case 5:
        fleet_on_store(h->fleet, h->now_ms, kind < 200);
        break;
    case 6:
        fleet_on_claimed(h->fleet, h->now_ms, kind > 20, kind < 200);
        break;
    case 7:
        advance(h);
        break;
    default:
        pass_time(h, r);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct host h;

    begin(&h, (reader_u8(&r) & 1) != 0);
    fleet_on_store(h.fleet, h.now_ms, true);
    for (unsigned i = 0; i < STEPS_MAX && reader_left(&r) != 0; i++) {
        step(&h, &r);
    }
    check(h.state);
    end(&h);
    return 0;
}
