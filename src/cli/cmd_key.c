#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "cmd.h"
#include "cmd_options.h"
#include "descriptor.h"
#include "error.h"
#include "fleet_secret_file.h"
#include "memory.h"

#define ACCESS_OF_OTHERS (S_IRWXG | S_IRWXO)

struct request {
    bool help;
    const char *checked; /* NULL: a new one is made */
};

static const char help_text[] =
    "usage: reprise key fleet-secret > FILE\n"
    "       reprise key fleet-secret --check FILE\n"
    "\n"
    "The fleet secret is what makes a host a member of its fleet: 32 random bytes, the same on "
    "all\n"
    "hosts, in a file that the configuration of reprised names (fleet: secret). Make it once, and\n"
    "copy it to the others over a channel that keeps secrets, such as scp.\n"
    "\n"
    "  fleet-secret    a new secret, on standard output; a file there is made readable for its\n"
    "                  owner alone first\n"
    "\n"
    "  --check FILE    whether reprised takes FILE: one secret, or two while it is changed, of\n"
    "                  which the first is spoken and both are understood\n"
    "  --help          this text\n"
    "\n"
    "To change it without parting the fleet, append a new one on all hosts (>> FILE), then move\n"
    "it to the front on all hosts, then remove the old one.\n"
    "\n"
    "Exit status: 0 done, or reprised takes FILE; 1 it does not; 2 usage, or the secret could not\n"
    "be written.\n";

static int fail(const char *text, int code)
{
    (void)fprintf(stderr, "reprise key: %s\n", text);
    return code;
}

static enum rp_status take_option(void *cookie, int id, struct rp_error *err)
{
    struct request *const r = cookie;

    switch (id) {
    case 'h':
        r->help = true;
        return RP_OK;
    case 'c':
        if (r->checked != NULL) {
            error_set(err, "--check is given twice");
            return RP_INVALID;
        }
        r->checked = optarg;
        return RP_OK;
    default:
        return cmd_options_refuse(id, err);
    }
}

static enum rp_status take_words(int n, char *const *words, struct rp_error *err)
{
    if (n == 0) {
        error_set(err, "fleet-secret is to be said; see reprise key --help");
    } else if (strcmp(words[0], "fleet-secret") != 0) {
        error_set(err, "unknown action \"%s\": fleet-secret; see reprise key --help", words[0]);
    } else if (n > 1) {
        error_set(err, "\"%s\" is one word too much; see reprise key --help", words[1]);
    } else {
        return RP_OK;
    }
    return RP_INVALID;
}

static enum rp_status parse(int argc, char *const *argv, struct request *r, struct rp_error *err)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"check", required_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    const enum rp_status status = cmd_options_take(argc, argv, ":h", options, take_option, r, err);

    if (status != RP_OK || r->help) {
        return status;
    }
    return take_words(argc - optind, argv + optind, err);
}

/* Who opened it while others still had access can go on reading. Where the file system knows no
 * leases, nothing is known. */
static bool is_open_elsewhere(int fd)
{
    if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0) {
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
        return false;
    }
    return errno == EAGAIN;
}

/* A shell makes a file that all may read; a secret must not be in it for a moment. */
static enum rp_status close_to_others(int fd, struct rp_error *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & ACCESS_OF_OTHERS) == 0) {
        return RP_OK; /* a pipe, or good; what cannot be written to shows at once */
    }
    if (fchmod(fd, S_IRUSR | S_IWUSR) != 0) {
        error_set(err,
                  "others have access to the file on standard output (mode %04o), and it cannot be "
                  "taken away: %s; nothing is written",
                  (unsigned)(st.st_mode & 07777), strerror(errno));
        return RP_SYSTEM;
    }
    if (is_open_elsewhere(fd)) {
        error_set(err, "somebody has the file on standard output open and could read along; "
                       "nothing is written, but it is closed to others now: try again");
        return RP_SYSTEM;
    }
    return RP_OK;
}

/* Past stdio, in whose buffer the secret would stay. */
static enum rp_status put_new(struct rp_error *err)
{
    uint8_t secret[FLEET_SECRET_LEN];
    char line[FLEET_SECRET_TEXT_SIZE];
    enum rp_status status = close_to_others(STDOUT_FILENO, err);

    if (status != RP_OK) {
        return status;
    }
    if (RAND_priv_bytes(secret, sizeof secret) != 1) {
        error_set(err, "libcrypto gives no random bytes");
        status = RP_CRYPTO;
        goto done;
    }
    fleet_secret_encode(secret, line);
    line[sizeof line - 1] = '\n';
    if (!descriptor_write_all(STDOUT_FILENO, line, sizeof line)) {
        error_set(err, "cannot write to standard output: %s", strerror(errno));
        status = RP_SYSTEM;
    }
done:
    memory_wipe(secret, sizeof secret);
    memory_wipe(line, sizeof line);
    return status;
}

static int make(void)
{
    struct rp_error err;

    if (put_new(&err) != RP_OK) {
        return fail(err.text, CMD_USAGE);
    }
    if (isatty(STDOUT_FILENO) != 0) {
        (void)fputs("reprise key: a secret is for a file, which nobody else may read; this one "
                    "stays in the terminal's history\n",
                    stderr);
    }
    return CMD_OK;
}

/* What root's reprised refuses, another's may take. */
static void put_owner(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && st.st_uid != 0) {
        (void)printf(", if it is started by user %u", (unsigned)st.st_uid);
    }
}

static int check(const char *path)
{
    struct fleet_secrets secrets;
    struct rp_error err;
    const enum rp_status status = fleet_secret_file_read(path, &secrets, &err);

    if (status == RP_OK) {
        (void)printf("%s: %s: reprised takes it", path,
                     secrets.n == 1 ? "one fleet secret"
                                    : "two fleet secrets, the first is spoken");
        put_owner(path);
        (void)putchar('\n');
    }
    fleet_secrets_fini(&secrets);
    return status == RP_OK ? CMD_OK : fail(err.text, CMD_BAD);
}

int cmd_key(int argc, char *const *argv)
{
    struct request r = {0};
    struct rp_error err = {{0}};

    if (parse(argc, argv, &r, &err) != RP_OK) {
        return fail(err.text, CMD_USAGE);
    }
    if (r.help) {
        (void)fputs(help_text, stdout);
        return CMD_OK;
    }
    return r.checked != NULL ? check(r.checked) : make();
}
