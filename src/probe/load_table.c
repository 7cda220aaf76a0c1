#include "load_report.h"

#include <inttypes.h>

#include "text.h"

#define RED "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

/* From here on the client itself is what limits the rate. */
#define SATURATED_PERCENT 90

static void put_target(const struct load_options *o, const struct load_target *target, FILE *out)
{
    (void)fprintf(out, "%s port %u, %u connections at a time, ", o->target.host,
                  (unsigned)o->target.port, o->connections);
    if (o->count != 0) {
        (void)fprintf(out, "%" PRIu64 " a mode", o->count);
    } else {
        (void)fprintf(out, "%" PRId64 ".%" PRId64 " s a mode", o->time_ms / 1000,
                      o->time_ms % 1000 / 100);
    }
    (void)fprintf(out, "%s%s\n", o->request_len != 0 ? ", one request each" : ", no request",
                  o->fresh ? ", each session resumed once" : "");
    (void)fputs(target->n == 1 ? "address:" : "addresses in turn:", out);
    for (size_t i = 0; i < target->n; i++) {
        (void)fprintf(out, " %s", target->addresses[i].text);
    }
    (void)fputs("\n\n", out);
}

static void put_head(FILE *out)
{
    (void)fputs("                                            handshake, us               "
                "connection, us           client\n"
                "mode    conn/s            resumed    p50    p90    p99    max    p50    p90    p99"
                "    max  us/conn  failed\n",
                out);
}

static void put_latency(const struct latency *l, FILE *out)
{
    static const unsigned ranks[] = {500, 900, 990, 1000};

    for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
        if (l->n != 0) {
            (void)fprintf(out, " %6" PRIu64, latency_percentile(l, ranks[i]));
        } else {
            (void)fputs("      -", out);
        }
    }
}

static const char *paint(bool colour, const char *code)
{
    return colour ? code : "";
}

static void put_mode(const struct tally *t, bool colour, FILE *out)
{
    const uint64_t rate = tally_rate_tenths(t);
    const uint64_t failed = tally_failed(t);
    const bool good = tally_unexpected(t) == 0 && tally_expected(t) != 0;
    char resumed[48];
    struct text text = text_of(resumed, sizeof resumed);

    text_addf(&text, "%" PRIu64 " of %" PRIu64, t->n_resumed, t->n_resumed + t->n_full);
    (void)fprintf(out, "%-6s %5" PRIu64 ".%" PRIu64 " %s%18s%s", load_mode_word(t->mode), rate / 10,
                  rate % 10, paint(colour, good ? GREEN : RED), resumed, paint(colour, PLAIN));
    put_latency(&t->handshake, out);
    put_latency(&t->connection, out);
    if (t->n_timed != 0) {
        (void)fprintf(out, "  %7" PRIu64, t->cpu_us / t->n_timed);
    } else {
        (void)fputs("        -", out);
    }
    (void)fprintf(out, " %s%7" PRIu64 "%s\n", paint(colour, failed != 0 ? RED : ""), failed,
                  paint(colour, failed != 0 ? PLAIN : ""));
}

static void put_failures(const struct tally *t, FILE *out)
{
    const char *separator = "";

    (void)fprintf(out, "%s: failed: ", load_mode_word(t->mode));
    for (unsigned i = 0; i < CLIENT_ENDS; i++) {
        if (t->n_failed[i] != 0) {
            (void)fprintf(out, "%s%" PRIu64 " %s", separator, t->n_failed[i],
                          client_end_word((enum client_end)i));
            separator = ", ";
        }
    }
    if (t->n_no_session != 0) {
        (void)fprintf(out, "%s%" PRIu64 " no session", separator, t->n_no_session);
    }
    (void)fprintf(out, "; first: %s\n", t->first_failure.text);
}

static void put_replies(const struct tally *t, FILE *out)
{
    for (unsigned i = 1; i < 6; i++) {
        if (i != 2 && i != 3 && t->n_replies[i] != 0) {
            (void)fprintf(out, "%s: %" PRIu64 " replies with HTTP status %uxx\n",
                          load_mode_word(t->mode), t->n_replies[i], i);
        }
    }
}

static void put_notes(const struct tally *t, FILE *out)
{
    const char *word = load_mode_word(t->mode);

    if (tally_unexpected(t) != 0) {
        (void)fprintf(out, "%s: %" PRIu64 " %s; first: %s\n", word, tally_unexpected(t),
                      load_mode_resumes(t->mode) ? "not resumed" : "resumed",
                      t->first_refusal.text);
    }
    if (tally_failed(t) != 0) {
        put_failures(t, out);
    }
    if (tally_expected(t) + tally_unexpected(t) + tally_failed(t) == 0) {
        (void)fprintf(out, "%s: nothing was measured\n", word);
    }
    put_replies(t, out);
    if (t->elapsed_us != 0 && t->cpu_us * 100 / t->elapsed_us >= SATURATED_PERCENT) {
        (void)fprintf(out,
                      "%s: this client used %" PRIu64
                      " %% of a processor: the server may be faster than it could ask\n",
                      word, t->cpu_us * 100 / t->elapsed_us);
    }
}

void load_report_table(const struct load_options *options, const struct load_target *target,
                       const struct load_result *result, bool colour, FILE *out)
{
    put_target(options, target, out);
    put_head(out);
    for (size_t i = 0; i < result->n_modes; i++) {
        put_mode(&result->modes[i], colour, out);
    }
    (void)fputs("\n", out);
    for (size_t i = 0; i < result->n_modes; i++) {
        put_notes(&result->modes[i], out);
    }
    if (result->interrupted) {
        (void)fputs("interrupted\n", out);
    }
}
