/* Many threads share one attached SSL_CTX while the keeper's rotates. For the thread sanitizer. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "attach_kit.h"

#define N_THREADS 4
#define N_ROUNDS 20
#define SECOND INT64_C(1000)

struct shared {
    struct kit kit;
    SSL_CTX *server;
    _Atomic int n_connections;
    _Atomic int n_resumed;
    _Atomic int n_failed;
    _Atomic int n_running;
};

static void connect_once(struct shared *s, enum rp_mechanism m, SSL_SESSION **session)
{
    const struct kit_offer offer = {
        .version = m == RP_MECHANISM_PSK ? TLS1_3_VERSION : TLS1_2_VERSION,
        .name = KIT_NAME,
        .session = *session,
        .prepare = m == RP_MECHANISM_SESSION_ID ? kit_no_tickets : NULL,
    };
    struct kit_outcome out;

    kit_connect(&s->kit, s->server, &offer, &out);
    s->n_connections++;
    s->n_failed += out.done ? 0 : 1;
    s->n_resumed += out.resumed ? 1 : 0;
    if (out.session != NULL) {
        SSL_SESSION_free(*session);
        *session = out.session;
    }
}

static void *converse(void *arg)
{
    struct shared *s = arg;

    for (int i = 0; i < N_ROUNDS; i++) {
        for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
            SSL_SESSION *session = NULL;

            connect_once(s, m, &session);
            connect_once(s, m, &session);
            SSL_SESSION_free(session);
        }
    }
    s->n_running--;
    return NULL;
}

/* An epoch for every four connections: between a session and its use there are a few. */
static void rotate_until_done(struct shared *s)
{
    int n_seen = 0;

    while (s->n_running != 0) {
        const int n = s->n_connections;

        if (n - n_seen >= 4) {
            n_seen = n;
            kit_wait(&s->kit, SECOND);
        }
        (void)sched_yield();
    }
}

static void threads_resume_while_the_keys_rotate(void **state)
{
    const struct rp_keyring_options ring = {.rotate_ms = SECOND, .accept_ms = 200 * SECOND};
    static struct shared s;
    struct rp_attach_options options;
    pthread_t threads[N_THREADS];

    (void)state;
    kit_init(&s.kit, &ring);
    options = kit_options(&s.kit);
    s.server = kit_server(&s.kit, &options);
    s.n_running = N_THREADS;
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, converse, &s), 0);
    }
    rotate_until_done(&s);
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(s.n_failed, 0);
    assert_int_equal(s.n_connections, N_THREADS * N_ROUNDS * 3 * 2);
    assert_int_equal(s.n_resumed, N_THREADS * N_ROUNDS * 3);
    SSL_CTX_free(s.server);
    kit_fini(&s.kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_resume_while_the_keys_rotate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
