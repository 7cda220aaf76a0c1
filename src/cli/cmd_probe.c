#include <fcntl.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "cmd.h"
#include "diagnosis.h"
#include "error.h"
#include "memory.h"
#include "report.h"
#include "report_text.h"
#include "survey.h"
#include "terminal.h"
#include "text.h"

#define LINE_SIZE 160

/* What is quick needs no progress. */
#define QUIET_MS 1000

/* Set by SIGINT and SIGTERM while an audit runs, which ends in order then. */
static atomic_bool is_cancelled;

static void draw(void *cookie, const struct survey_progress *p)
{
    struct terminal_progress *progress = cookie;
    char buffer[LINE_SIZE];
    struct text line = text_of(buffer, sizeof buffer);

    if (terminal_progress_is_due(progress)) {
        text_addf(&line, "%s: %u connections", p->doing, p->n_done);
        if (p->n_left != 0) {
            text_addf(&line, ", %zu to go", p->n_left);
        }
        terminal_progress_draw(progress, buffer);
    }
}

/* One line, whatever was typed or answered that it tells of. */
static int fail(const char *text, int code)
{
    char line[sizeof(struct rp_error)];
    struct text t = text_of(line, sizeof line);

    report_text_add(&t, text);
    (void)fprintf(stderr, "reprise probe: %s\n", line);
    return code;
}

static struct report_style style_of(const struct probe_options *o)
{
    struct report_style style = {.colour = terminal_wants_colour(), .verbose = o->verbose};
    struct winsize size;

    (void)setlocale(LC_CTYPE, "");
    style.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (isatty(STDOUT_FILENO) != 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        style.width = size.ws_col;
    }
    return style;
}

/* Everything that was found. */
struct outcome {
    struct facts *facts;
    struct findings *findings;
    struct audit *audit; /* NULL: not asked for */
};

/* Before the probe, which may take long; what the file has stays there until the page is written.
 */
static bool open_html(const struct probe_options *o, FILE **out)
{
    const int fd = o->html != NULL ? open(o->html, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;

    *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (fd >= 0 && *out == NULL) {
        (void)close(fd);
    }
    return o->html == NULL || *out != NULL;
}

static int fail_html(const struct probe_options *o)
{
    struct rp_error err = {{0}};

    error_set(&err, "cannot write %s", o->html);
    return fail(err.text, CMD_BAD);
}

static bool write_html(FILE *out, const struct outcome *found, const struct report_style *style)
{
    struct stat stat;

    if (fstat(fileno(out), &stat) != 0 ||
        (S_ISREG(stat.st_mode) && ftruncate(fileno(out), 0) != 0)) {
        return false;
    }
    return report_html(found->facts, found->findings, found->audit, out, style) == RP_OK &&
           fflush(out) == 0;
}

static bool write_reports(const struct probe_options *o, const struct outcome *found, FILE *html)
{
    const struct report_style style = style_of(o);
    enum rp_status status;
    bool ok = true;

    if (o->json) {
        status = report_json(found->facts, found->findings, found->audit, stdout, &style);
    } else {
        status = report_table(found->facts, found->findings, found->audit, stdout, &style);
    }
    if (html != NULL && !write_html(html, found, &style)) {
        ok = fail_html(o) == CMD_OK;
    }
    if (status != RP_OK || fflush(stdout) != 0 || ferror(stdout) != 0) {
        (void)fputs("reprise probe: cannot write the result\n", stderr);
        ok = false;
    }
    return ok;
}

static bool is_reachable(const struct facts *f)
{
    for (size_t i = 0; i < f->n; i++) {
        if (f->addresses[i].reachable) {
            return true;
        }
    }
    return false;
}

/* Where nothing was expected of anybody: nothing but what does no harm is wrong. */
static bool is_sound(const struct findings *findings)
{
    return findings->n == 0 || findings->items[0].harmless;
}

static bool key_as_expected(const struct probe_options *o, const struct outcome *found)
{
    struct rp_error why = {{0}};

    if (!o->expect.names_key || expectation_key_met(o->expect.key, found->facts, &why)) {
        return true;
    }
    (void)fail(why.text, CMD_BAD);
    return false;
}

/* Names each violated expectation on a line of its own. */
static bool as_expected(const struct probe_options *o, const struct outcome *found)
{
    bool met = true;

    if (!o->expect.given) {
        return is_sound(found->findings);
    }
    for (unsigned m = 0; m < MECHANISMS; m++) {
        struct rp_error why = {{0}};

        if (!expectation_met((enum mechanism)m, o->expect.of[m], found->facts, &why)) {
            (void)fprintf(stderr, "reprise probe: %s\n", why.text);
            met = false;
        }
    }
    return key_as_expected(o, found) && met;
}

/* What it says of the servers stands, but not all was tried. */
static int fail_host(const struct facts *f)
{
    struct rp_error err = {{0}};

    error_set(&err, "not all was tried: %s", f->trouble.text);
    return fail(err.text, CMD_BAD);
}

static bool is_interrupted(const struct outcome *found)
{
    return found->facts->interrupted || (found->audit != NULL && found->audit->interrupted);
}

static int judge(const struct probe_options *o, const struct outcome *found)
{
    const bool met = as_expected(o, found);
    enum severity worst = SEVERITY_NOTE;

    if (found->facts->trouble.text[0] != '\0') {
        return fail_host(found->facts);
    }
    if (!is_reachable(found->facts)) {
        return found->facts->interrupted ? CMD_BAD : CMD_UNREACHABLE;
    }
    if (found->audit != NULL && audit_worst(found->audit, &worst) && worst != SEVERITY_NOTE) {
        return CMD_WEAK;
    }
    return met && !is_interrupted(found) ? CMD_OK : CMD_BAD;
}

static void cancel(int signal_number)
{
    (void)signal(signal_number, SIG_DFL); /* a second one ends the process */
    is_cancelled = true;
}

static void draw_audit(void *cookie, const struct audit_progress *p)
{
    struct terminal_progress *progress = cookie;
    char buffer[LINE_SIZE];
    struct text line = text_of(buffer, sizeof buffer);

    if (terminal_progress_is_due(progress)) {
        text_addf(&line, "audit: %zu of %zu checks, %u connections, %zu findings", p->n_done,
                  p->n_all, p->n_connections, p->n_findings);
        terminal_progress_draw(progress, buffer);
    }
}

static enum rp_status audit(const struct probe_options *o, const struct peer_address *addresses,
                            size_t n, struct outcome *found, struct rp_error *err)
{
    struct terminal_progress progress;
    const struct audit_observer observer = {&progress, draw_audit, &is_cancelled};
    const struct audit_config config = {
        .addresses = addresses,
        .n = n,
        .servername = o->servername,
        .other_names = o->other_sni,
        .n_other_names = o->n_other_sni,
        .client_cert = o->client_cert,
        .client_key = o->client_key,
        .http_host = o->http_host,
        .http_path = o->http_path,
        .no_http = o->handshake_only,
        .checks = o->checks,
        .timeout_ms = (unsigned)o->timeout_ms,
        .wait_s = (unsigned)((o->wait_ms + 999) / 1000),
        .concurrency = o->per_address,
    };
    enum rp_status status;

    (void)signal(SIGINT, cancel);
    (void)signal(SIGTERM, cancel);
    terminal_progress_begin(&progress, !o->quiet, QUIET_MS);
    status = audit_run(&config, &observer, &found->audit, err);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    terminal_progress_end(&progress);
    return status;
}

static enum rp_status survey(const struct probe_options *o, const struct peer_address *addresses,
                             size_t n, struct outcome *found, struct rp_error *err)
{
    struct terminal_progress progress;
    const struct survey_observer observer = {&progress, draw, NULL, true};
    enum rp_status status;

    terminal_progress_begin(&progress, !o->quiet, QUIET_MS);
    status = survey_run(o, addresses, n, &observer, &found->facts, err);
    terminal_progress_end(&progress);
    if (status == RP_OK && o->audit && is_reachable(found->facts) && !found->facts->interrupted) {
        status = audit(o, addresses, n, found, err);
    }
    if (status == RP_OK) {
        status = diagnose(found->facts, &found->findings);
        if (status != RP_OK) {
            error_set(err, "out of memory");
        }
    }
    return status;
}

/* What the connections of --reconnect came to. */
struct tally {
    bool any;
    bool all_reused;
};

static const char *version_text(uint16_t version)
{
    switch (version) {
    case 0x0304:
        return "TLSv1.3";
    case 0x0303:
        return "TLSv1.2";
    case 0x0302:
        return "TLSv1.1";
    default:
        return "TLSv1";
    }
}

static void print_connection(void *cookie, const struct survey_connection *c)
{
    struct tally *tally = cookie;
    const struct visit *v = c->visit;

    tally->any = tally->any || v->established;
    tally->all_reused = tally->all_reused && v->established && (c->index == 0 || v->resumed);
    (void)printf("%s %s: ", c->address->text, mechanism_word(c->mechanism));
    if (!v->established) {
        (void)printf("Failed, %s\n", v->why.text);
    } else {
        (void)printf("%s, %s, Cipher is %s%s\n", v->resumed ? "Reused" : "New",
                     version_text(v->version), v->cipher,
                     v->early_accepted ? ", early data accepted" : "");
    }
    (void)fflush(stdout);
}

static int reconnect(const struct probe_options *o, const struct peer_address *addresses, size_t n,
                     struct outcome *found)
{
    struct tally tally = {.all_reused = true};
    const struct survey_observer observer = {&tally, NULL, print_connection, true};
    struct rp_error err = {{0}};
    const enum rp_status status = survey_run(o, addresses, n, &observer, &found->facts, &err);

    if (status != RP_OK) {
        return fail(err.text, status == RP_INVALID ? CMD_USAGE : CMD_BAD);
    }
    if (!is_reachable(found->facts)) {
        return CMD_UNREACHABLE;
    }
    return tally.any && tally.all_reused && !found->facts->interrupted ? CMD_OK : CMD_BAD;
}

static int probe_matrix(const struct probe_options *o, const struct peer_address *addresses,
                        size_t n, struct outcome *found)
{
    struct rp_error err = {{0}};
    FILE *html = NULL;
    enum rp_status status;
    int code = CMD_BAD;

    if (!open_html(o, &html)) {
        return fail_html(o);
    }
    status = survey(o, addresses, n, found, &err);
    if (status != RP_OK) {
        code = fail(err.text, status == RP_INVALID ? CMD_USAGE : CMD_BAD);
    } else if (write_reports(o, found, html)) {
        code = judge(o, found);
    }
    if (html != NULL) {
        (void)fclose(html);
    }
    return code;
}

static int probe(const struct probe_options *o)
{
    struct peer_address *addresses = memory_new(PROBE_ADDRESSES_MAX, sizeof *addresses);
    struct outcome found = {0};
    struct rp_error err = {{0}};
    size_t n = 0;
    int code;

    if (addresses == NULL) {
        return fail("out of memory", CMD_BAD);
    }
    if (survey_resolve(o, addresses, &n, &err) != RP_OK) {
        code = fail(err.text, CMD_UNREACHABLE);
    } else if (o->reconnect != 0) {
        code = reconnect(o, addresses, n, &found);
    } else {
        code = probe_matrix(o, addresses, n, &found);
    }
    audit_free(&found.audit);
    findings_free(&found.findings);
    facts_free(&found.facts);
    memory_free(addresses);
    return code;
}

int cmd_probe(int argc, char *const *argv)
{
    struct probe_options *options = memory_new(1, sizeof *options);
    struct rp_error err = {{0}};
    int code;

    if (options == NULL) {
        return fail("out of memory", CMD_BAD);
    }
    if (probe_options_parse(argc, argv, options, &err) != RP_OK) {
        code = fail(err.text, CMD_USAGE);
    } else if (options->help) {
        (void)fputs(probe_options_help(), stdout);
        code = CMD_OK;
    } else {
        (void)signal(SIGPIPE, SIG_IGN);
        terminal_allow_connections(options->concurrency);
        code = probe(options);
    }
    memory_free(options);
    return code;
}
