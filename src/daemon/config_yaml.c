#include "config_yaml.h"

#include <string.h>

#include "error.h"
#include "memory.h"

static struct config_place place_of(yaml_mark_t mark)
{
    const struct config_place place = {(unsigned)mark.line + 1, (unsigned)mark.column + 1};

    return place;
}

/* The length of the UTF-8 sequence (RFC 3629) at p, 0 if there is none. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
    const unsigned char c = p[0];
    const size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

    if (len > n) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] >= 0xa0) || (c == 0xf0 && p[1] < 0x90) ||
        (c == 0xf4 && p[1] >= 0x90)) {
        return 0;
    }
    return len;
}

/* Where the byte at `to` stands; *whole: all before it is UTF-8, else the first that is not. */
static struct config_place place_at(const char *text, size_t to, size_t n, bool *whole)
{
    struct config_place place = {1, 1};
    size_t len;

    *whole = true;
    for (size_t i = 0; i < to; i += len) {
        len = utf8_len((const unsigned char *)text + i, n - i);
        if (len == 0) {
            *whole = false;
            break;
        }
        if (text[i] == '\n') {
            place.line++;
            place.column = 1;
        } else {
            place.column++;
        }
    }
    return place;
}

/* libyaml would take UTF-16 too, and says only at which byte a sequence is broken. */
static enum rp_status check_bytes(const struct config_yaml *yaml)
{
    struct config_place place;
    bool whole;

    if (yaml->n > CONFIG_BYTES_MAX) {
        config_complain(yaml->config, (struct config_place){0, 0}, yaml->err,
                        "the file is larger than the 1 MiB that a configuration may have");
        return RP_FORMAT;
    }
    place = place_at(yaml->text, yaml->n, yaml->n, &whole);
    if (!whole) {
        config_complain(yaml->config, place, yaml->err,
                        "here stands what is not UTF-8; save the file as UTF-8");
        return RP_FORMAT;
    }
    return RP_OK;
}

static enum rp_status complain_of_syntax(const struct config_yaml *yaml)
{
    const yaml_parser_t *parser = &yaml->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "it cannot be read";

    if (parser->error == YAML_MEMORY_ERROR) {
        return RP_NO_MEMORY;
    }
    if (parser->error == YAML_READER_ERROR) {
        bool whole;

        config_complain(yaml->config, place_at(yaml->text, parser->problem_offset, yaml->n, &whole),
                        yaml->err, "this is no YAML: %s", problem);
    } else if (parser->context != NULL && parser->context_mark.line != parser->problem_mark.line) {
        config_complain(yaml->config, place_of(parser->problem_mark), yaml->err,
                        "this is no YAML: %s, %s that began in line %u", problem, parser->context,
                        (unsigned)parser->context_mark.line + 1);
    } else {
        config_complain(yaml->config, place_of(parser->problem_mark), yaml->err,
                        "this is no YAML: %s", problem);
    }
    return RP_FORMAT;
}

static enum rp_status refuse(const struct config_yaml *yaml, const char *sentence)
{
    config_complain(yaml->config, place_of(yaml->event.start_mark), yaml->err, "%s", sentence);
    return RP_FORMAT;
}

/* Control characters have no place in any value, and would travel to logs and terminals. */
static bool is_printable(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] < 0x20 || p[i] == 0x7f || (p[i] == 0xc2 && i + 1 < n && p[i + 1] < 0xa0)) {
            return false;
        }
    }
    return true;
}

static enum rp_status take_scalar(const struct config_yaml *yaml, struct config_item *out)
{
    const size_t n = yaml->event.data.scalar.length;

    out->kind = CONFIG_ITEM_SCALAR;
    out->text = (const char *)yaml->event.data.scalar.value;
    if (yaml->event.data.scalar.anchor != NULL) {
        return refuse(yaml, "anchors (&name) are not taken; write the value where it is needed");
    }
    if (yaml->event.data.scalar.tag != NULL) {
        return refuse(yaml, "tags (!name) are not taken; write the plain value");
    }
    if (n > CONFIG_SCALAR_MAX) {
        return refuse(yaml, "this value is longer than the 4096 bytes that one may have");
    }
    if (!is_printable((const unsigned char *)out->text, n)) {
        return refuse(yaml, "this value holds a control character or a line break; remove it");
    }
    return RP_OK;
}

static enum rp_status take_start(struct config_yaml *yaml, const yaml_char_t *anchor,
                                 const yaml_char_t *tag)
{
    if (anchor != NULL) {
        return refuse(yaml, "anchors (&name) are not taken; write the value where it is needed");
    }
    if (tag != NULL) {
        return refuse(yaml, "tags (!name) are not taken; write the plain value");
    }
    if (++yaml->depth > CONFIG_DEPTH_MAX) {
        return refuse(yaml, "this is nested deeper than any directive is");
    }
    return RP_OK;
}

/* RP_NOT_FOUND: the event is no item. */
static enum rp_status take(struct config_yaml *yaml, struct config_item *out)
{
    const yaml_event_t *event = &yaml->event;

    out->place = place_of(event->start_mark);
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return RP_NOT_FOUND;
    case YAML_DOCUMENT_START_EVENT:
        if (yaml->begun) {
            return refuse(yaml, "a second document begins here; a configuration is one");
        }
        yaml->begun = true;
        return RP_NOT_FOUND;
    case YAML_STREAM_END_EVENT:
        out->kind = CONFIG_ITEM_NOTHING;
        return RP_OK;
    case YAML_ALIAS_EVENT:
        return refuse(yaml, "aliases (*name) are not taken; write the value itself, or quote it");
    case YAML_SCALAR_EVENT:
        return take_scalar(yaml, out);
    case YAML_MAPPING_START_EVENT:
        out->kind = CONFIG_ITEM_MAP;
        return take_start(yaml, event->data.mapping_start.anchor, event->data.mapping_start.tag);
    case YAML_SEQUENCE_START_EVENT:
        out->kind = CONFIG_ITEM_LIST;
        return take_start(yaml, event->data.sequence_start.anchor, event->data.sequence_start.tag);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        out->kind = CONFIG_ITEM_END;
        yaml->depth--;
        return RP_OK;
    }
    return RP_FORMAT;
}

enum rp_status config_yaml_open(struct config_yaml *yaml, const struct config *config,
                                const char *text, size_t n, struct rp_error *err)
{
    enum rp_status status;

    memset(yaml, 0, sizeof *yaml);
    /* libyaml would count a byte order mark as a column, and so as an indentation. */
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        n -= 3;
    }
    yaml->config = config;
    yaml->text = text;
    yaml->n = n;
    yaml->err = err;
    status = check_bytes(yaml);
    if (status != RP_OK) {
        return status;
    }
    if (!yaml_parser_initialize(&yaml->parser)) {
        return RP_NO_MEMORY;
    }
    yaml_parser_set_input_string(&yaml->parser, (const unsigned char *)text, n);
    yaml_parser_set_encoding(&yaml->parser, YAML_UTF8_ENCODING);
    return RP_OK;
}

/* There may be a password in it. */
static void wipe_event(yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT) {
        memory_wipe(event->data.scalar.value, event->data.scalar.length);
    }
    yaml_event_delete(event);
}

/* What it has read and not handed out yet, too. */
void config_yaml_close(struct config_yaml *yaml)
{
    yaml_parser_t *const p = &yaml->parser;

    wipe_event(&yaml->event);
    if (p->raw_buffer.start != NULL) {
        memory_wipe(p->raw_buffer.start, (size_t)(p->raw_buffer.end - p->raw_buffer.start));
    }
    if (p->buffer.start != NULL) {
        memory_wipe(p->buffer.start, (size_t)(p->buffer.end - p->buffer.start));
    }
    yaml_parser_delete(p);
}

enum rp_status config_yaml_next(struct config_yaml *yaml, struct config_item *out)
{
    enum rp_status status;

    memset(out, 0, sizeof *out);
    do {
        wipe_event(&yaml->event);
        if (!yaml_parser_parse(&yaml->parser, &yaml->event)) {
            return complain_of_syntax(yaml);
        }
        status = take(yaml, out);
    } while (status == RP_NOT_FOUND);
    return status;
}
