#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin_sockets.h"
#include "memory.h"
#include "text.h"

struct folder {
    char name[40];
    char path[64];
    char other[64];
};

static int set_up(void **state)
{
    static struct folder f;
    struct text t = text_of(f.name, sizeof f.name);

    text_add(&t, "/tmp/admin_sockets.XXXXXX");
    if (mkdtemp(f.name) == NULL) {
        return -1;
    }
    t = text_of(f.path, sizeof f.path);
    text_addf(&t, "%s/a", f.name);
    t = text_of(f.other, sizeof f.other);
    text_addf(&t, "%s/b", f.name);
    *state = &f;
    return 0;
}

/* Nothing may be left in it. */
static int tear_down(void **state)
{
    return rmdir(((struct folder *)*state)->name);
}

static struct config *with(const char *list)
{
    char buffer[512];
    struct text t = text_of(buffer, sizeof buffer);
    struct config *config;
    struct rp_error err;

    text_addf(&t,
              "admin: {listen: [%s]}\n"
              "listen: [{address: \"127.0.0.1:0\", sites: [{name: a, certificate: c, key: k}]}]\n",
              list);
    if (config_parse("x.yaml", buffer, t.len, &config, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
    return config;
}

static struct config *with_path(const char *path)
{
    char list[128];
    struct text t = text_of(list, sizeof list);

    text_addf(&t, "\"unix:%s\"", path);
    return with(list);
}

static struct admin_sockets *opened(const struct config *config, const struct admin_sockets *from)
{
    struct admin_sockets *sockets;
    struct rp_error err;

    if (admin_sockets_open(config, from, &sockets, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
    return sockets;
}

static bool answers(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answered;

    memcpy(un.sun_path, path, strlen(path) + 1);
    answered = connect(fd, (const struct sockaddr *)&un, sizeof un) == 0;
    (void)close(fd);
    return answered;
}

static void none_is_null(void **state)
{
    static const char text[] =
        "listen: [{address: \"127.0.0.1:0\", sites: [{name: a, certificate: c, key: k}]}]\n";
    struct config *config;
    struct admin_sockets *sockets;
    size_t n = 1;

    (void)state;
    assert_int_equal(config_parse("x.yaml", text, sizeof text - 1, &config, NULL), RP_OK);
    sockets = opened(config, NULL);
    assert_null(sockets);
    (void)admin_sockets_fds(sockets, &n);
    assert_int_equal(n, 0);
    admin_sockets_free(&sockets, NULL);
    config_free(&config);
}

static void ports_are_told_and_openness_too(void **state)
{
    struct config *config = with("\"127.0.0.1:0\", \"0.0.0.0:0\", \"[::1]:0\"");
    struct admin_sockets *sockets = opened(config, NULL);
    char text[ADMIN_SOCKETS_TEXT_SIZE];
    size_t n;

    (void)state;
    (void)admin_sockets_fds(sockets, &n);
    assert_int_equal(n, 3);
    admin_sockets_text(sockets, 0, text);
    assert_memory_equal(text, "127.0.0.1:", 10);
    assert_string_not_equal(text, "127.0.0.1:0");
    assert_false(admin_sockets_is_open(sockets, 0));
    assert_true(admin_sockets_is_open(sockets, 1));
    assert_false(admin_sockets_is_open(sockets, 2));
    assert_true(admin_sockets_show(sockets));
    admin_sockets_free(&sockets, NULL);
    config_free(&config);
}

static void a_path_is_shown_when_told(void **state)
{
    const struct folder *f = *state;
    struct config *config = with_path(f->path);
    struct admin_sockets *sockets = opened(config, NULL);

    assert_false(answers(f->path));
    assert_true(admin_sockets_show(sockets));
    assert_true(answers(f->path));
    admin_sockets_free(&sockets, NULL);
    assert_false(answers(f->path));
    config_free(&config);
}

/* Whatever the umask of the one that started us, which stays as it was. */
static void everybody_may_connect(void **state)
{
    static const mode_t masks[] = {0, 0022, 0077, 0777};
    const struct folder *f = *state;
    struct config *config = with_path(f->path);

    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        const mode_t before = umask(masks[i]);
        struct admin_sockets *sockets = opened(config, NULL);
        struct stat st;

        assert_int_equal(umask(before), masks[i]);
        assert_true(admin_sockets_show(sockets));
        assert_int_equal(lstat(f->path, &st), 0);
        assert_int_equal(st.st_mode, S_IFSOCK | 0666);
        admin_sockets_free(&sockets, NULL);
    }
    config_free(&config);
}

/* As a new binary, which may fail before it has taken over. */
static void a_successor_that_fails_leaves_it(void **state)
{
    const struct folder *f = *state;
    struct config *config = with_path(f->path);
    struct admin_sockets *first = opened(config, NULL);
    struct admin_sockets *second;

    assert_true(admin_sockets_show(first));
    second = opened(config, NULL);
    admin_sockets_free(&second, NULL);
    assert_true(answers(f->path));
    second = opened(config, NULL);
    assert_true(admin_sockets_show(second));
    admin_sockets_free(&first, NULL);
    assert_true(answers(f->path));
    admin_sockets_free(&second, NULL);
    config_free(&config);
}

static void the_same_address_goes_on(void **state)
{
    const struct folder *f = *state;
    struct config *before = with_path(f->path);
    struct config *after = with("\"127.0.0.1:0\"");
    struct admin_sockets *first = opened(before, NULL);
    struct admin_sockets *second = opened(before, first);
    struct admin_sockets *third;
    size_t n;
    const int fd = admin_sockets_fds(first, &n)[0];

    assert_false(admin_sockets_is_old(first, 0));
    assert_true(admin_sockets_is_old(second, 0));
    assert_int_equal(admin_sockets_fds(second, &n)[0], fd);
    admin_sockets_free(&first, second);
    assert_true(admin_sockets_show(second));
    assert_true(answers(f->path));
    third = opened(after, second);
    admin_sockets_free(&second, third);
    assert_false(answers(f->path));
    admin_sockets_free(&third, NULL);
    config_free(&before);
    config_free(&after);
}

static void a_file_in_its_place_is_refused(void **state)
{
    const struct folder *f = *state;
    struct config *config = with_path(f->path);
    struct admin_sockets *sockets;
    struct rp_error err;

    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(admin_sockets_open(config, NULL, &sockets, &err), RP_SYSTEM);
    assert_null(sockets);
    assert_non_null(strstr(err.text, "x.yaml:1:17: admin cannot listen on unix:"));
    assert_non_null(strstr(err.text, ": File exists"));
    assert_int_equal(rmdir(f->path), 0);
    config_free(&config);
}

static void one_that_fails_takes_the_others_with_it(void **state)
{
    const struct folder *f = *state;
    char list[256];
    struct text t = text_of(list, sizeof list);
    struct config *config;
    struct admin_sockets *sockets;
    struct rp_error err;

    text_addf(&t, "\"unix:%s\", \"unix:%s/no/where\"", f->path, f->name);
    config = with(list);
    assert_int_equal(admin_sockets_open(config, NULL, &sockets, &err), RP_SYSTEM);
    assert_null(sockets);
    config_free(&config);
}

static void without_memory_there_is_none(void **state)
{
    const struct folder *f = *state;
    struct config *config = with_path(f->path);
    struct admin_sockets *sockets;
    struct rp_error err;

    memory_fail_after(0);
    assert_int_equal(admin_sockets_open(config, NULL, &sockets, &err), RP_NO_MEMORY);
    memory_fail_after(-1);
    assert_null(sockets);
    config_free(&config);
}

#define SOCKETS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_null),
        cmocka_unit_test(ports_are_told_and_openness_too),
        SOCKETS_TEST(a_path_is_shown_when_told),
        SOCKETS_TEST(everybody_may_connect),
        SOCKETS_TEST(a_successor_that_fails_leaves_it),
        SOCKETS_TEST(the_same_address_goes_on),
        SOCKETS_TEST(a_file_in_its_place_is_refused),
        SOCKETS_TEST(one_that_fails_takes_the_others_with_it),
        SOCKETS_TEST(without_memory_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
