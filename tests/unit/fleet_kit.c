#include "fleet_kit.h"

#define STEP_MS 10

void kit_init(struct sim *s, uint32_t n, int64_t reseed_ms)
{
    sim_init(s, &(struct sim_options){.n_hosts = n,
                                      .seed = n,
                                      .rotate_ms = KIT_ROTATE_MS,
                                      .accept_ms = KIT_ACCEPT_MS,
                                      .reseed_ms = reseed_ms,
                                      .latency_ms = 2,
                                      .drift_ppm = 20});
}

void kit_start_all(struct sim *s)
{
    for (uint32_t i = 0; i < s->options.n_hosts; i++) {
        sim_start(s, i, NULL);
        sim_run(s, 500 / s->options.n_hosts);
    }
    sim_run(s, KIT_SETTLE_MS);
}

bool kit_is_member(const struct sim *s, uint32_t host)
{
    return s->hosts[host].fleet != NULL &&
           fleet_member(s->hosts[host].fleet, 0)->presence.is_member;
}

const uint8_t *kit_seals(const struct sim *s, uint32_t host)
{
    return s->hosts[host].rings->ring[s->hosts[host].rings->sealing].id;
}

bool kit_holds(const struct sim *s, uint32_t host, const uint8_t *ring)
{
    const int place = rings_find(s->hosts[host].rings, ring);

    return place >= 0 && s->hosts[host].rings->ring[place].held;
}

bool kit_all_open(struct sim *s)
{
    for (uint32_t i = 0; i < s->options.n_hosts; i++) {
        for (uint32_t j = 0; j < s->options.n_hosts; j++) {
            if (s->hosts[i].fleet != NULL && s->hosts[j].fleet != NULL && !sim_opens(s, i, j)) {
                return false;
            }
        }
    }
    return true;
}

int64_t kit_agree(struct sim *s, int64_t most_ms)
{
    const int64_t since_ms = s->now_ms;

    while (sim_n_rings(s) != 1) {
        if (s->now_ms - since_ms >= most_ms) {
            return -1;
        }
        sim_run(s, STEP_MS);
    }
    return s->now_ms - since_ms;
}
