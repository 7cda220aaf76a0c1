#include "raw_result.h"

const char *raw_end_word(enum raw_end end)
{
    switch (end) {
#define WORD(name, text)                                                                           \
    case RAW_END_##name:                                                                           \
        return text;
        RAW_END_MAP(WORD)
#undef WORD
    }
    return "unknown";
}

const char *raw_phase_word(enum raw_phase phase)
{
    switch (phase) {
#define WORD(name, text)                                                                           \
    case RAW_PHASE_##name:                                                                         \
        return text;
        RAW_PHASE_MAP(WORD)
#undef WORD
    }
    return "unknown";
}

const char *raw_alert_word(uint8_t description)
{
    /* RFC 8446 section 6, and those that older versions had. */
    static const struct {
        uint8_t number;
        const char *word;
    } words[] = {
        {0, "close_notify"},
        {10, "unexpected_message"},
        {20, "bad_record_mac"},
        {21, "decryption_failed"},
        {22, "record_overflow"},
        {30, "decompression_failure"},
        {40, "handshake_failure"},
        {41, "no_certificate"},
        {42, "bad_certificate"},
        {43, "unsupported_certificate"},
        {44, "certificate_revoked"},
        {45, "certificate_expired"},
        {46, "certificate_unknown"},
        {47, "illegal_parameter"},
        {48, "unknown_ca"},
        {49, "access_denied"},
        {50, "decode_error"},
        {51, "decrypt_error"},
        {60, "export_restriction"},
        {70, "protocol_version"},
        {71, "insufficient_security"},
        {80, "internal_error"},
        {86, "inappropriate_fallback"},
        {90, "user_canceled"},
        {100, "no_renegotiation"},
        {109, "missing_extension"},
        {110, "unsupported_extension"},
        {111, "certificate_unobtainable"},
        {112, "unrecognized_name"},
        {113, "bad_certificate_status_response"},
        {115, "unknown_psk_identity"},
        {116, "certificate_required"},
        {120, "no_application_protocol"},
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i].number == description) {
            return words[i].word;
        }
    }
    return "unknown";
}
