/* A folder for a store, a Redis in it if it is one, and two hosts that meet there. */
#ifndef REDIS_PLACE_H
#define REDIS_PLACE_H

#include "redis_kit.h"
#include "store_kit.h"

struct place {
    char path[STORE_KIT_PATH_SIZE];
    char url[128];
    struct redis_kit server;
    struct store_kit a;
    struct store_kit b;
    struct store_kit_answer answer;
};

/* The folder alone. */
struct place *redis_place_new(void);
/* Stops and removes all. */
void redis_place_free(struct place *p);

#endif
