/* Segments: a head of ours and spans of the file, or built from its bytes, or from frames that a
 * helper encoded, or encrypted; and the
 * key that they are encrypted with. */
#include "edge/base/must.h"
#include "edge/store/disk.h"
#include "edge/store/make_parts.h"
#include "segments/crypt.h"
#include "segments/order.h"

#include <stdlib.h>

enum { SPANS_MAX = 65536 };

/* A segment is known by what it is made from, so its ETag costs no look at its bytes. */
static enum err describe_segment(struct object *o, enum container in,
                                 const struct make_rendition *track)
{
    uint64_t parts[3] = {o->key.version, o->key.number, (uint64_t)in};
    object_set_etag(o, hash_stable((struct str){(const char *)parts, sizeof parts}));
    o->modified = track->source->modified;
    o->tags = track->source->tags;
    return object_describe(o, container_type(in, make_info(track)->codec), MAKE_CACHE_SEGMENT);
}

/* The packets that follow a segment's head straight from the file; {0, 0}: none. */
struct behind {
    uint32_t from, to;
};

static void add_spans(struct object *o, const struct index *x, struct behind b)
{
    if (b.from < b.to)
        o->span_count = (uint32_t)index_spans(x, b.from, b.to, o->spans, OBJECT_SPANS);
    for (uint32_t i = 0; i < o->span_count; i++)
        o->size += o->spans[i].length;
}

static enum err finish_bytes(const struct key *key, unsigned char *bytes, size_t len,
                             enum container in, struct behind behind,
                             const struct make_rendition *track, struct object **out)
{
    struct object *o = object_of_bytes(key, bytes, len);
    if (!o)
        return ERR_NOMEM;
    add_spans(o, track->index->index, behind);
    enum err e = describe_segment(o, in, track);
    if (e)
        object_unref(o);
    else
        *out = o;
    return e;
}

/* How long it is heard, for its pace; and passes `e` on. */
static enum err time_it(enum err e, const struct make_opts *opts,
                        const struct make_rendition *track, struct object *o)
{
    uint32_t from, to;
    const struct index *x = track->index->index;
    struct cut cut = make_cut(opts, x);
    if (e || o->key.number >= cut.count)
        return e;
    cut_segment(&cut, o->key.number, &from, &to);
    uint64_t ticks = index_start(x, to) - index_start(x, from);
    o->sound_ms = (uint32_t)(ticks * 1000 / index_info(x)->timescale);
    return ERR_NONE;
}

enum err make_segment_of(const struct make_opts *opts, const struct key *key, unsigned char *bytes,
                         size_t len, const struct make_rendition *track, struct object **out)
{
    enum container in = (enum container)key->container;
    enum err e = finish_bytes(key, bytes, len, in, (struct behind){0, 0}, track, out);
    return time_it(e, opts, track, *out);
}

static enum err finish_segment(const struct key *key, struct buf *b, enum container in,
                               struct behind behind, const struct make_rendition *track,
                               struct object **out)
{
    size_t len;
    unsigned char *bytes = buf_take(b, &len);
    return finish_bytes(key, bytes, len, in, behind, track, out);
}

static bool span_container(struct str ending, enum codec codec, enum container *in)
{
    for (unsigned c = 0; c < CONTAINER_BYTES; c++) {
        *in = (enum container)c;
        if (container_takes(*in, codec) && str_eq(ending, str_of(container_ending(*in, codec))))
            return true;
    }
    return false;
}

enum err make_segment(const struct make_opts *opts, const struct key *key, struct str ending,
                      const struct make_rendition *track, struct object **out)
{
    struct buf head;
    uint32_t from, to;
    bool by_span;
    enum container in;
    const struct index *x = track->index->index;
    if (!span_container(ending, make_info(track)->codec, &in) || in != key->container)
        return make_failure(key, ERR_NOT_FOUND, "the track has no segments of that kind", out);
    struct cut cut = make_cut(opts, x);
    if (key->number >= cut.count)
        return make_failure(key, ERR_NOT_FOUND, "the track has fewer segments", out);
    buf_init(&head, BUF_MAX_SEGMENT);
    enum err e = segment_head(&cut, in, key->number, &head, &from, &to, &by_span);
    if (!e && (!by_span || cut.sealed || index_spans(x, from, to, NULL, 0) > OBJECT_SPANS))
        e = ERR_AGAIN;
    if (!e)
        e = finish_segment(key, &head, in, (struct behind){from, to}, track, out);
    buf_fini(&head);
    return time_it(e, opts, track, *out);
}

static enum err read_payload(const struct make_rendition *track, uint32_t from, uint32_t to,
                             const atomic_bool *cancelled, struct buf *payload)
{
    const struct index *x = track->index->index;
    size_t count = index_spans(x, from, to, NULL, 0);
    if (count > SPANS_MAX)
        return ERR_TOO_BIG;
    struct index_span *spans = calloc(count + 1, sizeof *spans);
    if (!spans)
        return ERR_NOMEM;
    index_spans(x, from, to, spans, count);
    enum err e = ERR_NONE;
    for (size_t i = 0; i < count && !e; i++) {
        unsigned char *at = buf_reserve(payload, spans[i].length);
        e = at ? source_read(track->source->source, spans[i].offset, at, spans[i].length, cancelled)
               : buf_status(payload);
        if (!e)
            buf_wrote(payload, spans[i].length);
    }
    free(spans);
    return e;
}

static enum err build(const struct cut *cut, enum container in, const struct key *key,
                      const struct make_rendition *track, const atomic_bool *cancelled,
                      struct buf *out)
{
    struct buf payload;
    uint32_t from, to;
    bool by_span;
    buf_init(&payload, BUF_MAX_SEGMENT);
    enum err e = segment_head(cut, in, key->number, out, &from, &to, &by_span);
    if (!e)
        e = read_payload(track, from, to, cancelled, &payload);
    if (!e && by_span)
        buf_adds(out, buf_str(&payload));
    if (!e && !by_span) {
        buf_reset(out);
        e = segment_build(cut, in, key->number, buf_str(&payload), out);
    }
    buf_fini(&payload);
    return e ? e : buf_status(out);
}

/* The segment in `b` is replaced by itself, encrypted. */
static enum err seal(const struct make_opts *opts, const struct key *key,
                     const struct object *source, struct buf *b)
{
    unsigned char secret[CRYPT_KEY];
    struct buf sealed;
    TRY(crypt_key(opts->secret, source->key.path, key->version, secret));
    buf_init(&sealed, BUF_MAX_SEGMENT);
    enum err e = crypt_segment(secret, key->number, buf_str(b), &sealed);
    buf_fini(b);
    *b = sealed;
    return e;
}

enum err make_segment_built(const struct make_opts *opts, const struct key *key,
                            const struct make_rendition *track, const atomic_bool *cancelled,
                            struct object **out)
{
    struct buf b;
    struct cut cut = make_cut(opts, track->index->index);
    must(key->container < CONTAINER_BYTES && key->number < cut.count);
    enum container in = (enum container)key->container;
    buf_init(&b, BUF_MAX_SEGMENT);
    enum err e = build(&cut, in, key, track, cancelled, &b);
    if (!e && cut.sealed)
        e = seal(opts, key, track->source, &b);
    if (!e)
        e = finish_segment(key, &b, in, (struct behind){0, 0}, track, out);
    buf_fini(&b);
    return time_it(e, opts, track, *out);
}

enum err make_order(const struct make_opts *opts, const struct key *key,
                    const struct make_rendition *track, struct buf *order)
{
    uint32_t from, to;
    struct cut cut = make_cut(opts, track->index->index);
    must(key->container < CONTAINER_BYTES && key->number < cut.count);
    cut_segment(&cut, key->number, &from, &to);
    return order_write(cut.index, from, to, false, order);
}

enum err make_segment_encoded(const struct make_opts *opts, const struct key *key,
                              const struct make_rendition *track, struct str reply,
                              struct object **out)
{
    struct buf b;
    struct cut cut = make_cut(opts, track->index->index);
    enum container in = (enum container)key->container;
    buf_init(&b, BUF_MAX_SEGMENT);
    enum err e = segment_of_frames(&cut, in, key->number, reply, &b);
    if (!e && cut.sealed)
        e = seal(opts, key, track->source, &b);
    if (!e)
        e = finish_segment(key, &b, in, (struct behind){0, 0}, track, out);
    buf_fini(&b);
    return e;
}

enum err make_key(const struct make_opts *opts, const struct key *key, const struct object *source,
                  struct object **out)
{
    if (opts->secret.n == 0)
        return make_failure(key, ERR_NOT_FOUND, "segments are not encrypted here", out);
    unsigned char *secret = malloc(CRYPT_KEY);
    enum err e =
        secret ? crypt_key(opts->secret, source->key.path, key->version, secret) : ERR_NOMEM;
    if (e) {
        free(secret);
        return e;
    }
    struct object *o = object_of_bytes(key, secret, CRYPT_KEY);
    if (!o)
        return ERR_NOMEM;
    e = object_describe(o, "application/octet-stream", "no-store");
    if (e)
        object_unref(o);
    else
        *out = o;
    return e;
}
