#include "redis_script.h"

#include <string.h>

#include "text.h"

#define KEY_SIZE (2 * STORE_NAME_MAX + 2)

/* KEYS: entry, box; ARGV: name, value, lifetime. Without rights to publish, watchers look again. */
#define ENLIST                                                                                     \
    "redis.call('SADD',KEYS[2],ARGV[1]) "                                                          \
    "if redis.call('PTTL',KEYS[2])<tonumber(ARGV[3]) then "                                        \
    "redis.call('PEXPIRE',KEYS[2],ARGV[3]) end "                                                   \
    "redis.pcall('PUBLISH',KEYS[2],ARGV[1]) "                                                      \
    "return 1"

static const char put[] = "redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) " ENLIST;

static const char claim[] =
    "if not redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3],'NX') then return 0 end " ENLIST;

static const char removal[] = "redis.call('SREM',KEYS[2],ARGV[1]) "
                              "return redis.call('DEL',KEYS[1])";

/* KEYS: entry; ARGV: name. */
static const char fetch[] = "return {ARGV[1],redis.call('GET',KEYS[1])}";

/* KEYS: box; ARGV: how many. Where names of what has ended were met, others are drawn. */
static const char list[] = "local out "
                           "for round=1,3 do "
                           "out={0} "
                           "local gone=0 "
                           "for _,name in ipairs(redis.call('SRANDMEMBER',KEYS[1],ARGV[1])) do "
                           "local value=redis.call('GET',KEYS[1]..name) "
                           "if value then out[#out+1]=name out[#out+1]=value "
                           "else redis.call('SREM',KEYS[1],name) gone=gone+1 end "
                           "end "
                           "if gone==0 then break end "
                           "end "
                           "out[1]=redis.call('SCARD',KEYS[1]) "
                           "return out";

static struct redis_arg word(const char *s)
{
    return (struct redis_arg){s, strlen(s)};
}

/* With an empty name, the set of the box. */
static struct redis_arg key_of(const char *box, const char *name, char out[static KEY_SIZE])
{
    struct text t = text_of(out, KEY_SIZE);

    text_add(&t, box);
    text_add_char(&t, '/');
    text_add(&t, name);
    return word(out);
}

static struct redis_arg number(uint64_t value, char out[static 24])
{
    struct text t = text_of(out, 24);

    text_addf(&t, "%llu", (unsigned long long)value);
    return word(out);
}

/* A script about an entry and its box. */
static bool ask_entry(struct redis_link *link, const char *script,
                      const struct store_question *question, bool with_value, unsigned kind,
                      void *tag, int64_t now_ms)
{
    char entry[KEY_SIZE];
    char box[KEY_SIZE];
    char lifetime[24];
    const struct redis_arg args[] = {
        word("EVAL"),
        word(script),
        word("2"),
        key_of(question->box, question->name, entry),
        key_of(question->box, "", box),
        word(question->name),
        {question->value, question->len},
        number((uint64_t)question->lifetime_ms, lifetime),
    };

    return redis_link_command(link, args, with_value ? 8 : 6, kind, tag, now_ms);
}

static bool ask_get(struct redis_link *link, const struct store_question *question, unsigned kind,
                    void *tag, int64_t now_ms)
{
    char entry[KEY_SIZE];
    const struct redis_arg args[] = {word("GET"), key_of(question->box, question->name, entry)};

    return redis_link_command(link, args, 2, kind, tag, now_ms);
}

bool redis_script_ask(struct redis_link *link, const struct store_question *question, unsigned kind,
                      int64_t now_ms)
{
    void *const tag = (void *)(uintptr_t)question;

    switch (question->verb) {
    case STORE_PUT:
        return ask_entry(link, put, question, true, kind, tag, now_ms);
    case STORE_CLAIM:
        return ask_entry(link, claim, question, true, kind, tag, now_ms);
    case STORE_DELETE:
        return ask_entry(link, removal, question, false, kind, tag, now_ms);
    case STORE_GET:
        return ask_get(link, question, kind, tag, now_ms);
    case STORE_LIST:
        return redis_script_list(link, question->box, question->most, kind, tag, now_ms);
    }
    return false;
}

bool redis_script_list(struct redis_link *link, const char *box, size_t most, unsigned kind,
                       void *tag, int64_t now_ms)
{
    char key[KEY_SIZE];
    char count[24];
    const struct redis_arg args[] = {word("EVAL"), word(list), word("1"), key_of(box, "", key),
                                     number(most, count)};

    return redis_link_command(link, args, 5, kind, tag, now_ms);
}

bool redis_script_fetch(struct redis_link *link, const char *box, const char *name, unsigned kind,
                        int64_t now_ms)
{
    char key[KEY_SIZE];
    const struct redis_arg args[] = {word("EVAL"), word(fetch), word("1"), key_of(box, name, key),
                                     word(name)};

    return redis_link_command(link, args, 5, kind, NULL, now_ms);
}

bool redis_script_subscribe(struct redis_link *link, const char *box, int64_t now_ms)
{
    char key[KEY_SIZE];
    const struct redis_arg args[] = {word("SUBSCRIBE"), key_of(box, "", key)};

    return redis_link_command(link, args, 2, 0, NULL, now_ms);
}
