#include "report_table.h"

#include <inttypes.h>

#include "findings_where.h"
#include "report_text.h"

static void put_endpoint(struct pen *pen, const struct facts *facts)
{
    char buffer[2 * ENDPOINT_HOST_SIZE];
    struct text t = text_of(buffer, sizeof buffer);

    report_text_add(&t, facts->endpoint.host);
    text_addf(&t, " port %u", (unsigned)facts->endpoint.port);
    pen_ink(pen, INK_STRONG);
    pen_add(pen, buffer);
    pen_ink(pen, INK_PLAIN);
}

static void put_head(struct pen *pen, const struct facts *facts)
{
    char buffer[2 * ENDPOINT_HOST_SIZE + 128];
    struct text t = text_of(buffer, sizeof buffer);

    put_endpoint(pen, facts);
    if (facts->servername[0] == '\0') {
        text_add(&t, ", no SNI");
    } else {
        text_add(&t, ", SNI ");
        report_text_add(&t, facts->servername);
    }
    text_addf(&t, ": %zu address%s, %u tr%s each, %u connections in %" PRId64 ".%02" PRId64 " s",
              facts->n, facts->n == 1 ? "" : "es", facts->n_tries,
              facts->n_tries == 1 ? "y" : "ies", facts->n_connections, facts->took_ms / 1000,
              facts->took_ms % 1000 / 10);
    pen_wrap(pen, 4, buffer);
    pen_line(pen);
    pen_line(pen);
}

static bool has_tls(const struct facts *facts)
{
    for (size_t i = 0; i < facts->n; i++) {
        if (facts->addresses[i].tls) {
            return true;
        }
    }
    return false;
}

enum rp_status report_table(const struct facts *facts, const struct findings *findings,
                            const struct audit *audit, FILE *out, const struct report_style *style)
{
    struct pen pen = pen_of(out, style);
    enum rp_status status = RP_OK;

    put_head(&pen, facts);
    if (has_tls(facts)) {
        table_put_matrices(&pen, facts);
        status = table_put_details(&pen, facts, findings);
        table_put_aged(&pen, facts);
    }
    if (status != RP_OK) {
        return status;
    }
    if (audit != NULL) {
        table_put_audit(&pen, audit);
    }
    table_put_conclusion(&pen, facts, findings, audit);
    return ferror(out) ? RP_SYSTEM : RP_OK;
}
