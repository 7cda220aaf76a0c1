/*
 * Searches the memory of the process, all of it that can be read, for keys that have left the
 * window. Runs on locked memory, which a search can see; each search is tried first on a key that
 * must be found.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include "keyring_fixture.h"

#define ROTATE 100
#define ACCEPT 100
#define NEEDLE 16
#define NEEDLES_MAX 16
#define CHUNK (1 << 20)

/* What to look for, inverted, so as not to find itself. */
struct needles {
    uint8_t inverted[NEEDLES_MAX][NEEDLE];
    unsigned n;
};

static void add_needles(struct needles *needles, const uint8_t *p, size_t n)
{
    for (size_t at = 0; at + NEEDLE <= n; at += NEEDLE) {
        for (size_t i = 0; i < NEEDLE; i++) {
            needles->inverted[needles->n][i] = p[at + i] ^ 0xff;
        }
        needles->n++;
    }
}

static bool matches(const uint8_t *p, const uint8_t *inverted)
{
    for (size_t i = 0; i < NEEDLE; i++) {
        if ((p[i] ^ inverted[i]) != 0xff) {
            return false;
        }
    }
    return true;
}

static unsigned count_in(const uint8_t *p, size_t n, const struct needles *needles)
{
    unsigned found = 0;

    for (size_t at = 0; at + NEEDLE <= n; at++) {
        for (unsigned i = 0; i < needles->n; i++) {
            found += matches(p + at, needles->inverted[i]) ? 1 : 0;
        }
    }
    return found;
}

/* In one mapping, through a buffer that no search looks into. */
static unsigned count_in_mapping(int mem, uint8_t *buffer, uintptr_t start, uintptr_t end,
                                 const struct needles *needles)
{
    unsigned found = 0;
    uintptr_t at = start;

    while (at < end) {
        const size_t wanted = end - at < CHUNK ? end - at : CHUNK;
        const ssize_t n = pread(mem, buffer, wanted, (off_t)at);

        if (n <= 0) {
            break;
        }
        found += count_in(buffer, (size_t)n, needles);
        if ((size_t)n == wanted && at + wanted == end) {
            break;
        }
        at += (size_t)n > NEEDLE ? (size_t)n - NEEDLE + 1 : (size_t)n; /* over the seam too */
    }
    return found;
}

static unsigned search_process(const struct needles *needles)
{
    uint8_t *buffer = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FILE *maps = fopen("/proc/self/maps", "r");
    const int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    unsigned found = 0;
    char line[512];

    assert_ptr_not_equal(buffer, MAP_FAILED);
    assert_non_null(maps);
    assert_true(mem >= 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        const uintptr_t own = (uintptr_t)buffer;
        unsigned long start;
        unsigned long end;
        char readable;

        assert_int_equal(sscanf(line, "%lx-%lx %c", &start, &end, &readable), 3);
        if (readable == 'r') {
            /* The buffer may have been merged with its neighbours. */
            if (start <= own && own < end) {
                found += count_in_mapping(mem, buffer, start, own, needles);
                start = own + CHUNK;
            }
            found += count_in_mapping(mem, buffer, start, end, needles);
        }
    }
    (void)close(mem);
    (void)fclose(maps);
    (void)munmap(buffer, CHUNK);
    return found;
}

static struct rp_keyring *make(void)
{
    const struct rp_keyring_options options = {.rotate_ms = ROTATE,
                                               .accept_ms = ACCEPT,
                                               .max_domains = 2,
                                               .secret_kinds = RP_SECRET_LOCKED};
    struct rp_keyring *keyring = NULL;
    struct rp_error err = {""};

    if (rp_keyring_new(&options, &keyring, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(rp_keyring_keep(keyring, GENESIS, NULL, NULL), RP_OK);
    assert_int_equal(rp_keyring_domain_add(keyring, "a"), RP_OK);
    assert_int_equal(rp_keyring_domain_add(keyring, "b"), RP_OK);
    return keyring;
}

static void note_domain_keys(const struct rp_keyring *keyring, struct needles *needles)
{
    struct window_key key;

    needles->n = 0;
    assert_true(window_sealing(keyring, 1, GENESIS, &key));
    add_needles(needles, key.keys.stek.aes, 32);
    add_needles(needles, key.keys.stek.hmac, 32);
    add_needles(needles, key.keys.record, 32);
    add_needles(needles, key.keys.id_mac, 32);
    window_key_wipe(&key);
}

static void note_chain_and_roots(const struct rp_keyring *keyring, struct needles *needles)
{
    const struct rings *const now = segment_rings(commit_state(keyring));

    needles->n = 0;
    add_needles(needles, keyring_ring(keyring)->chain, RATCHET_LEN);
    for (unsigned i = 0; i < now->n_roots; i++) {
        add_needles(needles, now->roots[i].root, DERIVE_ROOT_LEN);
    }
}

static void keys_that_left_the_window_are_nowhere(void **state)
{
    struct rp_keyring *keyring = make();
    struct needles keys;

    (void)state;
    note_domain_keys(keyring, &keys);
    assert_true(search_process(&keys) >= keys.n);
    (void)keyring_step(keyring, GENESIS + ROTATE);
    assert_true(search_process(&keys) >= keys.n);
    (void)keyring_step(keyring, GENESIS + ROTATE + ACCEPT - 1);
    assert_true(search_process(&keys) >= keys.n);
    (void)keyring_step(keyring, GENESIS + ROTATE + ACCEPT);
    assert_int_equal(search_process(&keys), 0);
    rp_keyring_free(&keyring);
}

static void chain_and_roots_of_the_past_are_nowhere(void **state)
{
    struct rp_keyring *keyring = make();
    struct needles chain;
    struct needles roots;

    (void)state;
    note_chain_and_roots(keyring, &roots);
    chain = roots;
    chain.n = RATCHET_LEN / NEEDLE;
    assert_true(search_process(&chain) >= chain.n);
    assert_true(search_process(&roots) >= roots.n);
    (void)keyring_step(keyring, GENESIS + ROTATE);
    assert_int_equal(search_process(&chain), 0);
    assert_true(search_process(&roots) > 0);
    (void)keyring_step(keyring, GENESIS + 2 * ROTATE + ACCEPT);
    assert_int_equal(search_process(&roots), 0);
    rp_keyring_free(&keyring);
}

static void a_keyring_set_free_leaves_nothing(void **state)
{
    struct rp_keyring *keyring = make();
    struct needles keys;
    struct needles roots;

    (void)state;
    note_domain_keys(keyring, &keys);
    note_chain_and_roots(keyring, &roots);
    rp_keyring_free(&keyring);
    assert_int_equal(search_process(&keys), 0);
    assert_int_equal(search_process(&roots), 0);
}

/* The needles come by pipe after the fork: nothing of them was in memory before. */
static void a_forked_child_holds_no_chain_and_no_root(void **state)
{
    struct rp_keyring *keyring = make();
    struct needles roots;
    struct needles keys;
    int channel[2];
    pid_t child;

    (void)state;
    assert_int_equal(pipe(channel), 0);
    child = fork();
    if (child == 0) {
        bool good;

        (void)close(channel[1]);
        good = read(channel[0], &roots, sizeof roots) == (ssize_t)sizeof roots &&
               read(channel[0], &keys, sizeof keys) == (ssize_t)sizeof keys &&
               search_process(&keys) >= keys.n && search_process(&roots) == 0;
        _exit(good ? 0 : 1);
    }
    (void)close(channel[0]);
    memset(&roots, 0, sizeof roots);
    memset(&keys, 0, sizeof keys);
    note_chain_and_roots(keyring, &roots);
    note_domain_keys(keyring, &keys);
    assert_true(search_process(&roots) >= roots.n);
    assert_int_equal(write(channel[1], &roots, sizeof roots), (ssize_t)sizeof roots);
    assert_int_equal(write(channel[1], &keys, sizeof keys), (ssize_t)sizeof keys);
    (void)close(channel[1]);
    assert_child_succeeds(child);
    rp_keyring_free(&keyring);
}

/* Whether what would be searched has the terabytes of a sanitizer's shadow in it. */
static bool has_shadow(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#else
    return false;
#endif
#else
    return false;
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_left_the_window_are_nowhere),
        cmocka_unit_test(chain_and_roots_of_the_past_are_nowhere),
        cmocka_unit_test(a_keyring_set_free_leaves_nothing),
        cmocka_unit_test(a_forked_child_holds_no_chain_and_no_root),
    };

    if (has_shadow()) {
        print_message("left out under a sanitizer\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
