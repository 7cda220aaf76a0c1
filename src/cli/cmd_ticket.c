#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_options.h"
#include "error.h"
#include "file_read.h"
#include "memory.h"
#include "terminal.h"
#include "text.h"
#include "ticket_audit.h"
#include "ticket_input.h"
#include "ticket_open.h"
#include "ticket_report.h"

#define KEY_FILES_MAX 64
#define LINE_SIZE 80

/* What is quick needs no progress. */
#define QUIET_MS 1000

enum action { ACTION_NONE, ACTION_DECODE, ACTION_OPEN, ACTION_AUDIT };

struct request {
    enum action action;
    bool json;
    bool secrets;
    bool help;
    const char *key_paths[KEY_FILES_MAX];
    size_t n_keys;
    struct ticket_key_file keys[KEY_FILES_MAX];
    size_t n_read; /* of keys */
    char *const *inputs;
    size_t n_inputs;
    struct ticket_list list;
};

static const char help_text[] =
    "usage: reprise ticket decode [--json] [FILE ...]\n"
    "       reprise ticket open --key FILE ... [--secrets] [--json] [FILE ...]\n"
    "       reprise ticket audit [--json] [FILE ...]\n"
    "\n"
    "Looks at session tickets without a server. FILE, or standard input (also -),\n"
    "holds one ticket or many: a NewSessionTicket message or a bare ticket, as bytes,\n"
    "hexadecimal or base64; a session file (openssl s_client -sess_out); or all that\n"
    "openssl s_client printed. Tickets in hexadecimal or base64 are a paragraph each,\n"
    "or a line each if it is of 160 characters or more.\n"
    "\n"
    "  decode          the message's fields, and which servers' layout the ticket has\n"
    "  open            what is inside, with the server's key file\n"
    "  audit           weak keys, plain text, repeated keystream\n"
    "\n"
    "  --key FILE      a session ticket key file of nginx, HAProxy, Apache, Node.js,\n"
    "                  Traffic Server, Envoy, lighttpd, h2o, nghttpx, dnsdist or Go;\n"
    "                  may be repeated\n"
    "  --secrets       show the master secret or PSK too\n"
    "  --json          the result as JSON\n"
    "  --help          this text\n"
    "\n"
    "Exit status: 0 as expected, 1 a ticket did not open, 2 usage or unreadable\n"
    "input, 4 a finding.\n";

static int fail(const char *text, int code)
{
    (void)fprintf(stderr, "reprise ticket: %s\n", text);
    return code;
}

static enum rp_status take_action(struct request *r, const char *word, struct rp_error *err)
{
    static const struct {
        const char *word;
        enum action action;
    } actions[] = {{"decode", ACTION_DECODE}, {"open", ACTION_OPEN}, {"audit", ACTION_AUDIT}};

    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(word, actions[i].word) == 0) {
            r->action = actions[i].action;
            return RP_OK;
        }
    }
    error_set(err, "unknown action \"%s\": decode, open or audit; see reprise ticket --help", word);
    return RP_INVALID;
}

static enum rp_status take_option(void *cookie, int id, struct rp_error *err)
{
    struct request *const r = cookie;

    switch (id) {
    case 'h':
        r->help = true;
        return RP_OK;
    case 'j':
        r->json = true;
        return RP_OK;
    case 's':
        r->secrets = true;
        return RP_OK;
    case 'k':
        if (r->n_keys == KEY_FILES_MAX) {
            error_set(err, "--key is given more than %d times", KEY_FILES_MAX);
            return RP_INVALID;
        }
        r->key_paths[r->n_keys++] = optarg;
        return RP_OK;
    default:
        return cmd_options_refuse(id, err);
    }
}

/* Options that make no sense for the action are mistakes, not ignored. */
static enum rp_status check(const struct request *r, struct rp_error *err)
{
    if (r->action == ACTION_NONE) {
        error_set(err, "decode, open or audit is to be said; see reprise ticket --help");
        return RP_INVALID;
    }
    if (r->action == ACTION_OPEN && r->n_keys == 0) {
        error_set(err, "open needs a key file: --key FILE");
        return RP_INVALID;
    }
    if (r->action != ACTION_OPEN && (r->n_keys != 0 || r->secrets)) {
        error_set(err, "--key and --secrets are for open alone");
        return RP_INVALID;
    }
    return RP_OK;
}

static enum rp_status parse(int argc, char *const *argv, struct request *r, struct rp_error *err)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, 'j'},
        {"key", required_argument, NULL, 'k'},
        {"secrets", no_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    enum rp_status status = cmd_options_take(argc, argv, ":hk:", options, take_option, r, err);

    if (status != RP_OK || r->help) {
        return status;
    }
    if (optind < argc) {
        status = take_action(r, argv[optind++], err);
    }
    r->inputs = argv + optind;
    r->n_inputs = (size_t)(argc - optind);
    return status == RP_OK ? check(r, err) : status;
}

static enum rp_status read_keys(struct request *r, struct rp_error *err)
{
    enum rp_status status = RP_OK;

    for (size_t i = 0; i < r->n_keys && status == RP_OK; i++) {
        struct file_bytes bytes;

        status = file_read(r->key_paths[i], KEY_FILE_FOREIGN_MAX, &bytes, err);
        if (status == RP_OK) {
            status = ticket_key_file_decode(r->key_paths[i], bytes.p, bytes.n, &r->keys[i], err);
            file_bytes_fini(&bytes);
        }
        if (status == RP_OK) {
            r->n_read++;
        }
    }
    return status;
}

static enum rp_status read_input(struct request *r, const char *path, struct rp_error *err)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    struct file_bytes bytes;
    enum rp_status status = file_read(path, TICKET_INPUT_MAX, &bytes, err);

    if (status == RP_OK) {
        status = ticket_input_read(name, bytes.p, bytes.n, &r->list, err);
        file_bytes_fini(&bytes);
    }
    return status;
}

static enum rp_status read_inputs(struct request *r, struct rp_error *err)
{
    enum rp_status status = RP_OK;

    if (r->n_inputs == 0) {
        if (isatty(STDIN_FILENO) != 0) {
            (void)fputs("reprise ticket: reading standard input; end it with Ctrl-D\n", stderr);
        }
        return read_input(r, "-", err);
    }
    for (size_t i = 0; i < r->n_inputs && status == RP_OK; i++) {
        status = read_input(r, r->inputs[i], err);
    }
    return status;
}

static enum rp_status open_all(const struct request *r, struct sheet *s, int *code)
{
    const struct ticket_open_view view = {r->keys, r->n_read, (int64_t)time(NULL), r->secrets};
    struct ticket_cipher *cipher = NULL;
    enum rp_status status = ticket_cipher_new(&cipher);

    for (size_t i = 0; i < r->list.n && status == RP_OK; i++) {
        struct ticket_opening opening;

        status = ticket_open(cipher, r->keys, r->n_read, r->list.items[i].ticket, &opening);
        if (status == RP_OK) {
            ticket_report_open(s, &r->list, i, &opening, &view);
            *code = opening.end == TICKET_OPENED ? *code : CMD_BAD;
            ticket_opening_fini(&opening);
        }
    }
    ticket_cipher_free(&cipher);
    return status;
}

static void draw(void *cookie, size_t n_done, size_t n_all)
{
    struct terminal_progress *progress = cookie;
    char buffer[LINE_SIZE];
    struct text line = text_of(buffer, sizeof buffer);

    if (terminal_progress_is_due(progress)) {
        text_addf(&line, "weak keys: %zu of %zu", n_done, n_all);
        terminal_progress_draw(progress, buffer);
    }
}

static enum rp_status audit_all(const struct request *r, struct sheet *s, int *code)
{
    struct ticket_sample *samples = memory_new(r->list.n, sizeof *samples);
    struct terminal_progress progress;
    const struct ticket_audit_observer observer = {&progress, draw};
    struct ticket_audit *audit = NULL;
    enum rp_status status = RP_NO_MEMORY;

    if (samples == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < r->list.n; i++) {
        const struct ticket_item *item = &r->list.items[i];

        samples[i].ticket = item->ticket;
        samples[i].secrets[0] = (struct ticket_bytes){item->secret, item->secret_len};
    }
    terminal_progress_begin(&progress, true, QUIET_MS);
    status = ticket_audit_run(samples, r->list.n, &observer, &audit);
    terminal_progress_end(&progress);
    if (status == RP_OK) {
        ticket_report_audit(s, &r->list, audit);
        *code = ticket_audit_is_bad(audit) ? CMD_WEAK : CMD_OK;
    }
    ticket_audit_free(&audit);
    memory_free(samples);
    return status;
}

static int act(const struct request *r)
{
    struct sheet s = sheet_new();
    int code = CMD_OK;
    enum rp_status status = RP_OK;

    switch (r->action) {
    case ACTION_DECODE:
        ticket_report_decode(&s, &r->list);
        break;
    case ACTION_OPEN:
        status = open_all(r, &s, &code);
        break;
    case ACTION_AUDIT:
        status = audit_all(r, &s, &code);
        break;
    case ACTION_NONE:
        break;
    }
    if (status == RP_OK) {
        status = sheet_put(&s, r->json, stdout);
    }
    if (status == RP_OK && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        status = RP_SYSTEM;
    }
    sheet_free(&s);
    if (status == RP_SYSTEM) {
        return fail("cannot write the result", CMD_USAGE);
    }
    return status == RP_OK ? code : fail(rp_status_text(status), CMD_USAGE);
}

int cmd_ticket(int argc, char *const *argv)
{
    struct request *r = memory_new(1, sizeof *r);
    struct rp_error err = {{0}};
    int code = CMD_USAGE;

    if (r == NULL) {
        return fail("out of memory", CMD_USAGE);
    }
    if (parse(argc, argv, r, &err) != RP_OK) {
        (void)fail(err.text, code);
    } else if (r->help) {
        (void)fputs(help_text, stdout);
        code = CMD_OK;
    } else if (read_keys(r, &err) != RP_OK || read_inputs(r, &err) != RP_OK) {
        (void)fail(err.text[0] != '\0' ? err.text : "out of memory", code);
    } else {
        code = act(r);
    }
    for (size_t i = 0; i < r->n_read; i++) {
        ticket_key_file_fini(&r->keys[i]);
    }
    ticket_list_fini(&r->list);
    memory_free(r);
    return code;
}
