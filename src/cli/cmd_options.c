#include "cmd_options.h"

#include <stddef.h>

#include "error.h"

enum rp_status cmd_options_take(int argc, char *const *argv, const char *letters,
                                const struct option *options, cmd_option_fn *take, void *cookie,
                                struct rp_error *err)
{
    enum rp_status status = RP_OK;
    int id;

    optind = 0; /* makes getopt start afresh */
    while ((id = getopt_long(argc, argv, letters, options, NULL)) != -1 && status == RP_OK) {
        if (id == '?' || id == ':') {
            optarg = argv[optind - 1];
        }
        status = take(cookie, id, err);
    }
    return status;
}

enum rp_status cmd_options_refuse(int id, struct rp_error *err)
{
    error_set(err, id == ':' ? "%s needs a value" : "unknown option %s", optarg);
    return RP_INVALID;
}
