#include <reprise/status.h>
#include <reprise/verdict.h>

const char *rp_status_text(enum rp_status status)
{
    switch (status) {
#define STATUS_TEXT(name, text)                                                                    \
    case RP_##name:                                                                                \
        return text;
        RP_STATUS_MAP(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status";
}

const char *rp_verdict_text(enum rp_verdict verdict)
{
    switch (verdict) {
#define VERDICT_TEXT(name, text)                                                                   \
    case RP_VERDICT_##name:                                                                        \
        return text;
        RP_VERDICT_MAP(VERDICT_TEXT)
#undef VERDICT_TEXT
    case RP_N_VERDICTS:
        break;
    }
    return "unknown verdict";
}

const char *rp_mechanism_text(enum rp_mechanism mechanism)
{
    switch (mechanism) {
#define MECHANISM_TEXT(name, text)                                                                 \
    case RP_MECHANISM_##name:                                                                      \
        return text;
        RP_MECHANISM_MAP(MECHANISM_TEXT)
#undef MECHANISM_TEXT
    case RP_N_MECHANISMS:
        break;
    }
    return "unknown mechanism";
}
