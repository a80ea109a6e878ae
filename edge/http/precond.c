/* The five conditions, each in its own function, and the order they are asked in. */
#include "edge/http/precond.h"

#include "edge/base/scan.h"
#include "edge/http/date.h"
#include "edge/http/octet.h"

/* What is asked, about what. */
struct question {
    const struct h1_request *r;
    struct str etag; /* with its quotes; empty: there is none */
    int64_t modified;
    int64_t now;
};

/* One entity tag from the front of s (RFC 9110 8.8.3). *opaque has its quotes. */
static bool scan_etag(struct str *s, struct str *opaque, bool *weak)
{
    struct str in = *s;
    size_t n = 1;
    *weak = scan_lit(&in, STR("W/"));
    if (in.n == 0 || in.p[0] != '"')
        return false;
    while (n < in.n && octet_is(in.p[n], OCTET_ETAG))
        n++;
    if (n == in.n || in.p[n] != '"')
        return false;
    *opaque = str_slice(in, 0, n + 1);
    *s = str_from(in, n + 1);
    return true;
}

/* RFC 9110 8.8.3.2. The strong comparison wants both strong. */
static bool same_tag(struct str ours, struct str opaque, bool weak, bool strong)
{
    bool ours_weak = scan_lit(&ours, STR("W/"));
    return str_eq(ours, opaque) && !(strong && (weak || ours_weak));
}

/* Is our tag in one field line? A list ends where it is malformed. */
static bool line_has_tag(struct str line, struct str etag, bool strong)
{
    struct str opaque;
    bool weak;
    if (etag.n && etag.p[0] == '"' && str_eq(line, etag)) /* nearly every time: our own, alone */
        return true;
    for (;;) {
        while (scan_blank(&line) > 0 || scan_char(&line, ','))
            ; /* RFC 9110 5.6.1.2: empty elements of a list are passed over */
        if (!scan_etag(&line, &opaque, &weak))
            return false;
        scan_blank(&line);
        if (line.n && line.p[0] != ',')
            return false;
        if (same_tag(etag, opaque, weak, strong))
            return true;
    }
}

/* "*" means any object at all, and the one asked about exists. */
static bool list_has_tag(const struct question *q, enum field f, bool strong)
{
    struct str line;
    size_t cursor = 0;
    while (h1_field_next(q->r, f, &cursor, &line))
        if (str_eq(line, STR("*")) || line_has_tag(line, q->etag, strong))
            return true;
    return false;
}

static bool has(const struct question *q, enum field f)
{
    struct str ignored;
    return h1_field(q->r, f, &ignored);
}

/* The date in a field; false when there is none, it is malformed or it came twice, or when our
 * object has no date to compare: the field is then as if absent (RFC 9110 13.1.3 and 13.1.4). */
static bool date_of(const struct question *q, enum field f, int64_t *date)
{
    struct str value, second;
    size_t cursor = 0;
    return q->modified != PRECOND_NO_DATE && h1_field_next(q->r, f, &cursor, &value) &&
           !h1_field_next(q->r, f, &cursor, &second) && date_parse(value, q->now, date) == ERR_NONE;
}

/* RFC 9110 13.1.1 and 13.1.4; steps 1 and 2 of 13.2.2 */
static bool unchanged(const struct question *q)
{
    int64_t date;
    if (has(q, FIELD_IF_MATCH))
        return list_has_tag(q, FIELD_IF_MATCH, true);
    return !date_of(q, FIELD_IF_UNMODIFIED_SINCE, &date) || q->modified <= date;
}

/* RFC 9110 13.1.2 and 13.1.3; steps 3 and 4 of 13.2.2. Does the client have it already? */
static bool known(const struct question *q, bool safe_method)
{
    int64_t date;
    if (has(q, FIELD_IF_NONE_MATCH))
        return list_has_tag(q, FIELD_IF_NONE_MATCH, false);
    return safe_method && date_of(q, FIELD_IF_MODIFIED_SINCE, &date) && q->modified <= date;
}

/* RFC 9110 13.1.5; step 5 of 13.2.2. Without a Range there is nothing that it could guard. The date
 * has to be the very one that we send as Last-Modified. */
static bool range_stands(const struct question *q)
{
    struct str value, opaque;
    int64_t date;
    bool weak;
    if (!has(q, FIELD_RANGE) || !h1_field(q->r, FIELD_IF_RANGE, &value))
        return true;
    if (scan_etag(&value, &opaque, &weak))
        return value.n == 0 && same_tag(q->etag, opaque, weak, true);
    return date_of(q, FIELD_IF_RANGE, &date) && date == q->modified;
}

enum precond precond_decide(const struct h1_request *r, struct str etag, int64_t modified,
                            int64_t now, bool safe_method)
{
    const uint64_t conditions =
        UINT64_C(1) << FIELD_IF_MATCH | UINT64_C(1) << FIELD_IF_UNMODIFIED_SINCE |
        UINT64_C(1) << FIELD_IF_NONE_MATCH | UINT64_C(1) << FIELD_IF_MODIFIED_SINCE |
        UINT64_C(1) << FIELD_IF_RANGE;
    const struct question q = {r, etag, modified, now};
    if (!(r->seen & conditions))
        return PRECOND_PROCEED;
    if (!unchanged(&q))
        return PRECOND_FAILED;
    if (known(&q, safe_method))
        return safe_method ? PRECOND_NOT_MODIFIED : PRECOND_FAILED;
    return range_stands(&q) ? PRECOND_PROCEED : PRECOND_IGNORE_RANGE;
}
