#include "feed_table.h"

#include <string.h>

#include "shared_words.h"

#define READ_ATTEMPTS 100

void feed_table_write(struct feed_table *table, const struct feed_list *list)
{
    const uint64_t odd = atomic_load_explicit(&table->sequence, memory_order_relaxed) | 1;

    atomic_store_explicit(&table->sequence, odd, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&table->n, list->n, memory_order_relaxed);
    for (size_t i = 0; i < list->n; i++) {
        shared_words_put(table->rows[i], &list->rows[i], FEED_TABLE_ROW_WORDS);
    }
    atomic_store_explicit(&table->sequence, odd + 1, memory_order_release);
}

/* first: the least character of it. */
static bool is_text(const char *s, size_t size, char first)
{
    size_t n = 0;

    while (n < size && s[n] >= first && s[n] <= '~') {
        n++;
    }
    return n < size && s[n] == '\0';
}

static bool is_possible(const struct feed_row *row)
{
    return is_text(row->name, sizeof row->name, '!') && row->name[0] != '\0' &&
           is_text(row->server, sizeof row->server, '!') && row->server[0] != '\0' &&
           is_text(row->why, sizeof row->why, ' ') && row->state <= FEED_TABLE_BEHIND &&
           row->accept_ms >= 0 && row->wanted_ms >= 0 && strpbrk(row->name, "\"\\") == NULL &&
           strpbrk(row->server, "\"\\") == NULL;
}

static bool read_once(const struct feed_table *table, struct feed_list *out)
{
    const uint64_t before = atomic_load_explicit(&table->sequence, memory_order_acquire);

    out->n = atomic_load_explicit(&table->n, memory_order_relaxed);
    if ((before & 1) != 0 || out->n > FEED_TABLE_MAX) {
        return false;
    }
    for (size_t i = 0; i < out->n; i++) {
        shared_words_get(table->rows[i], &out->rows[i], FEED_TABLE_ROW_WORDS);
    }
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&table->sequence, memory_order_relaxed) == before;
}

bool feed_table_read(const struct feed_table *table, struct feed_list *out)
{
    struct feed_list found;
    bool whole = false;

    for (unsigned i = 0; i < READ_ATTEMPTS && !whole; i++) {
        whole = read_once(table, &found);
    }
    if (!whole) {
        return false;
    }
    out->n = 0;
    for (size_t i = 0; i < found.n; i++) {
        if (is_possible(&found.rows[i])) {
            out->rows[out->n++] = found.rows[i];
        }
    }
    return true;
}

void feed_table_text(char *out, size_t size, const char *text)
{
    size_t n = 0;

    while (n + 1 < size && text[n] != '\0') {
        out[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
        n++;
    }
    memset(out + n, 0, size - n);
}
