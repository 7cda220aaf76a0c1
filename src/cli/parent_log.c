#include "parent_state.h"

#include <string.h>

#include "text.h"

/* The path is copied, as the configuration it stands in may go. */
void parent_log_follow(struct parent *parent, const struct config *config)
{
    const char *path = config_system_log(config);
    struct text t = text_of(parent->log_path, sizeof parent->log_path);

    parent->log.json = config->log_format == CONFIG_LOG_JSON;
    if (parent->log.system != NULL) {
        system_log_fini(parent->log.system);
        parent->log.system = NULL;
    }
    if (path != NULL) {
        text_add(&t, path);
        system_log_init(&parent->system_log, parent->log_path);
        parent->log.system = &parent->system_log;
    }
}

/* On stderr, as there is no other place for it. */
void parent_log_check(const struct parent *parent)
{
    struct log log = parent->log;

    if (log.system != NULL && !system_log_open(log.system)) {
        log.system = NULL;
        LOG_LINE(&log, LOG_LEVEL_WARNING,
                 "the system's log is not there; lines are lost until it is",
                 LOG_S("path", parent->log_path));
    }
}
