/* Whatever is read as tickets, each lies within its own copy; and one that is written out again in
 * hexadecimal is read as the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text.h"
#include "ticket_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(const struct ticket_item *item)
{
    const size_t room = 2 * item->n_bytes + 1;
    char *digits = memory_new(room, 1);
    struct ticket_list list = {0};
    struct rp_error err;
    struct text t;

    if (digits == NULL) {
        abort();
    }
    t = text_of(digits, room);
    text_add_hex(&t, item->bytes, item->n_bytes);
    if (item->form != TICKET_FORM_DUMP && item->form != TICKET_FORM_PEM &&
        (ticket_input_read("again", (const uint8_t *)digits, t.len, &list, &err) != RP_OK ||
         list.n != 1 || list.items[0].n_bytes != item->n_bytes ||
         memcmp(list.items[0].bytes, item->bytes, item->n_bytes) != 0)) {
        abort();
    }
    ticket_list_fini(&list);
    memory_free(digits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ticket_list list = {0};
    struct rp_error err = {{0}};
    const enum rp_status status = ticket_input_read("input", data, size, &list, &err);

    if ((status != RP_OK && (status != RP_FORMAT || err.text[0] == '\0')) ||
        (status == RP_OK && list.n == 0)) {
        abort();
    }
    for (size_t i = 0; i < list.n; i++) {
        const struct ticket_item *item = &list.items[i];

        if (item->ticket.n != 0 &&
            (item->ticket.p < item->bytes ||
             item->ticket.p + item->ticket.n > item->bytes + item->n_bytes)) {
            abort();
        }
        if (i < 4) {
            read_again(item);
        }
    }
    ticket_list_fini(&list);
    return 0;
}
