/*
 * The raw TLS client as a program, for system tests: connects to HOST PORT several times, offering
 * each time what the time before gave, and prints what came of each connection as a line of JSON.
 * Words after the port steer it: KEY=VALUE (see the table). What it cannot do it says and exits 2.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "number.h"
#include "raw_conn.h"
#include "raw_suite.h"

#define TIMEOUT_US 5000000
#define QUIET_MS 300

struct options {
    struct raw_config config;
    uint64_t times;
    const char *offer;   /* id, ticket, psk, none; NULL: what there is */
    const char *request; /* application data */
    enum raw_binder binder;
    enum raw_finished finished; /* in all connections but the first */
    bool early_in_all;
    bool replay; /* all connections but the first have the same seed and the same session */
    bool renegotiate;
    bool insecure;
    const char *certificate;
    const char *key;
    struct raw_identity *identity;
};

static void refuse(const char *what)
{
    (void)fprintf(stderr, "raw_tool: cannot use %s\n", what);
    exit(2);
}

static uint64_t number(const char *value)
{
    uint64_t n = 0;

    if (!number_parse(value, 0xffff, &n)) {
        refuse(value);
    }
    return n;
}

static bool set_word(struct options *o, const char *key, const char *value)
{
    const struct {
        const char *key;
        const char **at;
    } words[] = {
        {"offer", &o->offer}, {"request", &o->request},           {"certificate", &o->certificate},
        {"key", &o->key},     {"alpn", &o->config.hello.alpn[0]},
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].key, key) == 0) {
            *words[i].at = value;
            return true;
        }
    }
    return false;
}

static void set_hello(struct raw_hello *h, const char *key, const char *value)
{
    if (strcmp(key, "version") == 0) {
        raw_hello_only(h, strcmp(value, "1.2") == 0 ? RAW_TLS12 : RAW_TLS13);
    } else if (strcmp(key, "suite") == 0) {
        raw_hello_suite(h, (uint16_t)number(value));
    } else if (strcmp(key, "group") == 0) {
        raw_hello_group(h, (uint16_t)number(value));
    } else if (strcmp(key, "share") == 0) {
        h->shares[0] = (uint16_t)number(value);
    } else if (strcmp(key, "name") == 0) {
        h->names[0] = value;
        h->n_names = 1;
    } else if (strcmp(key, "mode") == 0) {
        h->psk_modes[0] = (uint8_t)number(value);
    } else if (strcmp(key, "ems") == 0) {
        h->extended_master_secret = number(value) != 0;
    } else if (strcmp(key, "padding") == 0) {
        h->padding = number(value);
    } else if (strcmp(key, "tickets") == 0) {
        h->ticket_request_ext = true;
        h->ticket_request = (struct ticket_request){(uint8_t)number(value), (uint8_t)number(value)};
    } else {
        refuse(key);
    }
}

static void set(struct options *o, const char *key, const char *value)
{
    if (strcmp(key, "times") == 0) {
        o->times = number(value);
    } else if (strcmp(key, "binder") == 0) {
        o->binder = (enum raw_binder)number(value);
    } else if (strcmp(key, "finished") == 0) {
        o->finished = (enum raw_finished)number(value);
    } else if (strcmp(key, "early") == 0) {
        o->config.early = (const uint8_t *)value;
        o->config.early_len = strlen(value);
    } else if (strcmp(key, "record") == 0) {
        o->config.record_max = number(value);
    } else if (strcmp(key, "replay") == 0) {
        o->replay = number(value) != 0;
    } else if (strcmp(key, "renegotiate") == 0) {
        o->renegotiate = true;
        o->insecure = strcmp(value, "insecure") == 0;
    } else if (set_word(o, key, value)) {
        o->config.hello.n_alpn = o->config.hello.alpn[0] != NULL ? 1 : 0;
    } else {
        set_hello(&o->config.hello, key, value);
    }
}

static void parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.times = 1};
    raw_config_init(&o->config, NULL);
    for (int i = 3; i < argc; i++) {
        char *const equals = strchr(argv[i], '=');

        if (equals == NULL) {
            refuse(argv[i]);
        }
        *equals = '\0';
        set(o, argv[i], equals + 1);
    }
    if (o->certificate != NULL) {
        struct rp_error err = {0};

        if (raw_identity_load(o->certificate, o->key, &o->identity, &err) != RP_OK) {
            refuse(err.text);
        }
        o->config.identity = o->identity;
    }
}

static void offer(struct raw_config *config, const struct options *o, const struct raw_session *s)
{
    struct raw_hello *const h = &config->hello;
    const char *const how = o->offer;

    if (how == NULL) {
        raw_hello_offer(h, s, raw_now_us());
    } else if (strcmp(how, "id") == 0) {
        raw_hello_offer_id(h, s);
    } else if (strcmp(how, "ticket") == 0) {
        raw_hello_offer_ticket(h, s);
    } else if (strcmp(how, "psk") == 0) {
        raw_hello_offer_psk(h, s, raw_now_us());
    }
    h->psk.binder = o->binder;
    h->early_data = config->early != NULL && h->psk.identity != NULL;
    config->finished = o->finished;
}

static json_t *tickets_json(const struct raw_client *client)
{
    json_t *const list = json_array();
    const uint8_t *body;
    size_t n;

    for (size_t i = 0; (body = raw_client_ticket(client, i, &n)) != NULL; i++) {
        (void)json_array_append_new(list, json_integer((json_int_t)n));
    }
    return list;
}

static void print(struct raw_conn *conn)
{
    const struct raw_result *const r = raw_conn_result(conn);
    const struct raw_suite *const suite = raw_suite_find(r->suite);
    size_t n_received;
    const uint8_t *const received = raw_client_received(raw_conn_client(conn), &n_received);
    json_t *const line = json_pack(
        "{s:s, s:s, s:s, s:b, s:b, s:b, s:i, s:i, s:s, s:i, s:i, s:b, s:s, s:b, s:i, s:i, s:i, "
        "s:i, s:i, s:b, s:i, s:s, s:o, s:s%, s:i, s:i, s:b}",
        "end", raw_end_word(r->end), "why", r->why.text, "phase", raw_phase_word(r->phase),
        "established", r->established, "resumed", r->resumed, "hello_retry", r->hello_retry,
        "early", (int)r->early, "version", r->version, "suite", suite != NULL ? suite->name : "",
        "group", r->group, "signature", r->signature, "ems", r->extended_master_secret, "alpn",
        r->alpn, "sni_ack", r->sni_ack, "ticket_hint", r->ticket_hint, "sessions",
        (int)r->n_sessions, "certificates", (int)r->n_certificates, "alert",
        r->alert.seen ? r->alert.description : -1, "psk_index", r->psk_index, "psk_without_dh",
        r->psk_without_dh, "renegotiation", (int)r->renegotiation, "fingerprint", r->fingerprint,
        "tickets", tickets_json(raw_conn_client(conn)), "received",
        received != NULL ? (const char *)received : "", received != NULL ? n_received : (size_t)0,
        "handshake_us", (int)r->handshake_us, "session_id_len", (int)r->session_id_len,
        "certificate_asked", r->certificate_asked);
    char *const text = line != NULL ? json_dumps(line, 0) : NULL;

    if (text == NULL) {
        (void)fprintf(stderr, "raw_tool: no JSON\n");
        exit(2);
    }
    (void)puts(text);
    free(text);
    json_decref(line);
}

static void use(struct raw_conn *conn, const struct options *o, bool last)
{
    if (!raw_conn_handshake(conn)) {
        (void)raw_conn_read(conn, RAW_UNTIL_END, QUIET_MS);
        return;
    }
    if (o->renegotiate && last) {
        if (raw_client_renegotiate(raw_conn_client(conn), o->insecure) != RP_OK) {
            refuse("renegotiate");
        }
        (void)raw_conn_read(conn, RAW_UNTIL_ANSWER, QUIET_MS);
    } else if (o->request != NULL) {
        (void)raw_conn_request(conn, o->request, strlen(o->request), RAW_UNTIL_DATA, QUIET_MS);
    }
    (void)raw_conn_read(conn, RAW_UNTIL_SESSION, QUIET_MS);
}

/* One connection; *session is what it offers, and on return what it got, if it got something. */
static void connect_once(const struct options *o, const struct sockaddr_in *sa, uint64_t i,
                         struct raw_session **session)
{
    static const uint8_t seed[RAW_SEED_LEN] = {1};
    struct raw_config config = o->config;
    struct raw_session *next = NULL;
    struct raw_conn *conn;
    size_t n;

    if (*session != NULL) {
        offer(&config, o, *session);
        config.hello.psk.obfuscated_age =
            o->replay ? (*session)->age_add : config.hello.psk.obfuscated_age;
        config.seed = o->replay ? seed : NULL;
    } else {
        config.early = NULL;
    }
    if (raw_conn_open(&config, (const struct sockaddr *)sa, sizeof *sa, raw_now_us() + TIMEOUT_US,
                      &conn) != RP_OK) {
        refuse("this hello");
    }
    use(conn, o, i + 1 == o->times);
    print(conn);
    n = raw_conn_result(conn)->n_sessions;
    if (n != 0 && (*session == NULL || !o->replay) &&
        raw_client_session(raw_conn_client(conn), n - 1, &next) == RP_OK) {
        raw_session_free(session);
        *session = next;
    }
    raw_conn_close(&conn);
}

int main(int argc, char **argv)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    struct raw_session *session = NULL;
    struct options o;

    if (argc < 3 || inet_pton(AF_INET, argv[1], &sa.sin_addr) != 1) {
        (void)fprintf(stderr, "usage: raw_tool ADDRESS PORT [KEY=VALUE]...\n");
        return 2;
    }
    sa.sin_port = htons((uint16_t)number(argv[2]));
    parse(&o, argc, argv);
    for (uint64_t i = 0; i < o.times; i++) {
        connect_once(&o, &sa, i, &session);
    }
    raw_session_free(&session);
    raw_identity_free(&o.identity);
    return 0;
}
