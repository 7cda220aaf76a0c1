#include "finding.h"

const char *finding_word(enum finding_name name)
{
    static const char *const words[] = {
#define FINDING_WORD(name, word, severity, text, source) word,
        FINDING_MAP(FINDING_WORD)
#undef FINDING_WORD
    };

    return words[name];
}

const char *finding_text(enum finding_name name)
{
    static const char *const texts[] = {
#define FINDING_TEXT(name, word, severity, text, source) text,
        FINDING_MAP(FINDING_TEXT)
#undef FINDING_TEXT
    };

    return texts[name];
}

const char *finding_source(enum finding_name name)
{
    static const char *const sources[] = {
#define FINDING_SOURCE(name, word, severity, text, source) source,
        FINDING_MAP(FINDING_SOURCE)
#undef FINDING_SOURCE
    };

    return sources[name];
}

enum severity finding_severity(enum finding_name name)
{
    static const enum severity severities[] = {
#define FINDING_SEVERITY(name, word, severity, text, source) SEVERITY_##severity,
        FINDING_MAP(FINDING_SEVERITY)
#undef FINDING_SEVERITY
    };

    return severities[name];
}
