#include "advice_texts.h"

#define A(cause, kind, ways, text)                                                                 \
    {                                                                                              \
        CAUSE_##cause, SERVER_##kind, ADVICE_##ways, text                                          \
    }

const struct advice_text advice_texts[] = {
    A(UNREACHABLE, OTHER, ALL,
      "See that the server listens there and that no filter is in the way."),
    A(NO_TLS, OTHER, ALL,
      "See that this port speaks TLS, and with a certificate and cipher suites that a present "
      "client takes."),
    A(VERSION, OTHER, ALL,
      "Nothing to do if that is meant so; else enable the version (nginx: ssl_protocols; "
      "HAProxy: ssl-min-ver; Apache: SSLProtocol), on all hosts alike."),
    A(VERSION, NGINX, ALL,
      "Nothing to do if that is meant so; else name the version in ssl_protocols, in the default "
      "server of the address: its setting counts for all."),
    A(VERSION, APACHE, ALL,
      "Nothing to do if that is meant so; else name the version in SSLProtocol, in the first "
      "virtual host of the address."),
    A(UNSTABLE, OTHER, ALL,
      "Connections fail there without a session, too: mend that first (one host of several "
      "behind the address, a limit, a filter)."),

    A(NOT_ISSUED, OTHER, ID,
      "Clients without tickets cannot resume. Switch the server's session cache on if they "
      "matter; with tickets on, few do."),
    A(NOT_ISSUED, NGINX, ID,
      "nginx sends an empty session ID with \"ssl_session_cache off\": set \"ssl_session_cache "
      "shared:SSL:10m\" if clients without tickets matter."),
    A(NOT_ISSUED, APACHE, ID,
      "Apache has no session cache without SSLSessionCache: set \"SSLSessionCache "
      "shmcb:/run/apache2/ssl(512000)\" if clients without tickets matter."),
    A(NOT_ISSUED, OTHER, LATE,
      "Switch tickets on (nginx: ssl_session_tickets on; HAProxy: without no-tls-tickets; "
      "Apache: SSLSessionTickets on; Node.js: without SSL_OP_NO_TICKET), and give every host the "
      "same ticket key."),
    A(NOT_ISSUED, NGINX, LATE,
      "nginx: set \"ssl_session_tickets on\" in the default server of the address as well as in "
      "the site's, and the same ssl_session_ticket_key on every host."),
    A(NOT_ISSUED, APACHE, LATE,
      "Apache: set \"SSLSessionTickets on\", and the same SSLSessionTicketKeyFile on every host."),
    A(NOT_ISSUED, OTHER, EARLY,
      "Leave it so unless every request that may come early can be repeated without harm."),
    A(NOT_ISSUED, NGINX, EARLY,
      "Leave it so unless every request that may come early can be repeated without harm; "
      "\"ssl_early_data on\" switches it on."),

    A(NOT_KEPT, OTHER, ALL,
      "Give the server a session cache that all of its processes share, or no session IDs: "
      "clients keep what they were given and offer it in vain."),
    A(NOT_KEPT, NGINX, ALL,
      "nginx gives IDs that it does not keep with \"ssl_session_cache none\", its default: set "
      "\"ssl_session_cache shared:SSL:10m\" in the default server of the address, too, for its "
      "cache counts."),
    A(NOT_KEPT, APACHE, ALL,
      "Apache: set \"SSLSessionCache shmcb:/run/apache2/ssl(512000)\" for the whole server, and "
      "a SSLSessionCacheTimeout of some minutes."),

    A(KEY_NOT_SHARED, OTHER, TICKETS,
      "Give all hosts the same ticket key: nginx by ssl_session_ticket_key, HAProxy by "
      "tls-ticket-keys on the bind line, Apache by SSLSessionTicketKeyFile, Node.js by "
      "server.setTicketKeys(). Replace it daily or so: first let the new key open on all hosts, "
      "then seal, then drop the old one."),
    A(KEY_NOT_SHARED, NGINX, TICKETS,
      "nginx: name the same files (80 random bytes each) by ssl_session_ticket_key on all hosts, "
      "in the http block or in every server block; the first seals, the others open. Replace the "
      "key daily or so: add the new one as the second everywhere, then make it the first, then "
      "drop the old one."),
    A(KEY_NOT_SHARED, APACHE, TICKETS,
      "Apache: name the same file (48 random bytes) by SSLSessionTicketKeyFile in every virtual "
      "host of all hosts. It has one key only: when it is replaced, restart all hosts gracefully "
      "at the same time."),
    A(KEY_NOT_SHARED, H2O, TICKETS,
      "h2o: set ssl-session-resumption with \"mode: ticket\" and a ticket-store (file or "
      "memcached) that all hosts see."),
    A(KEY_NOT_SHARED, LIGHTTPD, TICKETS,
      "lighttpd makes up a key in each process: name the same file by ssl.stek-file on all "
      "hosts; it is read again when it changes."),
    A(KEY_NOT_SHARED, TRAFFIC_SERVER, TICKETS,
      "Traffic Server: name the same file (48 bytes a key) by "
      "proxy.config.ssl.server.ticket_key.filename on all hosts, and tell it by traffic_ctl "
      "config reload."),
    A(KEY_NOT_SHARED, ENVOY, TICKETS,
      "Envoy: set session_ticket_keys in every DownstreamTlsContext, the same 80 bytes on all "
      "hosts, best by SDS."),
    A(KEY_NOT_SHARED, GO, TICKETS,
      "Go: call SetSessionTicketKeys on the tls.Config of every host with the same keys, the one "
      "that seals first."),
    A(KEY_NOT_SHARED, CADDY, TICKETS,
      "Caddy shares its keys by its storage: give all hosts the same storage and switch on "
      "session_tickets with the distributed key source."),
    A(KEY_NOT_SHARED, GNUTLS, TICKETS,
      "GnuTLS: give gnutls_session_ticket_enable_server the same key on all hosts."),
    A(KEY_NOT_SHARED, JAVA, TICKETS,
      "Java cannot share ticket keys between machines: let the balancer keep a client at one "
      "host, or end TLS in front of it."),
    A(KEY_NOT_SHARED, WINDOWS, TICKETS,
      "Windows: make one key (New-TlsSessionTicketKey), carry it to all hosts "
      "(Export-TlsSessionTicketKey) and switch it on (Enable-TlsSessionTicketKey)."),
    A(KEY_NOT_SHARED, REPRISED, TICKETS,
      "reprised: name the same files by session_ticket_key on all hosts; the first seals, the "
      "others open."),

    A(KEY_LAGGING, OTHER, TICKETS,
      "Replace keys in three steps, each on all hosts before the next: the new key opens, the "
      "new key seals, the old key goes. One host is a step behind or ahead: see whether it was "
      "reloaded and when its key file was written."),
    A(KEY_LAGGING, NGINX, TICKETS,
      "nginx reads ssl_session_ticket_key files at a reload alone: see that the host was "
      "reloaded. The first file seals, the others open: put a new key second on all hosts, then "
      "first, and drop the old one last."),
    A(KEY_LAGGING, APACHE, TICKETS,
      "Apache has one key and reads it at a restart: hosts that restart at different times "
      "refuse each other's tickets in between. Restart them together."),

    A(KEY_PER_PROCESS, OTHER, TICKETS,
      "Several processes or hosts answer at one address, each with a key of its own: give all of "
      "them the same key (Node.js: setTicketKeys in every worker of a cluster; lighttpd: "
      "ssl.stek-file; HAProxy: tls-ticket-keys)."),
    A(KEY_PER_PROCESS, NGINX, TICKETS,
      "The processes of one nginx share their key, so several hosts answer at this address: give "
      "all of them the same ssl_session_ticket_key files."),
    A(KEY_PER_PROCESS, LIGHTTPD, TICKETS,
      "lighttpd makes up a key in each process: name a file by ssl.stek-file."),

    A(MIXED, OTHER, ALL,
      "Find out which hosts answer behind this address (the balancer's list; --tries 20 shows "
      "the shares) and make them alike: certificate, ticket key or cache, TLS settings."),

    A(MIXED, APACHE, TICKETS,
      "Find out which hosts answer behind this address and make them alike. If it is one Apache: "
      "2.4 on OpenSSL 3 does not use the HMAC key of SSLSessionTicketKeyFile, and its children "
      "may disagree about a ticket; \"SSLSessionTickets off\" with SSLSessionCache avoids that."),

    A(SAME_KEY_REFUSED, OTHER, TICKETS,
      "The key's name is shared and the ticket still refused. Either the bytes after the name "
      "differ (compare the key files' digests), or the session ID context: servers on OpenSSL "
      "bind a session to a context made of, for instance, the certificates and the CA bundle "
      "(nginx), the virtual host (Apache) or the arguments (Node.js, option sessionIdContext). "
      "Make these the same on all hosts."),
    A(SAME_KEY_REFUSED, NGINX, TICKETS,
      "nginx binds a session to the certificates of the server block and to the CA names of "
      "ssl_client_certificate, in their order: use the same files, byte for byte, on all hosts. "
      "If they are, compare the key files' digests: the name is but their first 16 bytes."),
    A(SAME_KEY_REFUSED, APACHE, TICKETS,
      "Apache binds a session to the virtual host: ServerName and port must be the same on all "
      "hosts. If they are, compare the key files' digests: the name is but their first 16 bytes. "
      "Apache 2.4 on OpenSSL 3 does not use the file's HMAC key, and may refuse at times "
      "whatever is set."),

    A(CACHE_NOT_SHARED, OTHER, ALL,
      "A session cache is one host's own. Share it if the server can (Apache: SSLSessionCache "
      "memcache), let the balancer keep a client at one host, or rely on tickets with a shared "
      "key: nearly all clients have them."),
    A(CACHE_NOT_SHARED, NGINX, ALL,
      "nginx shares its session cache among the processes of one host only: rely on tickets with "
      "a shared ssl_session_ticket_key, or let the balancer keep a client at one host."),
    A(CACHE_NOT_SHARED, APACHE, ALL,
      "Apache's shmcb is one host's own: set \"SSLSessionCache memcache:...\" for all hosts, or "
      "rely on tickets with a shared SSLSessionTicketKeyFile."),

    A(CACHE_PER_PROCESS, OTHER, ALL,
      "Each process (or each host behind this address) has a cache of its own: use a cache in "
      "shared memory, or rely on tickets with a shared key."),
    A(CACHE_PER_PROCESS, NGINX, ALL,
      "nginx: \"ssl_session_cache builtin\" is one process's own; set \"ssl_session_cache "
      "shared:SSL:10m\". If that is so already, several hosts answer at this address."),
    A(CACHE_PER_PROCESS, APACHE, ALL,
      "Apache: set \"SSLSessionCache shmcb:/run/apache2/ssl(512000)\". If that is so already, "
      "several hosts answer at this address."),

    A(EMS, OTHER, ALL,
      "Extended master secret is part of every TLS library that is kept up: bring the host "
      "without it to the others' version. Until then no session can pass between the two (RFC "
      "7627)."),

    A(CIPHER, OTHER, ALL,
      "Set the same cipher suites in the same order on all hosts (nginx: ssl_ciphers, for TLS "
      "1.3 ssl_conf_command Ciphersuites; HAProxy: ssl-default-bind-ciphersuites; Apache: "
      "SSLCipherSuite). A processor without AES instructions may choose ChaCha20 by itself."),

    A(SNI, OTHER, ALL,
      "The server resumes only without a name: look at what is set for this site alone (tickets, "
      "cache, session ID context) and not for the default one."),
    A(SNI, NGINX, ALL,
      "nginx takes ticket keys and session cache from the default server of the address: set "
      "them in the http block, for all sites alike."),

    A(SINGLE_USE, OTHER, ALL,
      "Nothing to do in TLS 1.3, where clients use a ticket once: see that resumptions bring "
      "fresh tickets. In TLS 1.2 clients offer one session many times, and only the first is "
      "resumed."),

    A(EXPIRED, OTHER, ALL,
      "The probe took longer than the sessions live: use fewer --tries, or a longer lifetime "
      "(nginx: ssl_session_timeout; HAProxy: tune.ssl.lifetime; Apache: SSLSessionCacheTimeout)."),
    A(EXPIRED_EARLY, OTHER, ALL,
      "Advertise what is kept: keep the keys that open (or the cache) for as long as the "
      "lifetime says, or shorten the lifetime (nginx: ssl_session_timeout; HAProxy: "
      "tune.ssl.lifetime; Apache: SSLSessionCacheTimeout)."),

    A(ALERT, OTHER, ALL,
      "A session that a server does not know must lead to a full handshake, never to an alert: "
      "clients fail outright. Look for a broken TLS version, or for a client certificate setting "
      "that differs between hosts (OpenSSL: a session ID context that is not set)."),
    A(CUT, OTHER, ALL,
      "Something cuts connections that offer a session: a crash of the server (see its log), or "
      "a filter in between that does not know the extension."),
    A(INVALID, OTHER, ALL,
      "The server's answer breaks the protocol when it resumes: bring its TLS library up to date."),

    A(EARLY_REFUSED, OTHER, ALL,
      "Nothing to do: the request is repeated after the handshake. A server that accepts early "
      "data at the issuing host alone is right to refuse it elsewhere."),
    A(UNKNOWN, OTHER, ALL,
      "See the server's own log, or open a ticket of it with its key: reprise ticket open."),
};

const size_t advice_texts_n = sizeof advice_texts / sizeof advice_texts[0];
