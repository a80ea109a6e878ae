/* A Range field. The input's first line is the object's size in decimal, the rest is the field. */
#include "edge/base/must.h"
#include "edge/base/scan.h"
#include "edge/http/range.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_set(const struct range_set *set, uint64_t size)
{
    uint64_t sum = 0;
    must(set->count >= 1 && set->count <= RANGE_MAX);
    for (unsigned i = 0; i < set->count; i++) {
        struct range a = set->list[i];
        must(a.from < a.to && a.to <= size);
        sum += a.to - a.from;
        must(sum <= size);
        for (unsigned j = 0; j < i; j++)
            must(a.to < set->list[j].from || set->list[j].to < a.from);
    }
}

/* RFC 9110 5.6.1.2: an empty element changes nothing. */
static void check_empty_element(struct str value, uint64_t size, enum err want,
                                const struct range_set *set)
{
    struct range_set again;
    char *longer = malloc(value.n + 2);
    if (!longer)
        return;
    memcpy(longer, value.p, value.n);
    memcpy(longer + value.n, " ,", 2);
    must(range_resolve((struct str){longer, value.n + 2}, size, &again) == want);
    if (want == ERR_NONE)
        must(again.count == set->count &&
             memcmp(again.list, set->list, set->count * sizeof set->list[0]) == 0);
    free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str value = {(const char *)data, size};
    struct str first = str_cut(&value, '\n');
    uint64_t object = 0;
    struct range_set set;
    if (!scan_u64(&first, &object))
        return 0;
    enum err e = range_resolve(value, object, &set);
    must(e == ERR_NONE || e == ERR_IGNORE || e == ERR_RANGE);
    if (e == ERR_NONE)
        check_set(&set, object);
    if (str_starts(value, STR("bytes=")))
        check_empty_element(value, object, e, &set);
    else if (!scan_icase(&value, STR("bytes=")))
        must(e == ERR_IGNORE);
    return 0;
}
