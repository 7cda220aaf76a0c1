#include "openssl_error.h"

#include <string.h>

#include <openssl/err.h>

#include "text.h"

const char *openssl_error_take(char out[static OPENSSL_ERROR_SIZE], const char *fallback)
{
    struct text t = text_of(out, OPENSSL_ERROR_SIZE);
    const unsigned long code = ERR_peek_last_error();

    if (code == 0) {
        text_add(&t, fallback);
    } else if (ERR_SYSTEM_ERROR(code)) {
        text_add(&t, strerror(ERR_GET_REASON(code)));
    } else {
        const char *reason = ERR_reason_error_string(code);

        text_add(&t, reason != NULL ? reason : fallback);
    }
    ERR_clear_error();
    return out;
}
