#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

struct command {
    const char *name;
    const char *text;
    int (*run)(int argc, char *const *argv);
};

static int cmd_help(int argc, char *const *argv);

static const struct command commands[] = {
    {"probe", "which address resumes whose sessions, and why not", cmd_probe},
    {"load", "handshakes a second and their latency, full and resumed", cmd_load},
    {"ticket", "a ticket's fields, its contents with a key, weak-key attacks on it", cmd_ticket},
    {"key", "key files of any server, and a fleet's secret: made, shown, checked", cmd_key},
    {"fleet", "the fleet as its members see it: who is there, and in step", cmd_fleet},
    {"help", "this text, or that of a command", cmd_help},
};

#define N_COMMANDS (sizeof commands / sizeof commands[0])

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int unknown(const char *name)
{
    (void)fprintf(stderr, "reprise: unknown command \"%s\"; see reprise help\n", name);
    return CMD_USAGE;
}

static void put_usage(FILE *out)
{
    (void)fputs("usage: reprise COMMAND ...\n\n", out);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        (void)fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].text);
    }
    (void)fputs("\nreprise COMMAND --help says more; reprise --version gives the version.\n", out);
}

static int cmd_help(int argc, char *const *argv)
{
    const struct command *command = argc > 1 ? find(argv[1]) : NULL;

    if (argc > 1 && command == NULL && strcmp(argv[1], "--help") != 0) {
        return unknown(argv[1]);
    }
    if (command != NULL && command->run != cmd_help) {
        char name[] = "help";
        char option[] = "--help";
        char *const arguments[] = {name, option, NULL};

        return command->run(2, arguments);
    }
    put_usage(stdout);
    return CMD_OK;
}

/* A standard stream that is missing is taken up by a file that can be neither read nor written
 * where it matters: libuv, and every library, takes the first three descriptors for what they are.
 */
static bool open_streams(void)
{
    static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd) {
            return false;
        }
    }
    return true;
}

/* What no command has noticed itself. */
static int check_output(int code)
{
    if (code == CMD_OK && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        (void)fputs("reprise: cannot write to standard output\n", stderr);
        return CMD_BAD;
    }
    return code;
}

static int run(int argc, char *const *argv)
{
    const struct command *command = find(argv[1]);

    if (strcmp(argv[1], "--version") == 0) {
        (void)puts("reprise " REPRISE_VERSION);
        return CMD_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        put_usage(stdout);
        return CMD_OK;
    }
    return command != NULL ? command->run(argc - 1, argv + 1) : unknown(argv[1]);
}

int main(int argc, char **argv)
{
    if (!open_streams()) {
        return CMD_BAD;
    }
    if (argc < 2) {
        put_usage(stderr);
        return CMD_USAGE;
    }
    return check_output(run(argc, argv));
}
