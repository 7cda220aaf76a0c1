#include "number.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static bool parse_with_units(const char *s, const struct unit *units, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    const char *p = s;

    *out = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        const uint64_t digit = (uint64_t)(*p - '0');

        if (digit > max || value > (max - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (p == s) {
        return false;
    }
    for (const struct unit *u = units; u->name != NULL; u++) {
        if (strcasecmp(p, u->name) == 0) {
            if (value > max / u->factor) {
                return false;
            }
            *out = value * u->factor;
            return true;
        }
    }
    return false;
}

bool number_parse(const char *s, uint64_t max, uint64_t *out)
{
    static const struct unit none[] = {{"", 1}, {NULL, 0}};

    return parse_with_units(s, none, max, out);
}

bool number_parse_duration(const char *s, int64_t max_ms, int64_t *out_ms)
{
    static const struct unit units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
    uint64_t value;
    const bool ok = parse_with_units(s, units, (uint64_t)max_ms, &value);

    *out_ms = (int64_t)value;
    return ok;
}

bool number_parse_size(const char *s, uint64_t max, uint64_t *out)
{
    static const struct unit units[] = {{"", 1},           {"b", 1},           {"k", 1024},
                                        {"kb", 1024},      {"m", 1048576},     {"mb", 1048576},
                                        {"g", 1073741824}, {"gb", 1073741824}, {NULL, 0}};

    return parse_with_units(s, units, max, out);
}
