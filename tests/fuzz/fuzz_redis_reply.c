/* What a Redis answers: the first byte says where it is cut in two, which must change nothing. */
#include <stdlib.h>
#include <string.h>

#include "redis_reply.h"

#define SIZE_MAX_FED 4000 /* so that no line is too long */

/* A number of all that is in a reply, which must be all there. */
static uint64_t digest(const struct redis_reply *reply)
{
    uint64_t sum = (uint64_t)reply->kind * 31 + (uint64_t)reply->integer;

    if (reply->kind == REDIS_STRING || reply->kind == REDIS_STATUS || reply->kind == REDIS_ERROR) {
        if (reply->text == NULL || reply->text[reply->len] != '\0') {
            abort();
        }
        for (size_t i = 0; i < reply->len; i++) {
            sum = sum * 131 + (uint8_t)reply->text[i];
        }
        (void)redis_reply_is_error(reply, "OOM");
    }
    for (size_t i = 0; i < reply->n; i++) {
        if (reply->kind != REDIS_ARRAY || reply->elements[i] == NULL) {
            abort();
        }
        sum = sum * 137 + digest(reply->elements[i]);
    }
    return sum;
}

/* False: the server would be left. */
static bool feed(struct redis_parser *parser, const uint8_t *p, size_t n, uint64_t *sum)
{
    struct redis_reply *reply;
    enum redis_parse parse;

    if (!redis_parser_feed(parser, p, n)) {
        abort();
    }
    while ((parse = redis_parser_next(parser, &reply)) == REDIS_WHOLE) {
        *sum = *sum * 139 + digest(reply);
        redis_reply_free(reply);
    }
    return parse == REDIS_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct redis_parser *whole;
    struct redis_parser *split;
    uint64_t sum_whole = 0;
    uint64_t sum_split = 0;
    size_t cut;
    bool good;

    if (size < 1 || size > SIZE_MAX_FED) {
        return 0;
    }
    if (redis_parser_new(&whole) != RP_OK || redis_parser_new(&split) != RP_OK) {
        abort();
    }
    cut = data[0] % size;
    good = feed(whole, data + 1, size - 1, &sum_whole);
    if (feed(split, data + 1, cut, &sum_split) &&
        feed(split, data + 1 + cut, size - 1 - cut, &sum_split) != good) {
        abort();
    }
    if (sum_whole != sum_split) {
        abort();
    }
    redis_parser_free(&whole);
    redis_parser_free(&split);
    return 0;
}
