#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "error.h"
#include "privileges.h"
#include "spawn.h"

#define NOBODY 65534
#define NOT_ALLOWED 77

static int run_spawned(const struct spawn *spawn)
{
    struct rp_error err = {""};
    pid_t pid;
    int fd;
    int status;

    if (spawn_child(spawn, &pid, &fd, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(fd);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static struct config configured(char *user)
{
    struct config config = {.user = user, .user_place = {3, 7}};

    return config;
}

static void a_feeds_group_must_be_there(void **state)
{
    char file[] = "x.yaml";
    char missing[] = "no-such-group";
    char root[] = "root";
    char known[] = "daemon";
    struct config_feed feeds[2] = {{.group = missing, .places.group = {4, 8}}};
    struct config config = configured(NULL);
    struct privileges p;
    struct rp_error err;

    (void)state;
    config.file = file;
    config.feeds = feeds;
    config.n_feeds = 2;
    assert_int_equal(privileges_plan(&config, &p, &err), RP_NOT_FOUND);
    assert_string_equal(err.text, "x.yaml:4:8: there is no group no-such-group");
    feeds[0].group = root;
    assert_int_equal(privileges_plan(&config, &p, &err), RP_INVALID);
    assert_non_null(strstr(err.text, "root is root's group"));
    feeds[0].group = known;
    feeds[1].group = known;
    assert_int_equal(privileges_plan(&config, &p, &err), RP_OK);
    assert_int_equal(p.feeder.n_groups, 1);
    assert_int_equal(p.feed_groups[0], p.feeder.groups[0]);
    feeds[1].group = NULL;
    assert_int_equal(privileges_plan(&config, &p, &err), RP_OK);
    assert_int_equal(p.feed_groups[1], (gid_t)-1);
    assert_int_equal(p.courier.n_groups, 0);
}

static void a_missing_user_is_named_with_the_remedy(void **state)
{
    char file[] = "x.yaml";
    char user[] = "no-such-user";
    struct config config = configured(user);
    struct privileges p;
    struct rp_error err;

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    config.file = file;
    assert_int_equal(privileges_plan(&config, &p, &err), RP_NOT_FOUND);
    assert_string_equal(err.text,
                        "x.yaml:3:7: there is no user no-such-user; create it: useradd --system "
                        "--user-group --no-create-home --shell /usr/sbin/nologin no-such-user");
}

static void the_keepers_user_must_be_there_too(void **state)
{
    char user[] = "nobody";
    const struct config config = configured(user);
    struct privileges p;
    struct rp_error err;

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(privileges_plan(&config, &p, &err), RP_NOT_FOUND);
    assert_non_null(strstr(err.text, "there is no user nobody-keeper; create it: useradd "));
}

static void root_is_refused(void **state)
{
    char user[] = "root";
    const struct config config = configured(user);
    struct privileges p;
    struct rp_error err;

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(privileges_plan(&config, &p, &err), RP_INVALID);
    assert_non_null(strstr(err.text, "root is root"));
}

static int plan_as_nobody(int channel_fd, void *cookie)
{
    const struct privileges_account nobody = {.uid = NOBODY, .gid = NOBODY};
    const struct config config = configured(NULL);
    struct privileges p;

    (void)channel_fd;
    (void)cookie;
    return !privileges_drop(&nobody) || privileges_plan(&config, &p, NULL) != RP_OK ||
           p.remark != PRIVILEGES_SAME;
}

static void without_root_all_stay_the_same(void **state)
{
    const struct spawn spawn = {.title = "test", .run = plan_as_nobody};

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(run_spawned(&spawn), 0);
}

static int drop_and_look(int channel_fd, void *cookie)
{
    const struct privileges_account nobody = {.uid = NOBODY, .gid = NOBODY};
    struct rlimit core;
    uid_t ids[3];
    gid_t groups[3];
    int dies_by;

    (void)channel_fd;
    (void)cookie;
    if (spawn_confine(&nobody, NULL) != RP_OK || getresuid(&ids[0], &ids[1], &ids[2]) != 0 ||
        getresgid(&groups[0], &groups[1], &groups[2]) != 0 || getgroups(0, NULL) != 0) {
        return 1;
    }
    for (int i = 0; i < 3; i++) {
        if (ids[i] != NOBODY || groups[i] != NOBODY) {
            return 2;
        }
    }
    if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0) {
        return 3;
    }
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0 || prctl(PR_GET_DUMPABLE) != 0 ||
        prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_PDEATHSIG, &dies_by) != 0 ||
        dies_by != SIGKILL) {
        return 4;
    }
    return 0;
}

static void what_is_dropped_is_gone(void **state)
{
    const struct spawn spawn = {.title = "test", .run = drop_and_look};

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(run_spawned(&spawn), 0);
}

static int leave_and_look(int channel_fd, void *cookie)
{
    struct stat before;
    struct stat after;
    struct ifreq loopback = {.ifr_name = "lo"};
    int fd;

    (void)channel_fd;
    (void)cookie;
    if (stat("/proc/self/ns/net", &before) != 0) {
        return 1;
    }
    if (!privileges_leave_network()) {
        return NOT_ALLOWED;
    }
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    return stat("/proc/self/ns/net", &after) != 0 || after.st_ino == before.st_ino || fd < 0 ||
           ioctl(fd, SIOCGIFFLAGS, &loopback) != 0 || (loopback.ifr_flags & IFF_UP) != 0;
}

static void who_left_the_network_has_none(void **state)
{
    const struct spawn spawn = {.title = "test", .run = leave_and_look};
    const int status = run_spawned(&spawn);

    (void)state;
    if (status == NOT_ALLOWED) {
        skip();
    }
    assert_int_equal(status, 0);
}

static bool has_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {{0}};

    return syscall(SYS_capget, &header, caps) != 0 ||
           (caps[0].permitted | caps[0].inheritable | caps[1].permitted | caps[1].inheritable) != 0;
}

static int keep_the_user_and_look(int channel_fd, void *cookie)
{
    (void)channel_fd;
    (void)cookie;
    if (!has_capabilities()) {
        return 1;
    }
    return spawn_confine(NULL, NULL) != RP_OK || has_capabilities() ? 2 : 0;
}

static void who_keeps_the_user_keeps_no_capability(void **state)
{
    const struct spawn spawn = {.title = "test", .run = keep_the_user_and_look};

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(run_spawned(&spawn), 0);
}

struct kept {
    int keep;
    int other;
};

static int look_at_descriptors(int channel_fd, void *cookie)
{
    const struct kept *kept = cookie;
    int n = 0;

    for (int fd = 3; fd < 1024; fd++) {
        n += fcntl(fd, F_GETFD) >= 0;
    }
    return n != 2 || fcntl(kept->keep, F_GETFD) < 0 || fcntl(kept->other, F_GETFD) >= 0 ||
           fcntl(channel_fd, F_GETFD) < 0;
}

static void a_child_keeps_only_what_it_is_told_to(void **state)
{
    struct kept kept = {dup(0), dup(0)};
    const int far = fcntl(0, F_DUPFD, 500);
    const struct spawn spawn = {.title = "test",
                                .keep = &kept.keep,
                                .n_keep = 1,
                                .run = look_at_descriptors,
                                .cookie = &kept};

    (void)state;
    assert_int_equal(run_spawned(&spawn), 0);
    (void)close(kept.keep);
    (void)close(kept.other);
    (void)close(far);
}

static int look_at_signals(int channel_fd, void *cookie)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2};
    char name[16] = "";
    sigset_t blocked;
    struct sigaction action;

    (void)channel_fd;
    (void)cookie;
    if (sigprocmask(SIG_SETMASK, NULL, &blocked) != 0 || sigismember(&blocked, SIGTERM) != 0) {
        return 1;
    }
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        if (sigaction(ignored[i], NULL, &action) != 0 || action.sa_handler != SIG_IGN) {
            return 2;
        }
    }
    if (sigaction(SIGCHLD, NULL, &action) != 0 || action.sa_handler != SIG_DFL) {
        return 3;
    }
    return prctl(PR_GET_NAME, name, 0, 0, 0) != 0 || strcmp(name, "test:child") != 0 ? 4 : 0;
}

static void a_childs_signals_are_its_own(void **state)
{
    const struct spawn spawn = {.title = "test:child", .run = look_at_signals};
    sigset_t term;
    sigset_t before;

    (void)state;
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &term, &before), 0);
    assert_int_equal(run_spawned(&spawn), 0);
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

static int wait_for_the_end(int channel_fd, void *cookie)
{
    (void)channel_fd;
    (void)cookie;
    return pause();
}

/* Starts a child, and ends without it; witness closes when the last of both is gone. */
static int leave_a_child(int channel_fd, void *cookie)
{
    const int *witness = cookie;
    const struct spawn spawn = {
        .title = "test", .keep = witness, .n_keep = 1, .run = wait_for_the_end};
    pid_t pid;
    int fd;

    (void)channel_fd;
    return spawn_child(&spawn, &pid, &fd, NULL) != RP_OK;
}

static void a_child_dies_with_its_parent(void **state)
{
    int witness[2];
    struct pollfd poll_for = {.events = POLLIN};
    struct spawn spawn = {.title = "test", .n_keep = 1, .run = leave_a_child};

    (void)state;
    assert_int_equal(pipe(witness), 0);
    spawn.keep = &witness[1];
    spawn.cookie = &witness[1];
    assert_int_equal(run_spawned(&spawn), 0);
    (void)close(witness[1]);
    poll_for.fd = witness[0];
    assert_int_equal(poll(&poll_for, 1, 10000), 1);
    assert_true((poll_for.revents & POLLHUP) != 0);
    (void)close(witness[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_feeds_group_must_be_there),
        cmocka_unit_test(a_missing_user_is_named_with_the_remedy),
        cmocka_unit_test(the_keepers_user_must_be_there_too),
        cmocka_unit_test(root_is_refused),
        cmocka_unit_test(without_root_all_stay_the_same),
        cmocka_unit_test(what_is_dropped_is_gone),
        cmocka_unit_test(who_left_the_network_has_none),
        cmocka_unit_test(who_keeps_the_user_keeps_no_capability),
        cmocka_unit_test(a_child_keeps_only_what_it_is_told_to),
        cmocka_unit_test(a_childs_signals_are_its_own),
        cmocka_unit_test(a_child_dies_with_its_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
