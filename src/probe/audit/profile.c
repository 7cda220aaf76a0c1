#include "profile.h"

#include "raw_hello.h"

const char *session_kind_text(enum session_kind kind)
{
    static const char *const texts[] = {"TLS 1.2 session ID", "TLS 1.2 ticket", "TLS 1.3 ticket"};

    return kind < SESSION_KINDS ? texts[kind] : "";
}

uint16_t session_kind_version(enum session_kind kind)
{
    return kind == KIND_PSK13 ? RAW_TLS13 : RAW_TLS12;
}

bool profile_resumes(const struct profile *p, enum session_kind kind)
{
    return p->kinds[kind].n_resumed != 0;
}

bool profile_unclear(const struct profile *p, enum session_kind kind)
{
    const struct kind_profile *k = &p->kinds[kind];

    return k->n_full == 0 && k->n_refused != k->n_tries;
}
