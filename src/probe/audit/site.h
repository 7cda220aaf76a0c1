/* Connections to the audited address under some server name. */
#ifndef SITE_H
#define SITE_H

#include "auditor.h"
#include "site_view.h"

#define SITE_NAMES_MAX 8

/* A name that no server has: RFC 6761 keeps it from ever being one. */
#define SITE_UNKNOWN "reprise-unknown.invalid"

struct site_name {
    const char *name;          /* NULL: none */
    enum finding_name finding; /* what it is if a session resumes there */
};

/* Other names, none and an unknown one, without the one that is audited; how many. Borrowed. */
size_t site_names(const struct auditor *a, struct site_name out[static SITE_NAMES_MAX]);

/* "under example.com", "without a server name". */
void site_name_text(const char *name, char *out, size_t size);

/* Full handshakes under that name, three of them, each with a request if reply. */
void site_look(struct auditor *a, enum session_kind kind, const char *name, bool with_identity,
               bool reply, struct site_view *out);

/* Offers a session under that name. False if no connection came about. */
bool site_offer(struct auditor *a, enum session_kind kind, const char *name, bool with_identity,
                bool reply, const struct raw_session *s, struct site_answer *out);

/* A session issued under that name; NULL if none was to be had. */
struct raw_session *site_session(struct auditor *a, enum session_kind kind, const char *name,
                                 bool with_identity);

#endif
