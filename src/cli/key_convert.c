#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "error.h"
#include "key_actions.h"
#include "key_input.h"
#include "key_output.h"
#include "key_words.h"
#include "memory.h"
#include "order.h"
#include "text.h"

#define ROOM KEY_FORMAT_KEYS_MAX
#define PATH_SIZE 4096

struct conversion {
    const struct key_request *request;
    struct format_key *keys; /* secret; room for ROOM */
    size_t n;
    struct rp_error *err;
};

static enum rp_status refuse(const struct conversion *c, const char *what)
{
    error_set(c->err, "%s", what);
    return RP_FORMAT;
}

/* Several files where there is a key in each. */
static enum rp_status take_files(struct conversion *c)
{
    const struct key_request *r = c->request;
    const bool several = key_format_traits(r->from)->most == 1;

    if (r->n_files > 1 && !several) {
        error_set(c->err, "%s has all its keys in one file; %zu are given",
                  key_format_text(r->from), r->n_files);
        return RP_INVALID;
    }
    for (size_t i = 0; i < r->n_files; i++) {
        struct key_input input;
        const enum rp_status status =
            key_input_read(r->files[i], &r->from, r->now_s, &input, c->err);

        if (status != RP_OK) {
            return status;
        }
        if (input.readings[0].n > ROOM - c->n) {
            key_input_fini(&input);
            error_set(c->err, "more than %d keys; convert fewer files at a time", ROOM);
            return RP_INVALID;
        }
        memcpy(c->keys + c->n, input.readings[0].keys,
               input.readings[0].n * sizeof *input.readings[0].keys);
        c->n += input.readings[0].n;
        key_input_fini(&input);
    }
    if (several) {
        key_format_give_roles(r->from, c->keys, c->n, r->now_s);
    }
    return RP_OK;
}

static enum rp_status check_names(const struct conversion *c)
{
    for (size_t i = 0; i < c->n; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct stek *k = &c->keys[i].stek;
            char name[KEY_WORDS_NAME_SIZE];

            if (memcmp(k->name, c->keys[j].stek.name, sizeof k->name) == 0) {
                error_set(c->err,
                          "two keys have the name %s: a server would take one of them alone",
                          key_words_name(k, name));
                return RP_FORMAT;
            }
        }
    }
    return RP_OK;
}

static enum rp_status check_form(const struct conversion *c)
{
    const struct key_request *r = c->request;

    if ((r->from == KEY_FORMAT_DNSDIST_GNUTLS) != (r->format == KEY_FORMAT_DNSDIST_GNUTLS)) {
        return refuse(c, "tickets of GnuTLS have a form of their own: its keys open nothing at "
                         "another server, nor theirs at it");
    }
    for (size_t i = 0; i < c->n && r->format != KEY_FORMAT_H2O; i++) {
        if (!format_key_is_stek(&c->keys[i])) {
            return refuse(c, "h2o's HMAC keys of 64 bytes have no place at another server; make "
                             "h2o's file from the other's");
        }
    }
    return RP_OK;
}

static enum rp_status check_lengths(const struct conversion *c)
{
    const enum key_format to = c->request->format;
    const struct key_format_traits *t = key_format_traits(to);

    for (size_t i = 0; i < c->n; i++) {
        const struct stek *k = &c->keys[i].stek;
        char name[KEY_WORDS_NAME_SIZE];

        if (k->key_len == 16 ? !t->takes_short : !t->takes_long) {
            error_set(c->err,
                      "%s takes keys of AES-%u alone, and %s is one of AES-%u: with another length "
                      "it would be another key",
                      key_format_text(to), t->takes_long ? 256U : 128U, key_words_name(k, name),
                      k->key_len * 8U);
            return RP_FORMAT;
        }
        if (!t->mixed && t->most != 1 && k->key_len != c->keys[0].stek.key_len) {
            error_set(c->err, "%s takes no keys of two lengths in one file", key_format_text(to));
            return RP_FORMAT;
        }
    }
    return RP_OK;
}

/* Where the source says nothing of a next key, it is the last: a new key is put at the end of a
 * list before it is moved to the front. */
static enum rp_status find_next(struct conversion *c)
{
    const struct key_format_traits *t = key_format_traits(c->request->format);
    struct format_key *last = NULL;
    bool has_next = false;

    if (c->n < t->least || c->n > t->most) {
        error_set(c->err,
                  "%s wants %u keys, one that sealed before, one that seals and the next, and "
                  "there %s %zu",
                  key_format_text(c->request->format), t->least, c->n == 1 ? "is" : "are", c->n);
        return RP_FORMAT;
    }
    for (size_t i = 0; i < c->n; i++) {
        last = c->keys[i].role == KEY_OPENS ? &c->keys[i] : last;
        has_next = has_next || c->keys[i].role == KEY_NEXT;
    }
    if (!has_next && last != NULL) {
        last->role = KEY_NEXT;
    }
    return RP_OK;
}

/* Of an order, dates that have the same key seal: those that only open ended sealing before now. */
static void give_dates(struct conversion *c)
{
    const struct key_request *r = c->request;

    for (size_t i = 0; i < c->n; i++) {
        struct format_key *k = &c->keys[i];

        k->begins_s = r->now_s;
        if (k->role == KEY_NEXT) {
            k->begins_s += r->rotate_s;
        } else if (k->role == KEY_OPENS) {
            k->begins_s -= r->rotate_s;
        }
        k->begins_s = order_most(k->begins_s, 0);
        k->ends_s = k->begins_s + r->rotate_s + r->accept_s;
    }
}

static enum rp_status fit(struct conversion *c)
{
    const struct key_request *r = c->request;
    const struct key_format_traits *t = key_format_traits(r->format);
    enum rp_status status = check_form(c);
    bool seals = false;

    if (status == RP_OK) {
        status = check_names(c);
    }
    if (status == RP_OK) {
        status = check_lengths(c);
    }
    if (status != RP_OK) {
        return status;
    }
    for (size_t i = 0; i < c->n; i++) {
        seals = seals || c->keys[i].role == KEY_SEALS;
    }
    if (!seals && t->most != 1) {
        return refuse(c, "by their dates none of the keys seals now, so none could be the one that "
                         "seals there");
    }
    if (t->dated && !key_format_traits(r->from)->dated) {
        give_dates(c);
    }
    return t->least > 1 ? find_next(c) : RP_OK;
}

static enum rp_status put(const struct conversion *c, const struct format_key *keys, size_t n,
                          const char *path)
{
    return key_output_keys(c->request->format, keys, n, path, c->request->force, c->err);
}

static enum rp_status path_of(const struct conversion *c, size_t number, char out[PATH_SIZE])
{
    struct text t = text_of(out, PATH_SIZE);

    text_addf(&t, "%s/%zu.key", c->request->output, number);
    if (t.cut) {
        error_set(c->err, "%.300s: %s", c->request->output, strerror(ENAMETOOLONG));
        return RP_INVALID;
    }
    return RP_OK;
}

/* 0 is the one that seals; nothing is written before it is clear that all can be. */
static enum rp_status put_each(const struct conversion *c)
{
    char path[PATH_SIZE];
    enum rp_status status = RP_OK;

    for (size_t i = 0; i < c->n && status == RP_OK; i++) {
        status = path_of(c, i, path);
        if (status == RP_OK) {
            status = key_output_check(path, c->request->force, c->err);
        }
    }
    for (unsigned pass = 0, number = 0; pass < 2; pass++) {
        for (size_t i = 0; i < c->n && status == RP_OK; i++) {
            if ((c->keys[i].role == KEY_SEALS) == (pass == 0)) {
                status = path_of(c, number++, path);
                status = status == RP_OK ? put(c, &c->keys[i], 1, path) : status;
            }
        }
    }
    return status;
}

static enum rp_status put_all(const struct conversion *c)
{
    const struct key_request *r = c->request;
    const bool one = key_format_traits(r->format)->most == 1;
    struct stat st;

    if (one && r->output != NULL && stat(r->output, &st) == 0 && S_ISDIR(st.st_mode)) {
        return put_each(c);
    }
    if (one && c->n > 1) {
        error_set(c->err, "%s has one key a file, and there are %zu: -o and a folder that is there",
                  key_format_text(r->format), c->n);
        return RP_INVALID;
    }
    return put(c, c->keys, c->n, r->output);
}

int key_convert(const struct key_request *r)
{
    struct rp_error err = {{0}};
    struct conversion c = {r, memory_new(ROOM, sizeof *c.keys), 0, &err};
    enum rp_status status;

    if (c.keys == NULL) {
        return key_fail("out of memory", CMD_USAGE);
    }
    status = take_files(&c);
    if (status == RP_OK) {
        status = fit(&c);
    }
    if (status == RP_OK) {
        status = put_all(&c);
    }
    memory_wipe(c.keys, ROOM * sizeof *c.keys);
    memory_free(c.keys);
    return status == RP_OK ? CMD_OK : key_fail(err.text, status == RP_FORMAT ? CMD_BAD : CMD_USAGE);
}
