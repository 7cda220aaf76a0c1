#include "visit.h"

const char *visit_end_word(enum visit_end end)
{
    switch (end) {
#define WORD(name, text)                                                                           \
    case VISIT_##name:                                                                             \
        return text;
        VISIT_END_MAP(WORD)
#undef WORD
    }
    return "unknown";
}
