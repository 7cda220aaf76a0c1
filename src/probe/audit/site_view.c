#include "site_view.h"

#include "raw_result.h"
#include "text.h"

/* 400: nginx and HAProxy without a certificate. 495, 496: nginx's own. */
static bool status_denies(unsigned status)
{
    return status == 400 || status == 401 || status == 403 || status == 495 || status == 496;
}

void site_view_add(struct site_view *v, const struct site_answer *answer)
{
    if (!answer->answered) {
        return;
    }
    v->n++;
    v->n_full += answer->full ? 1 : 0;
    v->n_asked += answer->asked ? 1 : 0;
    v->status = answer->http_status;
    if (answer->alert) {
        v->n_alerts++;
        v->alert = answer->alert_description;
    }
    if (answer->alert) {
        v->n_denied++;
    } else if (status_denies(answer->http_status)) {
        v->n_denied++;
        v->denied_status = answer->http_status;
    }
    if (answer->leaf != NULL) {
        leaf_set_add(&v->leaves, answer->leaf);
    }
}

bool site_view_differs(const struct site_view *a, const struct site_view *b, char *why, size_t size)
{
    struct text t = text_of(why, size);

    if (a->n < 2 || b->n < 2) {
        return false;
    }
    if (leaf_set_disjoint(&a->leaves, &b->leaves)) {
        text_add(&t, "another certificate (");
        text_add_hex(&t, b->leaves.leaves[0], 4);
        text_add(&t, "... and not ");
        text_add_hex(&t, a->leaves.leaves[0], 4);
        text_add(&t, "...)");
        return true;
    }
    if (a->n_full == a->n && b->n_full == 0 && b->n_alerts == b->n) {
        text_addf(&t, "no site (alert %u %s)", (unsigned)b->alert, raw_alert_word(b->alert));
        return true;
    }
    if (a->n_asked == 0 && b->n_asked == b->n) {
        text_add(&t, "a site that asks for a client certificate");
        return true;
    }
    return false;
}

bool site_view_denies(const struct site_view *v)
{
    return v->n >= 2 && v->n_asked == v->n && v->n_denied == v->n;
}

bool site_view_bypassed(const struct site_view *v, const struct site_answer *answer)
{
    if (!site_view_denies(v) || !answer->resumed || answer->alert || answer->asked) {
        return false;
    }
    /* Where the refusal is an HTTP status, nothing less than another reply shows the way in. */
    if (v->denied_status != 0) {
        return answer->http_status != 0 && answer->http_status < 400;
    }
    if (answer->http_status != 0) {
        return !status_denies(answer->http_status);
    }
    return !answer->closed;
}
