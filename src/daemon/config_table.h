/*
 * Walks a document along a typed table and fills a struct: the table says for each directive its
 * type, its range, where the value goes, and in words what would be right.
 */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "config.h"
#include "config_yaml.h"

#define CONFIG_ROWS_MAX 40

enum config_type {
    CONFIG_TEXT,         /* char * */
    CONFIG_TEXTS,        /* struct config_strings: one or a list, each as it stands */
    CONFIG_FILES,        /* the same of file names; made relative to our file */
    CONFIG_FILE,         /* char *: the name of one */
    CONFIG_NUMBER,       /* unsigned */
    CONFIG_DURATION,     /* int64_t, milliseconds */
    CONFIG_DURATION_OFF, /* the same; "off" is 0 */
    CONFIG_SIZE,         /* uint64_t, bytes; "off" is 0 */
    CONFIG_SWITCH,       /* bool */
    CONFIG_CHOICE,       /* unsigned (an enum): the place of the word in the row's choices */
    CONFIG_FORMAT,       /* enum config_log_format */
    CONFIG_MAP,          /* a table within; it fills the same struct */
    CONFIG_MAPS,         /* a list of tables; a pointer to an array, and a size_t at n_offset */
    CONFIG_OFF,          /* a feature that this version lacks: only "off" is true */
};

struct config_walk {
    struct config *config;
    struct config_yaml yaml;
    struct rp_error *err;
    struct config_place rotate; /* where these stood, for checks across tables */
    struct config_place accept;
};

struct config_table;

struct config_row {
    const char *name;
    enum config_type type;
    const char *takes; /* "%s takes ..." */
    size_t offset;
    uint64_t least; /* of a value; of a list's length, or a text's */
    uint64_t most;
    const struct config_table *within;
    size_t n_offset;
    const char *const *choices;      /* NULL at the end */
    bool (*valid)(const char *text); /* of each text of a list; NULL: any that is not empty */
};

struct config_table {
    const char *where; /* "in fleet" */
    const struct config_row *rows;
    size_t n_rows;
    size_t size; /* of the struct, for lists */
    /* Defaults, before the map; and checks, after it. Either may be NULL. places are those of the
     * rows' values, with line 0 for what was not given. */
    void (*begin)(void *target, struct config_place place);
    enum rp_status (*end)(struct config_walk *walk, void *target,
                          const struct config_place *places);
};

/* The whole document, which is a map. */
enum rp_status config_table_walk(struct config_walk *walk, const struct config_table *table,
                                 void *target) RP_MUST_USE;

/* Complains and returns RP_FORMAT. */
enum rp_status config_refuse(const struct config_walk *walk, struct config_place place,
                             const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
