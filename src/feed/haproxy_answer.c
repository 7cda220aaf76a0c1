#include "haproxy_answer.h"

#include <string.h>

#include "base64.h"
#include "memory.h"

#define ID_DIGITS_MAX 9
#define KEY_TEXT_MAX BASE64_TEXT_LEN(KEY_FILE_NGINX_LONG)
#define KEYS_TITLE "# id secret"
#define FILES_TITLE "# id (file)"

/* Part of an answer. */
struct span {
    const char *p;
    size_t n;
};

static bool span_is(struct span s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* Takes text away from its front. */
static bool skip(struct span *s, const char *text)
{
    const size_t n = strlen(text);

    if (s->n < n || memcmp(s->p, text, n) != 0) {
        return false;
    }
    *s = (struct span){s->p + n, s->n - n};
    return true;
}

/* The number at its front, digits as they are. */
static struct span take_id(struct span *s)
{
    struct span id = {s->p, 0};

    while (id.n < s->n && s->p[id.n] >= '0' && s->p[id.n] <= '9') {
        id.n++;
    }
    *s = (struct span){s->p + id.n, s->n - id.n};
    return id;
}

/* The next line, which has a newline. */
static bool take_line(struct span *rest, struct span *line)
{
    const char *const end = rest->n != 0 ? memchr(rest->p, '\n', rest->n) : NULL;

    if (end == NULL) {
        return false;
    }
    *line = (struct span){rest->p, (size_t)(end - rest->p)};
    *rest = (struct span){end + 1, rest->n - line->n - 1};
    return true;
}

/* "0 (FILE)" */
static bool read_file_line(struct span line, struct span *id, struct span *file)
{
    *id = take_id(&line);
    if (id->n == 0 || id->n > ID_DIGITS_MAX || !skip(&line, " (") || line.n < 2 ||
        line.p[line.n - 1] != ')') {
        return false;
    }
    *file = (struct span){line.p, line.n - 1};
    return true;
}

/* "0.1 BASE64" */
static bool read_key_line(struct span line, struct span id, unsigned i, struct stek *out)
{
    const struct span own_id = take_id(&line);
    uint8_t bytes[BASE64_ROOM(KEY_TEXT_MAX)];
    size_t n = 0;
    struct span place;
    bool good;

    if (own_id.n != id.n || memcmp(own_id.p, id.p, id.n) != 0 || !skip(&line, ".")) {
        return false;
    }
    place = take_id(&line);
    good = place.n == 1 && place.p[0] == (char)('0' + (int)i) && skip(&line, " ") &&
           line.n <= KEY_TEXT_MAX && base64_decode(line.p, line.n, bytes, sizeof bytes, &n) &&
           (n == KEY_FILE_NGINX_SHORT || n == KEY_FILE_NGINX_LONG) &&
           key_file_haproxy_decode(bytes, n, out);
    memory_wipe(bytes, sizeof bytes);
    return good;
}

/* At the end of an answer. */
static bool ends(struct span rest)
{
    return rest.n == 0 || span_is(rest, "\n");
}

static bool read_keys(struct span rest, struct haproxy_shown *shown)
{
    struct span line, id, file;

    if (!take_line(&rest, &line) || !skip(&line, "# ") || !read_file_line(line, &id, &file)) {
        return false;
    }
    for (unsigned i = 0; i < HAPROXY_KEYS; i++) {
        if (!take_line(&rest, &line) || !read_key_line(line, id, i, &shown->keys[i]) ||
            shown->keys[i].key_len != shown->keys[0].key_len) {
            return false;
        }
    }
    return ends(rest);
}

static bool files_are_well_formed(struct span rest)
{
    struct span line, id, file;

    while (!ends(rest)) {
        if (!take_line(&rest, &line) || !read_file_line(line, &id, &file)) {
            return false;
        }
    }
    return true;
}

static enum haproxy_answer read_sentence(struct span line)
{
    static const struct {
        const char *begin;
        enum haproxy_answer answer;
    } sentences[] = {
        {"TLS ticket key updated!", HAPROXY_TOOK_KEY},
        {"'show tls-keys' unable to locate referenced filename", HAPROXY_KNOWS_NO_FILE},
        {"'set ssl tls-key' unable to locate referenced filename", HAPROXY_KNOWS_NO_FILE},
        {"'set ssl tls-key' received a key of wrong size", HAPROXY_KEYS_OF_OTHER_SIZE},
        {"Permission denied", HAPROXY_DENIES},
        {"Unknown command", HAPROXY_KNOWS_NO_COMMAND},
    };

    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
        if (skip(&line, sentences[i].begin)) {
            return sentences[i].answer;
        }
    }
    return HAPROXY_ELSE;
}

bool haproxy_answer_whole(const char *p, size_t n)
{
    return n >= 2 && p[n - 1] == '\n' && p[n - 2] == '\n';
}

enum haproxy_answer haproxy_answer_read(const char *p, size_t n, struct haproxy_shown *shown)
{
    struct span rest = {p, n};
    struct span line;

    *shown = (struct haproxy_shown){0};
    if (!take_line(&rest, &line)) {
        return HAPROXY_ELSE;
    }
    if (span_is(line, KEYS_TITLE)) {
        if (read_keys(rest, shown)) {
            return HAPROXY_SHOWS_KEYS;
        }
        memory_wipe(shown, sizeof *shown);
        return HAPROXY_ELSE;
    }
    if (span_is(line, FILES_TITLE)) {
        return files_are_well_formed(rest) ? HAPROXY_SHOWS_FILES : HAPROXY_ELSE;
    }
    return read_sentence(line);
}

size_t haproxy_answer_files(const char *p, size_t n, struct text *names)
{
    struct span rest = {p, n};
    struct span line, id, file;
    size_t n_files = 0;

    if (!take_line(&rest, &line)) {
        return 0;
    }
    while (take_line(&rest, &line) && read_file_line(line, &id, &file)) {
        text_add(names, n_files++ == 0 ? "" : ", ");
        for (size_t i = 0; i < file.n; i++) {
            text_add_char(names, file.p[i] >= ' ' && file.p[i] <= '~' ? file.p[i] : '?');
        }
    }
    return n_files;
}

bool haproxy_file_valid(const char *s)
{
    const size_t n = strlen(s);

    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)s[i] < ' ' || s[i] == 0x7f) {
            return false;
        }
    }
    return n != 0 && n <= HAPROXY_FILE_MAX;
}

/* Words end at spaces and commands at semicolons, unless these are escaped. */
static void add_file(struct text *t, const char *file)
{
    for (; *file != '\0'; file++) {
        if (strchr(" ;\\\"'", *file) != NULL) {
            text_add_char(t, '\\');
        }
        text_add_char(t, *file);
    }
}

bool haproxy_ask_keys(struct text *t, const char *file)
{
    text_add(t, "show tls-keys ");
    add_file(t, file);
    text_add(t, "\n");
    return !t->cut;
}

bool haproxy_ask_files(struct text *t)
{
    text_add(t, "show tls-keys\n");
    return !t->cut;
}

bool haproxy_ask_push(struct text *t, const char *file, const struct stek *key)
{
    uint8_t bytes[KEY_FILE_NGINX_LONG];
    char base64[KEY_TEXT_MAX];
    const size_t n = key_file_haproxy_encode(key, bytes);

    text_add(t, "set ssl tls-key ");
    add_file(t, file);
    text_add(t, " ");
    text_add_n(t, base64, base64_encode(bytes, n, base64));
    text_add(t, "\n");
    memory_wipe(bytes, sizeof bytes);
    memory_wipe(base64, sizeof base64);
    return !t->cut;
}
