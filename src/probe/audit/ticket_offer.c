#include "ticket_offer.h"

#include "memory.h"

bool ticket_supply_renew(struct ticket_supply *s, unsigned most)
{
    if (s->session == NULL || s->n_used >= most) {
        raw_session_free(&s->session);
        s->session = auditor_session(s->a, s->kind);
        s->n_used = 0;
        s->ticket_len = s->session != NULL ? s->session->ticket_len : s->ticket_len;
    }
    return s->session != NULL;
}

bool ticket_offer(const struct ticket_supply *supply, const struct ticket_change *change,
                  struct trial *out)
{
    const struct raw_session *s = supply->session;
    struct raw_config config;
    uint8_t *changed;
    size_t n = 0;

    if (s->ticket_len > TICKET_OFFER_LEN_MAX) {
        return false;
    }
    changed = memory_new(2 * s->ticket_len + 64, 1);
    if (changed != NULL) {
        n = ticket_change_apply(change, s->ticket, s->ticket_len, changed);
    }
    if (n != 0) {
        auditor_config_for(supply->a, supply->kind, &config);
        auditor_offer(&config, supply->kind, s);
        if (supply->kind == KIND_PSK13) {
            config.hello.psk.identity = changed;
            config.hello.psk.identity_len = n;
        } else {
            config.hello.ticket = changed;
            config.hello.ticket_len = n;
        }
        auditor_try(supply->a, &config, TRIAL_HANDSHAKE, out);
    }
    memory_free(changed);
    return n != 0;
}
