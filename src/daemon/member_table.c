#include "member_table.h"

#include <string.h>

#include "shared_words.h"

#define READ_ATTEMPTS 100

void member_table_write(struct member_table *table, const struct member_list *list)
{
    const uint64_t odd = atomic_load_explicit(&table->sequence, memory_order_relaxed) | 1;
    const uint64_t head[MEMBER_TABLE_HEAD_WORDS] = {
        list->total, (uint64_t)list->pace_ms, (uint64_t)list->foreign_ms, list->marks, list->n,
    };

    atomic_store_explicit(&table->sequence, odd, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    shared_words_put(table->head, head, MEMBER_TABLE_HEAD_WORDS);
    for (size_t i = 0; i < list->n; i++) {
        shared_words_put(table->rows[i], &list->rows[i], MEMBER_TABLE_ROW_WORDS);
    }
    atomic_store_explicit(&table->sequence, odd + 1, memory_order_release);
}

static bool is_text(const char s[static MEMBER_TABLE_TEXT_SIZE], bool may_be_empty)
{
    size_t n = 0;

    while (n < MEMBER_TABLE_TEXT_SIZE && s[n] > ' ' && s[n] <= '~') {
        n++;
    }
    return n < MEMBER_TABLE_TEXT_SIZE && s[n] == '\0' && (may_be_empty || n != 0);
}

static bool is_possible(const struct member_row *row)
{
    return row->rotate_ms > 0 && row->accept_ms >= 0 && row->reseed_ms >= 0 &&
           is_text(row->name, false) && is_text(row->address, true) && is_text(row->version, false);
}

static bool read_once(const struct member_table *table, struct member_list *out)
{
    const uint64_t before = atomic_load_explicit(&table->sequence, memory_order_acquire);
    uint64_t head[MEMBER_TABLE_HEAD_WORDS];

    shared_words_get(table->head, head, MEMBER_TABLE_HEAD_WORDS);
    if ((before & 1) != 0 || head[4] > MEMBER_TABLE_MAX) {
        return false;
    }
    out->total = head[0];
    out->pace_ms = (int64_t)head[1];
    out->foreign_ms = (int64_t)head[2];
    out->marks = head[3];
    out->n = head[4];
    for (size_t i = 0; i < out->n; i++) {
        shared_words_get(table->rows[i], &out->rows[i], MEMBER_TABLE_ROW_WORDS);
    }
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&table->sequence, memory_order_relaxed) == before;
}

bool member_table_read(const struct member_table *table, struct member_list *out)
{
    struct member_list found;
    bool whole = false;

    for (unsigned i = 0; i < READ_ATTEMPTS && !whole; i++) {
        whole = read_once(table, &found);
    }
    if (!whole) {
        return false;
    }
    out->total = found.total;
    out->pace_ms = found.pace_ms;
    out->foreign_ms = found.foreign_ms;
    out->marks = found.marks;
    out->n = 0;
    for (size_t i = 0; i < found.n; i++) {
        if (is_possible(&found.rows[i])) {
            out->rows[out->n++] = found.rows[i];
        }
    }
    return true;
}
