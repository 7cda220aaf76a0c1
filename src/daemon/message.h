/* The bodies of the messages that have one (docs/formats/messages.md). */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "key_file.h"

#define MESSAGE_KEYS_MAX 16
#define MESSAGE_EPOCH_LEN 16
#define MESSAGE_STATIC_KEYS_MAX (1 + MESSAGE_KEYS_MAX * (1 + KEY_FILE_NGINX_LONG))
#define MESSAGE_SENTENCE_MAX 511
#define MESSAGE_DRAIN_LEN 8
#define MESSAGE_DOMAIN_MAX 255
#define MESSAGE_FEED_RUN_LEN 18
#define MESSAGE_FEED_WORDS_MAX 511
#define MESSAGE_FEED_RAN_LEAST 7
#define MESSAGE_FEED_RAN_MAX (MESSAGE_FEED_RAN_LEAST + MESSAGE_FEED_WORDS_MAX)
#define MESSAGE_FEED_CLEAR_LEN 2

struct message_epoch {
    uint64_t generation;
    uint64_t epoch;
};

/* Of KEYS_TAKEN and DOMAINS_TAKEN. */
struct message_taken {
    bool taken;
    char why_not[MESSAGE_SENTENCE_MAX + 1]; /* foreign text: to be escaped where it is shown */
};

enum message_feed_command {
    MESSAGE_FEED_RELOAD,
    MESSAGE_FEED_VERIFY,
    MESSAGE_FEED_WRITE, /* no command: the parent puts the files of a server that takes them for
                           configuration */
};

#define MESSAGE_FEED_COMMANDS 3

struct message_feed_run {
    unsigned feed; /* its place in the configuration, below CONFIG_FEEDS_MAX */
    enum message_feed_command what;
    uint8_t key[16]; /* VERIFY: the name of the key that is expected; else zeroes */
};

/* What a WRITE that EXITED has for its value. */
enum message_feed_written {
    MESSAGE_FEED_UNCHANGED, /* all was as it should be */
    MESSAGE_FEED_CHANGED,
    MESSAGE_FEED_SEEN, /* unchanged, and its server was seen to have it */
};

enum message_feed_end {
    MESSAGE_FEED_EXITED,      /* value: the status; of WRITE, enum message_feed_written */
    MESSAGE_FEED_KILLED,      /* the signal */
    MESSAGE_FEED_TIMED_OUT,   /* 0 */
    MESSAGE_FEED_NOT_STARTED, /* errno */
    MESSAGE_FEED_NOT_WRITTEN, /* of WRITE, and beside EXITED its only end: 0 */
};

struct message_feed_ran {
    unsigned feed;
    enum message_feed_command what;
    enum message_feed_end how;
    uint32_t value;
    /* A command's first line: foreign, to be escaped; of NOT_WRITTEN, why. */
    char words[MESSAGE_FEED_WORDS_MAX + 1];
};

/* What each role obeys, for struct channel_peer. */
extern const struct channel_rule message_rules_of_keeper[10];  /* sent by the parent */
extern const struct channel_rule message_rules_of_worker[3];   /* sent by the parent */
extern const struct channel_rule message_rules_for_keeper[10]; /* sent by a keeper */
extern const struct channel_rule message_rules_for_worker[2];  /* sent by a worker */
extern const struct channel_rule message_rules_of_courier[7];  /* sent by the parent */
extern const struct channel_rule message_rules_for_courier[8]; /* sent by the courier */
extern const struct channel_rule message_rules_of_feeder[6];   /* sent by the parent */
extern const struct channel_rule message_rules_for_feeder[4];  /* sent by the feeder */

void message_epoch_encode(const struct message_epoch *m, uint8_t out[static MESSAGE_EPOCH_LEN]);
bool message_epoch_decode(const uint8_t *p, size_t n, struct message_epoch *out);

/* keys: 1 to MESSAGE_KEYS_MAX. The length; the caller wipes out. */
size_t message_static_keys_encode(const struct stek *keys, size_t n,
                                  uint8_t out[static MESSAGE_STATIC_KEYS_MAX]);
/* False: malformed, and keys is wiped. */
bool message_static_keys_decode(const uint8_t *p, size_t n,
                                struct stek keys[static MESSAGE_KEYS_MAX], size_t *n_keys);

/* why_not: NULL if they were taken; cut to MESSAGE_SENTENCE_MAX. The length. */
size_t message_taken_encode(const char *why_not, uint8_t out[static CHANNEL_BODY_MAX]);
bool message_taken_decode(const uint8_t *p, size_t n, struct message_taken *out);

/* bound_ms: how long what is open may take to finish, at least 0. */
void message_drain_encode(int64_t bound_ms, uint8_t out[static MESSAGE_DRAIN_LEN]);
bool message_drain_decode(const uint8_t *p, size_t n, int64_t *bound_ms);

/*
 * As many of n names (each of 1 to MESSAGE_DOMAIN_MAX bytes) as one message takes: *n_taken, at
 * least one. The length.
 */
size_t message_domains_encode(const char *const *names, size_t n, size_t *n_taken,
                              uint8_t out[static CHANNEL_BODY_MAX]);
/* The whole message is well-formed: then message_domains_next gives each name, until it is false.
 */
bool message_domains_check(const uint8_t *p, size_t n);
bool message_domains_next(const uint8_t *p, size_t n, size_t *at,
                          char name[static MESSAGE_DOMAIN_MAX + 1]);

void message_feed_run_encode(const struct message_feed_run *m,
                             uint8_t out[static MESSAGE_FEED_RUN_LEN]);
bool message_feed_run_decode(const uint8_t *p, size_t n, struct message_feed_run *out);

/* The length. */
size_t message_feed_ran_encode(const struct message_feed_ran *m,
                               uint8_t out[static MESSAGE_FEED_RAN_MAX]);
bool message_feed_ran_decode(const uint8_t *p, size_t n, struct message_feed_ran *out);

/* feeds: a bit for each that comes to its end. */
void message_feed_clear_encode(uint16_t feeds, uint8_t out[static MESSAGE_FEED_CLEAR_LEN]);
bool message_feed_clear_decode(const uint8_t *p, size_t n, uint16_t *feeds);

#endif
