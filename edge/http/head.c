/* Lines of a reply head: see head.h. */
#include "edge/http/head.h"

#include "edge/base/must.h"
#include "edge/http/octet.h"
#include "edge/http/status.h"

void head_init(struct head *h, char *memory, size_t room)
{
    *h = (struct head){.start = memory, .at = memory, .end = memory + room};
}

void head_status(struct head *h, int status) { head_lit(h, status_line(status)); }

void head_field(struct head *h, struct str name, struct str value)
{
    const char *end = value.p + value.n;
    if (value.n && octet_value_end(value.p, end) != end)
        h->failed = true;
    head_lit(h, name);
    head_lit(h, STR(": "));
    head_lit(h, value);
    head_lit(h, STR("\r\n"));
}

static void add_u64(struct head *h, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    head_lit(h, (struct str){digits + at, sizeof digits - at});
}

void head_field_u64(struct head *h, struct str prefix, uint64_t value)
{
    head_lit(h, prefix);
    add_u64(h, value);
    head_lit(h, STR("\r\n"));
}

void head_content_range(struct head *h, uint64_t from, uint64_t to, uint64_t size)
{
    must(from < to && to <= size);
    head_lit(h, STR("Content-Range: bytes "));
    add_u64(h, from);
    head_lit(h, STR("-"));
    add_u64(h, to - 1); /* the wire has the last byte, not the one after it */
    head_lit(h, STR("/"));
    add_u64(h, size);
    head_lit(h, STR("\r\n"));
}

void head_content_range_none(struct head *h, uint64_t size)
{
    head_field_u64(h, STR("Content-Range: bytes */"), size);
}

struct str head_bytes(const struct head *h)
{
    if (h->failed)
        return (struct str){NULL, 0};
    return (struct str){h->start, (size_t)(h->at - h->start)};
}

struct str head_end(struct head *h)
{
    head_lit(h, STR("\r\n"));
    return head_bytes(h);
}
