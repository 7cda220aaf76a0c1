/* Any bytes as a configuration: taken or refused with a place, and all memory freed. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config;
    struct rp_error err = {""};
    const enum rp_status status = config_parse("f", (const char *)data, size, &config, &err);

    assert((status == RP_OK) == (config != NULL));
    assert(status == RP_OK || strncmp(err.text, "f:", 2) == 0);
    if (status == RP_OK) {
        assert(config->n_listen != 0 || (config->n_feeds != 0 && config->workers == 0));
        assert(config->n_listen == 0 || config->listen[0].n_sites != 0);
        assert(config->n_feeds <= CONFIG_FEEDS_MAX);
        for (size_t i = 0; i < config->n_feeds; i++) {
            assert(config->feeds[i].server < CONFIG_FEED_SERVERS);
            assert(config->feeds[i].folder[0] == '/' && config->feeds[i].domain_id != NULL);
        }
        assert(config->accept_ms <= 255 * config->rotate_ms);
    }
    config_free(&config);
    return 0;
}
