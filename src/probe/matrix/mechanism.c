#include "mechanism.h"

#include <string.h>

const char *mechanism_word(enum mechanism m)
{
    switch (m) {
#define WORD(name, word, text, version)                                                            \
    case MECHANISM_##name:                                                                         \
        return word;
        MECHANISM_MAP(WORD)
#undef WORD
    }
    return "unknown";
}

const char *mechanism_text(enum mechanism m)
{
    switch (m) {
#define TEXT(name, word, text, version)                                                            \
    case MECHANISM_##name:                                                                         \
        return text;
        MECHANISM_MAP(TEXT)
#undef TEXT
    }
    return "unknown";
}

uint16_t mechanism_version(enum mechanism m)
{
    static const uint16_t versions[MECHANISMS] = {
#define VERSION(name, word, text, version) [MECHANISM_##name] = (version),
        MECHANISM_MAP(VERSION)
#undef VERSION
    };

    return versions[m];
}

bool mechanism_by_session_id(enum mechanism m)
{
    return m == MECHANISM_ID12 || m == MECHANISM_ID11 || m == MECHANISM_ID10;
}

bool mechanism_parse(const char *word, enum mechanism *out)
{
    for (unsigned i = 0; i < MECHANISMS; i++) {
        if (strcmp(word, mechanism_word((enum mechanism)i)) == 0) {
            *out = (enum mechanism)i;
            return true;
        }
    }
    return false;
}
