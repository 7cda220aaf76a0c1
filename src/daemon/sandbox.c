#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <seccomp.h>

#include "error.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define CALL(name) SCMP_SYS(name)

/* What the loop, the allocator, libcrypto, the log and an orderly end need. */
static const int common[] = {
    CALL(read),
    CALL(readv),
    CALL(recvfrom),
    CALL(recvmsg),
    CALL(write),
    CALL(writev),
    CALL(sendto),
    CALL(sendmsg),
    CALL(close),
    CALL(close_range),
    CALL(shutdown),
    CALL(epoll_create1),
    CALL(epoll_ctl),
    CALL(epoll_wait),
    CALL(epoll_pwait),
    CALL(poll),
    CALL(ppoll),
    CALL(timerfd_settime),
    CALL(timerfd_create),
    CALL(clock_gettime),
    CALL(gettimeofday),
    CALL(time),
    CALL(nanosleep),
    CALL(clock_nanosleep),
    CALL(munmap),
    CALL(mremap),
    CALL(brk),
    CALL(madvise),
    CALL(mlock),
    CALL(mlock2),
    CALL(munlock),
    CALL(msync),
    CALL(futex),
    CALL(sched_yield),
    CALL(getrandom),
    CALL(rt_sigprocmask),
    CALL(rt_sigaction),
    CALL(rt_sigreturn),
    CALL(sigaltstack),
    CALL(restart_syscall),
    CALL(exit),
    CALL(exit_group),
    CALL(getpid),
    CALL(getppid),
    CALL(gettid),
    CALL(getuid),
    CALL(geteuid),
    CALL(getgid),
    CALL(getegid),
    CALL(fstat),
    CALL(lseek),
    CALL(set_robust_list),
    CALL(rseq),
    CALL(membarrier),
    CALL(getrusage),
    CALL(uname),
    CALL(sched_getaffinity),
};

/* Sockets that are there already, and those that are accepted. */
static const int serving[] = {
    CALL(accept4),     CALL(setsockopt), CALL(getsockopt), CALL(getsockname),
    CALL(getpeername), CALL(eventfd2),   CALL(pipe2),      CALL(epoll_pwait2),
};

/* A store that is a folder. */
static const int filing[] = {
    CALL(openat),           CALL(mkdir),      CALL(mkdirat),
    CALL(renameat),         CALL(renameat2),  CALL(linkat),
    CALL(unlinkat),         CALL(flock),      CALL(inotify_add_watch),
    CALL(inotify_rm_watch), CALL(getdents64),
};

/* Files of the feeder's own, in folders of its own. */
static const int feeding[] = {
    CALL(openat),    CALL(renameat),   CALL(renameat2),  CALL(unlinkat),   CALL(fchmod),
    CALL(fchown),    CALL(ftruncate),  CALL(pwrite64),   CALL(getdents64), CALL(fstatfs),
    CALL(utimensat), CALL(getsockopt), CALL(setsockopt), CALL(flock),      CALL(sysinfo),
};

/* What nobody does by mistake. */
static const int deadly[] = {
    CALL(execve),
    CALL(execveat),
    CALL(fork),
    CALL(vfork),
    CALL(ptrace),
    CALL(process_vm_readv),
    CALL(bpf),
    CALL(process_vm_writev),
    CALL(open_by_handle_at),
    CALL(mount),
    CALL(umount2),
    CALL(pivot_root),
    CALL(setns),
    CALL(unshare),
    CALL(userfaultfd),
    CALL(init_module),
    CALL(finit_module),
    CALL(kexec_load),
    CALL(add_key),
    CALL(keyctl),
    CALL(perf_event_open),
    CALL(pkey_mprotect),
};

static bool allow_all(scmp_filter_ctx filter, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) != 0) {
            return false;
        }
    }
    return true;
}

static bool kill_for(scmp_filter_ctx filter, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, calls[i], 0) != 0) {
            return false;
        }
    }
    return true;
}

/* Memory is made readable and writable, and never more than it was. */
static bool allow_memory(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, 0)) == 0;
}

/* The call, where that argument of it, counted from 0, has that value. */
static bool allow_where(scmp_filter_ctx filter, int call, unsigned argument, scmp_datum_t value)
{
    const struct scmp_arg_cmp equals = {argument, SCMP_CMP_EQ, value, 0};

    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &equals) == 0;
}

static bool allow_socket(scmp_filter_ctx filter, int call, int family)
{
    return allow_where(filter, call, 0, (scmp_datum_t)family);
}

static bool allow_internet(scmp_filter_ctx filter)
{
    return allow_socket(filter, CALL(socket), AF_INET) &&
           allow_socket(filter, CALL(socket), AF_INET6);
}

/* A worker that finishes says so in its name. */
static bool allow_name(scmp_filter_ctx filter)
{
    return allow_where(filter, CALL(prctl), 0, PR_SET_NAME);
}

/* What the C library makes of fstat; of a path it says no more than its owner and size. */
static bool allow_stat(scmp_filter_ctx filter)
{
    return allow_where(filter, CALL(newfstatat), 3, AT_EMPTY_PATH);
}

/* The same of a path itself. */
static bool allow_paths(scmp_filter_ctx filter)
{
    return allow_where(filter, CALL(newfstatat), 3, AT_SYMLINK_NOFOLLOW) &&
           allow_where(filter, CALL(newfstatat), 3, 0);
}

/* The system's log is a socket that may have to be connected again. */
static bool allow_log(scmp_filter_ctx filter)
{
    return allow_socket(filter, CALL(socket), AF_UNIX) &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(connect), 0) == 0;
}

static bool allow_controls(scmp_filter_ctx filter)
{
    static const unsigned ioctls[] = {FIONREAD, FIONBIO, FIOCLEX};
    static const int fcntls[] = {F_GETFL, F_SETFL, F_GETFD, F_SETFD};
    bool good = true;

    for (size_t i = 0; i < COUNT(ioctls); i++) {
        good = good && allow_where(filter, CALL(ioctl), 1, ioctls[i]);
    }
    for (size_t i = 0; i < COUNT(fcntls); i++) {
        good = good && allow_where(filter, CALL(fcntl), 1, (scmp_datum_t)fcntls[i]);
    }
    return good;
}

static bool allow_role(scmp_filter_ctx filter, enum sandbox_role role)
{
    switch (role) {
    case SANDBOX_KEEPER:
        return true;
    case SANDBOX_COURIER:
        return allow_all(filter, serving, COUNT(serving));
    case SANDBOX_COURIER_FOLDER:
        return allow_all(filter, serving, COUNT(serving)) &&
               allow_all(filter, filing, COUNT(filing));
    case SANDBOX_COURIER_NETWORK:
        return allow_all(filter, serving, COUNT(serving)) && allow_internet(filter);
    case SANDBOX_FEEDER:
        return allow_all(filter, feeding, COUNT(feeding)) && allow_paths(filter);
    case SANDBOX_FEEDER_NETWORK:
        return allow_all(filter, feeding, COUNT(feeding)) && allow_paths(filter) &&
               allow_internet(filter);
    case SANDBOX_WORKER:
        return allow_all(filter, serving, COUNT(serving)) && allow_name(filter) &&
               allow_internet(filter) && allow_socket(filter, CALL(socketpair), AF_UNIX);
    }
    return false;
}

/*
 * The speculation mitigation that the kernel may couple to a filter slows the whole process down,
 * and protects from code that we do not run.
 */
static bool build(scmp_filter_ctx filter, enum sandbox_role role)
{
    return seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1) == 0 &&
           seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
           allow_all(filter, common, COUNT(common)) && allow_memory(filter) &&
           allow_controls(filter) && allow_stat(filter) && allow_log(filter) &&
           allow_role(filter, role) && kill_for(filter, deadly, COUNT(deadly));
}

static bool is_possible(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
    return false;
#else
    return true;
#endif
#else
    return true;
#endif
}

enum rp_status sandbox_enter(enum sandbox_role role, struct rp_error *err)
{
    scmp_filter_ctx filter;
    enum rp_status status = RP_SYSTEM;
    int code;

    if (!is_possible()) {
        error_set(err, "a sanitizer is built in");
        return RP_SYSTEM;
    }
    filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL || !build(filter, role)) {
        error_set(err, "the filter of system calls cannot be made");
        goto done;
    }
    code = seccomp_load(filter);
    if (code != 0) {
        error_set(err, "the kernel takes no filter of system calls: %s", strerror(-code));
        goto done;
    }
    status = RP_OK;
done:
    if (filter != NULL) {
        seccomp_release(filter);
    }
    return status;
}

void sandbox_enter_if_possible(enum sandbox_role role, const struct log *log)
{
    struct rp_error err = {""};

    if (sandbox_enter(role, &err) != RP_OK) {
        LOG_LINE(log, LOG_LEVEL_WARNING, "no sandbox", LOG_S("reason", err.text));
    }
}
