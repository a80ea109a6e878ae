/* A playlist's lines, each URI behind a way to the top and down again through a token. */
#include "edge/serve/hand_on.h"

#include "edge/base/percent.h"
#include "edge/base/scan.h"
#include "edge/guard/guard.h"
#include "edge/serve/route.h"
#include "segments/playlist.h"

#include <string.h>

enum { EXPIRY_STEP = 300 /* seconds: listeners within it get the same bytes */ };

/* ---- which ones ---- */

bool hand_on_may(struct str path, bool inherits)
{
    struct str folder = str_slice(path, 0, str_rfind(path, '/'));
    return str_ends(path, STR(".m3u8")) && (!inherits || str_ends(folder, STR("/bytes")));
}

static bool is_of_ranges(const struct exchange *x)
{
    return x->wish.kind == WISH_PLAYLIST && x->wish.container == CONTAINER_BYTES;
}

bool hand_on_settle(struct exchange *x)
{
    bool playlist = x->wish.kind == WISH_MASTER || x->wish.kind == WISH_PLAYLIST;
    if (playlist && (!x->inherits || is_of_ranges(x)))
        return true;
    hand_on_leave(x);
    return false;
}

void hand_on_leave(struct exchange *x)
{
    keyring_unref(x->keys);
    x->keys = NULL;
    x->heir = NULL;
}

/* ---- rewriting ---- */

/* Twice as long as it plays, in seconds: the sum of its EXTINF, or what a multivariant playlist
 * says of itself (segments/playlist.h). */
static int64_t twice_duration(struct str text)
{
    uint64_t sum = 0, whole;
    while (text.n) {
        struct str line = str_cut(&text, '\n');
        bool said = scan_lit(&line, STR("#EXTINF:")) || scan_lit(&line, STR(PLAYLIST_DURATION));
        if (said && scan_u64(&line, &whole) && whole < UINT32_MAX)
            sum += whole + 1;
    }
    return (int64_t)(2 * sum);
}

static bool is_relative(struct str uri)
{
    size_t end = str_find(uri, '/');
    return uri.n && end && str_find(str_slice(uri, 0, end), ':') == end;
}

/* "#EXT-X-MAP:URI="init.mp4"", a URI on a line of its own, or something else. */
static void put_line(struct buf *out, struct str line, struct str base)
{
    static const char attribute[] = "URI=\"";
    size_t at = 0, n = sizeof attribute - 1;
    if (!line.n || line.p[0] != '#') {
        if (is_relative(line))
            buf_adds(out, base);
        buf_adds(out, line);
        return;
    }
    while (at < line.n && !str_starts(str_from(line, at), STR("URI=\"")))
        at++;
    at = at < line.n ? at + n : line.n;
    buf_adds(out, str_slice(line, 0, at));
    if (is_relative(str_from(line, at)))
        buf_adds(out, base);
    buf_adds(out, str_from(line, at));
}

static size_t count_slashes(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '/';
    return n;
}

/* What the children lie below: the playlist's track, or the file that it has ranges of. */
static struct str scope_of(const struct exchange *x, char room[BUF_MAX_PATH])
{
    struct str track = x->wish.track, prefix = {NULL, 0};
    size_t end = (size_t)(track.p + track.n - x->path.p);
    for (const struct route *r = x->service->routes; r->prefix.n; r++)
        if (r->run == get_audio)
            prefix = r->prefix;
    if (!is_of_ranges(x) || !prefix.n || prefix.n + track.n > BUF_MAX_PATH)
        return str_slice(x->path, 0, end);
    memcpy(room, prefix.p, prefix.n);
    memcpy(room + prefix.n, track.p + 1, track.n - 1);
    return (struct str){room, prefix.n + track.n - 1};
}

/* "../../s/TOKEN/hls/album/song.m4a/": from the playlist's folder to the top and down again. */
static enum err put_base(const struct exchange *x, int64_t expires, struct buf *out)
{
    char room[BUF_MAX_PATH];
    struct str scope = scope_of(x, room);
    for (size_t up = count_slashes(x->request->path); up > 1; up--)
        buf_adds(out, STR("../"));
    buf_adds(out, STR("s/"));
    TRY(guard_sign_path(x->heir, scope, guard_depth(scope), expires, true, out));
    percent_path(out, str_slice(x->path, 0, str_rfind(x->path, '/') + 1));
    return buf_status(out);
}

static enum err rewrite(const struct exchange *x, struct str text, struct buf *out)
{
    struct buf base;
    int64_t stream = x->service->opts->stream_lifetime, twice = twice_duration(text);
    int64_t until = service_second(x->service) + (stream > twice ? stream : twice);
    buf_init(&base, 4 * BUF_MAX_PATH);
    enum err e = put_base(x, (until / EXPIRY_STEP + 1) * EXPIRY_STEP, &base);
    while (text.n && !e) {
        put_line(out, str_cut(&text, '\n'), buf_str(&base));
        buf_addc(out, '\n');
    }
    buf_fini(&base);
    return e ? e : buf_status(out);
}

static struct object *playlist_of(struct buf *text, const struct object *from)
{
    size_t n;
    unsigned char *bytes = buf_take(text, &n);
    struct key key = from->key;
    key.kind = OBJECT_REPLY;
    struct object *o = bytes ? object_of_bytes(&key, bytes, n) : NULL;
    if (!o)
        return NULL;
    object_set_etag(o, hash_stable((struct str){(const char *)o->body, n}));
    o->modified = from->modified;
    if (object_describe(o, "application/vnd.apple.mpegurl", "private, max-age=10")) {
        object_unref(o);
        return NULL;
    }
    return o;
}

enum err hand_on(struct exchange *x)
{
    struct object *from = x->reply.object;
    struct buf text;
    buf_init(&text, BUF_MAX_PLAYLIST);
    enum err e = rewrite(x, (struct str){(const char *)from->body, from->body_len}, &text);
    struct object *made = e ? NULL : playlist_of(&text, from);
    buf_fini(&text);
    if (!made)
        return e ? e : ERR_NOMEM;
    supply_give_back(from, x->reply.source, x->reply.held);
    x->reply.object = made;
    x->reply.source = NULL;
    x->reply.held = NULL;
    return ERR_NONE;
}
