/* The directives of reprised.conf(5), their defaults, and what must hold between them. */
#ifndef CONFIG_DIRECTIVES_H
#define CONFIG_DIRECTIVES_H

#include "config.h"
#include "config_table.h"

/* The table of the whole document; it fills a struct config. */
const struct config_table *config_directives(void);

void config_defaults(struct config *config);
void config_listen_defaults(struct config_listen *listen);

#endif
