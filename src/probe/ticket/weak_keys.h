/*
 * The dictionary of keys that anybody can guess, and what is made of it: the entries are data
 * (weak_keys_table.c), each with its source; some stand for many keys.
 */
#ifndef WEAK_KEYS_H
#define WEAK_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

enum weak_key_kind {
    WEAK_KEY_BYTES,    /* these bytes */
    WEAK_KEY_CONSTANT, /* one byte again and again: 256 keys */
    WEAK_KEY_UP,       /* counting up from each of these bytes */
    WEAK_KEY_DOWN,     /* counting down */
    WEAK_KEY_PATTERN,  /* these bytes again and again */
    WEAK_KEY_WORD, /* this text: itself filled up with zeroes, repeated, hashed, hashed in hex */
};

struct weak_key_entry {
    enum weak_key_kind kind;
    const char *bytes; /* or text */
    size_t n;
    const char *source;
};

/* The table. */
extern const struct weak_key_entry weak_key_entries[];
extern const size_t n_weak_key_entries;

struct weak_key {
    uint8_t bytes[32];
    uint8_t len;        /* 16, 20 or 32; of 20: a key for a MAC only */
    uint8_t mac_len;    /* without zeroes at the end, which HMAC does not see */
    bool same_mac;      /* an earlier key is the same one to HMAC */
    const char *source; /* static */
    char text[64];      /* "all bytes 00", "SHA-256 of \"password\"" */
};

struct weak_keys {
    struct weak_key *keys; /* each once */
    size_t n;
    size_t n_cipher; /* of 16 or 32 bytes */
    size_t n_mac;    /* that differ as HMAC keys */
};

enum rp_status weak_keys_new(struct weak_keys **out) RP_MUST_USE;
void weak_keys_free(struct weak_keys **keys);

#endif
