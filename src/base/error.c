#include "error.h"

#include <stdarg.h>
#include <string.h>

#include "text.h"

void error_clear(struct rp_error *err)
{
    if (err != NULL) {
        err->text[0] = '\0';
    }
}

void error_set(struct rp_error *err, const char *format, ...)
{
    va_list args;

    if (err != NULL) {
        struct text t = text_of(err->text, sizeof err->text);

        va_start(args, format);
        text_addv(&t, format, args);
        va_end(args);
    }
}

void error_add(struct rp_error *err, const char *format, ...)
{
    va_list args;

    if (err != NULL) {
        struct text t = {err->text, strlen(err->text), sizeof err->text, false};

        va_start(args, format);
        text_addv(&t, format, args);
        va_end(args);
    }
}
