#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "load.h"
#include "load_report.h"
#include "memory.h"
#include "report_text.h"
#include "terminal.h"
#include "text.h"

#define LINE_SIZE 160

struct progress {
    const struct load_options *options;
    struct terminal_progress line;
};

static void draw(void *cookie, const struct load_progress *p)
{
    struct progress *progress = cookie;
    const struct load_options *o = progress->options;
    const struct tally *t = p->tally;
    const uint64_t done = tally_expected(t);
    char buffer[LINE_SIZE];
    struct text line = text_of(buffer, sizeof buffer);

    if (!terminal_progress_is_due(&progress->line)) {
        return;
    }
    text_addf(&line, "%-6s (%zu of %zu) ", load_mode_word(t->mode), p->index + 1, o->n_modes);
    if (p->elapsed_us == 0) {
        text_addf(&line, "getting sessions: %" PRIu64, t->n_seeds);
    } else if (o->count != 0) {
        text_addf(&line, "%" PRIu64 " of %" PRIu64, done, o->count);
    } else {
        text_addf(&line, "%" PRIu64 ".%" PRIu64 " of %" PRId64 ".%" PRId64 " s",
                  p->elapsed_us / 1000000, p->elapsed_us / 100000 % 10, o->time_ms / 1000,
                  o->time_ms / 100 % 10);
    }
    if (p->elapsed_us != 0) {
        text_addf(&line, ", %" PRIu64 " conn/s", done * 1000000 / p->elapsed_us);
    }
    if (tally_unexpected(t) != 0) {
        text_addf(&line, ", %" PRIu64 " %s", tally_unexpected(t),
                  load_mode_resumes(t->mode) ? "not resumed" : "resumed");
    }
    if (tally_failed(t) != 0) {
        text_addf(&line, ", %" PRIu64 " failed", tally_failed(t));
    }
    terminal_progress_draw(&progress->line, buffer);
}

/* One line, whatever was typed that it tells of. */
static int fail(const struct rp_error *err, int code)
{
    char line[sizeof *err];
    struct text t = text_of(line, sizeof line);

    report_text_add(&t, err->text);
    (void)fprintf(stderr, "reprise load: %s\n", line);
    return code;
}

static int report(const struct load_options *options, const struct load_target *target,
                  const struct load_result *result)
{
    if (options->json) {
        if (load_report_json(options, target, result, stdout) != RP_OK) {
            (void)fputs("reprise load: cannot write the result\n", stderr);
            return CMD_BAD;
        }
    } else {
        load_report_table(options, target, result, terminal_wants_colour(), stdout);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fputs("reprise load: cannot write the result\n", stderr);
        return CMD_BAD;
    }
    return (int)load_judge(result);
}

static int measure(const struct load_options *options, struct load_target *target,
                   struct load_result *result)
{
    struct progress progress = {.options = options};
    const struct load_observer observer = {&progress, draw, true};
    struct rp_error err = {{0}};
    enum rp_status status;

    if (load_resolve(options, target, &err) != RP_OK) {
        return fail(&err, CMD_UNREACHABLE);
    }
    terminal_progress_begin(&progress.line, !options->quiet, 0);
    status = load_run(options, target, &observer, result, &err);
    terminal_progress_end(&progress.line);
    if (status != RP_OK) {
        return fail(&err, status == RP_INVALID ? CMD_USAGE : CMD_BAD);
    }
    return report(options, target, result);
}

int cmd_load(int argc, char *const *argv)
{
    struct load_options *options = memory_new(1, sizeof *options);
    struct load_target *target = memory_new(1, sizeof *target);
    struct load_result *result = memory_new(1, sizeof *result);
    struct rp_error err = {{0}};
    int code;

    if (options == NULL || target == NULL || result == NULL) {
        (void)fputs("reprise load: out of memory\n", stderr);
        code = CMD_BAD;
        goto done;
    }
    if (load_options_parse(argc, argv, options, &err) != RP_OK) {
        code = fail(&err, CMD_USAGE);
        goto done;
    }
    if (options->help) {
        (void)fputs(load_options_help(), stdout);
        code = CMD_OK;
        goto done;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    terminal_allow_connections(options->connections);
    code = measure(options, target, result);

done:
    memory_free(result);
    memory_free(target);
    memory_free(options);
    return code;
}
