/* The options of a subcommand, one after the other. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <getopt.h>

#include <reprise/status.h>

/*
 * id: the option's, '?' for one that is unknown or ':' for one without its value; optarg is its
 * value, or the word that is wrong.
 */
typedef enum rp_status cmd_option_fn(void *cookie, int id, struct rp_error *err);

/* Until take refuses one. letters begin with ':'. optind is where the words begin. */
enum rp_status cmd_options_take(int argc, char *const *argv, const char *letters,
                                const struct option *options, cmd_option_fn *take, void *cookie,
                                struct rp_error *err) RP_MUST_USE;

/* What take says of '?' and ':'. */
enum rp_status cmd_options_refuse(int id, struct rp_error *err) RP_MUST_USE;

#endif
