/* Paths and queries. What comes out never leaves the root, hides nothing, and is the same when it
 * is written and read once more. The room for it is exact, so that a byte too many is seen. */
#include "edge/base/must.h"
#include "edge/http/problem.h"
#include "edge/http/uri.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_utf8(struct str s)
{
    while (s.n) {
        size_t n = uri_utf8_length(s);
        must(n > 0 && n <= s.n);
        must(n > 1 || ((unsigned char)s.p[0] >= 0x20 && s.p[0] != 0x7f));
        s = str_from(s, n);
    }
}

static void check_path(struct str path)
{
    must(path.n > 0 && path.p[0] == '/');
    check_utf8(path);
    struct str rest = str_from(path, 1);
    while (rest.n) {
        struct str segment = str_cut(&rest, '/');
        must(segment.n > 0);
        must(!str_eq(segment, STR(".")) && !str_eq(segment, STR("..")));
    }
}

static void check_again(struct str path)
{
    struct buf b;
    struct str again;
    buf_init(&b, path.n * 3);
    uri_encode_path(&b, path);
    must(buf_status(&b) == ERR_NONE);
    char *out = malloc(path.n);
    if (out)
        must(uri_decode_path(buf_str(&b), out, path.n, &again) == ERR_NONE && str_eq(path, again));
    free(out);
    buf_fini(&b);
}

static void try_path(struct str raw, size_t room)
{
    struct str path;
    char *out = malloc(room ? room : 1);
    if (!out)
        return;
    enum err e = uri_decode_path(raw, out, room, &path);
    must(e == ERR_NONE || e == ERR_TARGET || (e == ERR_URI_LONG && room < raw.n));
    if (e == ERR_NONE) {
        must(path.p == out && path.n <= room);
        check_path(path);
        check_again(path);
    }
    free(out);
}

static void try_query(struct str raw)
{
    struct str value;
    struct buf b;
    buf_init(&b, raw.n);
    if (uri_query(raw, STR("a"), &value))
        must(value.p >= raw.p && value.p + value.n <= raw.p + raw.n);
    if (uri_decode(raw, &b) == ERR_NONE)
        must(b.len <= raw.n && (b.len == 0 || memchr(b.data, '\0', b.len) == NULL));
    buf_fini(&b);
}

static void try_json(struct str text)
{
    struct buf b;
    buf_init(&b, text.n * 6);
    problem_json_text(&b, text);
    must(buf_status(&b) == ERR_NONE);
    check_utf8(buf_str(&b));
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str raw = {(const char *)data, size};
    if (size == 0)
        return 0;
    try_path(raw, size);
    try_path(raw, size / 2);
    try_query(raw);
    try_json(raw);
    return 0;
}
