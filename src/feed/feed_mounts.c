#include "feed_mounts.h"

#include <stdint.h>
#include <string.h>

#include "number.h"
#include "text.h"

static const char *line_end(const char *s)
{
    return s + strcspn(s, "\n");
}

static bool parse_id(const char *s, size_t n, unsigned *id)
{
    char digits[16];
    struct text t = text_of(digits, sizeof digits);
    uint64_t value;

    text_add_n(&t, s, n);
    if (t.cut || !number_parse(digits, UINT32_MAX, &value)) {
        return false;
    }
    *id = (unsigned)value;
    return true;
}

bool feed_mounts_swap(const char *swaps)
{
    const char *const head = line_end(swaps);

    return head[0] != '\0' && head[1] != '\0';
}

bool feed_mounts_id(const char *fdinfo, unsigned *id)
{
    static const char name[] = "mnt_id:";

    for (const char *line = fdinfo; *line != '\0';) {
        const char *const end = line_end(line);

        if (strncmp(line, name, sizeof name - 1) == 0) {
            const char *const value =
                line + sizeof name - 1 + strspn(line + sizeof name - 1, " \t");

            return parse_id(value, (size_t)(end - value), id);
        }
        line = *end == '\n' ? end + 1 : end;
    }
    return false;
}

/* Of a list parted by commas, up to end. */
static bool has_option(const char *list, const char *end, const char *option)
{
    const size_t len = strlen(option);

    while (list < end) {
        const size_t n = strcspn(list, ",\n");

        if (n == len && strncmp(list, option, len) == 0) {
            return true;
        }
        list += n + 1;
    }
    return false;
}

/* The file system's own options are a line's last word. */
static const char *last_word(const char *line, const char *end)
{
    const char *at = end;

    while (at > line && at[-1] != ' ') {
        at--;
    }
    return at;
}

bool feed_mounts_noswap(const char *mountinfo, unsigned id)
{
    for (const char *line = mountinfo; *line != '\0';) {
        const char *const end = line_end(line);
        unsigned found;

        if (parse_id(line, strcspn(line, " \n"), &found) && found == id) {
            return has_option(last_word(line, end), end, "noswap");
        }
        line = *end == '\n' ? end + 1 : end;
    }
    return false;
}
