/*
 * Handshake messages of a server in the clear, in whatever state of the raw client: the first byte
 * is the state, the second the cipher suite. So what else only a sealed record reaches is reached.
 */
#include <stdlib.h>
#include <string.h>

#include "raw_client_state.h"
#include "tls_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS (RAW_STEP13_OPEN + 1)
#define REQUESTED 0x80

static void put_into(struct raw_client *c, enum raw_step step, uint8_t how)
{
    static const uint16_t suites12[] = {0xc02b, 0x009c, 0xc024, 0xcca9};
    static const uint16_t suites13[] = {0x1301, 0x1302, 0x1303, 0x1301};
    const bool tls13 = step >= RAW_STEP13_EXTENSIONS;

    if (step == RAW_STEP_HELLO) {
        return;
    }
    c->step = step;
    c->answered = true;
    c->result.server_hello = true;
    c->result.phase = RAW_PHASE_SERVER;
    c->result.version = tls13 ? RAW_TLS13 : RAW_TLS12;
    c->suite = raw_suite_find((tls13 ? suites13 : suites12)[how & 3]);
    c->result.suite = c->suite->id;
    c->result.certificate_asked = (how & REQUESTED) != 0;
    c->result.established = step == RAW_STEP12_OPEN || step == RAW_STEP13_OPEN;
    if (c->result.established) {
        c->result.phase = RAW_PHASE_APPLICATION;
    }
    if (step == RAW_STEP12_KEYS || step == RAW_STEP13_SIGNATURE) {
        struct raw_share share;

        if (raw_share_init(&share, RAW_GROUP_P256, &c->random) != RP_OK) {
            abort();
        }
        c->server_key = share.key; /* transferred */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[RAW_SEED_LEN] = {1};
    struct tls_record header = {TLS_RECORD_HANDSHAKE, 0x0303, 0};
    uint8_t record[TLS_RECORD_HEADER_LEN + TLS_RECORD_PLAIN_MAX];
    struct raw_config config;
    struct raw_client *c;

    if (size < 3 || size - 2 > TLS_RECORD_PLAIN_MAX) {
        return 0;
    }
    raw_config_init(&config, "localhost");
    config.seed = seed;
    if (raw_client_new(&config, &c) != RP_OK) {
        abort();
    }
    put_into(c, (enum raw_step)(data[0] % STEPS), data[1]);
    header.len = (uint16_t)(size - 2);
    tls_record_encode(&header, record);
    memcpy(record + TLS_RECORD_HEADER_LEN, data + 2, size - 2);
    raw_client_feed(c, record, TLS_RECORD_HEADER_LEN + size - 2, 1);
    if (c->result.end == RAW_END_LOCAL || c->result.n_tickets > RAW_TICKETS_MAX) {
        abort();
    }
    raw_client_free(&c);
    return 0;
}
