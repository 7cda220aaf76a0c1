#include "json_text.h"

#include "memory.h"

enum rp_status json_text_new(json_t *object, char **out, size_t *n)
{
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    *n = 0;
    if (object != NULL) {
        const size_t len = json_dumpb(object, NULL, 0, JSON_INDENT(2));

        *out = memory_new(len + 2, 1);
        if (*out != NULL) {
            (void)json_dumpb(object, *out, len, JSON_INDENT(2));
            (*out)[len] = '\n';
            *n = len + 1;
            status = RP_OK;
        }
    }
    json_decref(object);
    return status;
}
