#include "load.h"

#include <string.h>

#include <uv.h>

#include "error.h"
#include "interrupt.h"
#include "load_pass.h"

#define TICK_MS 100

struct run {
    uv_loop_t loop;
    uv_timer_t tick;
    struct interrupt interrupt;
    struct load_pass *pass; /* NULL between modes */
    const struct load_observer *observer;
    struct load_result *result;
};

enum rp_status load_resolve(const struct load_options *options, struct load_target *out,
                            struct rp_error *err)
{
    out->n = 0;
    for (size_t i = 0; i < options->n_at; i++) {
        size_t n = 0;
        enum rp_status status;

        if (out->n == LOAD_AT_MAX) {
            error_set(err, "more than %d addresses", LOAD_AT_MAX);
            return RP_FULL;
        }
        status = endpoint_resolve(&options->at[i], out->addresses + out->n, LOAD_AT_MAX - out->n,
                                  &n, err);
        if (status != RP_OK) {
            return status;
        }
        out->n += n;
    }
    if (out->n == 0) {
        const enum rp_status status =
            endpoint_resolve(&options->target, out->addresses, LOAD_AT_MAX, &out->n, err);
        size_t first = 0;

        if (status != RP_OK) {
            return status;
        }
        if (out->n > 1) {
            first = endpoint_first_reachable(out->addresses, out->n, (int)options->timeout_ms);
        }
        out->addresses[0] = out->addresses[first < out->n ? first : 0];
        out->n = 1;
    }
    return RP_OK;
}

static void ticked(uv_timer_t *timer)
{
    const struct run *r = timer->data;

    if (r->pass != NULL && r->observer->progress != NULL) {
        const struct load_progress progress = {&r->result->modes[r->result->n_modes],
                                               r->result->n_modes, load_pass_elapsed_us(r->pass)};

        r->observer->progress(r->observer->cookie, &progress);
    }
}

static void interrupted(void *cookie)
{
    struct run *r = cookie;

    r->result->interrupted = true;
    if (r->pass != NULL) {
        load_pass_stop(r->pass);
    }
}

static enum rp_status run_mode(struct run *r, const struct load_options *options,
                               const struct load_target *target, enum load_mode mode,
                               struct rp_error *err)
{
    struct tally *tally = &r->result->modes[r->result->n_modes];
    const struct load_pass_config config = {options, target->addresses, target->n, &r->loop, tally};
    enum rp_status status;

    tally->mode = mode;
    status = load_pass_new(&config, &r->pass, err);
    if (status != RP_OK) {
        return status;
    }
    load_pass_start(r->pass);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    load_pass_free(&r->pass);
    r->result->n_modes++;
    return RP_OK;
}

static void close_all(struct run *r)
{
    uv_close((uv_handle_t *)&r->tick, NULL);
    interrupt_close(&r->interrupt);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&r->loop);
}

enum rp_status load_run(const struct load_options *options, const struct load_target *target,
                        const struct load_observer *observer, struct load_result *result,
                        struct rp_error *err)
{
    struct run r = {.observer = observer, .result = result};
    enum rp_status status;

    memset(result, 0, sizeof *result);
    if (uv_loop_init(&r.loop) != 0) {
        error_set(err, "cannot make an event loop");
        return RP_SYSTEM;
    }
    (void)uv_timer_init(&r.loop, &r.tick);
    r.tick.data = &r;
    (void)uv_timer_start(&r.tick, ticked, TICK_MS, TICK_MS);
    uv_unref((uv_handle_t *)&r.tick);
    status =
        observer->catch_signals ? interrupt_watch(&r.interrupt, &r.loop, &r, interrupted) : RP_OK;
    if (status != RP_OK) {
        error_set(err, "cannot watch for signals");
    }
    for (size_t i = 0; status == RP_OK && i < options->n_modes && !result->interrupted; i++) {
        status = run_mode(&r, options, target, options->modes[i], err);
        if (status == RP_OK && result->modes[i].n_connected == 0) {
            break;
        }
    }
    close_all(&r);
    return status;
}

enum load_verdict load_judge(const struct load_result *result)
{
    enum load_verdict verdict = result->interrupted ? LOAD_BAD : LOAD_GOOD;
    uint64_t n_connected = 0;

    for (size_t i = 0; i < result->n_modes; i++) {
        n_connected += result->modes[i].n_connected;
        if (!tally_is_good(&result->modes[i])) {
            verdict = LOAD_BAD;
        }
    }
    return n_connected == 0 ? LOAD_UNREACHABLE : verdict;
}
