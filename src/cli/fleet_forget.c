#include "fleet_forget.h"

#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <reprise/clock.h>

#include "config.h"
#include "error.h"
#include "fleet_secret_file.h"
#include "memory.h"
#include "seal.h"
#include "store.h"
#include "text.h"

#define PATIENCE_MS 5000
#define ID_DIGITS (2 * MAILBOX_ID_LEN)
#define BOX_SIZE (10 + MAILBOX_FLEET_MAX + 9)

struct search {
    const struct fleet_forget_request *request;
    struct fleet_forgotten *out;
    struct store *store;
    struct seal seals[FLEET_SECRETS_MAX]; /* secret */
    unsigned n_seals;
    char box[BOX_SIZE];
    struct rp_error secret_why; /* why there are no names */
    struct rp_error down_why;
    bool is_asked;
    bool is_done;
    size_t n_found;
    size_t n_unread; /* entries that no secret of ours opens */
    enum rp_status status;
    struct rp_error *err;
};

static void end(struct search *s, enum rp_status status)
{
    s->status = status;
    s->is_done = true;
}

static bool is_id(const char *who)
{
    const size_t n = strlen(who);

    return n >= FLEET_FORGET_ID_LEAST && n <= ID_DIGITS && strspn(who, "0123456789abcdef") == n;
}

/* Empty: it cannot be read. */
static void name_of(struct search *s, const struct store_entry *entry,
                    char out[static MAILBOX_TEXT_MAX + 1])
{
    uint8_t plain[MAILBOX_PRESENCE_MAX];
    struct mailbox_presence presence;
    struct mailbox_header header;
    bool is_read = false;

    out[0] = '\0';
    for (unsigned i = 0; i < s->n_seals && !is_read; i++) {
        is_read = entry->len >= SEAL_OVERHEAD && entry->len <= sizeof plain + SEAL_OVERHEAD &&
                  seal_open(&s->seals[i], entry->value, entry->len, &header, plain) == RP_OK &&
                  header.type == MAILBOX_PRESENCE &&
                  mailbox_presence_decode(plain, entry->len - SEAL_OVERHEAD, &presence);
    }
    if (is_read) {
        memcpy(out, presence.name, MAILBOX_TEXT_MAX + 1);
    }
    s->n_unread += is_read ? 0 : 1;
}

static bool is_meant(const struct search *s, const char *id, const char *name)
{
    const char *const who = s->request->who;

    return strcmp(name, who) == 0 || (is_id(who) && strncmp(id, who, strlen(who)) == 0);
}

static void on_gone(void *cookie, enum store_status status)
{
    struct search *s = cookie;

    if (status == STORE_OK || status == STORE_ABSENT) {
        end(s, RP_OK);
    } else {
        error_set(s->err, "the store does not take it out: it does not answer, or is read-only");
        end(s, RP_SYSTEM);
    }
}

static void complain(struct search *s, size_t total, size_t n)
{
    const char *const who = s->request->who;

    if (s->n_found > 1) {
        error_set(s->err,
                  "%zu hosts are there as \"%.64s\"; say which by the id that reprise fleet status "
                  "shows",
                  s->n_found, who);
    } else if (total > n) {
        error_set(
            s->err,
            "\"%.64s\" is not among the %zu of %zu entries that were looked at; say the whole "
            "id",
            who, n, total);
    } else {
        error_set(s->err, "\"%.64s\" is not in the store: %zu entries are there%s", who, n,
                  s->n_unread != 0 && s->n_seals != 0 ? ", some under another secret" : "");
    }
    end(s, RP_NOT_FOUND);
}

static void on_listed(void *cookie, enum store_status status, const struct store_entry *entries,
                      size_t n, size_t total)
{
    struct search *s = cookie;
    char name[MAILBOX_TEXT_MAX + 1];

    if (status != STORE_OK) {
        error_set(s->err, "the store does not answer");
        end(s, RP_SYSTEM);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (strlen(entries[i].name) != ID_DIGITS) {
            continue;
        }
        name_of(s, &entries[i], name);
        if (is_meant(s, entries[i].name, name)) {
            s->n_found++;
            memcpy(s->out->name, name, sizeof name);
            memcpy(s->out->id, entries[i].name, ID_DIGITS + 1);
        }
    }
    if (s->n_found == 1) {
        store_delete(s->store, s->box, s->out->id, on_gone, s);
    } else {
        complain(s, total, n);
    }
}

static void on_got(void *cookie, enum store_status status, const struct store_entry *entry)
{
    struct search *s = cookie;

    if (status == STORE_OK) {
        name_of(s, entry, s->out->name);
        memcpy(s->out->id, s->request->who, ID_DIGITS + 1);
        store_delete(s->store, s->box, s->out->id, on_gone, s);
    } else if (status == STORE_ABSENT) {
        error_set(s->err, "\"%.64s\" is not in the store", s->request->who);
        end(s, RP_NOT_FOUND);
    } else {
        error_set(s->err, "the store does not answer");
        end(s, RP_SYSTEM);
    }
}

static void on_state(void *cookie, bool up, const char *why)
{
    struct search *s = cookie;
    const char *const who = s->request->who;

    if (!up) {
        error_set(&s->down_why, "%s", why != NULL ? why : "no reason is known");
    } else if (!s->is_asked) {
        s->is_asked = true;
        if (is_id(who) && strlen(who) == ID_DIGITS) {
            store_get(s->store, s->box, who, on_got, s);
        } else {
            store_list(s->store, s->box, STORE_LIST_MAX, on_listed, s);
        }
    }
}

static void ignore(void *cookie)
{
    (void)cookie;
}

static void ignore_letter(void *cookie, const struct store_entry *entry)
{
    (void)cookie;
    (void)entry;
}

static void drive(struct search *s)
{
    const int64_t until_ms = rp_clock_boot_ms(NULL) + PATIENCE_MS;
    int64_t now_ms = rp_clock_boot_ms(NULL);

    while (!s->is_done && now_ms < until_ms) {
        const struct store_wants wants = store_wants(s->store);
        const int64_t due_ms = wants.due_ms < until_ms ? wants.due_ms : until_ms;
        struct pollfd watch = {.fd = wants.fd, .events = wants.events};
        const int n = poll(&watch, 1, due_ms > now_ms ? (int)(due_ms - now_ms) : 0);

        now_ms = rp_clock_boot_ms(NULL);
        if (n > 0 && watch.revents != 0) {
            store_ready(s->store, watch.revents, now_ms);
        }
        if (now_ms >= store_wants(s->store).due_ms) {
            store_due(s->store, now_ms);
        }
    }
    if (!s->is_done) {
        error_set(s->err, "the store cannot be reached: %.400s",
                  s->down_why.text[0] != '\0' ? s->down_why.text : "it does not answer");
        end(s, RP_SYSTEM);
    }
}

static enum rp_status search(struct search *s, const char *url, const char *fleet)
{
    const struct store_owner owner = {
        .changed = ignore, .state = on_state, .arrived = ignore_letter, .cookie = s};
    const struct store_options options = {.url = url, .seed = (uint64_t)getpid(), .is_visit = true};
    struct text t = text_of(s->box, sizeof s->box);
    enum rp_status status;

    text_addf(&t, "reprise/1/%s/members", fleet);
    if (t.cut || !config_fleet_is_name(fleet)) {
        error_set(s->err, "\"%.64s\" is no name of a fleet", fleet);
        return RP_INVALID;
    }
    if (s->n_seals == 0 && !is_id(s->request->who)) {
        error_set(s->err,
                  "names are sealed in the store: say the id, or -c FILE and may read the secret "
                  "that it names%s%.300s",
                  s->secret_why.text[0] != '\0' ? "; " : "", s->secret_why.text);
        return RP_INVALID;
    }
    status = store_new(&options, &owner, rp_clock_boot_ms(NULL), &s->store, s->err);
    if (status == RP_OK) {
        drive(s);
        status = s->status;
    }
    store_free(&s->store);
    return status;
}

/* Without them there are no names, but ids. */
static void read_secrets(struct search *s, const struct config *config)
{
    struct fleet_secrets secrets;

    if (fleet_secret_file_read(config->fleet.secret, &secrets, &s->secret_why) != RP_OK) {
        return;
    }
    for (unsigned i = 0; i < secrets.n; i++) {
        if (seal_init(&s->seals[s->n_seals], secrets.secret[i], config->fleet.name) == RP_OK) {
            s->n_seals++;
        }
    }
    fleet_secrets_fini(&secrets);
}

enum rp_status fleet_forget(const struct fleet_forget_request *request, struct fleet_forgotten *out,
                            struct rp_error *err)
{
    struct search s = {.request = request, .out = out, .err = err, .status = RP_SYSTEM};
    struct config *config = NULL;
    enum rp_status status;

    *out = (struct fleet_forgotten){0};
    if (request->config == NULL) {
        return search(&s, request->store, request->fleet);
    }
    status = config_read(request->config, &config, err);
    if (status != RP_OK) {
        return RP_INVALID;
    }
    if (config->fleet.store == NULL) {
        error_set(err, "%s: it names no store: this host is in no fleet", request->config);
        status = RP_INVALID;
    } else {
        read_secrets(&s, config);
        status = search(&s, config->fleet.store, config->fleet.name);
    }
    for (unsigned i = 0; i < s.n_seals; i++) {
        seal_fini(&s.seals[i]);
    }
    config_free(&config);
    return status;
}
