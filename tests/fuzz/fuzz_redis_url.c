/* Where a Redis is, as somebody wrote it. What is taken is within its bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "redis_url.h"

#define URL_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[URL_MAX + 1] = "";
    struct redis_url url;
    struct rp_error err;

    if (size > URL_MAX) {
        return 0;
    }
    if (size != 0) {
        memcpy(text, data, size);
    }
    if (redis_url_parse(text, &url, &err) &&
        ((url.n_hosts == 0) == (url.path[0] == '\0') || url.n_hosts > REDIS_HOSTS_MAX ||
         url.db > REDIS_DB_MAX || (url.user[0] != '\0' && url.password[0] == '\0'))) {
        abort();
    }
    return 0;
}
