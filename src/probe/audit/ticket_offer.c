#include "ticket_offer.h"

#include "memory.h"

bool ticket_offer(struct auditor *a, enum session_kind kind, const struct raw_session *s,
                  const struct ticket_change *change, struct trial *out)
{
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
        auditor_config_for(a, kind, &config);
        auditor_offer(&config, kind, s);
        if (kind == KIND_PSK13) {
            config.hello.psk.identity = changed;
            config.hello.psk.identity_len = n;
        } else {
            config.hello.ticket = changed;
            config.hello.ticket_len = n;
        }
        auditor_try(a, &config, TRIAL_HANDSHAKE, out);
    }
    memory_free(changed);
    return n != 0;
}
