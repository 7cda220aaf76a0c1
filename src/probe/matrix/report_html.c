#include "report_html.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "findings_where.h"
#include "probe_page.h"
#include "report.h"
#include "report_findings.h"
#include "report_markup.h"
#include "text.h"

/* What a place in the template is filled from. */
struct page {
    const struct facts *facts;
    const struct findings *findings;
    const struct audit *audit;
    FILE *out;
    enum rp_status status;
};

static void put_style_hash(struct page *page)
{
    (void)fputs(PROBE_PAGE_STYLE_HASH, page->out);
}

static void put_host(struct page *page)
{
    markup_text(page->out, page->facts->endpoint.host);
}

static void put_when(struct page *page)
{
    const time_t at = (time_t)page->facts->began_s;
    struct tm tm;
    char when[32];

    (void)fprintf(page->out, "port %u, ", (unsigned)page->facts->endpoint.port);
    if (page->facts->servername[0] == '\0') {
        (void)fputs("no SNI", page->out);
    } else {
        (void)fputs("SNI ", page->out);
        markup_text(page->out, page->facts->servername);
    }
    (void)fprintf(page->out, ", %zu address%s", page->facts->n, page->facts->n == 1 ? "" : "es");
    if (gmtime_r(&at, &tm) != NULL && strftime(when, sizeof when, "%F %H:%M UTC", &tm) != 0) {
        (void)fprintf(page->out, "; %s", when);
    }
}

static void put_state(struct page *page)
{
    (void)fputs(report_all_is_well(page->facts, page->findings, page->audit) ? "good" : "bad",
                page->out);
}

static void put_summary(struct page *page)
{
    char buffer[64];
    struct text t = text_of(buffer, sizeof buffer);

    markup_text(page->out, page->findings->summary);
    if (page->audit != NULL) {
        report_findings_add_counts(&t, page->audit);
        (void)fprintf(page->out, "; audit: %s", buffer);
    }
}

static void put_diagnoses(struct page *page)
{
    html_put_diagnoses(page->out, page->facts, page->findings);
}

static void put_audit(struct page *page)
{
    if (page->audit != NULL) {
        html_put_audit(page->out, page->audit);
    }
}

static void put_matrices(struct page *page)
{
    html_put_matrices(page->out, page->facts);
}

static void put_addresses(struct page *page)
{
    for (size_t i = 0; i < page->facts->n; i++) {
        const struct address_facts *a = &page->facts->addresses[i];
        char buffer[96];
        struct text t = text_of(buffer, sizeof buffer);

        where_add_address(&t, page->facts, i);
        (void)fprintf(page->out, "      <li%s>", a->tls ? "" : " class=\"attention\"");
        markup_text(page->out, buffer);
        (void)fputs(where_state(page->facts, i), page->out);
        (void)fputs("</li>\n", page->out);
    }
}

static void put_details(struct page *page)
{
    const enum rp_status status = html_put_details(page->out, page->facts, page->findings);

    if (status != RP_OK) {
        page->status = status;
    }
}

static void put_footer(struct page *page)
{
    (void)fprintf(page->out,
                  "reprise %s: %u connections in %" PRId64 ".%02" PRId64
                  " s, %u tries for each pair of addresses%s",
                  REPRISE_VERSION, page->facts->n_connections, page->facts->took_ms / 1000,
                  page->facts->took_ms % 1000 / 10, page->facts->n_tries,
                  page->facts->interrupted ? "; interrupted" : "");
}

static const struct {
    const char *name;
    void (*put)(struct page *page);
} places[] = {
    {"style_hash", put_style_hash}, {"host", put_host},         {"when", put_when},
    {"state", put_state},           {"summary", put_summary},   {"diagnoses", put_diagnoses},
    {"audit", put_audit},           {"matrices", put_matrices}, {"addresses", put_addresses},
    {"details", put_details},       {"footer", put_footer},
};

static void put_place(struct page *page, const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (strlen(places[i].name) == n && strncmp(places[i].name, name, n) == 0) {
            places[i].put(page);
        }
    }
}

enum rp_status report_html(const struct facts *facts, const struct findings *findings,
                           const struct audit *audit, FILE *out, const struct report_style *style)
{
    struct page page = {facts, findings, audit, out, RP_OK};
    const char *at = probe_page_html;
    const char *open;

    (void)style;
    while ((open = strstr(at, "{{")) != NULL) {
        const char *close = strstr(open, "}}");

        if (close == NULL) {
            break;
        }
        (void)fwrite(at, 1, (size_t)(open - at), out);
        put_place(&page, open + 2, (size_t)(close - open) - 2);
        at = close + 2;
    }
    (void)fputs(at, out);
    if (page.status != RP_OK) {
        return page.status;
    }
    return ferror(out) ? RP_SYSTEM : RP_OK;
}
