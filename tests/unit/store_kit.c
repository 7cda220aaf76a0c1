#include "store_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>
#include <poll.h>

#include "memory.h"
#include "text.h"

#define TURNS_MAX 2000
#define ENTRIES_MAX 300

void store_kit_folder(char path[static STORE_KIT_PATH_SIZE])
{
    struct text t = text_of(path, STORE_KIT_PATH_SIZE);

    text_add(&t, "/tmp/reprise-store-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

void store_kit_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void on_changed(void *cookie)
{
    ((struct store_kit *)cookie)->n_changed++;
}

static void on_state(void *cookie, bool up, const char *why)
{
    struct store_kit *kit = cookie;
    struct text t = text_of(kit->why, sizeof kit->why);

    kit->up = up;
    kit->n_states++;
    text_add(&t, why != NULL ? why : "");
}

static void add_entry(struct text *t, const struct store_entry *entry)
{
    text_add(t, entry->name);
    text_add_char(t, '=');
    text_add_n(t, (const char *)entry->value, entry->len);
    text_add_char(t, ' ');
}

static void on_arrived(void *cookie, const struct store_entry *entry)
{
    struct store_kit *kit = cookie;
    struct text t = {kit->arrived, strlen(kit->arrived), sizeof kit->arrived, false};

    add_entry(&t, entry);
    kit->n_arrived++;
}

void store_kit_begin(struct store_kit *kit, const char *url)
{
    const struct store_options options = {.url = url, .seed = 7};
    const struct store_owner owner = {on_changed, on_state, on_arrived, kit};
    struct rp_error err;

    memset(kit, 0, sizeof *kit);
    kit->now_ms = 1000000;
    assert_int_equal(store_new(&options, &owner, kit->now_ms, &kit->store, &err), RP_OK);
}

void store_kit_finish(struct store_kit *kit)
{
    store_free(&kit->store);
    store_free(&kit->store);
}

void store_kit_without_memory(const char *url)
{
    const struct store_options options = {.url = url};
    const struct store_owner owner = {.changed = NULL};
    struct store *store = NULL;
    enum rp_status status = RP_NO_MEMORY;

    for (long n = 0; status != RP_OK; n++) {
        memory_fail_after(n);
        status = store_new(&options, &owner, 0, &store, NULL);
        memory_fail_after(-1);
        assert_true(status == RP_OK || (status == RP_NO_MEMORY && store == NULL));
    }
    store_free(&store);
}

void store_kit_turn(struct store_kit *kit, int wait_ms)
{
    const struct store_wants wants = store_wants(kit->store);
    struct pollfd ready = {.fd = wants.fd, .events = wants.events};

    if (wants.due_ms <= kit->now_ms) {
        store_due(kit->store, kit->now_ms);
    } else if (poll(&ready, 1, wait_ms) == 1) {
        store_ready(kit->store, ready.revents, kit->now_ms);
    } else {
        kit->now_ms += kit->step_ms;
    }
}

void store_kit_until(struct store_kit *kit, const unsigned *n, unsigned least)
{
    for (unsigned i = 0; *n < least; i++) {
        assert_true(i < TURNS_MAX);
        store_kit_turn(kit, 5);
    }
}

void store_kit_done(void *cookie, enum store_status status)
{
    struct store_kit_answer *answer = cookie;

    answer->n++;
    answer->status = status;
}

void store_kit_got(void *cookie, enum store_status status, const struct store_entry *entry)
{
    assert_int_equal(entry != NULL, status == STORE_OK);
    store_kit_listed(cookie, status, entry, entry != NULL ? 1 : 0, 0);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct store_entry *)a)->name, ((const struct store_entry *)b)->name);
}

void store_kit_listed(void *cookie, enum store_status status, const struct store_entry *entries,
                      size_t n, size_t total)
{
    struct store_kit_answer *answer = cookie;
    struct store_entry sorted[ENTRIES_MAX];
    struct text t = text_of(answer->text, sizeof answer->text);

    assert_true(n <= ENTRIES_MAX && (status == STORE_OK || n == 0));
    answer->n++;
    answer->status = status;
    answer->n_entries = n;
    answer->total = total;
    if (n == 0) {
        return;
    }
    memcpy(sorted, entries, n * sizeof sorted[0]);
    qsort(sorted, n, sizeof sorted[0], by_name);
    for (size_t i = 0; i < n; i++) {
        add_entry(&t, &sorted[i]);
    }
}

enum store_status store_kit_put(struct store_kit *kit, const char *name, const char *value,
                                int64_t lifetime_ms)
{
    struct store_kit_answer answer = {.n = 0};

    store_put(kit->store, STORE_KIT_BOX, name, (const uint8_t *)value, strlen(value), lifetime_ms,
              store_kit_done, &answer);
    assert_int_equal(answer.n, 0);
    store_kit_until(kit, &answer.n, 1);
    return answer.status;
}

enum store_status store_kit_claim(struct store_kit *kit, const char *name, const char *value,
                                  int64_t lifetime_ms)
{
    struct store_kit_answer answer = {.n = 0};

    store_put_if_absent(kit->store, STORE_KIT_BOX, name, (const uint8_t *)value, strlen(value),
                        lifetime_ms, store_kit_done, &answer);
    store_kit_until(kit, &answer.n, 1);
    return answer.status;
}

enum store_status store_kit_delete(struct store_kit *kit, const char *name)
{
    struct store_kit_answer answer = {.n = 0};

    store_delete(kit->store, STORE_KIT_BOX, name, store_kit_done, &answer);
    store_kit_until(kit, &answer.n, 1);
    return answer.status;
}

void store_kit_get(struct store_kit *kit, const char *name, struct store_kit_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    store_get(kit->store, STORE_KIT_BOX, name, store_kit_got, answer);
    store_kit_until(kit, &answer->n, 1);
}

void store_kit_list(struct store_kit *kit, size_t most, struct store_kit_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    store_list(kit->store, STORE_KIT_BOX, most, store_kit_listed, answer);
    store_kit_until(kit, &answer->n, 1);
}
