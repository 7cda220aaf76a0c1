/* The subcommands of `reprise`, and what they exit with. */
#ifndef CMD_H
#define CMD_H

enum cmd_exit {
    CMD_OK = 0,
    CMD_BAD = 1, /* resumption failed */
    CMD_USAGE = 2,
    CMD_UNREACHABLE = 3,
    CMD_WEAK = 4, /* a security finding */
};

/* argv[0] is the name of the command. Each returns the exit code. */
int cmd_fleet(int argc, char *const *argv);
int cmd_key(int argc, char *const *argv);
int cmd_load(int argc, char *const *argv);
int cmd_ticket(int argc, char *const *argv);
int cmd_probe(int argc, char *const *argv);

#endif
