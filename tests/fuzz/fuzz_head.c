/* The request head, whole and in pieces: what is taken lies within what was given, and comes out
 * the same however the bytes arrive. What was parsed then goes through all that the server does
 * with it. */
#include "edge/base/must.h"
#include "edge/http/precond.h"
#include "edge/http/range.h"
#include "edge/http/uri.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small, so that inputs of a fuzzer's size reach them. */
static const struct h1_limits LIMITS = {.max_head = 4096, .max_line = 512};

static void check_inside(struct str s, struct str whole)
{
    must(s.n == 0 || (s.p >= whole.p && s.n <= whole.n && s.p + s.n <= whole.p + whole.n));
}

static void check_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        must(((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f) || s.p[i] == '\t');
    must(s.n == 0 || (s.p[0] != ' ' && s.p[0] != '\t'));
    must(s.n == 0 || (s.p[s.n - 1] != ' ' && s.p[s.n - 1] != '\t'));
}

/* Both ways to ask for a field find the same lines. */
static void check_fields(const struct h1_request *r)
{
    uint64_t seen = 0;
    must(r->kept_count <= H1_FIELDS_MAX);
    for (unsigned i = 0; i < r->kept_count; i++) {
        must(r->kept[i].id < FIELD_REQUEST_COUNT);
        check_inside(r->kept[i].value, r->head);
        check_value(r->kept[i].value);
        seen |= UINT64_C(1) << r->kept[i].id;
    }
    must(seen == r->seen);
    for (unsigned f = 0; f < FIELD_REQUEST_COUNT; f++) {
        struct str kept, other, name = str_of(field_name((enum field)f));
        size_t a = 0, b = 0;
        while (h1_field_next(r, (enum field)f, &a, &kept))
            must(h1_other(r, name, &b, &other) && kept.p == other.p && kept.n == other.n);
        must(!h1_other(r, name, &b, &other));
    }
}

static void check_request(const struct h1_request *r, struct str bytes)
{
    must(r->why == NULL && r->minor <= 1);
    check_inside(r->head, bytes);
    must(r->head.p == bytes.p && str_ends(r->head, STR("\r\n\r\n")));
    must(r->head.n <= LIMITS.max_head);
    check_inside(r->method_text, r->head);
    check_inside(r->target, r->head);
    check_inside(r->authority, r->head);
    check_inside(r->query, r->head);
    must(r->path.n == 0 || r->path.p[0] == '/' || str_eq(r->path, STR("*")));
    must(r->path.n > 0 || str_eq(r->method_text, STR("CONNECT")));
    must(r->minor == 0 || r->seen & UINT64_C(1) << FIELD_HOST);
    must(memchr(r->head.p, '\0', r->head.n) == NULL);
    check_fields(r);
}

static void use(const struct h1_request *r)
{
    char out[1024];
    struct str path, value;
    struct range_set set;
    enum err ignored = uri_decode_path(r->path, out, sizeof out, &path);
    if (h1_field(r, FIELD_RANGE, &value))
        ignored = range_resolve(value, 1000, &set);
    (void)ignored;
    precond_decide(r, STR("\"tag\""), 784111777, 1700000000, r->method <= METHOD_HEAD);
}

/* Byte by byte: AGAIN up to the head's last byte, then what the whole gave. A refusal may come
 * earlier and for another reason, but not for a head that is well. */
static void check_pieces(struct str bytes, bool posts, enum err whole, size_t head)
{
    struct h1_request r;
    size_t searched = 0, n = 0;
    enum err e = ERR_AGAIN;
    while (e == ERR_AGAIN && n < bytes.n)
        e = h1_parse(str_slice(bytes, 0, ++n), &LIMITS, posts, &searched, &r);
    must((e == ERR_AGAIN) == (whole == ERR_AGAIN));
    must((e == ERR_NONE) == (whole == ERR_NONE));
    must(e != ERR_NONE || (n == head && r.head.n == head));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    bool posts = size % 2;
    if (size == 0)
        return 0;
    for (int i = 0; i < 100; i++) { /* pipelined requests */
        struct h1_request r;
        size_t searched = 0;
        enum err e = h1_parse(bytes, &LIMITS, posts, &searched, &r);
        check_pieces(bytes, posts, e, r.head.n);
        if (e) {
            must(e == ERR_AGAIN || r.why);
            break;
        }
        check_request(&r, bytes);
        use(&r);
        bytes = str_from(bytes, r.head.n);
    }
    return 0;
}
