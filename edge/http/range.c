/* A Range field against an object. The set is read to its end whatever comes of it, so that
 * a malformed one is 416 wherever in it the fault is; ranges are joined as they come, so a field of
 * many overlapping ones needs no more memory than one of a few. */
#include "edge/http/range.h"

#include "edge/base/scan.h"

#include <string.h>

/* What is gathered while the set is read. */
struct gather {
    uint64_t size;  /* of the object */
    uint64_t asked; /* bytes asked for before joining; stops at UINT64_MAX */
    unsigned count;
    bool too_many;    /* more than RANGE_WORK stood apart */
    bool empty_whole; /* the start or end of an empty object was asked for */
    struct range list[RANGE_WORK];
};

/* 1*DIGIT; what is over UINT64_MAX becomes that: it lies behind every object all the same. */
static bool scan_position(struct str *s, uint64_t *out)
{
    size_t n = 0;
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    struct str digits = str_slice(*s, 0, n);
    *s = str_from(*s, n);
    if (n > 0 && !scan_u64(&digits, out))
        *out = UINT64_MAX;
    return n > 0;
}

static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* Adds r, taking in every range that it overlaps or touches (RFC 9110 15.3.7.2). No two of those
 * that are there touch, so what r grows to touches no other. */
static void join(struct gather *g, struct range r)
{
    unsigned kept = 0, place = g->count;
    for (unsigned i = 0; i < g->count; i++) {
        struct range one = g->list[i];
        if (r.from > one.to || one.from > r.to) {
            g->list[kept++] = one;
            continue;
        }
        r = (struct range){smaller(r.from, one.from), larger(r.to, one.to)};
        if (place == g->count)
            place = kept++;
    }
    if (place == g->count)
        place = kept++;
    if (place == RANGE_WORK) {
        g->too_many = true;
        return;
    }
    g->list[place] = r;
    g->count = kept;
}

static void add(struct gather *g, uint64_t from, uint64_t to)
{
    if (g->size == 0 && from == 0)
        g->empty_whole = true;
    if (from >= g->size) /* RFC 9110 14.1.2: not satisfiable */
        return;
    struct range r = {from, smaller(to, g->size)};
    if (__builtin_add_overflow(g->asked, r.to - r.from, &g->asked))
        g->asked = UINT64_MAX;
    join(g, r);
}

/* "-500": the last bytes, all of them when there are fewer (RFC 9110 14.1.2). */
static bool suffix_range(struct gather *g, struct str s)
{
    uint64_t length = 0;
    if (!scan_position(&s, &length) || s.n)
        return false;
    if (length > 0)
        add(g, g->size - smaller(length, g->size), g->size);
    return true;
}

static bool one_range(struct gather *g, struct str s)
{
    uint64_t first = 0, last = UINT64_MAX;
    if (scan_char(&s, '-'))
        return suffix_range(g, s);
    if (!scan_position(&s, &first) || !scan_char(&s, '-'))
        return false;
    if (s.n && (!scan_position(&s, &last) || s.n || last < first))
        return false; /* RFC 9110 14.1.1: a reversed one makes the set invalid */
    add(g, first, last == UINT64_MAX ? last : last + 1);
    return true;
}

/* RFC 9110 5.6.1.2: empty elements of a list are passed over. One of nothing else asks for nothing,
 * and ends as a set of which nothing lies in the object. */
static bool range_list(struct gather *g, struct str set)
{
    while (set.n) {
        struct str one = str_trim(str_cut(&set, ','));
        if (one.n && !one_range(g, one))
            return false;
    }
    return true;
}

enum err range_resolve(struct str value, uint64_t size, struct range_set *out)
{
    struct gather g;
    g.size = size;
    g.asked = 0;
    g.count = 0;
    g.too_many = g.empty_whole = false;
    if (!scan_icase(&value, STR("bytes="))) /* RFC 9110 14.2: other units are ignored */
        return ERR_IGNORE;
    if (!range_list(&g, value))
        return ERR_RANGE;
    if (g.empty_whole || g.too_many || g.count > RANGE_MAX || g.asked > size)
        return ERR_IGNORE;
    if (g.count == 0)
        return ERR_RANGE;
    out->count = g.count;
    memcpy(out->list, g.list, g.count * sizeof g.list[0]);
    return ERR_NONE;
}
