/* Deciding what to answer with an object, and writing it down. Nothing is formatted here that could
 * have been before: the object brings its own fields, the service those that are always the same.
 */
#include "edge/serve/reply.h"

#include "edge/base/must.h"
#include "edge/http/head.h"
#include "edge/http/precond.h"
#include "edge/http/status.h"
#include "edge/serve/body.h"
#include "edge/store/disk.h"

#include <stdio.h>
#include <string.h>

enum {
    BOUNDARY_MAX = 40,
    PART_HEAD = 256,
    COPIED = 60 * 1024, /* bytes of a file that go with their head, from the copy in memory */
};

/* ---- deciding ---- */

static void not_satisfiable(struct exchange *x)
{
    struct head h;
    enum { ROOM = 64 };
    uint64_t size = x->reply.object->size;
    char *line = arena_alloc(&x->arena, ROOM);
    if (line) {
        head_init(&h, line, ROOM);
        head_content_range_none(&h, size);
    }
    (void)exchange_fail_status(x, 416, STR("no byte of the range lies in the object"),
                               line ? head_bytes(&h) : STR(""));
}

/* RFC 9110 14.2: only GET has ranges, and a server may ignore them. It does where there are two
 * fields: Range is no list (5.3), others on the way may take the first or the last, and the whole
 * is never wrong. */
static void decide_range(struct exchange *x)
{
    struct str value;
    struct range_set set;
    const struct h1_request *r = x->request;
    if (r->method != METHOD_GET || r->ranges || !h1_field(r, FIELD_RANGE, &value))
        return;
    if (range_is_whole(value) && x->reply.object->size) {
        x->reply.status = 206;
        return;
    }
    enum err e = range_resolve(value, x->reply.object->size, &set);
    if (e == ERR_RANGE)
        not_satisfiable(x);
    if (e)
        return;
    x->reply.ranges = arena_alloc(&x->arena, sizeof set);
    if (!x->reply.ranges)
        return; /* the whole is a right answer too */
    *x->reply.ranges = set;
    x->reply.status = 206;
}

/* Most requests have no condition, and many a range only: one look tells. */
static const uint64_t RANGE_ONLY = UINT64_C(1) << FIELD_RANGE;

static uint64_t conditions(const struct h1_request *r)
{
    const uint64_t any = RANGE_ONLY | UINT64_C(1) << FIELD_IF_RANGE |
                         UINT64_C(1) << FIELD_IF_MATCH | UINT64_C(1) << FIELD_IF_NONE_MATCH |
                         UINT64_C(1) << FIELD_IF_MODIFIED_SINCE |
                         UINT64_C(1) << FIELD_IF_UNMODIFIED_SINCE;
    return r->seen & any;
}

bool reply_is_whole(const struct exchange *x)
{
    return x->request->method == METHOD_GET && !conditions(x->request);
}

void reply_decide(struct exchange *x)
{
    const struct object *o = x->reply.object;
    uint64_t asked = conditions(x->request);
    if (!asked)
        return;
    if (x->reply.status != 200 || !o->etag[0])
        return;
    if (asked == RANGE_ONLY) {
        decide_range(x);
        return;
    }
    int64_t modified = o->modified ? o->modified : PRECOND_NO_DATE;
    switch (
        precond_decide(x->request, object_etag(o), modified, service_second(x->service), true)) {
    case PRECOND_PROCEED:
        decide_range(x);
        break;
    case PRECOND_NOT_MODIFIED:
        x->reply.status = 304;
        x->reply.head_only = true;
        break;
    case PRECOND_FAILED:
        (void)exchange_fail(x, ERR_PRECONDITION, STR(""));
        break;
    case PRECOND_IGNORE_RANGE:
        break;
    }
}

/* ---- spans ---- */

static void add_span(struct body *b, struct span s)
{
    if (s.length == 0)
        return;
    b->spans[b->count++] = s;
    b->left += s.length;
}

/* Short pieces of a file cost less from the copy in memory, long ones, whose head goes ahead, from
 * the file itself, which the kernel need not copy. Where the file would have to be read first, the
 * copy is at hand. */
static bool is_better_from_file(const struct exchange *x, uint64_t from, uint64_t n)
{
    const struct object *source = x->reply.source;
    uint64_t now = loop_now(x->service->loop);
    return x->reply.object->key.kind == OBJECT_BODY && n > COPIED && source &&
           !source_is_at_risk(source, now) && source_is_warm(source->source, from, COPIED, now);
}

/* The bytes [from, to) of the object: at most 1 + span_count spans. */
static void add_range(struct exchange *x, uint64_t from, uint64_t to)
{
    struct body *b = &x->body;
    const struct object *o = x->reply.object;
    uint64_t at = 0; /* of the part's first byte in the object */
    if (is_better_from_file(x, from, to - from)) {
        add_span(b, (struct span){NULL, from, to - from, false});
        return;
    }
    if (o->shelf) {
        add_span(b, (struct span){NULL, o->shelf_at + from, to - from, true});
        return;
    }
    if (from < o->body_len) {
        uint64_t end = to < o->body_len ? to : o->body_len;
        add_span(b, (struct span){o->body + from, 0, end - from, false});
    }
    at = o->body_len;
    for (uint32_t i = 0; i < o->span_count; i++) {
        const struct index_span *s = &o->spans[i];
        uint64_t first = from > at ? from : at;
        uint64_t last = to < at + s->length ? to : at + s->length;
        if (first < last)
            add_span(b, (struct span){NULL, s->offset + (first - at), last - first, false});
        at += s->length;
    }
}

static bool room_for_spans(struct exchange *x, size_t parts)
{
    const struct object *o = x->reply.object;
    size_t need = 3 + parts * (2 + (o ? o->span_count : 0));
    x->body.spans = x->few;
    if (need > EXCHANGE_SPANS)
        x->body.spans = arena_alloc(&x->arena, need * sizeof(struct span));
    return x->body.spans != NULL;
}

/* ---- multipart/byteranges (RFC 9110 14.6) ---- */

static void write_boundary(const struct exchange *x, char out[BOUNDARY_MAX])
{
    snprintf(out, BOUNDARY_MAX, "segue-%016llx",
             (unsigned long long)hash_table(object_etag(x->reply.object)));
}

/* The line of the field that `line` is of; p is NULL where there is none. */
static struct str line_of(struct str lines, struct str line)
{
    struct str name = str_slice(line, 0, str_find(line, ':') + 1);
    while (lines.n) {
        struct str one = str_cut(&lines, '\n');
        if (str_starts(one, name))
            return one;
    }
    return (struct str){NULL, 0};
}

static struct str type_of(const struct exchange *x)
{
    struct str prefix = STR("Content-Type:");
    struct str line = line_of(x->override, prefix);
    if (!line.p)
        line = line_of(x->reply.object->fields, prefix);
    return line.p ? str_trim(str_slice(line, prefix.n, line.n - 1))
                  : STR("application/octet-stream");
}

static struct str part_head(struct exchange *x, const char *boundary, const struct range *r)
{
    struct head h;
    struct str type = type_of(x);
    size_t room = PART_HEAD + type.n;
    char *at = arena_alloc(&x->arena, room);
    if (!at)
        return (struct str){NULL, 0};
    head_init(&h, at, room);
    head_lit(&h, STR("\r\n--"));
    head_lit(&h, str_of(boundary));
    head_lit(&h, STR("\r\n"));
    head_field(&h, STR("Content-Type"), type);
    head_content_range(&h, r->from, r->to, x->reply.object->size);
    return head_end(&h);
}

static struct str closing_line(struct exchange *x, const char *boundary)
{
    char *at = arena_alloc(&x->arena, BOUNDARY_MAX + 8);
    int n = at ? snprintf(at, BOUNDARY_MAX + 8, "\r\n--%s--\r\n", boundary) : 0;
    return (struct str){at, (size_t)n};
}

static enum err lay_out_parts(struct exchange *x)
{
    char boundary[BOUNDARY_MAX];
    const struct range_set *set = x->reply.ranges;
    write_boundary(x, boundary);
    for (unsigned i = 0; i < set->count; i++) {
        struct str head = part_head(x, boundary, &set->list[i]);
        if (!head.n)
            return ERR_NOMEM;
        add_span(&x->body, (struct span){(const unsigned char *)head.p, 0, head.n, false});
        add_range(x, set->list[i].from, set->list[i].to);
    }
    struct str end = closing_line(x, boundary);
    add_span(&x->body, (struct span){(const unsigned char *)end.p, 0, end.n, false});
    return end.n ? ERR_NONE : ERR_NOMEM;
}

/* A file that somebody may be writing to is looked at when all but the last bytes have gone: what
 * was sent before was right if it is still whole then, and else the answer is cut short, so that no
 * body is of two files. Those bytes are a span of their own: see body.c. */
static void guard_tail(struct exchange *x)
{
    struct body *b = &x->body;
    const struct object *source = x->reply.source;
    unsigned last = b->count - 1;
    if (!source || !source_is_at_risk(source, loop_now(x->service->loop)))
        return;
    while (last && (b->spans[last].memory || b->spans[last].shelved))
        last--;
    struct span *s = &b->spans[last];
    if (last == 0)
        return;
    uint64_t tail = s->length < BODY_TAIL ? s->length : BODY_TAIL;
    struct span rest = {NULL, s->offset + s->length - tail, tail, false};
    if (tail == s->length) {
        b->guard = last;
        return;
    }
    s->length -= tail;
    memmove(s + 2, s + 1, (b->count - last - 1) * sizeof *s);
    s[1] = rest;
    b->guard = last + 1;
    b->count++;
}

/* The first span is kept free for the head, whose length depends on the others. */
static enum err lay_out(struct exchange *x)
{
    struct reply *r = &x->reply;
    size_t parts = r->ranges ? r->ranges->count : 1;
    if (!room_for_spans(x, parts))
        return ERR_NOMEM;
    x->body.count = 1;
    if (!r->object || r->status == 304)
        return ERR_NONE;
    if (parts > 1)
        TRY(lay_out_parts(x));
    else if (r->ranges)
        add_range(x, r->ranges->list[0].from, r->ranges->list[0].to);
    else
        add_range(x, 0, r->object->size);
    guard_tail(x);
    return ERR_NONE;
}

/* ---- the head ---- */

static void put_connection(struct head *h, const struct exchange *x)
{
    if (!x->keep_alive)
        head_lit(h, STR("Connection: close\r\n"));
    else if (x->minor == 0)
        head_lit(h, STR("Connection: keep-alive\r\n"));
}

static void put_multipart(struct head *h, const struct exchange *x)
{
    char boundary[BOUNDARY_MAX];
    write_boundary(x, boundary);
    head_lit(h, STR("Content-Type: multipart/byteranges; boundary="));
    head_lit(h, str_of(boundary));
    head_lit(h, STR("\r\nAccept-Ranges: bytes\r\n"));
}

/* RFC 9110 15.4.5: what a 304 carries. That of several ranges has a type of its own. */
static bool is_wanted(const struct reply *r, struct str line)
{
    if (r->status == 304)
        return str_starts(line, STR("Cache-Control:")) || str_starts(line, STR("Expires:"));
    return !(r->ranges && r->ranges->count > 1 && str_starts(line, STR("Content-Type:")));
}

/* The object's own lines, and in their place those that were asked for. */
static __attribute__((noinline, cold)) void put_overridden(struct head *h, const struct exchange *x,
                                                           struct str own)
{
    struct str lines = x->override;
    while (own.n) {
        struct str line = str_cut(&own, '\n');
        if (!line_of(x->override, line).p)
            head_lit(h, (struct str){line.p, line.n + 1});
    }
    while (lines.n) {
        struct str line = str_cut(&lines, '\n');
        if (is_wanted(&x->reply, line))
            head_lit(h, (struct str){line.p, line.n + 1});
    }
}

/* The first n bytes of what the object says of itself. */
static void put_own(struct head *h, const struct exchange *x, size_t n)
{
    int status = x->reply.status;
    struct str own = {x->reply.object->fields.p, n};
    if (x->override.n && (status == 200 || status == 206 || status == 304))
        put_overridden(h, x, own);
    else
        head_lit(h, own);
}

static void put_ranges(struct head *h, const struct exchange *x)
{
    const struct range_set *set = x->reply.ranges;
    const struct object *o = x->reply.object;
    bool one = set->count == 1;
    head_field_u64(h, STR("Content-Length: "), x->reply.length);
    if (one)
        head_content_range(h, set->list[0].from, set->list[0].to, o->size);
    put_own(h, x, one ? o->fields_part : o->fields_304);
    if (!one)
        put_multipart(h, x);
}

/* How many of the object's own fields go with it when all of it does. */
static size_t fields_of_whole(int status, const struct object *o)
{
    if (status == 304)
        return o->fields_304;
    return status == 206 ? o->fields.n : o->fields_200;
}

static void put_content(struct head *h, const struct exchange *x)
{
    const struct reply *r = &x->reply;
    const struct object *o = r->object;
    if (r->ranges)
        put_ranges(h, x);
    else if (o)
        put_own(h, x, fields_of_whole(r->status, o));
    else if (r->status != 204)
        head_field_u64(h, STR("Content-Length: "), 0);
}

/* Fetch 3.2: of several origins the one that asks is named, and caches are told. */
static __attribute__((noinline)) void put_origin(struct head *h, const struct exchange *x)
{
    const struct service_opts *o = x->service->opts;
    struct str origin;
    head_lit(h, STR("Vary: Origin\r\n"));
    if (!h1_field(x->request, FIELD_ORIGIN, &origin))
        return;
    for (size_t i = 0; i < o->origin_count; i++)
        if (str_eq(origin, o->origins[i])) {
            head_field(h, STR("Access-Control-Allow-Origin"), origin);
            head_lit(h, STR("Access-Control-Allow-Credentials: true\r\n"));
        }
}

static struct str write_head(struct exchange *x)
{
    struct service *s = x->service;
    struct head h;
    head_init(&h, s->head, sizeof s->head);
    head_status(&h, x->reply.status);
    head_lit(&h, service_date(s));
    put_connection(&h, x);
    put_content(&h, x);
    head_lit(&h, x->reply.extra);
    head_lit(&h, x->reply.cache);
    if (s->opts->origins)
        put_origin(&h, x);
    head_lit(&h, s->opts->common);
    return head_end(&h);
}

enum err reply_write(struct exchange *x)
{
    struct body *b = &x->body;
    TRY(lay_out(x));
    x->reply.length = b->left;
    struct str head = write_head(x);
    if (!head.n)
        return ERR_TOO_BIG;
    if (x->reply.head_only) {
        b->count = 1;
        b->left = 0;
    }
    b->spans[0] = (struct span){(const unsigned char *)head.p, 0, head.n, false};
    b->left += head.n;
    x->head_bytes = head.n;
    return ERR_NONE;
}
