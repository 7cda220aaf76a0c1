#include "redis_reply.h"

#include <string.h>

#include <read.h>

#include "memory.h"
#include "store.h"

#define LINE_MAX 4096

struct redis_parser {
    redisReader *reader;
    redisReplyObjectFunctions functions;
    size_t n_bytes;    /* fed since the last whole reply */
    size_t n_elements; /* of the reply that is read */
};

static struct redis_parser *parser_of(const redisReadTask *task)
{
    return task->privdata;
}

void redis_reply_free(struct redis_reply *reply)
{
    if (reply == NULL) {
        return;
    }
    for (size_t i = 0; reply->elements != NULL && i < reply->n; i++) {
        redis_reply_free(reply->elements[i]);
    }
    memory_free(reply->elements);
    memory_free(reply->text);
    memory_free(reply);
}

static void free_object(void *p)
{
    redis_reply_free(p);
}

static enum redis_kind kind_of(int type)
{
    switch (type) {
    case REDIS_REPLY_ARRAY:
        return REDIS_ARRAY;
    case REDIS_REPLY_INTEGER:
        return REDIS_INTEGER;
    case REDIS_REPLY_STATUS:
        return REDIS_STATUS;
    case REDIS_REPLY_ERROR:
        return REDIS_ERROR;
    case REDIS_REPLY_STRING:
        return REDIS_STRING;
    default:
        return REDIS_NIL;
    }
}

/* NULL: out of memory, or more elements than a reply may have. */
static struct redis_reply *new_reply(const redisReadTask *task)
{
    struct redis_parser *const parser = parser_of(task);
    struct redis_reply *reply = NULL;

    if (parser->n_elements < REDIS_ELEMENTS_MAX) {
        reply = memory_new(1, sizeof *reply);
    }
    if (reply != NULL) {
        parser->n_elements++;
        reply->kind = kind_of(task->type);
    }
    return reply;
}

static void *place(const redisReadTask *task, struct redis_reply *reply)
{
    if (task->parent != NULL) {
        struct redis_reply *const parent = task->parent->obj;

        parent->elements[task->idx] = reply;
    }
    return reply;
}

static void *create_string(const redisReadTask *task, char *text, size_t len)
{
    struct redis_reply *const reply = new_reply(task);

    if (reply == NULL) {
        return NULL;
    }
    reply->text = memory_new(len + 1, 1);
    if (reply->text == NULL) {
        memory_free(reply);
        return NULL;
    }
    if (len != 0) {
        memcpy(reply->text, text, len);
    }
    reply->len = len;
    return place(task, reply);
}

static void *create_array(const redisReadTask *task, int n)
{
    struct redis_reply *const reply = new_reply(task);

    if (reply == NULL) {
        return NULL;
    }
    if (n < 0 || n > REDIS_ELEMENTS_MAX) {
        memory_free(reply);
        return NULL;
    }
    reply->n = (size_t)n;
    reply->elements = memory_new(reply->n != 0 ? reply->n : 1, sizeof(struct redisReply *));
    if (reply->elements == NULL) {
        memory_free(reply);
        return NULL;
    }
    return place(task, reply);
}

static void *create_integer(const redisReadTask *task, long long value)
{
    struct redis_reply *const reply = new_reply(task);

    if (reply == NULL) {
        return NULL;
    }
    reply->integer = value;
    return place(task, reply);
}

static void *create_nil(const redisReadTask *task)
{
    struct redis_reply *const reply = new_reply(task);

    if (reply == NULL) {
        return NULL;
    }
    reply->kind = REDIS_NIL;
    return place(task, reply);
}

enum rp_status redis_parser_new(struct redis_parser **out)
{
    struct redis_parser *parser = memory_new(1, sizeof *parser);

    *out = NULL;
    if (parser == NULL) {
        return RP_NO_MEMORY;
    }
    parser->functions = (redisReplyObjectFunctions){create_string, create_array, create_integer,
                                                    create_nil, free_object};
    parser->reader = redisReaderCreateWithFunctions(&parser->functions);
    if (parser->reader == NULL) {
        memory_free(parser);
        return RP_NO_MEMORY;
    }
    parser->reader->privdata = parser;
    *out = parser;
    return RP_OK;
}

void redis_parser_free(struct redis_parser **parser)
{
    if (*parser != NULL) {
        redisReaderFree((*parser)->reader);
        memory_free(*parser);
        *parser = NULL;
    }
}

bool redis_parser_feed(struct redis_parser *parser, const void *p, size_t n)
{
    parser->n_bytes += n;
    return redisReaderFeed(parser->reader, p, n) == REDIS_OK;
}

/* The parser looks for a line's end from its beginning each time: an endless one costs too much. */
static bool line_too_long(const redisReader *reader)
{
    const size_t left = reader->len - reader->pos;

    return left > LINE_MAX && memchr(reader->buf + reader->pos, '\r', LINE_MAX) == NULL;
}

enum redis_parse redis_parser_next(struct redis_parser *parser, struct redis_reply **out)
{
    void *reply = NULL;

    *out = NULL;
    if (redisReaderGetReply(parser->reader, &reply) != REDIS_OK) {
        return REDIS_BAD;
    }
    if (reply == NULL) {
        return parser->n_bytes > STORE_REPLY_MAX || line_too_long(parser->reader) ? REDIS_BAD
                                                                                  : REDIS_MORE;
    }
    *out = reply;
    parser->n_elements = 0;
    parser->n_bytes = parser->reader->len - parser->reader->pos;
    return REDIS_WHOLE;
}

bool redis_reply_is_error(const struct redis_reply *reply, const char *code)
{
    const size_t len = strlen(code);
    const char *at = reply->text;

    if (reply->kind != REDIS_ERROR) {
        return false;
    }
    if (strncmp(at, code, len) == 0 && (at[len] == ' ' || at[len] == '\0')) {
        return true;
    }
    /* Before version 7, a script's error begins with ERR and has that of the call behind. */
    while ((at = strchr(at, '-')) != NULL) {
        at++;
        if (strncmp(at, code, len) == 0 && at[len] == ' ') {
            return true;
        }
    }
    return false;
}
