/* The signature of a request. A playlist that was opened by a query or a cookie is rewritten for
 * each listener, from the cached one: its children are named below "s/TOKEN/", with a token for the
 * track alone. One that was opened by a token in the path is sent as it is, since relative URIs
 * inherit that. */
#include "edge/serve/admit.h"

#include "edge/base/clock.h"
#include "edge/base/log.h"
#include "edge/base/percent.h"
#include "edge/base/scan.h"
#include "edge/guard/guard.h"

#include <stdio.h>
#include <string.h>

enum {
    EXPIRY_STEP = 300, /* seconds: listeners within it get the same bytes */
    LOG_TEXT = 256,
};

static bool field_of(void *arg, struct str name, size_t at, struct str *value)
{
    const struct h1_request *r = arg;
    size_t cursor = 0;
    enum field f = field_id(name);
    for (size_t i = 0; i <= at; i++)
        if (!(f == FIELD_OTHER ? h1_other(r, name, &cursor, value)
                               : h1_field_next(r, f, &cursor, value)))
            return false;
    return true;
}

/* "/s/TOKEN/audio/a.mp3": the token out of the path. p is NULL where there is none. */
static struct str take_token(struct str *path)
{
    struct str rest = *path;
    if (!scan_lit(&rest, STR("/s/")))
        return (struct str){NULL, 0};
    size_t n = str_find(rest, '/');
    if (n == rest.n)
        return (struct str){NULL, 0};
    *path = str_from(rest, n);
    return str_slice(rest, 0, n);
}

static bool is_protected(const struct service_opts *o, struct str path)
{
    for (size_t i = 0; i < o->protect_count; i++)
        if (policy_below(path, o->protect[i]))
            return true;
    return false;
}

static const enum counter counter_of[DENY_COUNT] = {
#define DENY(name, label, text) [DENY_##name] = COUNTER_DENIED_##name,
#include "edge/guard/deny.def"
#undef DENY
};

static bool refuse(struct exchange *x, enum deny d)
{
    char path[LOG_TEXT];
    x->denied = deny_text(d);
    counters_add(x->service->counters, counter_of[d], 1);
    if (log_wants(LOG_DEBUG))
        log_write(LOG_DEBUG, "denied, %s: %s", x->denied, log_text(path, sizeof path, x->path));
    (void)exchange_fail(x, ERR_FORBIDDEN, str_of(x->denied));
    return false;
}

bool admit_signed(struct exchange *x)
{
    const struct service_opts *o = x->service->opts;
    struct h1_request *head = x->request;
    struct policy policy;
    struct str path = x->path, authorization;
    struct str token = take_token(&path);
    x->path = path;
    if (!token.p && !is_protected(o, path))
        return true;
    struct guard_request r = {
        .method = head->method_text,
        .path = path,
        .raw = token.p ? path : head->path,
        .query = head->query,
        .token = token,
        .host = head->authority,
        .authorized = h1_field(head, FIELD_AUTHORIZATION, &authorization),
        .client = exchange_client(x)->ip,
        .now = service_second(x->service),
        .field = field_of,
        .arg = head,
    };
    enum deny d = guard_check(o->keys, &r, o->max_expires, &policy);
    if (d)
        return refuse(x, d);
    x->heir = policy.in_path ? NULL : policy.key;
    return true;
}

/* The lines of one field, the last one first: that is the nearest proxy's. False: there is none. */
static bool read_lines(struct exchange *x, enum field name, struct forwarded *f,
                       void (*read)(struct forwarded *, struct str))
{
    struct str lines[H1_FIELDS_MAX];
    size_t count = 0, cursor = 0;
    while (count < H1_FIELDS_MAX && h1_field_next(x->request, name, &cursor, &lines[count]))
        count++;
    for (size_t i = count; i > 0 && !f->done; i--)
        read(f, lines[i - 1]);
    return count > 0;
}

void admit_forwarded(struct exchange *x)
{
    const struct address *peer = &x->conn->peer;
    const struct networks *trusted = &x->service->opts->proxies;
    struct forwarded a = {.trusted = trusted}, b = {.trusted = trusted};
    if (!networks_have(trusted, peer->ip))
        return;
    memcpy(a.client, peer->ip, sizeof a.client);
    memcpy(b.client, peer->ip, sizeof b.client);
    bool old = read_lines(x, FIELD_X_FORWARDED_FOR, &a, forwarded_for);
    bool new = read_lines(x, FIELD_FORWARDED, &b, forwarded_rfc7239);
    bool differ = memcmp(a.client, b.client, sizeof a.client) != 0;
    if (!(old || new) || (old && new &&differ))
        return;
    x->client = arena_alloc(&x->arena, sizeof *x->client);
    if (x->client)
        memcpy(x->client->ip, old ? a.client : b.client, sizeof x->client->ip);
}

bool admit_rate(struct exchange *x)
{
    enum { LINE = 48 };
    struct service *s = x->service;
    uint64_t wait = limiter_take(s->opts->buckets, exchange_client(x)->ip, &s->opts->requests,
                                 loop_now(s->loop));
    if (!wait)
        return true;
    char *line = arena_alloc(&x->arena, LINE);
    int n = line ? snprintf(line, LINE, "Retry-After: %llu\r\n",
                            (unsigned long long)(wait / CLOCK_SECOND + 1))
                 : 0;
    x->denied = "rate";
    counters_add(s->counters, COUNTER_DENIED_RATE, 1);
    (void)exchange_fail_status(x, 429, STR("too many requests of this address"),
                               (struct str){line, (size_t)n});
    return false;
}

bool admit_referer(struct exchange *x)
{
    const struct service_opts *o = x->service->opts;
    struct str referer;
    if (!h1_field(x->request, FIELD_REFERER, &referer) || !referer.n)
        return true;
    for (size_t i = 0; i < o->referer_count; i++)
        if (str_starts(referer, o->referers[i]))
            return true;
    x->denied = "referer";
    counters_add(x->service->counters, COUNTER_DENIED_REFERER, 1);
    (void)exchange_fail(x, ERR_FORBIDDEN, STR("referer"));
    return false;
}

/* ---- what a playlist hands on ---- */

/* Twice the sum of its EXTINF, in seconds: 0 for a multivariant playlist. */
static int64_t twice_duration(struct str text)
{
    uint64_t sum = 0, whole;
    while (text.n) {
        struct str line = str_cut(&text, '\n');
        if (scan_lit(&line, STR("#EXTINF:")) && scan_u64(&line, &whole) && whole < UINT32_MAX)
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

/* "../../s/TOKEN/hls/album/song.m4a/": from the playlist's folder to the top and down again. */
static enum err put_base(const struct exchange *x, int64_t expires, struct buf *out)
{
    struct str track = x->wish.track;
    size_t end = (size_t)(track.p + track.n - x->path.p);
    struct str scope = str_slice(x->path, 0, end);
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

enum err admit_hand_on(struct exchange *x)
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
