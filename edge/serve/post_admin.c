/* POST /purge and /warm of the admin listener, and how far the latter is. */
#include "edge/http/uri.h"
#include "edge/serve/route.h"
#include "edge/store/purges.h"
#include "edge/store/warm.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Takes the value over. */
static enum step give_json(struct exchange *x, int status, json_t *value)
{
    struct key key = key_make(OBJECT_REPLY, x->path, 0, CONTAINER_COUNT, 0);
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    struct object *o = text ? object_of_bytes(&key, (unsigned char *)text, strlen(text)) : NULL;
    if (o && object_describe(o, "application/json", "no-store")) {
        object_unref(o);
        o = NULL;
    }
    return exchange_give(x, status, o);
}

/* A path of the query, decoded, with the '/' that it may lack. */
static enum err read_path(struct str raw, struct buf *b)
{
    if (!str_starts(raw, STR("/")) && !str_starts(raw, STR("%2F")) && !str_starts(raw, STR("%2f")))
        buf_addc(b, '/');
    enum err e = uri_decode(raw, b);
    if (e)
        return e;
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] < 0x20 || b->data[i] == 0x7f)
            return ERR_TARGET;
    return ERR_NONE;
}

/* The same below a prefix of URLs, and as it stands: both may be meant. */
static uint64_t purge_below(struct exchange *x, struct purge p, const char *prefix,
                            enum purge_kind kind)
{
    size_t n = strlen(prefix) - 1; /* it ends with the '/' that a path begins with */
    if (n == 0 || !str_starts(p.path, str_of(prefix)))
        return 0;
    p.kind = kind;
    p.path = str_from(p.path, n);
    return purges_run(x->service->admin->purges, &p);
}

static uint64_t purge_paths(struct exchange *x, const struct purge *p)
{
    const struct admin_view *v = x->service->admin;
    bool path = p->kind == PURGE_PATH;
    uint64_t count = purges_run(v->purges, p);
    count += purge_below(x, *p, v->audio_prefix, p->kind);
    return count + purge_below(x, *p, v->hls_prefix, path ? PURGE_ABOVE : p->kind);
}

static enum step purged(struct exchange *x, const struct purge *p, uint64_t count)
{
    static const char *const others[] = {
        [PURGES_ALONE] = "none", [PURGES_LATER] = "later", [PURGES_TOLD] = "told"};
    return give_json(x, 200,
                     json_pack("{s:I,s:I,s:s}", "dropped", (json_int_t)(p->soft ? 0 : count),
                               "doubted", (json_int_t)(p->soft ? count : 0), "others",
                               others[purges_reach(x->service->admin->purges)]));
}

static enum step purge(struct exchange *x, struct str query, struct buf *b)
{
    struct str path, prefix, tag, soft;
    struct purge p = {0};
    bool by_path = uri_query(query, STR("path"), &path);
    bool by_prefix = uri_query(query, STR("prefix"), &prefix);
    bool by_tag = uri_query(query, STR("tag"), &tag);
    p.soft = uri_query(query, STR("soft"), &soft);
    if (by_path + by_prefix + by_tag != 1)
        return exchange_fail(x, ERR_SYNTAX, STR("one of path=, prefix= and tag= is wanted"));
    struct buf text;
    buf_init(&text, BUF_MAX_PATH);
    bool soft_wanted = p.soft;
    enum err e = by_tag ? uri_decode(tag, &text) : read_path(by_path ? path : prefix, b);
    if (!e && by_tag)
        e = purge_of_tag(buf_str(&text), b, &p);
    buf_fini(&text);
    if (e)
        return exchange_fail(x, e == ERR_TARGET ? ERR_SYNTAX : e,
                             by_tag ? STR("a tag is track:PATH or folder:PATH")
                                    : STR("the path is malformed"));
    p.soft = soft_wanted;
    if (by_tag)
        return purged(x, &p, purges_run(x->service->admin->purges, &p));
    p.kind = by_path ? PURGE_PATH : PURGE_PREFIX;
    p.path = buf_str(b);
    return purged(x, &p, purge_paths(x, &p));
}

enum step post_purge(struct exchange *x, struct str rest)
{
    struct buf b;
    (void)rest;
    buf_init(&b, BUF_MAX_PATH);
    enum step step = purge(x, x->request->query, &b);
    buf_fini(&b);
    return step;
}

static enum step give_warm(struct exchange *x, int status)
{
    struct warm_state s = warm_state(x->service->admin->warm);
    return give_json(x, status,
                     json_pack("{s:b,s:I,s:I,s:I,s:s}", "running", s.running, "tracks",
                               (json_int_t)s.tracks, "done", (json_int_t)s.done, "failed",
                               (json_int_t)s.failed, "error", s.err ? err_text(s.err) : ""));
}

enum step get_warm(struct exchange *x, struct str rest)
{
    (void)rest;
    return give_warm(x, 200);
}

enum step post_warm(struct exchange *x, struct str rest)
{
    struct str prefix;
    struct buf b;
    (void)rest;
    if (!uri_query(x->request->query, STR("prefix"), &prefix))
        return exchange_fail(x, ERR_SYNTAX, STR("prefix= is wanted"));
    buf_init(&b, BUF_MAX_PATH);
    enum err e = read_path(prefix, &b);
    bool read = !e;
    if (!e)
        e = warm_start(x->service->admin->warm, buf_str(&b));
    buf_fini(&b);
    if (e)
        return exchange_fail(x, read ? e : ERR_SYNTAX,
                             e == ERR_BUSY ? STR("another prefix is being warmed") : STR(""));
    return give_warm(x, 200);
}
