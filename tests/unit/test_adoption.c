/* What a starting parent takes up of what was handed on, and what it closes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcntl.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "adoption.h"
#include "config_kit.h"
#include "memory.h"
#include "resources.h"

#define SITE(name) "    sites: [{ name: " name ", certificate: x.pem, key: x.key }]\n"
#define CACHE(size) "listen:\n  - address: 127.0.0.1:0\n    session_cache: " size "\n" SITE("a")
#define FILES "session_ticket_key: /dev/null\n"

static const struct log silent = {.fd = -1, .least = LOG_LEVEL_ERROR};

static struct inherited nothing(void)
{
    return (struct inherited){
        .window_fd = -1, .chain_fd = -1, .cache_fd = -1, .upgrade_fd = -1, .end = 3};
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Copies, as an exec would leave them. */
static void hand_keyring_on(const struct rp_keyring *keyring, struct inherited *out)
{
    int window_fd;
    int chain_fd;

    rp_keyring_descriptors(keyring, &window_fd, &chain_fd);
    out->window_fd = dup(window_fd);
    out->chain_fd = dup(chain_fd);
    assert_true(out->window_fd >= 0 && out->chain_fd >= 0);
}

/* Of a ring that has begun, with the domain of site a. */
static struct rp_keyring *ring_of(const struct config *config)
{
    struct rp_keyring *keyring;
    struct rp_error err = {""};

    assert_int_equal(resources_keyring(config, NULL, &keyring, &err), RP_OK);
    assert_int_equal(rp_keyring_keep(keyring, 1000, NULL, &err), RP_OK);
    assert_int_equal(rp_keyring_domain_add(keyring, "site:a"), RP_OK);
    return keyring;
}

static struct rp_keyring *adopt_from(const struct rp_keyring *from, const char *text)
{
    struct config *config = config_of(text);
    struct inherited inherited = nothing();
    struct rp_keyring *keyring = NULL;
    int window_fd;
    int chain_fd;

    hand_keyring_on(from, &inherited);
    window_fd = inherited.window_fd;
    chain_fd = inherited.chain_fd;
    adoption_keyring(&inherited, config, &silent, &keyring);
    assert_int_equal(inherited.window_fd, -1);
    assert_int_equal(inherited.chain_fd, -1);
    assert_int_equal(is_open(window_fd), keyring != NULL);
    assert_int_equal(is_open(chain_fd), keyring != NULL);
    config_free(&config);
    return keyring;
}

static void nothing_was_handed_on(void **state)
{
    struct config *config = config_of(CACHE("1mb"));
    struct inherited inherited = nothing();
    struct generation before;
    struct rp_keyring *keyring;

    (void)state;
    adoption_keyring(&inherited, config, &silent, &keyring);
    assert_null(keyring);
    assert_int_equal(adoption_generation(&inherited, config, &silent, &before), RP_OK);
    assert_null(before.listening);
    assert_null(before.cache);
    adoption_end(&before, NULL, &silent);
    config_free(&config);
}

static void a_keyring_goes_on_where_it_fits(void **state)
{
    struct config *config = config_of(CACHE("1mb"));
    struct rp_keyring *first = ring_of(config);
    struct rp_keyring *second = adopt_from(first, CACHE("1mb"));
    struct rp_keyring_info info;

    (void)state;
    assert_non_null(second);
    rp_keyring_info(second, &info);
    assert_int_equal(info.n_domains, 1);
    rp_keyring_free(&second);
    assert_null(adopt_from(first, "fleet: { rotate: 2h }\n" CACHE("1mb")));
    assert_null(adopt_from(first, FILES CACHE("1mb")));
    rp_keyring_free(&first);
    config_free(&config);
}

static void half_a_keyring_is_none(void **state)
{
    struct config *config = config_of(CACHE("1mb"));
    struct rp_keyring *first = ring_of(config);
    struct rp_keyring *keyring;

    (void)state;
    for (int half = 0; half < 2; half++) {
        struct inherited inherited = nothing();
        int *const missing = half == 0 ? &inherited.window_fd : &inherited.chain_fd;
        int *const there = half == 0 ? &inherited.chain_fd : &inherited.window_fd;
        int fd;

        hand_keyring_on(first, &inherited);
        (void)close(*missing);
        *missing = -1;
        fd = *there;
        adoption_keyring(&inherited, config, &silent, &keyring);
        assert_null(keyring);
        assert_int_equal(*there, -1);
        assert_false(is_open(fd));
    }
    rp_keyring_free(&first);
    config_free(&config);
}

/* A queue, as inherited_take leaves it, and a cache of 1 MB. */
static void hand_generation_on(struct inherited *out)
{
    static const int on = 1;
    const struct sockaddr_in any = {.sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct rp_cache *cache;
    struct rp_error err = {""};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(listen(fd, 1), 0);
    out->sockets = memory_new(1, sizeof *out->sockets);
    assert_non_null(out->sockets);
    out->sockets[0].fd = fd;
    out->n_sockets = 1;
    assert_int_equal(rp_cache_new(1 << 20, &cache, &err), RP_OK);
    out->cache_fd = dup(rp_cache_descriptor(cache));
    rp_cache_free(&cache);
}

static void an_heir_takes_queues_and_cache(void **state)
{
    struct inherited inherited = nothing();
    struct generation before;
    struct generation *first;
    struct config *config = config_of(CACHE("1mb"));
    struct rp_error err = {""};
    int socket_fd;
    int cache_fd;

    (void)state;
    hand_generation_on(&inherited);
    socket_fd = inherited.sockets[0].fd;
    cache_fd = inherited.cache_fd;
    assert_int_equal(adoption_generation(&inherited, config, &silent, &before), RP_OK);
    assert_int_equal(inherited.cache_fd, -1);
    assert_int_equal(inherited.sockets[0].fd, -1);
    if (generation_new(config, &before, &first, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
    adoption_end(&before, first, &silent);
    assert_int_equal(rp_cache_descriptor(first->cache), cache_fd);
    assert_true(is_open(socket_fd) && is_open(cache_fd));
    generation_free(&first, NULL);
    assert_false(is_open(socket_fd) || is_open(cache_fd));
    inherited_fini(&inherited);
}

static void what_nobody_wants_is_closed(void **state)
{
    static const char *const texts[] = {CACHE("2mb"), CACHE("off")};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct config *config = config_of(texts[i]);
        struct inherited inherited = nothing();
        struct generation before;
        int socket_fd;
        int cache_fd;

        hand_generation_on(&inherited);
        socket_fd = inherited.sockets[0].fd;
        cache_fd = inherited.cache_fd;
        assert_int_equal(adoption_generation(&inherited, config, &silent, &before), RP_OK);
        assert_null(before.cache);
        assert_false(is_open(cache_fd));
        assert_true(is_open(socket_fd));
        adoption_end(&before, NULL, &silent);
        assert_false(is_open(socket_fd));
        inherited_fini(&inherited);
        config_free(&config);
    }
}

/* A keyring or a cache that there is no memory for begins anew; a queue must not be lost. */
static void survives_failing_allocations(void **state)
{
    struct config *config = config_of(CACHE("1mb"));
    struct rp_keyring *first = ring_of(config);
    enum rp_status status = RP_NO_MEMORY;
    bool all = false;

    (void)state;
    for (long n = 0; !all; n++) {
        struct inherited inherited = nothing();
        struct rp_keyring *keyring = NULL;
        struct generation before;
        int cache_fd;

        hand_keyring_on(first, &inherited);
        hand_generation_on(&inherited);
        cache_fd = inherited.cache_fd;
        memory_fail_after(n);
        adoption_keyring(&inherited, config, &silent, &keyring);
        status = adoption_generation(&inherited, config, &silent, &before);
        memory_fail_after(-1);
        assert_true(status == RP_OK || status == RP_NO_MEMORY);
        assert_true(status != RP_OK || before.listening != NULL);
        assert_true(status == RP_OK || (before.listening == NULL && before.cache == NULL));
        all = status == RP_OK && keyring != NULL && before.cache != NULL;
        adoption_end(&before, NULL, &silent);
        rp_keyring_free(&keyring);
        inherited_fini(&inherited);
        assert_false(is_open(cache_fd));
    }
    rp_keyring_free(&first);
    config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_was_handed_on),
        cmocka_unit_test(a_keyring_goes_on_where_it_fits),
        cmocka_unit_test(half_a_keyring_is_none),
        cmocka_unit_test(an_heir_takes_queues_and_cache),
        cmocka_unit_test(what_nobody_wants_is_closed),
        cmocka_unit_test(survives_failing_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
