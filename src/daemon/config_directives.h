/* The directives of reprised.conf(5), their defaults, and what must hold between them. */
#ifndef CONFIG_DIRECTIVES_H
#define CONFIG_DIRECTIVES_H

#include "config.h"
#include "config_table.h"

#define CONFIG_AT(type, member) .offset = offsetof(struct type, member)
#define CONFIG_COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

#define CONFIG_SECOND_MS INT64_C(1000)
#define CONFIG_DAY_MS (86400 * CONFIG_SECOND_MS)
#define CONFIG_YEAR_MS (365 * CONFIG_DAY_MS)

extern const struct config_table config_site_table;
extern const struct config_table config_listen_table;
extern const struct config_table config_fleet_table;
extern const struct config_table config_log_table;
extern const struct config_table config_admin_table;
extern const struct config_table config_feed_table;

/* The table of the whole document; it fills a struct config. */
const struct config_table *config_directives(void);

/* Whether the admin sockets get along with each other and with the listeners. */
enum rp_status config_admin_check(const struct config_walk *walk,
                                  const struct config *config) RP_MUST_USE;

/* Whether the feeds get along with each other and with the rest. */
enum rp_status config_feeds_check(const struct config_walk *walk,
                                  const struct config *config) RP_MUST_USE;

void config_defaults(struct config *config);
void config_listen_defaults(struct config_listen *listen);

#endif
