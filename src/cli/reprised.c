/* reprised: the daemon. Options, and what is printed; the work begins in parent.c. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "config.h"
#include "crypto_memory.h"
#include "error.h"
#include "inherited.h"
#include "memory.h"
#include "number.h"
#include "parent.h"
#include "program.h"
#include "resources.h"
#include "resources_feeds.h"

#define DEFAULT_ADDRESS "127.0.0.1:8443"
#define ROTATE_MIN_MS 1000
#define ROTATE_MAX_MS INT64_C(604800000)
#define ACCEPT_EPOCHS 24 /* as the default rotate and accept stand to each other */
#define EXIT_USAGE 2

static const char help[] =
    "Usage: reprised [-c FILE | -l ADDRESS [-r DURATION]] [-t]\n"
    "\n"
    "Terminates TLS with sessions that resume on every worker, under keys that\n"
    "rotate. Runs in the foreground and logs to stderr.\n"
    "\n"
    "  -c, --config FILE      read this configuration, see reprised.conf(5)\n"
    "  -l, --listen ADDRESS   no configuration file: listen here, with a self-signed\n"
    "                         certificate and the built-in page\n"
    "                         (default: " DEFAULT_ADDRESS "; port 0: any that is free)\n"
    "  -r, --rotate DURATION  no configuration file: change the keys this often, say\n"
    "                         10s; old ones open for 24 times as long (default: 1h)\n"
    "  -t, --test             check configuration, certificates and key files, and\n"
    "                         exit\n"
    "      --version          print versions\n"
    "      --help             print this\n"
    "\n"
    "Signals: SIGTERM and SIGINT drain and stop, at once when sent twice; SIGHUP\n"
    "reads the configuration again, with certificates and key files, and takes it\n"
    "over if nothing is wrong with it; SIGUSR2 executes the program anew, which takes\n"
    "everything over while connections go on.\n"
    "Exit status: 0 stopped, or the check went well; 1 failed; 2 wrong usage.\n";

struct options {
    const char *config;
    const char *listen;
    int64_t rotate_ms; /* 0: not given */
    bool test;
    bool help;
    bool version;
};

static bool read_rotate(const char *text, int64_t *out)
{
    if (!number_parse_duration(text, ROTATE_MAX_MS, out) || *out < ROTATE_MIN_MS) {
        (void)fprintf(stderr,
                      "reprised: --rotate \"%s\" is no duration from 1s to 7d, such as 10s or 1h\n",
                      text);
        return false;
    }
    return true;
}

static bool are_consistent(const struct options *options)
{
    if (options->config != NULL && (options->listen != NULL || options->rotate_ms != 0)) {
        (void)fprintf(stderr,
                      "reprised: %s is for running without a configuration; write it into %s\n",
                      options->listen != NULL ? "-l" : "-r", options->config);
        return false;
    }
    return true;
}

static bool read_options(int argc, char **argv, struct options *out)
{
    enum { HELP = 256, VERSION };
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},
        {"listen", required_argument, NULL, 'l'},
        {"rotate", required_argument, NULL, 'r'},
        {"test", no_argument, NULL, 't'},
        {"help", no_argument, NULL, HELP},
        {"version", no_argument, NULL, VERSION},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "c:l:r:t", longs, NULL)) != -1) {
        switch (option) {
        case 'c':
            out->config = optarg;
            break;
        case 'l':
            out->listen = optarg;
            break;
        case 'r':
            if (!read_rotate(optarg, &out->rotate_ms)) {
                return false;
            }
            break;
        case 't':
            out->test = true;
            break;
        case HELP:
            out->help = true;
            break;
        case VERSION:
            out->version = true;
            break;
        default:
            return false; /* getopt_long has said why */
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "reprised: unexpected argument \"%s\"\n", argv[optind]);
        return false;
    }
    return are_consistent(out);
}

/* A complaint about the configuration begins with its place, as compilers' do. */
static void print_error(const char *file, const char *text)
{
    const size_t n = file != NULL ? strlen(file) : 0;

    if (n != 0 && strncmp(text, file, n) == 0 && text[n] == ':') {
        (void)fprintf(stderr, "%s\n", text);
    } else {
        (void)fprintf(stderr, "reprised: %s\n", text);
    }
}

/*
 * What whoever started us left open, but did not hand on, is no business of ours, nor of what it
 * could outlive. Not earlier, because the configuration may be one of those: /dev/fd/3.
 */
static enum rp_status close_inherited(int first, struct rp_error *err)
{
    if (close_range((unsigned)first, ~0u, 0) != 0) {
        error_set(err, "cannot close inherited descriptors: %s", strerror(errno));
        return RP_SYSTEM;
    }
    return RP_OK;
}

static int run(const struct options *options, const struct parent_start *start)
{
    struct config *config = NULL;
    struct rp_error err = {""};
    enum rp_status status;
    bool mistyped;

    if (options->config != NULL) {
        status = config_read(options->config, &config, &err);
    } else {
        status = config_default(options->listen != NULL ? options->listen : DEFAULT_ADDRESS,
                                &config, &err);
        if (status == RP_OK && options->rotate_ms != 0) {
            config->rotate_ms = options->rotate_ms;
            config->accept_ms = options->rotate_ms * ACCEPT_EPOCHS;
        }
    }
    if (status == RP_OK) {
        status = close_inherited(start->inherited->end, &err);
    }
    /* Without a file, what is wrong with the configuration is what was typed. */
    mistyped = config == NULL && options->config == NULL;
    if (status == RP_OK && !options->test) {
        status = parent_run(config, start, &err);
        config = NULL; /* transferred */
    } else if (status == RP_OK) {
        status = resources_check(config, &err);
        if (status == RP_OK) {
            status = resources_feeds_prober(config, start->program, &err);
        }
    }
    if (status != RP_OK) {
        print_error(options->config, err.text[0] != '\0' ? err.text : rp_status_text(status));
    } else if (options->test) {
        (void)printf("%s: ok\n", options->config != NULL ? options->config : "embedded defaults");
    }
    config_free(&config);
    return status == RP_OK ? EXIT_SUCCESS : mistyped ? EXIT_USAGE : EXIT_FAILURE;
}

/* What is opened later must not be taken for stdin, stdout or stderr. */
static bool reserve_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct inherited inherited;
    struct parent_start start = {.argv = argv, .inherited = &inherited};
    char *program = NULL;
    int exit_status;

    crypto_memory_set();
    if (!reserve_descriptors() || inherited_take(&inherited) != RP_OK) {
        return EXIT_FAILURE;
    }
    if (!read_options(argc, argv, &options)) {
        (void)fputs("Try: reprised --help\n", stderr);
        return EXIT_USAGE;
    }
    if (options.help) {
        (void)fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    if (options.version) {
        (void)printf("reprised %s (%s)\n", REPRISE_VERSION, OpenSSL_version(OPENSSL_VERSION));
        return EXIT_SUCCESS;
    }
    if (program_path(argv[0], &program) != RP_OK) {
        (void)fputs("reprised: cannot find out where its program is\n", stderr);
        return EXIT_FAILURE;
    }
    start.program = program;
    exit_status = run(&options, &start);
    memory_free(program);
    inherited_fini(&inherited);
    return exit_status;
}
