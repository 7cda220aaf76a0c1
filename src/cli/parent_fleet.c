/* What the parent does for a fleet: it passes mail on, unread. */
#include "parent_state.h"

#include "message_mail.h"

bool parent_has_fleet(const struct parent *parent)
{
    const struct generation *generation = parent_generation(parent);

    return generation != NULL && generation->config->fleet.store != NULL;
}

/* Also a keeper that takes leave. */
static bool takes_mail(const struct child *child)
{
    return child != NULL && child->ready && child->fate != CHILD_DISCARDED &&
           child->channel != NULL;
}

void parent_fleet_tell(struct parent *parent)
{
    uint8_t body[CHANNEL_MAIL_MAX];

    if (parent_has_fleet(parent) && takes_mail(parent->keeper)) {
        (void)channel_mail(parent->keeper->channel, CHANNEL_MAIL_STATE, body,
                           message_store_encode(parent->store_is_up, body));
    }
}

void parent_fleet_lost(struct parent *parent)
{
    parent->store_is_up = false;
    parent_fleet_tell(parent);
}

static bool is_for_courier(enum channel_type type)
{
    return type == CHANNEL_MAIL_WATCH || type == CHANNEL_MAIL_PUT || type == CHANNEL_MAIL_LIST ||
           type == CHANNEL_MAIL_ERASE;
}

static bool is_for_keeper(enum channel_type type)
{
    return type == CHANNEL_MAIL_STATE || type == CHANNEL_MAIL_ENTRY ||
           type == CHANNEL_MAIL_LISTED || type == CHANNEL_MAIL_CLAIMED ||
           type == CHANNEL_MAIL_ERASED || type == CHANNEL_MAIL_LETTER;
}

bool parent_fleet_from_keeper(struct parent *parent, enum channel_type type, const uint8_t *body,
                              size_t n)
{
    if (!parent_has_fleet(parent) || !is_for_courier(type)) {
        return false;
    }
    if (takes_mail(parent->courier)) {
        (void)channel_mail(parent->courier->channel, type, body, n);
    }
    return true;
}

bool parent_fleet_from_courier(struct child *courier, enum channel_type type, const uint8_t *body,
                               size_t n)
{
    struct parent *parent = courier->owner;

    if (!is_for_keeper(type)) {
        return false;
    }
    if (courier != parent->courier) {
        return true; /* it has a successor */
    }
    if (!parent_has_fleet(parent)) {
        return false;
    }
    if (type == CHANNEL_MAIL_STATE && !message_store_decode(body, n, &parent->store_is_up)) {
        return false;
    }
    if (takes_mail(parent->keeper)) {
        (void)channel_mail(parent->keeper->channel, type, body, n);
    }
    return true;
}
