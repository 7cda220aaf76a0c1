/* One HTTP reply: the first byte says where the rest is cut in two, which must change nothing. */
#include <stdlib.h>
#include <string.h>

#include "http_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_reply whole = {0};
    struct http_reply split = {0};
    const char *text = (const char *)data + 1;
    size_t cut;

    if (size < 1) {
        return 0;
    }
    cut = data[0] % size;
    (void)http_reply_feed(&whole, text, size - 1);
    (void)http_reply_feed(&split, text, cut);
    (void)http_reply_feed(&split, text + cut, size - 1 - cut);
    if (whole.state != split.state || whole.status != split.status ||
        whole.body_left != split.body_left || whole.line_len != split.line_len) {
        abort();
    }
    if ((whole.status != 0 && (whole.status < 100 || whole.status > 599)) ||
        (http_reply_whole_at_end(&whole) && whole.status < 200)) {
        abort();
    }
    return 0;
}
