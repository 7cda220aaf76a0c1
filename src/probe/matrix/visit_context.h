/* The SSL_CTX that can do nothing but one mechanism; made when first asked for. */
#ifndef VISIT_CONTEXT_H
#define VISIT_CONTEXT_H

#include <openssl/ssl.h>

#include <reprise/status.h>

#include "mechanism.h"
#include "probe_options.h"

struct visit_contexts {
    const struct probe_options *options;
    X509_STORE *trust; /* shared by all, for reading it takes long */
    SSL_CTX *of[MECHANISMS];
};

/* options are borrowed until visit_contexts_fini. RP_INVALID: err names a file or a list of the
 * options that is no good. On failure there is nothing to end. */
enum rp_status visit_contexts_init(struct visit_contexts *c, const struct probe_options *options,
                                   unsigned mechanisms, struct rp_error *err) RP_MUST_USE;
void visit_contexts_fini(struct visit_contexts *c);

/* Of the kind that the mechanism resumes, and not to be discarded at once: an ID without a ticket,
 * a ticket, a PSK, one that allows early data. */
bool visit_context_accepts(enum mechanism m, const SSL_SESSION *session);

#endif
