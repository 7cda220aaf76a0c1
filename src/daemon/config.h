/*
 * The configuration of reprised, as it was read: defaults filled in, every value checked, nothing
 * opened yet. Plain data; strings and arrays belong to the struct config.
 *
 * Names and meaning are in reprised.conf(5). Every mistake is reported as FILE:LINE:COLUMN:
 * sentence.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#define CONFIG_WORKERS_MAX 256
#define CONFIG_LISTEN_MAX 64
#define CONFIG_SITES_MAX 1024 /* of one listener */
#define CONFIG_CONNECTIONS_MAX 10000000
#define CONFIG_ADMIN_MAX 8
#define CONFIG_FLEET_TEXT_MAX 63   /* of names in fleet */
#define CONFIG_SOCKET_PATH_MAX 112 /* of "unix:" and a path */
#define CONFIG_FEEDS_MAX 16
#define CONFIG_FEED_NAME_MAX 63

/* Where a value stood, for complaints that come later. */
struct config_place {
    unsigned line; /* from 1; 0: a default */
    unsigned column;
};

struct config_strings {
    char **items;
    size_t n;
    struct config_place place;
};

enum config_log_format { CONFIG_LOG_TEXT, CONFIG_LOG_JSON };

enum config_client_verify { CONFIG_VERIFY_OFF, CONFIG_VERIFY_OPTIONAL, CONFIG_VERIFY_REQUIRED };

/* What a site wants of its clients' certificates. */
struct config_client {
    enum config_client_verify verify;
    unsigned depth;           /* CAs between a client's certificate and a trusted root; 1 */
    struct config_strings ca; /* PEM bundles; empty: verify is off */
    struct config_strings crl;
};

struct config_site {
    struct config_place place;
    char *name; /* lower case; exact or "*.suffix"; NULL: no name (default) */
    struct config_strings certificates; /* PEM chains; empty: a self-signed one is made */
    struct config_strings keys;         /* one for each certificate */
    struct config_strings staples;      /* OCSP responses, in any order; or none */
    struct config_client client;
    char *domain;    /* as configured, NULL: the site's own */
    char *domain_id; /* what the keyring knows: "domain:NAME" or "site:NAME" */
};

enum config_proxy_protocol { CONFIG_PROXY_OFF, CONFIG_PROXY_V1, CONFIG_PROXY_V2 };

struct config_listen {
    struct config_place place;
    struct {
        struct config_place address;
        struct config_place session_cache;
        struct config_place ciphers;
        struct config_place ciphersuites;
        struct config_place groups;
    } places; /* of what is found wrong only when it is used; the listener's own for a default */
    char *address;        /* numeric host:port, [v6]:port; port 0: any */
    char *backend;        /* host:port or unix:/path; NULL: the built-in page */
    bool session_tickets; /* on */
    unsigned num_tickets; /* 2; 1 to 16 */
    /* Bytes; 0: off; default 10 MB. All listeners share one cache: the sum. */
    uint64_t session_cache;
    int64_t session_timeout_ms; /* 1d */
    int64_t max_age_ms;         /* 1d */
    struct config_strings alpn; /* the backend's protocols, by preference; empty: none */
    enum config_proxy_protocol proxy_protocol; /* to the backend; off */
    struct config_strings accept_proxy; /* networks whose connections begin with a header; none */
    int64_t handshake_timeout_ms;       /* from accepting to its end; 10s */
    int64_t proxy_connect_timeout_ms;   /* of the backend; 5s */
    int64_t proxy_timeout_ms;           /* nothing passed on, either way; 10m */
    int64_t half_close_timeout_ms;      /* the same, after one side has ended; 1m */
    bool strict_sni;                    /* off: an unknown or missing name gets the first site */
    char *ciphers;                      /* TLS 1.2, OpenSSL's syntax; NULL: ours */
    char *ciphersuites;                 /* TLS 1.3; NULL: OpenSSL's */
    char *groups;                       /* NULL: OpenSSL's */
    struct config_site *sites;
    size_t n_sites; /* at least 1 */
};

/* The hosts that share keys, and where they meet. */
struct config_fleet {
    char *name;              /* NULL: none, and no store */
    char *store;             /* a URL, as it was written; NULL: this host alone */
    char *secret;            /* file; there is one where there is a store */
    char *host;              /* name of this host; NULL: what the system calls it */
    char *address;           /* of this host, for people; NULL: none */
    int64_t reseed_ms;       /* 1d, or as short as accept and rotate allow; 0: never */
    int64_t join_timeout_ms; /* 1s */
    struct config_place store_place;
    struct config_place secret_place;
};

/* The servers that can be fed, and the words for them. */
#define CONFIG_FEED_MAP(X)                                                                         \
    X(NGINX, "nginx")                                                                              \
    X(HAPROXY, "haproxy")                                                                          \
    X(APACHE, "apache")                                                                            \
    X(TRAFFICSERVER, "trafficserver")                                                              \
    X(LIGHTTPD, "lighttpd")                                                                        \
    X(H2O, "h2o")                                                                                  \
    X(NODEJS, "nodejs")                                                                            \
    X(FILES, "files") /* any that reads files in a known format */

enum config_feed_server {
#define CONFIG_FEED_ENUM(name, word) CONFIG_FEED_##name,
    CONFIG_FEED_MAP(CONFIG_FEED_ENUM)
#undef CONFIG_FEED_ENUM
        CONFIG_FEED_SERVERS
};

/* A server that is given keys. */
struct config_feed {
    enum config_feed_server server;
    unsigned given; /* bits of the options that were; private */
    struct config_place place;
    struct {
        struct config_place files; /* or file, whichever there is */
        struct config_place reload;
        struct config_place group;
        struct config_place verify;
    } places;
    char *name;      /* the server's word, if not configured */
    char *domain;    /* as configured; NULL: the feed's own */
    char *domain_id; /* what the keyring knows: "domain:NAME" or "feed:NAME" */
    char *files;     /* the folder; NULL: there is one file */
    char *file;
    char *folder;       /* files, or where file is */
    const char *prefix; /* name of file in its folder, borrowed of it; NULL: there are files */
    char *socket;       /* of HAProxy: path, or numeric host:port; NULL: it has none */
    unsigned format;    /* of server FILES: an enum key_format */
    bool is_short;      /* of server FILES: 48-byte keys; off */
    struct config_strings reload; /* command and arguments; empty: none */
    int64_t reload_timeout_ms;    /* 10s */
    char *group;                  /* NULL: none */
    char *verify;                 /* where the server answers; NULL: it is not checked */
    char *verify_name;            /* to ask for there; NULL: none */
    bool keys_may_reach_disk;     /* off */
};

struct config {
    char *file;       /* NULL: embedded defaults */
    unsigned workers; /* default: one for each core that we may run on */
    char *user;       /* of the workers; the keeper's is USER-keeper; NULL: not configured */
    struct config_place user_place;
    bool sandbox; /* default on: children may make only the system calls they need */
    int64_t rotate_ms;
    int64_t accept_ms;
    struct config_place rotate_place; /* line 0: a default; and so on */
    struct config_place accept_place;
    struct config_fleet fleet;
    int64_t worker_shutdown_timeout_ms; /* of an old generation's connections; 10m */
    int64_t shutdown_timeout_ms;        /* of all connections at the end; 10s */
    struct config_strings
        session_ticket_key;   /* static key files instead of the ratchet; empty: none */
    unsigned max_connections; /* of all workers; 0: as many as descriptors allow */
    struct config_place max_connections_place;
    unsigned max_connections_per_address; /* of all workers; 0: any number */
    struct config_listen *listen;
    size_t n_listen; /* 0: there are feeds alone, and workers is 0 */
    struct config_feed *feeds;
    size_t n_feeds;
    struct config_place feeds_place;
    enum config_log_format log_format;
    bool log_connections;        /* default on */
    char *log_to;                /* NULL: stderr; see config_system_log */
    struct config_strings admin; /* where the figures are shown; empty: nowhere */
};

/* Reads and checks a file; file names in it are taken relative to its folder. */
enum rp_status config_read(const char *path, struct config **out, struct rp_error *err) RP_MUST_USE;

/* The same from memory; name is used in complaints. What config_read is made of; fuzzed. */
enum rp_status config_parse(const char *name, const char *text, size_t n, struct config **out,
                            struct rp_error *err) RP_MUST_USE;

/* No file: 127.0.0.1 and a port (0: any), a self-signed certificate, the built-in page. */
enum rp_status config_default(const char *address, struct config **out,
                              struct rp_error *err) RP_MUST_USE;

void config_free(struct config **config);

/*
 * The security domains of all sites and feeds, each once, sorted. *out is an array of *n borrowed
 * strings, freed with memory_free.
 */
enum rp_status config_domains(const struct config *config, const char ***out,
                              size_t *n) RP_MUST_USE;

/* The word of a server; static storage. */
const char *config_feed_word(enum config_feed_server server);

/* Whether a feed's server is told by a socket that is no path. */
bool config_feeds_use_network(const struct config *config);

/* One of config->admin: a numeric address and a port, or unix:/path. */
struct address;
bool config_admin_address(const char *s, struct address *out);

/* Whether a fleet may be called so, if that is not too long. */
bool config_fleet_is_name(const char *s);

/* Whether a host's name or address can be shown: no space, nothing but ASCII. */
bool config_fleet_is_printable(const char *s);

/* The socket of the system's log, borrowed; NULL: the log goes to stderr. */
const char *config_system_log(const struct config *config);

/* Writes "FILE:LINE:COLUMN: " and a sentence to err. */
void config_complain(const struct config *config, struct config_place place, struct rp_error *err,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
void config_complainv(const struct config *config, struct config_place place, struct rp_error *err,
                      const char *format, va_list args) __attribute__((format(printf, 4, 0)));

#endif
