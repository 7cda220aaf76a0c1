/* A keyring whose keeper is the test. */
#ifndef KEYRING_FIXTURE_H
#define KEYRING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "commit.h"
#include "keyring_rings.h"
#include "text.h"
#include "window.h"

#define GENESIS 1000

static inline struct rp_keyring *keyring_make(int64_t rotate_ms, int64_t accept_ms,
                                              unsigned max_domains)
{
    const struct rp_keyring_options options = {
        .rotate_ms = rotate_ms, .accept_ms = accept_ms, .max_domains = max_domains};
    struct rp_error err = {""};
    struct rp_keyring *keyring = NULL;

    if (rp_keyring_new(&options, &keyring, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
    return keyring;
}

/* In its epoch 0, which begins at GENESIS, with n domains named "0", "1", ... */
static inline struct rp_keyring *keyring_make_kept(int64_t rotate_ms, int64_t accept_ms,
                                                   unsigned n_domains)
{
    struct rp_keyring *keyring = keyring_make(rotate_ms, accept_ms, n_domains);
    bool resumed = true;

    assert_int_equal(rp_keyring_keep(keyring, GENESIS, &resumed, NULL), RP_OK);
    assert_false(resumed);
    for (unsigned i = 0; i < n_domains; i++) {
        char name[16];
        struct text t = text_of(name, sizeof name);

        text_addf(&t, "%u", i);
        assert_int_equal(rp_keyring_domain_add(keyring, name), RP_OK);
    }
    return keyring;
}

static inline int64_t keyring_step(struct rp_keyring *keyring, int64_t boot_ms)
{
    int64_t next_ms;

    assert_int_equal(rp_keyring_advance(keyring, boot_ms, &next_ms), RP_OK);
    return next_ms;
}

/* The ring that seals. */
static inline const struct ring *keyring_ring(const struct rp_keyring *keyring)
{
    const struct rings *const rings = segment_rings(commit_state(keyring));

    return &rings->ring[rings->sealing];
}

/* The key of an epoch as the keeper would derive it; false: it has no root of it any more. */
static inline bool keyring_expected(const struct rp_keyring *keyring, unsigned domain,
                                    uint64_t epoch, struct domain_keys *out)
{
    const struct chain_slot *const now = commit_state(keyring);
    const struct rings *const rings = segment_rings(now);

    for (unsigned i = 0; i < rings->n_roots; i++) {
        if (rings->roots[i].ring == rings->sealing && rings->roots[i].epoch == epoch) {
            assert_int_equal(derive_domain_keys(rings->roots[i].root,
                                                segment_domain(&keyring->layout, now, domain), out),
                             RP_OK);
            return true;
        }
    }
    return false;
}

/* A ring more, by which it seals from now on; the one before is dropped, and those before that are
 * forgotten. */
static inline enum rp_status keyring_reseed(struct rp_keyring *keyring, int64_t fleet_ms)
{
    struct rings *const draft = keyring_rings_draft(keyring);
    enum rp_status status;
    unsigned place;

    while (draft->n > 1) {
        rings_forget(draft, draft->sealing == 0 ? 1 : 0);
    }
    status = rings_seed(draft, 1, fleet_ms, &place);
    if (status != RP_OK) {
        keyring_rings_abandon(keyring);
        return status;
    }
    rings_seal_by(draft, place, fleet_ms);
    rings_drop(draft, 0);
    return keyring_rings_commit(keyring);
}

/* Member by member, for there may be padding. */
static inline bool keyring_same(const struct domain_keys *a, const struct domain_keys *b)
{
    return memcmp(&a->stek, &b->stek, sizeof a->stek) == 0 &&
           memcmp(a->record, b->record, sizeof a->record) == 0 &&
           memcmp(a->id_mac, b->id_mac, sizeof a->id_mac) == 0 &&
           memcmp(a->id_hint, b->id_hint, sizeof a->id_hint) == 0;
}

/* Waits for a child that is to end by itself with 0. */
static inline void assert_child_succeeds(pid_t child)
{
    int status = -1;

    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#endif
