#include "echo.h"

#include <string.h>

bool echo_is_wrong(const uint8_t *sent, size_t sent_len, const uint8_t *back, size_t back_len)
{
    return sent_len != 0 && back_len > sent_len && memcmp(sent, back, sent_len) == 0;
}
