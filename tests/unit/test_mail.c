#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>
#include <unistd.h>

#include "mail.h"
#include "memory.h"
#include "message.h"
#include "message_mail.h"
#include "text.h"

#define DEADLINE_MS 10000
#define BOX "reprise/1/a/members"
#define LETTERS "reprise/1/a/in-1"

/* A courier's mail over a folder, and whoever gets what it says. */
struct post {
    struct loop *loop;
    struct log log;
    struct mail *mail;
    struct channel *courier; /* its end */
    struct channel *keeper;  /* the other one */
    struct loop_timer deadline;
    char folder[32];
    char said[256]; /* a letter for each message */
    unsigned n_wanted;
    unsigned n_lost; /* listings that were none */
    struct message_listed listed;
    struct message_claimed claimed;
    char value[64]; /* of the last entry or letter */
    bool is_up;
};

static uint8_t body[CHANNEL_MAIL_MAX];

static void deadline_due(struct loop_timer *timer)
{
    (void)timer;
    fail_msg("it took too long");
}

static void said(struct post *p, char letter)
{
    const size_t n = strlen(p->said);

    assert_true(n + 1 < sizeof p->said);
    p->said[n] = letter;
    if (n + 1 == p->n_wanted) {
        loop_stop(p->loop);
    }
}

static void on_message(void *cookie, enum channel_type type, const uint8_t *p, size_t n)
{
    struct post *post = cookie;
    struct message_entry entry;

    if (type == CHANNEL_MAIL_STATE) {
        assert_true(message_store_decode(p, n, &post->is_up));
        said(post, post->is_up ? 'U' : 'D');
    } else if (type == CHANNEL_MAIL_ENTRY || type == CHANNEL_MAIL_LETTER) {
        assert_true(message_entry_decode(p, n, &entry));
        memset(post->value, 0, sizeof post->value);
        memcpy(post->value, entry.value, entry.len < 63 ? entry.len : 63);
        said(post, type == CHANNEL_MAIL_ENTRY ? 'e' : 'l');
    } else if (type == CHANNEL_MAIL_LISTED) {
        assert_true(message_listed_decode(p, n, &post->listed));
        post->n_lost += !post->listed.ok;
        said(post, 'L');
    } else if (type == CHANNEL_MAIL_CLAIMED) {
        assert_true(message_claimed_decode(p, n, &post->claimed));
        said(post, 'C');
    } else {
        assert_int_equal(type, CHANNEL_MAIL_ERASED);
        said(post, 'E');
    }
}

static void on_closed(void *cookie, const char *why)
{
    (void)cookie;
    (void)why;
}

static void nothing(void *cookie, enum channel_type type, const uint8_t *p, size_t n)
{
    (void)cookie;
    (void)type;
    (void)p;
    (void)n;
}

/* Until n more things were said. */
static void run(struct post *p, unsigned n)
{
    p->said[0] = '\0';
    memset(p->said, 0, sizeof p->said);
    p->n_wanted = n;
    assert_true(loop_timer_set(p->loop, &p->deadline, DEADLINE_MS));
    loop_run(p->loop);
    loop_timer_clear(&p->deadline);
}

static void make_channels(struct post *p, size_t room)
{
    const struct channel_peer courier = {
        .message = nothing, .closed = on_closed, .cookie = p, .mail_room = room};
    const struct channel_peer keeper = {.rules = message_rules_of_keeper,
                                        .n_rules = sizeof message_rules_of_keeper /
                                                   sizeof message_rules_of_keeper[0],
                                        .message = on_message,
                                        .closed = on_closed,
                                        .cookie = p};
    int fds[2];

    assert_true(channel_pair(fds));
    assert_int_equal(channel_new(p->loop, fds[0], &courier, &p->courier), RP_OK);
    assert_int_equal(channel_new(p->loop, fds[1], &keeper, &p->keeper), RP_OK);
}

static struct mail_start start_of(const struct post *p, char url[static 64])
{
    struct text t = text_of(url, 64);

    text_addf(&t, "dir:%s", p->folder);
    return (struct mail_start){.url = url, .channel = p->courier, .log = &p->log};
}

static void begin(struct post *p)
{
    char url[64];
    const struct mail_start start = start_of(p, url);
    struct rp_error err = {""};

    assert_int_equal(mail_new(p->loop, &start, &p->mail, &err), RP_OK);
    mail_begin(p->mail);
    do {
        run(p, 1);
    } while (!p->is_up);
}

static int set_up(void **state)
{
    static struct post p;

    p = (struct post){.log = {.fd = -1}, .folder = "/tmp/mail.XXXXXX"};
    p.deadline.due = deadline_due;
    *state = &p;
    if (loop_new(&p.loop) != RP_OK || mkdtemp(p.folder) == NULL) {
        return -1;
    }
    make_channels(&p, MESSAGE_MAIL_ROOM);
    return 0;
}

static int remove_one(const char *path, const struct stat *stat, int flag, struct FTW *ftw)
{
    (void)stat;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct post *p = *state;

    mail_free(&p->mail);
    channel_free(&p->courier);
    channel_free(&p->keeper);
    loop_free(&p->loop);
    return nftw(p->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const struct post *p, const char *box, const char *name, const char *value,
                bool is_claim)
{
    const struct message_put m = {.is_claim = is_claim,
                                  .lifetime_ms = 60000,
                                  .value = (const uint8_t *)value,
                                  .len = strlen(value)};

    mail_take(p->mail, CHANNEL_MAIL_PUT, body, message_put_encode(box, name, &m, body));
}

static void list(const struct post *p, const char *box)
{
    mail_take(p->mail, CHANNEL_MAIL_LIST, body, message_list_encode(box, 256, body));
}

static void what_was_put_is_listed(void **state)
{
    struct post *p = *state;

    begin(p);
    list(p, BOX);
    run(p, 1);
    assert_string_equal(p->said, "L");
    assert_true(p->listed.ok && p->listed.n == 0 && p->listed.total == 0);
    put(p, BOX, "00", "hello", false);
    list(p, BOX);
    run(p, 2);
    assert_string_equal(p->said, "eL");
    assert_string_equal(p->value, "hello");
    assert_true(p->listed.ok && p->listed.n == 1 && p->listed.total == 1);
}

static void one_gets_a_claim(void **state)
{
    struct post *p = *state;

    begin(p);
    put(p, "claims", "found", "a", true);
    run(p, 1);
    assert_string_equal(p->said, "C");
    assert_true(p->claimed.ok && p->claimed.is_ours);
    put(p, "claims", "found", "b", true);
    run(p, 1);
    assert_true(p->claimed.ok && !p->claimed.is_ours);
}

static void what_is_erased_is_gone(void **state)
{
    struct post *p = *state;

    begin(p);
    put(p, BOX, "00", "hello", false);
    mail_take(p->mail, CHANNEL_MAIL_ERASE, body, message_erase_encode(BOX, "00", body));
    run(p, 1);
    assert_string_equal(p->said, "E");
    list(p, BOX);
    run(p, 1);
    assert_int_equal(p->listed.n, 0);
}

static void a_letter_is_passed_on_and_taken_out(void **state)
{
    struct post *p = *state;

    begin(p);
    mail_take(p->mail, CHANNEL_MAIL_WATCH, body, message_watch_encode(LETTERS, body));
    put(p, LETTERS, "00", "dear", false);
    run(p, 1);
    assert_string_equal(p->said, "l");
    assert_string_equal(p->value, "dear");
    list(p, LETTERS);
    run(p, 1);
    assert_int_equal(p->listed.total, 0);
}

static void a_listing_that_does_not_fit_is_none(void **state)
{
    struct post *p = *state;
    static char long_value[40001];

    begin(p);
    memset(long_value, 'x', sizeof long_value - 1);
    for (char name[] = "a"; name[0] <= 't'; name[0]++) {
        put(p, BOX, name, long_value, false);
    }
    for (unsigned i = 0; i < 3; i++) {
        list(p, BOX); /* of 2.4 MB in all, which nobody reads meanwhile */
    }
    while (p->n_lost == 0) {
        run(p, 1);
    }
}

static void the_malformed_is_dropped(void **state)
{
    static const enum channel_type types[] = {CHANNEL_MAIL_WATCH, CHANNEL_MAIL_PUT,
                                              CHANNEL_MAIL_LIST, CHANNEL_MAIL_ERASE};
    struct post *p = *state;

    begin(p);
    for (size_t i = 0; i < 4; i++) {
        for (size_t n = 0; n < 32; n++) {
            memset(body, 0xff, 32);
            mail_take(p->mail, types[i], body, n);
        }
    }
    mail_take(p->mail, CHANNEL_PING, body, 0); /* it is not for it */
    put(p, BOX, "00", "hello", false);
    list(p, BOX);
    run(p, 2);
    assert_string_equal(p->said, "eL");
}

static void a_url_that_is_none_is_refused(void **state)
{
    struct post *p = *state;
    const struct mail_start start = {.url = "ftp://x", .channel = p->courier, .log = &p->log};
    struct rp_error err = {""};

    assert_int_equal(mail_new(p->loop, &start, &p->mail, &err), RP_INVALID);
    assert_null(p->mail);
    assert_true(err.text[0] != '\0');
}

static void survives_failing_allocations(void **state)
{
    struct post *p = *state;
    char url[64];
    const struct mail_start start = start_of(p, url);
    struct rp_error err = {""};
    enum rp_status status;
    long n = 0;

    do {
        memory_fail_after(n++);
        status = mail_new(p->loop, &start, &p->mail, &err);
        memory_fail_after(-1);
        assert_true(status == RP_OK || p->mail == NULL);
        assert_true(n < 1000);
    } while (status != RP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_put_is_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_gets_a_claim, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_erased_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_letter_is_passed_on_and_taken_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_listing_that_does_not_fit_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_malformed_is_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_url_that_is_none_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_failing_allocations, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
