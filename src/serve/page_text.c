#include "page_text.h"

#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "memory.h"
#include "text.h"

#define VALUE_SIZE 320  /* the longest fact is a server name */
#define GROWTH_MAX 8192 /* of all facts over their places, escaped */
#define NONE "–"

/* Writes one fact, not yet escaped. */
typedef void fact_fn(const struct facts *f, struct text *t);

static void add_ago(struct text *t, int64_t ms)
{
    if (ms < 0) {
        text_add(t, NONE);
    } else if (ms < 10000) {
        text_addf(t, "%lld.%lld s ago", (long long)(ms / 1000), (long long)(ms % 1000 / 100));
    } else if (ms < 120 * 1000) {
        text_addf(t, "%lld s ago", (long long)(ms / 1000));
    } else if (ms < 120 * 60 * 1000) {
        text_addf(t, "%lld min ago", (long long)(ms / 60000));
    } else {
        text_addf(t, "%lld h ago", (long long)(ms / 3600000));
    }
}

static void fact_session(const struct facts *f, struct text *t)
{
    text_add(t, facts_session(f));
}

static void fact_mechanism(const struct facts *f, struct text *t)
{
    text_add(t, rp_mechanism_text(f->info.mechanism));
}

static void fact_verdict(const struct facts *f, struct text *t)
{
    text_add(t, rp_verdict_text(f->info.verdict));
}

static void fact_version(const struct facts *f, struct text *t)
{
    text_add(t, f->version);
}

static void fact_cipher(const struct facts *f, struct text *t)
{
    text_add(t, f->cipher);
}

static void fact_key(const struct facts *f, struct text *t)
{
    text_add(t, f->key[0] != '\0' ? f->key : NONE);
}

static void fact_sealed(const struct facts *f, struct text *t)
{
    add_ago(t, f->key[0] != '\0' ? f->info.sealed_ms : -1);
}

static void fact_age(const struct facts *f, struct text *t)
{
    add_ago(t, f->info.resumed ? f->info.age_ms : -1);
}

static void fact_issued(const struct facts *f, struct text *t)
{
    text_add(t, f->issued[0] != '\0' ? f->issued : NONE);
}

/* A server name is any bytes that a client sends: what is not printable ASCII shows as "?". */
static void add_server_name(struct text *t, const struct facts *f)
{
    for (const char *s = f->sni; *s != '\0'; s++) {
        text_add_char(t, *s >= 0x20 && *s < 0x7f ? *s : '?');
    }
}

static void fact_server_name(const struct facts *f, struct text *t)
{
    if (f->has_sni) {
        add_server_name(t, f);
    } else {
        text_add(t, NONE);
    }
}

static void fact_worker(const struct facts *f, struct text *t)
{
    text_addf(t, "%u", f->worker);
}

static const struct {
    const char *name;
    fact_fn *write;
} facts_by_name[] = {
    {"session", fact_session},         {"mechanism", fact_mechanism},
    {"verdict", fact_verdict},         {"version", fact_version},
    {"cipher", fact_cipher},           {"key", fact_key},
    {"sealed", fact_sealed},           {"age", fact_age},
    {"issued", fact_issued},           {"worker", fact_worker},
    {"server_name", fact_server_name},
};

static void add_escaped(struct text *t, const char *s)
{
    for (; *s != '\0'; s++) {
        switch (*s) {
        case '&':
            text_add(t, "&amp;");
            break;
        case '<':
            text_add(t, "&lt;");
            break;
        case '>':
            text_add(t, "&gt;");
            break;
        case '"':
            text_add(t, "&quot;");
            break;
        case '\'':
            text_add(t, "&#39;");
            break;
        default:
            text_add_char(t, *s);
            break;
        }
    }
}

static void add_fact(struct text *t, const struct facts *f, const char *name, size_t n)
{
    char value[VALUE_SIZE];
    struct text v = text_of(value, sizeof value);

    for (size_t i = 0; i < sizeof facts_by_name / sizeof facts_by_name[0]; i++) {
        if (strlen(facts_by_name[i].name) == n && memcmp(facts_by_name[i].name, name, n) == 0) {
            facts_by_name[i].write(f, &v);
        }
    }
    add_escaped(t, value);
}

enum rp_status page_text_html(const char *template, const struct facts *f, char **out,
                              size_t *out_len)
{
    const size_t size = strlen(template) + GROWTH_MAX;
    char *html = memory_new(size, 1);
    const char *open;
    const char *close;
    struct text t;

    *out = NULL;
    *out_len = 0;
    if (html == NULL) {
        return RP_NO_MEMORY;
    }
    t = text_of(html, size);
    while ((open = strstr(template, "{{")) != NULL && (close = strstr(open, "}}")) != NULL) {
        text_add_n(&t, template, (size_t)(open - template));
        add_fact(&t, f, open + 2, (size_t)(close - open) - 2);
        template = close + 2;
    }
    text_add(&t, template);
    if (t.cut) {
        memory_free(html);
        return RP_FULL;
    }
    *out = html;
    *out_len = t.len;
    return RP_OK;
}

/* JSON's null for what is not known; NULL when out of memory. */
static json_t *json_text(const char *s)
{
    return s[0] != '\0' ? json_string(s) : json_null();
}

static json_t *json_ms(bool known, int64_t ms)
{
    return known && ms >= 0 ? json_integer(ms) : json_null();
}

static json_t *json_server_name(const struct facts *f)
{
    char name[VALUE_SIZE];
    struct text t = text_of(name, sizeof name);

    add_server_name(&t, f);
    return json_text(name);
}

static json_t *json_facts(const struct facts *f)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i}", //
                     "session", facts_session(f),                                         //
                     "mechanism", rp_mechanism_text(f->info.mechanism),                   //
                     "verdict", rp_verdict_text(f->info.verdict),                         //
                     "version", f->version,                                               //
                     "cipher", f->cipher,                                                 //
                     "key_name", json_text(f->key),                                       //
                     "sealed_ms", json_ms(f->info.has_key, f->info.sealed_ms),            //
                     "age_ms", json_ms(f->info.resumed, f->info.age_ms),                  //
                     "issued_key_name", json_text(f->issued),                             //
                     "server_name", json_server_name(f),                                  //
                     "client", json_text(f->client),                                      //
                     "worker", (int)f->worker,                                            //
                     "pid", (int)getpid());
}

enum rp_status page_text_json(const struct facts *f, char **out, size_t *out_len)
{
    json_t *object = json_facts(f);
    size_t n = object != NULL ? json_dumpb(object, NULL, 0, JSON_ENSURE_ASCII) : 0;
    char *json = n != 0 ? memory_new(n + 2, 1) : NULL;
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    *out_len = 0;
    if (json == NULL || json_dumpb(object, json, n, JSON_ENSURE_ASCII) != n) {
        memory_free(json);
        goto done;
    }
    json[n++] = '\n';
    *out = json;
    *out_len = n;
    status = RP_OK;
done:
    json_decref(object);
    return status;
}
