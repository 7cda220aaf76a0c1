/*
 * A raw client over TCP: straight-line calls that block until they are done or a deadline has
 * passed. For threads: one connection belongs to one of them. The process must ignore SIGPIPE or
 * not mind: nothing here raises it.
 */
#ifndef RAW_CONN_H
#define RAW_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <reprise/status.h>

#include "raw_client.h"

struct raw_conn;

/* The clock of deadlines and of sessions: monotonic, in microseconds. */
int64_t raw_now_us(void);

/*
 * Connects and makes the client; sends nothing yet. That nobody can be reached is in the result
 * and no failure of the call. RP_INVALID as raw_client_new.
 */
enum rp_status raw_conn_open(const struct raw_config *config, const struct sockaddr *sa,
                             socklen_t sa_len, int64_t deadline_us,
                             struct raw_conn **out) RP_MUST_USE;

/* The same over a socket that is connected, which is taken over, also on failure. */
enum rp_status raw_conn_adopt(const struct raw_config *config, int fd, int64_t deadline_us,
                              struct raw_conn **out) RP_MUST_USE;

/* Another deadline for what is to come. */
void raw_conn_deadline(struct raw_conn *c, int64_t deadline_us);

/* Sends what is queued, without reading; true if all was sent. */
bool raw_conn_flush(struct raw_conn *c);

/* Until the handshake is done, the connection is over or the deadline passed: true if done. */
bool raw_conn_handshake(struct raw_conn *c);

/* What reading waits for. */
enum raw_until {
    RAW_UNTIL_END,     /* the connection is over */
    RAW_UNTIL_SESSION, /* or a session that can be offered again is there */
    RAW_UNTIL_DATA,    /* or more application data came */
    RAW_UNTIL_ANSWER,  /* or a renegotiation was answered */
};

/*
 * Reads on until then, until nothing came for quiet_ms (0: as long as it takes), or until the
 * deadline, which after the handshake is no end of the connection. True if what it waited for came.
 */
bool raw_conn_read(struct raw_conn *c, enum raw_until until, int quiet_ms);

/* Sends application data and then reads as raw_conn_read. False also if the handshake is not done.
 */
bool raw_conn_request(struct raw_conn *c, const void *p, size_t n, enum raw_until until,
                      int quiet_ms);

/* The client, for all else that can be asked or sent; what it queues goes out with the next call.
 * Borrowed. */
struct raw_client *raw_conn_client(struct raw_conn *c);
const struct raw_result *raw_conn_result(const struct raw_conn *c);

/* Sends close_notify if it can be sent at once, and closes. Takes NULL, NULLs the pointer. */
void raw_conn_close(struct raw_conn **c);

/* Closes by a reset, without a word. */
void raw_conn_abort(struct raw_conn **c);

#endif
