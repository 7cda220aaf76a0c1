#include "redis_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct place *redis_place_new(void)
{
    struct place *const p = calloc(1, sizeof *p);

    assert_non_null(p);
    store_kit_folder(p->path);
    return p;
}

void redis_place_free(struct place *p)
{
    store_kit_finish(&p->a);
    store_kit_finish(&p->b);
    redis_kit_stop(&p->server);
    store_kit_remove(p->path);
    free(p);
}
