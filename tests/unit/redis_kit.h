/* A real Redis, where one is installed, at a socket in a folder of the test's. */
#ifndef REDIS_KIT_H
#define REDIS_KIT_H

#include <sys/types.h>

struct redis_kit {
    pid_t pid; /* 0: none is installed, or it was stopped */
    char socket[128];
};

/* The socket is PATH/redis.sock; option and its value may be NULL. */
void redis_kit_start(struct redis_kit *kit, const char *path, const char *option,
                     const char *value);
void redis_kit_stop(struct redis_kit *kit);

/* Says a command without quotes; fails the test unless the answer begins with expected. */
void redis_kit_say(const struct redis_kit *kit, const char *command, const char *expected);

/* Ends a test that has no server, and says why. */
void redis_kit_skip(void);

#endif
