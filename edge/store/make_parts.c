/* Which container a track goes in, how a refusal reads, what the head of an answer says: what all
 * makers have in common. */
#include "edge/store/make_parts.h"

#include <stdio.h>

enum err make_failure(const struct key *key, enum err failure, const char *why, struct object **out)
{
    *out = object_of_failure(key, failure, str_of(why));
    return *out ? ERR_NONE : ERR_NOMEM;
}

/* A file that is sent as it is cannot be encrypted. */
static bool may_go(const struct make_opts *opts, const struct index *x, enum container in)
{
    return segment_fits(x, in) && !(in == CONTAINER_BYTES && opts && opts->secret.n);
}

enum err make_not_in_there(const struct make_opts *opts, const struct key *key, enum container in,
                           const struct index *x, struct object **out)
{
    enum codec codec = index_info(x)->codec;
    char why[160];
    int n = snprintf(why, sizeof why, "%s does not go into %s; it goes into", codec_name(codec),
                     container_name(in));
    const char *comma = " ";
    for (unsigned c = 0; c < CONTAINER_COUNT; c++) {
        if (!may_go(opts, x, (enum container)c))
            continue;
        n += snprintf(why + n, sizeof why - (size_t)n, "%s%s", comma,
                      container_name((enum container)c));
        comma = ", ";
    }
    return make_failure(key, ERR_NOT_ACCEPTABLE, why, out);
}

struct cut make_cut(const struct make_opts *opts, const struct index *x)
{
    struct cut cut =
        opts->fast_start ? cut_make_fast(x, opts->segment_ms) : cut_make(x, opts->segment_ms);
    cut.sealed = opts->secret.n > 0;
    return cut;
}

const struct index_info *make_info(const struct make_rendition *r)
{
    return index_info(r->index->index);
}

enum err make_choose(const struct make_opts *opts, const struct key *key,
                     const struct make_rendition *r, enum container *in)
{
    const struct index *x = r->index->index;
    if (key->container != CONTAINER_COUNT) {
        *in = (enum container)key->container;
        return may_go(opts, x, *in) ? ERR_NONE : ERR_NOT_ACCEPTABLE;
    }
    TRY(container_choose(opts->container, make_info(r)->codec, in));
    if (segment_fits(x, *in))
        return ERR_NONE;
    for (unsigned c = 0; c < CONTAINER_BYTES; c++) {
        *in = (enum container)c;
        if (segment_fits(x, *in))
            return ERR_NONE;
    }
    return ERR_UNSUPPORTED;
}

enum err make_refused(enum err e, const struct make_opts *opts, const struct key *key,
                      const struct make_rendition *r, enum container in, struct object **out)
{
    if (e == ERR_NOT_ACCEPTABLE)
        return make_not_in_there(opts, key, in, r->index->index, out);
    return make_failure(key, e, err_text(e), out);
}

enum err make_finish_bytes(const struct key *key, unsigned char *bytes, size_t len,
                           const struct make_description *d, struct object **out)
{
    struct object *o = object_of_bytes(key, bytes, len);
    if (!o)
        return ERR_NOMEM;
    /* Content is what two edges with the same tree agree on. */
    object_set_etag(o, hash_stable((struct str){(const char *)o->body, o->body_len}));
    o->modified = d->modified;
    o->tags = d->tags;
    enum err e = object_describe(o, d->type, d->cache_control);
    if (e)
        object_unref(o);
    else
        *out = o;
    return e;
}

enum err make_finish(const struct key *key, struct buf *b, const struct make_description *d,
                     struct object **out)
{
    size_t len;
    enum err e = buf_status(b);
    if (e) {
        buf_fini(b);
        return e;
    }
    unsigned char *bytes = buf_take(b, &len);
    return make_finish_bytes(key, bytes, len, d, out);
}

/* A ladder changes with any of its files: its ETag says when. */
struct make_description make_describe(enum object_kind kind, const struct object *source)
{
    if (kind == OBJECT_MASTER)
        return (struct make_description){MAKE_TYPE_PLAYLIST, MAKE_CACHE_PLAYLIST, 0, source->tags};
    if (kind == OBJECT_PLAYLIST)
        return (struct make_description){MAKE_TYPE_PLAYLIST, MAKE_CACHE_PLAYLIST, source->modified,
                                         source->tags};
    return (struct make_description){"audio/mp4", MAKE_CACHE_SEGMENT, source->modified,
                                     source->tags};
}
