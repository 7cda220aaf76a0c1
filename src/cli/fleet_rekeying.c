#include "fleet_rekeying.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/rand.h>

#include "error.h"
#include "file_read.h"
#include "file_write.h"
#include "fleet_findings.h"
#include "fleet_secret_file.h"
#include "memory.h"
#include "seal.h"
#include "text.h"

#define LISTED_IN_FULL 256 /* in a larger fleet a host sees some of the members at a time */
#define STEPS 3
#define MARK_SIZE 9

/* How a file begins that has had this step. */
static const char *const notes[STEPS + 1] = {
    "",
    "# rekeying, step 1 of 3: the second is the new one\n",
    "# rekeying, step 2 of 3: the first is the new one\n",
    "",
};

struct change {
    const char *path;
    struct fleet_secrets secrets; /* secret */
    unsigned step;
    char text[FLEET_SECRET_FILE_MAX]; /* secret */
    size_t len;
};

/* Which step comes now; 0: nobody can tell. */
static unsigned next_step(const struct change *c, const struct file_bytes *file)
{
    if (c->secrets.n == 1) {
        return 1;
    }
    for (unsigned step = 1; step < STEPS; step++) {
        const size_t n = strlen(notes[step]);

        if (file->n >= n && memcmp(file->p, notes[step], n) == 0) {
            return step + 1;
        }
    }
    return 0;
}

static enum rp_status read_file(struct change *c, struct rp_error *err)
{
    struct file_bytes file = {0};
    enum rp_status status = fleet_secret_file_read(c->path, &c->secrets, err);

    if (status == RP_OK) {
        status = file_read(c->path, FLEET_SECRET_FILE_MAX, &file, err);
    }
    if (status != RP_OK) {
        return RP_SYSTEM;
    }
    c->step = next_step(c, &file);
    file_bytes_fini(&file);
    if (c->step == 0) {
        error_set(err,
                  "%s: two secrets, and no first line that says which is the new one: this change "
                  "was begun by hand, and is to be ended so",
                  c->path);
        return RP_INVALID;
    }
    return RP_OK;
}

/* Whether reprised has what is in the file. */
static bool is_loaded(const struct change *c, const struct fleet_facts *facts)
{
    bool same = facts->n_secrets == c->secrets.n;

    for (unsigned i = 0; i < c->secrets.n && same; i++) {
        char mark[MARK_SIZE] = "";
        struct text t = text_of(mark, sizeof mark);
        struct seal seal;

        same = seal_init(&seal, c->secrets.secret[i], facts->fleet) == RP_OK;
        text_add_hex(&t, seal.mark, sizeof seal.mark);
        seal_fini(&seal);
        same = same && strcmp(mark, facts->secrets[i]) == 0;
    }
    return same;
}

static enum rp_status refuse(struct rp_error *err, const struct fleet_facts_member *m,
                             const char *why)
{
    error_set(err, "%s%s%s; nothing is changed", m != NULL ? m->name : "", m != NULL ? " " : "",
              why);
    return RP_NOT_FOUND;
}

/* All members have taken the step before. */
static enum rp_status check_members(const struct change *c, const struct fleet_facts *facts,
                                    struct rp_error *err)
{
    for (size_t i = 0; i < facts->n; i++) {
        const struct fleet_facts_member *const m = &facts->members[i];

        if (c->step > 1 && !m->has_two_secrets) {
            return refuse(err, m,
                          "has not loaded both secrets: copy the file to it, and reload "
                          "(what it was before can show for four turns more)");
        }
        if (c->step > 1 && m->speaks_second) {
            return refuse(err, m,
                          "still speaks the other secret: copy the file to it, and reload "
                          "(what it was before can show for four turns more)");
        }
        if (c->step == 1 && m->has_two_secrets) {
            return refuse(err, m, "has two secrets from a change before: end that one first");
        }
    }
    return RP_OK;
}

static enum rp_status check(const struct change *c, const struct fleet_facts *facts,
                            struct rp_error *err)
{
    struct fleet_findings findings;

    if (facts->fleet[0] == '\0') {
        return refuse(err, NULL, "this reprised is in no fleet");
    }
    if (!is_loaded(c, facts)) {
        return refuse(err, NULL,
                      "reprised has other secrets than are in this file: reload it first, if this "
                      "is its file");
    }
    /* A member that has just been reloaded sees nobody yet, which is no proof that all are ready.
     */
    if (facts->n_in_store == 0 ||
        (facts->n_in_store <= LISTED_IN_FULL && (int64_t)facts->n < facts->n_in_store)) {
        return refuse(err, NULL,
                      "this host does not see all members that are in the store: try again in some "
                      "seconds");
    }
    fleet_findings(facts, &findings);
    for (unsigned i = 0; i < FLEET_N_FINDINGS; i++) {
        if (findings.of[i].is_so && i != FLEET_FINDING_SECRETS) {
            return refuse(err, findings.of[i].n != 0 ? findings.of[i].who[0] : NULL,
                          fleet_finding_text((enum fleet_finding)i));
        }
    }
    return check_members(c, facts, err);
}

static void put_secret(struct text *t, const uint8_t secret[static FLEET_SECRET_LEN])
{
    char line[FLEET_SECRET_TEXT_SIZE];

    fleet_secret_encode(secret, line);
    text_add(t, line);
    text_add_char(t, '\n');
    memory_wipe(line, sizeof line);
}

static enum rp_status write_text(struct change *c, bool at_once, struct rp_error *err)
{
    struct text t = text_of(c->text, sizeof c->text);
    const bool turns = c->step == 2;

    if (c->step == 1 && RAND_priv_bytes(c->secrets.secret[1], FLEET_SECRET_LEN) != 1) {
        error_set(err, "libcrypto gives no random bytes");
        return RP_CRYPTO;
    }
    text_add(&t, notes[c->step]);
    put_secret(&t, c->secrets.secret[turns ? 1 : 0]);
    if (c->step != STEPS) {
        put_secret(&t, c->secrets.secret[turns ? 0 : 1]);
    } else if (at_once) {
        text_add(&t, FLEET_SECRET_AT_ONCE "\n");
    }
    c->len = t.len;
    return RP_OK;
}

/* The old file, or the new one, whatever happens; with owner and mode of the old one. */
static enum rp_status write_file(const struct change *c, struct rp_error *err)
{
    struct stat st;

    if (stat(c->path, &st) != 0 ||
        !file_write_over(c->path, &st, (const uint8_t *)c->text, c->len)) {
        error_set(err, "%.400s: cannot be replaced by way of a file beside it (.new): %s", c->path,
                  strerror(errno));
        return RP_SYSTEM;
    }
    return RP_OK;
}

enum rp_status fleet_rekeying(const char *path, const struct fleet_facts *facts, bool at_once,
                              unsigned *step, struct rp_error *err)
{
    struct change c = {.path = path};
    enum rp_status status = read_file(&c, err);

    *step = c.step;
    if (status == RP_OK && at_once && c.step != STEPS) {
        error_set(err, "--now belongs to step 3, and this is step %u", c.step);
        status = RP_INVALID;
    }
    if (status == RP_OK && facts != NULL) {
        status = check(&c, facts, err);
    }
    if (status == RP_OK) {
        status = write_text(&c, at_once, err);
    }
    if (status == RP_OK) {
        status = write_file(&c, err);
    }
    memory_wipe(&c, sizeof c);
    return status;
}

const char *fleet_rekeying_next(unsigned step)
{
    static const char *const next[STEPS + 1] = {
        "",
        "step 1 of 3: the file has a new secret behind the old one.\n"
        "Copy it to every host of the fleet, reload reprised there and here, and go on with the "
        "same\ncommand.",
        "step 2 of 3: the new secret is the first.\n"
        "Copy the file to every host of the fleet, reload reprised there and here, and go on with\n"
        "the same command.",
        "step 3 of 3: the new secret is alone.\n"
        "Copy the file to every host of the fleet, and reload reprised there and here. When the "
        "last\none has done so the fleet begins a ring that the old secret never opened, within "
        "three epochs\nas a rule: see reprise fleet status.",
    };

    return next[step <= STEPS ? step : 0];
}
