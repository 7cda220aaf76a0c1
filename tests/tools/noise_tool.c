/*
 * One side of a Noise exchange as a program, for system tests: noise_tool ask PSK PROLOGUE PAYLOAD,
 * or noise_tool answer likewise, all in hexadecimal digits, "-" for nothing. Its own message is a
 * line of standard output, the other's a line of standard input. Last it prints the other's payload
 * after "said ". What does not authenticate makes it exit with 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "noise.h"

#define LINE_ROOM (2 * NOISE_MESSAGE_MAX + 2)

struct bytes {
    uint8_t p[NOISE_MESSAGE_MAX];
    size_t n;
};

struct side {
    struct bytes psk;
    struct bytes prologue;
    struct bytes payload;
    struct noise noise;
};

static _Noreturn void refuse(const char *what)
{
    (void)fprintf(stderr, "noise_tool: %s\n", what);
    exit(2);
}

static void require(enum rp_status status)
{
    if (status != RP_OK) {
        (void)fprintf(stderr, "noise_tool: %s\n", rp_status_text(status));
        exit(1);
    }
}

static void read_hex(const char *digits, struct bytes *out)
{
    if (strcmp(digits, "-") == 0) {
        out->n = 0;
    } else if (!hex_decode(digits, strlen(digits), out->p, sizeof out->p, &out->n)) {
        refuse("not hexadecimal");
    }
}

static void print_hex(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)printf("%02x", p[i]);
    }
    (void)printf(n == 0 ? "-\n" : "\n");
    (void)fflush(stdout);
}

static void read_message(struct bytes *out)
{
    static char line[LINE_ROOM];

    if (fgets(line, sizeof line, stdin) == NULL) {
        refuse("no message");
    }
    line[strcspn(line, "\n")] = '\0';
    read_hex(line, out);
}

static void ask(struct side *side, struct bytes *message, struct bytes *said)
{
    require(noise_ask(&side->noise, side->psk.p, side->prologue.p, side->prologue.n,
                      side->payload.p, side->payload.n, message->p));
    print_hex(message->p, side->payload.n + NOISE_OVERHEAD);
    read_message(message);
    require(noise_finish(&side->noise, message->p, message->n, said->p));
    said->n = message->n - NOISE_OVERHEAD;
}

static void answer(struct side *side, struct bytes *message, struct bytes *said)
{
    read_message(message);
    require(noise_hear(&side->noise, side->psk.p, side->prologue.p, side->prologue.n, message->p,
                       message->n, said->p));
    said->n = message->n - NOISE_OVERHEAD;
    require(noise_answer(&side->noise, side->payload.p, side->payload.n, message->p));
    print_hex(message->p, side->payload.n + NOISE_OVERHEAD);
}

int main(int argc, char **argv)
{
    static struct side side;
    static struct bytes message;
    static struct bytes said;

    if (argc != 5) {
        refuse("usage: noise_tool ask|answer PSK PROLOGUE PAYLOAD");
    }
    read_hex(argv[2], &side.psk);
    read_hex(argv[3], &side.prologue);
    read_hex(argv[4], &side.payload);
    if (side.psk.n != NOISE_PSK_LEN || side.payload.n > NOISE_MESSAGE_MAX - NOISE_OVERHEAD) {
        refuse("a psk has 32 bytes, a message 65535 at most");
    }
    if (strcmp(argv[1], "ask") == 0) {
        ask(&side, &message, &said);
    } else if (strcmp(argv[1], "answer") == 0) {
        answer(&side, &message, &said);
    } else {
        refuse("ask or answer?");
    }
    (void)printf("said ");
    print_hex(said.p, said.n);
    return 0;
}
