/*
 * A YAML document as a bounded stream of items, for config_table. What a configuration has no use
 * for is refused here: anchors, aliases, tags, several documents, control characters, depth.
 */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include <reprise/status.h>
#include <yaml.h>

#include "config.h"

#define CONFIG_BYTES_MAX (1024 * 1024)
#define CONFIG_SCALAR_MAX 4096
#define CONFIG_DEPTH_MAX 8

enum config_item_kind {
    CONFIG_ITEM_SCALAR,
    CONFIG_ITEM_MAP,
    CONFIG_ITEM_LIST,
    CONFIG_ITEM_END,     /* of the map or the list */
    CONFIG_ITEM_NOTHING, /* the document is over, or was empty */
};

struct config_item {
    enum config_item_kind kind;
    struct config_place place;
    const char *text; /* of a scalar; until the next call */
};

struct config_yaml {
    yaml_parser_t parser;
    yaml_event_t event;
    const struct config *config; /* for complaints */
    struct rp_error *err;
    const char *text;
    size_t n;
    unsigned depth;
    bool begun;
};

/* Judges the bytes as a whole. text stays where it is until config_yaml_close. */
enum rp_status config_yaml_open(struct config_yaml *yaml, const struct config *config,
                                const char *text, size_t n, struct rp_error *err) RP_MUST_USE;
void config_yaml_close(struct config_yaml *yaml);

enum rp_status config_yaml_next(struct config_yaml *yaml, struct config_item *out) RP_MUST_USE;

#endif
