/* A keyring that is taken up from its descriptors: after exec, after a kill, or not at all. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>

#include "keyring_fixture.h"
#include "memory.h"
#include "number.h"

#define ROTATE 100
#define ACCEPT 250

static const struct rp_keyring_options options = {
    .rotate_ms = ROTATE, .accept_ms = ACCEPT, .max_domains = 2};

static void copies_of(const struct rp_keyring *keyring, int fds[static 2])
{
    int window_fd;
    int chain_fd;

    rp_keyring_descriptors(keyring, &window_fd, &chain_fd);
    fds[0] = dup(window_fd);
    fds[1] = dup(chain_fd);
    assert_true(fds[0] > STDERR_FILENO && fds[1] > STDERR_FILENO);
}

static struct rp_keyring *adopt(const struct rp_keyring *from)
{
    struct rp_keyring *keyring = NULL;
    struct rp_error err = {""};
    int fds[2];

    copies_of(from, fds);
    if (rp_keyring_adopt(&options, fds[0], fds[1], &keyring, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
    return keyring;
}

/* A keyring whose keeper, in epoch 1, has ended without wiping. */
static struct rp_keyring *make_left_behind(void)
{
    struct rp_keyring *keyring = keyring_make(ROTATE, ACCEPT, 2);
    const pid_t child = fork();

    if (child == 0) {
        int64_t next_ms;

        (void)kill(getpid(), rp_keyring_keep(keyring, GENESIS, NULL, NULL) == RP_OK &&
                                     rp_keyring_domain_add(keyring, "a") == RP_OK &&
                                     rp_keyring_advance(keyring, GENESIS + 150, &next_ms) == RP_OK
                                 ? SIGKILL
                                 : SIGTERM);
    } else {
        int status = -1;

        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    return keyring;
}

static bool same_ring(const struct rp_keyring *a, const struct rp_keyring *b)
{
    struct rp_keyring_info x;
    struct rp_keyring_info y;

    rp_keyring_info(a, &x);
    rp_keyring_info(b, &y);
    return memcmp(x.ring_id, y.ring_id, sizeof x.ring_id) == 0;
}

static void goes_on_with_the_ring(void **state)
{
    struct rp_keyring *first = make_left_behind();
    struct rp_keyring *second = adopt(first);
    struct window_key before;
    struct window_key after;
    bool resumed = false;

    (void)state;
    assert_true(window_sealing(first, 0, GENESIS + 150, &before));
    assert_true(window_sealing(second, 0, GENESIS + 150, &after));
    assert_true(keyring_same(&before.keys, &after.keys));
    assert_int_equal(rp_keyring_keep(second, GENESIS + 160, &resumed, NULL), RP_OK);
    assert_true(resumed);
    assert_true(same_ring(first, second));
    assert_int_equal(keyring_step(second, GENESIS + 160), GENESIS + 200);
    assert_int_equal(keyring_step(second, GENESIS + 200), GENESIS + 300);
    /* Whoever has it from before sees the new epoch too. */
    assert_true(window_sealing(first, 0, GENESIS + 200, &after));
    assert_false(keyring_same(&before.keys, &after.keys));
    rp_keyring_free(&second);
    rp_keyring_free(&first);
}

static void an_empty_one_begins_a_ring(void **state)
{
    struct rp_keyring *first = keyring_make(ROTATE, ACCEPT, 2);
    struct rp_keyring *second = adopt(first);
    bool resumed = true;

    (void)state;
    rp_keyring_free(&first);
    assert_int_equal(rp_keyring_keep(second, GENESIS, &resumed, NULL), RP_OK);
    assert_false(resumed);
    assert_int_equal(rp_keyring_domain_add(second, "a"), RP_OK);
    rp_keyring_free(&second);
}

static void room_for_more_domains_is_kept(void **state)
{
    struct rp_keyring *first = keyring_make(ROTATE, ACCEPT, 3);
    struct rp_keyring *second = adopt(first);

    (void)state;
    rp_keyring_free(&first);
    assert_int_equal(rp_keyring_keep(second, GENESIS, NULL, NULL), RP_OK);
    assert_int_equal(rp_keyring_domain_add(second, "a"), RP_OK);
    assert_int_equal(rp_keyring_domain_add(second, "b"), RP_OK);
    assert_int_equal(rp_keyring_domain_add(second, "c"), RP_OK);
    assert_int_equal(rp_keyring_domain_add(second, "d"), RP_FULL);
    rp_keyring_free(&second);
}

/* What the other side of exec does. */
static int adopt_and_keep(const char *window, const char *chain)
{
    struct rp_keyring *keyring;
    uint64_t fds[2];
    int64_t next_ms;
    bool resumed = false;
    unsigned place;
    int result = 1;

    if (!number_parse(window, INT32_MAX, &fds[0]) || !number_parse(chain, INT32_MAX, &fds[1]) ||
        rp_keyring_adopt(&options, (int)fds[0], (int)fds[1], &keyring, NULL) != RP_OK) {
        return 2;
    }
    if (rp_keyring_keep(keyring, GENESIS + 150, &resumed, NULL) == RP_OK && resumed &&
        window_domain(keyring, "a", &place) &&
        rp_keyring_advance(keyring, GENESIS + 250, &next_ms) == RP_OK) {
        result = 0;
    }
    _exit(result); /* as if killed: not wiped */
}

static void survives_exec(void **state)
{
    char self[PATH_MAX] = ""; /* under valgrind /proc/self/exe is another program for exec */
    struct rp_keyring *keyring = make_left_behind();
    struct rp_keyring_info info;
    char number[2][16];
    int fds[2];
    pid_t child;

    (void)state;
    copies_of(keyring, fds);
    for (unsigned i = 0; i < 2; i++) {
        struct text t = text_of(number[i], sizeof number[i]);

        text_addf(&t, "%d", fds[i]);
    }
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    child = fork();
    if (child == 0) {
        (void)execl(self, "test_keyring_adopt", number[0], number[1], (char *)NULL);
        _exit(3);
    }
    assert_child_succeeds(child);
    rp_keyring_info(keyring, &info);
    assert_int_equal(info.epoch, 2);
    (void)close(fds[0]);
    (void)close(fds[1]);
    rp_keyring_free(&keyring);
}

static void refuse(const struct rp_keyring_options *with, int window_fd, int chain_fd,
                   enum rp_status wanted, const char *why)
{
    struct rp_keyring *keyring = NULL;
    struct rp_error err = {""};

    assert_int_equal(rp_keyring_adopt(with, window_fd, chain_fd, &keyring, &err), wanted);
    assert_null(keyring);
    if (strstr(err.text, why) == NULL) {
        fail_msg("\"%s\" has no \"%s\"", err.text, why);
    }
    assert_int_equal(fcntl(window_fd, F_GETFD), -1); /* they were taken over */
    assert_int_equal(fcntl(chain_fd, F_GETFD), -1);
}

static void other_options_are_refused(void **state)
{
    static const struct rp_keyring_options others[] = {
        {.rotate_ms = ROTATE, .accept_ms = ACCEPT, .max_domains = 3},
        {.rotate_ms = ROTATE * 2, .accept_ms = ACCEPT, .max_domains = 2},
        {.rotate_ms = ROTATE, .accept_ms = ACCEPT * 20, .max_domains = 2},
        {.rotate_ms = ROTATE, .accept_ms = ACCEPT * 200, .max_domains = 2},
    };
    static const char *const why[] = {"domains", "another rotate", "another rotate", "more than"};
    struct rp_keyring *keyring = make_left_behind();
    struct rp_keyring_info info;
    int fds[2];

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        copies_of(keyring, fds);
        refuse(&others[i], fds[0], fds[1], RP_INVALID, why[i]);
    }
    rp_keyring_info(keyring, &info);
    if (info.secret_kind != RP_SECRET_RAMFS) {
        const struct rp_keyring_options other_kind = {.rotate_ms = ROTATE,
                                                      .accept_ms = ACCEPT,
                                                      .max_domains = 2,
                                                      .secret_kinds = RP_SECRET_RAMFS};

        copies_of(keyring, fds);
        refuse(&other_kind, fds[0], fds[1], RP_INVALID, "not allowed");
    }
    rp_keyring_free(&keyring);
}

static void another_header_is_refused(void **state)
{
    struct rp_keyring *keyring = make_left_behind();
    struct segment_header *header = secret_map(&keyring->window_memory, true, false);
    uint8_t *const bytes = (uint8_t *)header;
    int fds[2];

    (void)state;
    assert_non_null(header);
    for (size_t i = 0; i < offsetof(struct segment_header, unused); i++) {
        bytes[i] ^= 0x41;
        copies_of(keyring, fds);
        refuse(&options, fds[0], fds[1], RP_FORMAT, "");
        bytes[i] ^= 0x41;
    }
    header->version = SEGMENT_VERSION + 1;
    copies_of(keyring, fds);
    refuse(&options, fds[0], fds[1], RP_FORMAT, "layout version is 4, and this program knows 3");
    secret_unmap(&keyring->window_memory, header);
    rp_keyring_free(&keyring);
}

static int memfd(size_t len, unsigned seals)
{
    const int fd = memfd_create("test", MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void what_is_no_keyring_is_refused(void **state)
{
    static const struct rp_keyring_options locked = {.rotate_ms = ROTATE,
                                                     .accept_ms = ACCEPT,
                                                     .max_domains = 2,
                                                     .secret_kinds = RP_SECRET_LOCKED};
    const unsigned sealed = F_SEAL_SHRINK | F_SEAL_GROW;
    struct rp_keyring *keyring;
    int fds[2];
    int pipes[2];

    (void)state;
    assert_int_equal(rp_keyring_new(&locked, &keyring, NULL), RP_OK);
    refuse(&options, -1, -1, RP_INVALID, "descriptor");
    copies_of(keyring, fds);
    (void)close(fds[1]);
    refuse(&options, fds[0], -1, RP_INVALID, "descriptor");
    refuse(&options, memfd(100, sealed), memfd(100, sealed), RP_FORMAT, "not a window");
    refuse(&options, memfd(100000, sealed), memfd(100, sealed), RP_FORMAT, "not a window");
    refuse(&options, memfd(100000, 0), memfd(100, sealed), RP_INVALID, "no secret memory");
    copies_of(keyring, fds); /* each in the other's place */
    refuse(&options, fds[1], fds[0], RP_FORMAT, "not a window");
    copies_of(keyring, fds);
    (void)close(fds[1]);
    refuse(&options, fds[0], memfd(keyring->layout.chain_len - 1, sealed), RP_FORMAT, "length");
    copies_of(keyring, fds);
    (void)close(fds[1]);
    refuse(&options, fds[0], memfd(keyring->layout.chain_len, F_SEAL_GROW), RP_INVALID,
           "no secret memory");
    assert_int_equal(pipe(pipes), 0);
    refuse(&options, pipes[0], pipes[1], RP_INVALID, "no secret memory");
    rp_keyring_free(&keyring);
}

/* A window with another ring's chain: of the same generation, as it would be after equal lives. */
static void a_wrong_pair_begins_a_new_ring(void **state)
{
    struct rp_keyring *first = make_left_behind();
    struct rp_keyring *second = make_left_behind();
    struct rp_keyring *mixed = NULL;
    struct window_key key;
    bool resumed = true;
    int fds[2][2];

    (void)state;
    copies_of(first, fds[0]);
    copies_of(second, fds[1]);
    assert_int_equal(rp_keyring_adopt(&options, fds[0][0], fds[1][1], &mixed, NULL), RP_OK);
    (void)close(fds[0][1]);
    (void)close(fds[1][0]);
    assert_int_equal(rp_keyring_keep(mixed, GENESIS + 150, &resumed, NULL), RP_OK);
    assert_false(resumed);
    assert_int_equal(rp_keyring_domain_add(mixed, "a"), RP_OK);
    assert_true(window_sealing(mixed, 0, GENESIS + 150, &key));
    assert_false(same_ring(mixed, second));
    rp_keyring_free(&mixed);
    rp_keyring_free(&second);
    rp_keyring_free(&first);
}

static void read_only_has_nothing_to_hand_on(void **state)
{
    struct rp_keyring *keyring = keyring_make(ROTATE, ACCEPT, 2);
    int window_fd = 0;
    int chain_fd = 0;

    (void)state;
    rp_keyring_read_only(keyring);
    rp_keyring_descriptors(keyring, &window_fd, &chain_fd);
    assert_int_equal(window_fd, -1);
    assert_int_equal(chain_fd, -1);
    rp_keyring_free(&keyring);
}

static void every_kind_of_secret_memory_is_handed_on(void **state)
{
    static const enum rp_secret_kind kinds[] = {RP_SECRET_MEMFD_SECRET, RP_SECRET_RAMFS,
                                                RP_SECRET_LOCKED};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct rp_keyring_options one = options;
        struct rp_keyring *first = NULL;
        struct rp_keyring *second = NULL;
        struct rp_keyring_info info;
        struct rp_error err = {""};
        int fds[2];

        one.secret_kinds = kinds[i];
        if (rp_keyring_new(&one, &first, &err) != RP_OK) {
            print_message("left out: %s\n", err.text);
            continue;
        }
        copies_of(first, fds);
        rp_keyring_free(&first);
        assert_int_equal(rp_keyring_adopt(&one, fds[0], fds[1], &second, &err), RP_OK);
        assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
        assert_int_equal(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
        assert_int_equal(rp_keyring_keep(second, GENESIS, NULL, &err), RP_OK);
        rp_keyring_info(second, &info);
        assert_int_equal(info.secret_kind, kinds[i]);
        rp_keyring_free(&second);
    }
}

static void a_failed_allocation_fails_the_constructor(void **state)
{
    struct rp_keyring *keyring = make_left_behind();
    enum rp_status status = RP_NO_MEMORY;
    long n = 0;

    (void)state;
    while (status != RP_OK) {
        struct rp_keyring *second = NULL;
        int fds[2];

        copies_of(keyring, fds);
        memory_fail_after(n++);
        status = rp_keyring_adopt(&options, fds[0], fds[1], &second, NULL);
        memory_fail_after(-1);
        assert_true(status == RP_OK || (status == RP_NO_MEMORY && second == NULL));
        assert_true(status == RP_OK || fcntl(fds[0], F_GETFD) == -1);
        rp_keyring_free(&second);
    }
    assert_true(n > 1);
    rp_keyring_free(&keyring);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_with_the_ring),
        cmocka_unit_test(an_empty_one_begins_a_ring),
        cmocka_unit_test(room_for_more_domains_is_kept),
        cmocka_unit_test(survives_exec),
        cmocka_unit_test(other_options_are_refused),
        cmocka_unit_test(another_header_is_refused),
        cmocka_unit_test(what_is_no_keyring_is_refused),
        cmocka_unit_test(a_wrong_pair_begins_a_new_ring),
        cmocka_unit_test(read_only_has_nothing_to_hand_on),
        cmocka_unit_test(every_kind_of_secret_memory_is_handed_on),
        cmocka_unit_test(a_failed_allocation_fails_the_constructor),
    };

    return argc > 2 ? adopt_and_keep(argv[1], argv[2]) : cmocka_run_group_tests(tests, NULL, NULL);
}
