#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/magic.h>

#include "cmd.h"
#include "key_actions.h"
#include "key_input.h"
#include "key_words.h"
#include "memory.h"
#include "text.h"
#include "weak_key.h"

#define SEEN_MAX 1024
#define TEXT_SIZE 512

enum severity { SEVERITY_NOTE, SEVERITY_UNUSABLE, SEVERITY_WEAK };

struct judge {
    const struct key_request *request;
    enum severity worst; /* of the file */
    size_t n_seen;
    struct {
        struct stek stek; /* secret */
        const char *file;
    } seen[SEEN_MAX]; /* the keys of all files, for none may be there twice */
};

static void tell(struct judge *j, const char *file, enum severity severity, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void tell(struct judge *j, const char *file, enum severity severity, const char *format, ...)
{
    static const char *const words[] = {"note", "unusable", "weak"};
    char line[TEXT_SIZE];
    char name[KEY_WORDS_PLAIN_SIZE];
    char plain[KEY_WORDS_PLAIN_SIZE];
    struct text t = text_of(line, sizeof line);
    va_list args;

    va_start(args, format);
    text_addv(&t, format, args);
    va_end(args);
    (void)printf("%s: %s: %s\n", key_words_plain(file, name), words[severity],
                 key_words_plain(line, plain));
    j->worst = severity > j->worst ? severity : j->worst;
}

static void check_access(struct judge *j, const struct key_input *input)
{
    const unsigned mode = (unsigned)input->st.st_mode & 07777;

    if (!input->has_file) {
        return;
    }
    if (input->st.st_uid != 0 && input->st.st_uid != geteuid()) {
        tell(j, input->name, SEVERITY_NOTE, "belongs to user %u, who can read and replace it",
             (unsigned)input->st.st_uid);
    }
    if ((mode & (S_IRWXO | S_IWGRP)) != 0) {
        tell(j, input->name, SEVERITY_WEAK,
             "mode %04o: others than its owner can %s it; whoever reads it opens every ticket: "
             "chmod 600, and replace the keys",
             mode, (mode & (S_IROTH | S_IXOTH)) != 0 ? "read" : "write");
    } else if ((mode & S_IRGRP) != 0) {
        tell(j, input->name, SEVERITY_NOTE, "mode %04o: group %u can read it, too", mode,
             (unsigned)input->st.st_gid);
    }
    if (input->filesystem != TMPFS_MAGIC && input->filesystem != RAMFS_MAGIC) {
        tell(j, input->name, SEVERITY_NOTE,
             "not on tmpfs or ramfs: what was once written to a disk can be found there long "
             "after it is gone");
    }
}

/* As the file has it, with no padding of ours. */
static const char *weakness(const struct key_reading *reading, const struct format_key *k)
{
    uint8_t hmac[KEY_H2O_HMAC_LEN];
    unsigned hmac_len;
    const char *why;

    if (key_words_hmac_len(reading->format, k) == k->stek.key_len) {
        return weak_key_stek(&k->stek);
    }
    hmac_len = key_words_hmac(reading->format, k, hmac);
    why = weak_key_bytes(k->stek.aes, k->stek.key_len);
    if (why == NULL) {
        why = weak_key_bytes(hmac, hmac_len);
    }
    memory_wipe(hmac, sizeof hmac);
    return why;
}

/* Two readings of as many keys have the same names, and one word on each is enough. */
static bool is_told(const struct key_input *input, size_t i, size_t k)
{
    for (size_t j = 0; j < i; j++) {
        const struct key_reading *reading = &input->readings[j];

        if (reading->n == input->readings[i].n && weakness(reading, &reading->keys[k]) != NULL) {
            return true;
        }
    }
    return false;
}

/* In whatever order its parts are, none may be weak. */
static void check_strength(struct judge *j, const struct key_input *input)
{
    char name[KEY_WORDS_NAME_SIZE];

    for (size_t i = 0; i < input->n; i++) {
        const struct key_reading *reading = &input->readings[i];

        for (size_t k = 0; k < reading->n; k++) {
            const char *why = weakness(reading, &reading->keys[k]);

            if (why != NULL && !is_told(input, i, k)) {
                tell(j, input->name, SEVERITY_WEAK, "key %s%s%s: anybody can guess it: %s",
                     key_words_name(&reading->keys[k].stek, name), input->n > 1 ? ", as of " : "",
                     input->n > 1 ? key_format_text(reading->format) : "", why);
            }
        }
    }
}

static void check_key(struct judge *j, const struct key_input *input,
                      const struct key_reading *reading, const struct format_key *k)
{
    char name[KEY_WORDS_NAME_SIZE];
    char when[KEY_WORDS_TIME_SIZE];

    (void)key_words_name(&k->stek, name);
    if (k->stek.key_len == 16) {
        tell(j, input->name, SEVERITY_NOTE,
             "key %s: AES-128, which is less than sessions of AES-256 suites are to have (RFC 9325 "
             "section 3.4)",
             name);
    }
    if (key_format_traits(reading->format)->dated && k->ends_s < j->request->now_s) {
        tell(j, input->name, SEVERITY_NOTE, "key %s: ended %s, and opens nothing any more", name,
             key_words_time(k->ends_s, when));
    }
}

/* One of the files may have been read in the order of another server. */
static bool is_same(const struct stek *a, const struct stek *b)
{
    return a->key_len == b->key_len &&
           (memcmp(a->aes, b->aes, a->key_len) == 0 || memcmp(a->aes, b->hmac, a->key_len) == 0);
}

/* In two files the same key is what hosts share; in one it can only be a mistake. */
static void tell_twin(struct judge *j, const struct key_input *input, const struct stek *k,
                      size_t i)
{
    const struct stek *other = &j->seen[i].stek;
    const bool one_file = j->seen[i].file == input->name;
    char name[KEY_WORDS_NAME_SIZE];

    (void)key_words_name(k, name);
    if (memcmp(other->name, k->name, sizeof k->name) != 0) {
        tell(j, input->name, SEVERITY_WEAK,
             "key %s: the same as another under another name: it was never replaced", name);
    } else if (one_file || !is_same(other, k)) {
        tell(j, input->name, SEVERITY_UNUSABLE,
             "key %s: its name is there twice, and is all that tells keys apart", name);
    } else {
        tell(j, input->name, SEVERITY_NOTE, "key %s: the same is in %.200s", name, j->seen[i].file);
    }
}

static void check_twins(struct judge *j, const struct key_input *input, const struct stek *k)
{
    for (size_t i = 0; i < j->n_seen; i++) {
        const struct stek *other = &j->seen[i].stek;

        if (memcmp(other->name, k->name, sizeof k->name) == 0 || is_same(other, k)) {
            tell_twin(j, input, k, i);
            return;
        }
    }
    if (j->n_seen < SEEN_MAX) {
        j->seen[j->n_seen].file = input->name;
        j->seen[j->n_seen++].stek = *k;
    }
}

static void check_dates(struct judge *j, const struct key_input *input,
                        const struct key_reading *reading)
{
    int64_t next_s = INT64_MAX;
    char when[KEY_WORDS_TIME_SIZE];

    for (size_t i = 0; i < reading->n; i++) {
        if (reading->keys[i].role == KEY_SEALS) {
            return;
        }
        if (reading->keys[i].role == KEY_NEXT) {
            next_s = reading->keys[i].begins_s;
        }
    }
    if (next_s == INT64_MAX) {
        tell(j, input->name, SEVERITY_UNUSABLE, "all its keys have ended: none seals");
    } else {
        tell(j, input->name, SEVERITY_UNUSABLE, "no key seals now, the next begins %s",
             key_words_time(next_s, when));
    }
}

static void check_number(struct judge *j, const struct key_input *input,
                         const struct key_reading *reading)
{
    const struct key_format_traits *t = key_format_traits(reading->format);
    const char *word = key_format_text(reading->format);

    if (reading->n < t->least) {
        tell(j, input->name, SEVERITY_UNUSABLE, "%s wants %u keys, and there %s %zu", word,
             t->least, reading->n == 1 ? "is" : "are", reading->n);
    } else if (t->most != 0 && reading->n > t->most) {
        tell(j, input->name, SEVERITY_NOTE, "%s keeps the last %u of its %zu keys alone", word,
             t->most, reading->n);
    }
}

/* Whether all readings have as many keys of the same length: then they differ in order alone. */
static bool are_alike(const struct key_input *input)
{
    for (size_t i = 1; i < input->n; i++) {
        if (input->readings[i].n != input->readings[0].n ||
            input->readings[i].keys[0].stek.key_len != input->readings[0].keys[0].stek.key_len) {
            return false;
        }
    }
    return true;
}

static void check_reading(struct judge *j, const struct key_input *input)
{
    const struct key_reading *reading = &input->readings[0];

    check_number(j, input, reading);
    if (key_format_traits(reading->format)->dated) {
        check_dates(j, input, reading);
    }
    for (size_t k = 0; k < reading->n; k++) {
        check_key(j, input, reading, &reading->keys[k]);
        check_twins(j, input, &reading->keys[k].stek);
    }
}

static void put_good(const struct key_input *input)
{
    char name[KEY_WORDS_PLAIN_SIZE];

    (void)key_words_plain(input->name, name);
    if (are_alike(input)) {
        (void)printf("%s: good: %zu key%s of", name, input->readings[0].n,
                     input->readings[0].n == 1 ? "" : "s");
    } else {
        (void)printf("%s: good: keys of", name);
    }
    for (size_t i = 0; i < input->n; i++) {
        (void)printf("%s %s",
                     i == 0              ? ""
                     : i == input->n - 1 ? " or"
                                         : ",",
                     key_format_text(input->readings[i].format));
    }
    (void)putchar('\n');
}

static void check_file(struct judge *j, const struct key_input *input)
{
    j->worst = SEVERITY_NOTE;
    check_strength(j, input);
    check_access(j, input);
    if (are_alike(input)) {
        check_reading(j, input);
    } else {
        tell(j, input->name, SEVERITY_NOTE,
             "can be of several formats with keys of other lengths; --format says which");
    }
    if (j->worst == SEVERITY_NOTE) {
        put_good(input);
    }
}

static int check_files(struct judge *j)
{
    const struct key_request *r = j->request;
    const enum key_format *format = r->has_format ? &r->format : NULL;
    enum severity worst = SEVERITY_NOTE;
    int code = CMD_OK;

    for (size_t i = 0; i < r->n_files; i++) {
        struct key_input input;
        struct rp_error err = {{0}};
        const enum rp_status status = key_input_read(r->files[i], format, r->now_s, &input, &err);

        if (status == RP_OK) {
            check_file(j, &input);
            key_input_fini(&input);
            worst = j->worst > worst ? j->worst : worst;
        } else if (status == RP_FORMAT) {
            code = key_fail(err.text, CMD_BAD);
        } else {
            return key_fail(err.text, CMD_USAGE);
        }
    }
    return worst == SEVERITY_WEAK ? CMD_WEAK : worst == SEVERITY_UNUSABLE ? CMD_BAD : code;
}

int key_check(const struct key_request *r)
{
    struct judge *j = memory_new(1, sizeof *j);
    int code;

    if (j == NULL) {
        return key_fail("out of memory", CMD_USAGE);
    }
    j->request = r;
    code = check_files(j);
    memory_wipe(j, sizeof *j);
    memory_free(j);
    return code;
}
