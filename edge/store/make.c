/* From index to object: what is written where, and what the reply says of it. */
#include "edge/store/make.h"

#include "edge/base/buf.h"
#include "edge/base/must.h"
#include "edge/base/percent.h"
#include "edge/store/disk.h"
#include "edge/store/encode.h"
#include "segments/crypt.h"
#include "segments/playlist.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_PLAYLIST "public, max-age=10"
#define CACHE_SEGMENT "public, max-age=31536000, immutable"
#define TYPE_PLAYLIST "application/vnd.apple.mpegurl"

enum { URI_MAX = 8 * BUF_MAX_PATH, SPANS_MAX = 65536 };

static enum err no_such(const struct key *key, enum err failure, const char *why,
                        struct object **out)
{
    *out = object_of_failure(key, failure, str_of(why));
    return *out ? ERR_NONE : ERR_NOMEM;
}

/* A file that is sent as it is cannot be encrypted. */
static bool may_go(const struct make_opts *opts, const struct index *x, enum container in)
{
    return segment_fits(x, in) && !(in == CONTAINER_BYTES && opts && opts->secret.n);
}

/* "mp3 does not go into fmp4; it goes into ts, packed" */
static enum err not_in_there(const struct make_opts *opts, const struct key *key, enum container in,
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
    return no_such(key, ERR_NOT_ACCEPTABLE, why, out);
}

static struct cut cut_of(const struct make_opts *opts, const struct index *x)
{
    struct cut cut =
        opts->fast_start ? cut_make_fast(x, opts->segment_ms) : cut_make(x, opts->segment_ms);
    cut.sealed = opts->secret.n > 0;
    return cut;
}

static const struct index_info *info_of(const struct make_rendition *r)
{
    return index_info(r->index->index);
}

/* Which container a rendition is sent in: the one that was chosen, else the configured one, else
 * the first that can carry it.   ERR_NOT_ACCEPTABLE, ERR_UNSUPPORTED */
static enum err choose(const struct make_opts *opts, const struct key *key,
                       const struct make_rendition *r, enum container *in)
{
    const struct index *x = r->index->index;
    if (key->container != CONTAINER_COUNT) {
        *in = (enum container)key->container;
        return may_go(opts, x, *in) ? ERR_NONE : ERR_NOT_ACCEPTABLE;
    }
    TRY(container_choose(opts->container, info_of(r)->codec, in));
    if (segment_fits(x, *in))
        return ERR_NONE;
    for (unsigned c = 0; c < CONTAINER_BYTES; c++) {
        *in = (enum container)c;
        if (segment_fits(x, *in))
            return ERR_NONE;
    }
    return ERR_UNSUPPORTED;
}

static enum err refused(enum err e, const struct make_opts *opts, const struct key *key,
                        const struct make_rendition *r, enum container in, struct object **out)
{
    if (e == ERR_NOT_ACCEPTABLE)
        return not_in_there(opts, key, in, r->index->index, out);
    return no_such(key, e, err_text(e), out);
}

struct description {
    const char *type;
    const char *cache_control;
    int64_t modified; /* seconds since 1970; 0: not said */
    uint8_t tags;     /* an enum object_tags */
};

/* Takes the bytes over. */
static enum err finish_bytes(const struct key *key, unsigned char *bytes, size_t len,
                             const struct description *d, struct object **out)
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

/* Takes the buffer's bytes over. */
static enum err finish(const struct key *key, struct buf *b, const struct description *d,
                       struct object **out)
{
    size_t len;
    enum err e = buf_status(b);
    if (e) {
        buf_fini(b);
        return e;
    }
    unsigned char *bytes = buf_take(b, &len);
    return finish_bytes(key, bytes, len, d, out);
}

/* What is said of an object that is made of bytes only, but for segments. A ladder changes with any
 * of its files: its ETag says when. */
static struct description describe(enum object_kind kind, const struct object *source)
{
    if (kind == OBJECT_MASTER)
        return (struct description){TYPE_PLAYLIST, CACHE_PLAYLIST, 0, source->tags};
    if (kind == OBJECT_PLAYLIST)
        return (struct description){TYPE_PLAYLIST, CACHE_PLAYLIST, source->modified, source->tags};
    return (struct description){"audio/mp4", CACHE_SEGMENT, source->modified, source->tags};
}

/* Relative to the master: "index.m3u8", or below the folder "128.m4a/index.m3u8"; from within
 * ".../ts/" the folder is one up. Names are percent-encoded by the playlist's writer. `target`:
 * where the renditions would have different ones, the one that all have: "index-7.m3u8". */
static void rendition_uri(struct buf *b, const struct key *key, const struct make_rendition *r,
                          bool folder, uint64_t target)
{
    bool chosen = key->container != CONTAINER_COUNT;
    if (folder) {
        struct str path = r->source->key.path;
        size_t slash = str_rfind(path, '/');
        buf_adds(b, chosen ? STR("../") : STR(""));
        buf_adds(b, str_from(path, slash + 1));
        buf_addc(b, '/');
        if (chosen)
            buf_addf(b, "%s/", container_name((enum container)key->container));
    }
    buf_adds(b, STR("index"));
    if (target)
        buf_addf(b, "-%" PRIu64, target);
    buf_adds(b, STR(".m3u8"));
}

struct master {
    struct rendition list[OBJECT_NAMES];
    struct buf uris[OBJECT_NAMES];
    const struct make_rendition *of[OBJECT_NAMES];
    size_t count;
    enum err refused; /* why the last one that was left out was */
    const struct make_rendition *who;
};

static void gather(const struct make_opts *opts, const struct key *key,
                   const struct make_rendition *r, struct master *m)
{
    enum container in = CONTAINER_FMP4;
    enum err e = choose(opts, key, r, &in);
    if (e) {
        m->refused = e;
        m->who = r;
        return;
    }
    m->of[m->count] = r;
    m->list[m->count++] = (struct rendition){.cut = cut_of(opts, r->index->index), .in = in};
}

/* Apple's authoring specification 8.2: one target duration. They differ where containers count
 * fractions differently; then the longest is everybody's. 0: they are alike. */
static uint64_t common_target(const struct master *m)
{
    uint64_t most = 0;
    bool alike = true;
    for (size_t i = 0; i < m->count; i++) {
        uint64_t target = playlist_target(&m->list[i].cut, m->list[i].in);
        alike = alike && (i == 0 || target == most);
        most = target > most ? target : most;
    }
    return alike ? 0 : most;
}

static enum err name_all(const struct key *key, bool folder, struct master *m)
{
    uint64_t target = common_target(m);
    for (size_t i = 0; i < m->count; i++) {
        buf_init(&m->uris[i], BUF_MAX_PATH);
        rendition_uri(&m->uris[i], key, m->of[i], folder, target);
        m->list[i].uri = buf_str(&m->uris[i]);
        m->list[i].target = target;
        TRY(buf_status(&m->uris[i]));
    }
    return ERR_NONE;
}

static enum err write_master(const struct make_opts *opts, const struct key *key,
                             const struct object *source, bool folder, struct master *m,
                             struct object **out)
{
    struct buf b;
    if (m->count == 0)
        return refused(m->refused, opts, key, m->who, (enum container)key->container, out);
    buf_init(&b, BUF_MAX_PLAYLIST);
    enum err e = playlist_master(m->list, m->count, &b);
    struct description d = describe(OBJECT_MASTER, source);
    if (folder && d.tags)
        d.tags = TAGS_FOLDER;
    if (!e)
        return finish(key, &b, &d, out);
    buf_fini(&b);
    return e;
}

enum err make_master(const struct make_opts *opts, const struct key *key,
                     const struct make_rendition *list, size_t count, bool folder,
                     struct object **out)
{
    must(count && count <= OBJECT_NAMES);
    struct master *m = calloc(1, sizeof *m);
    enum err e = m ? ERR_NONE : ERR_NOMEM;
    for (size_t i = 0; i < count && !e; i++)
        gather(opts, key, &list[i], m);
    if (!e)
        e = name_all(key, folder, m);
    if (!e)
        e = write_master(opts, key, list[0].source, folder, m, out);
    for (size_t i = 0; m && i < m->count; i++)
        buf_fini(&m->uris[i]);
    free(m);
    return e;
}

static size_t slashes(struct str path)
{
    size_t n = 0;
    while (path.n) {
        (void)str_cut(&path, '/');
        n++;
    }
    return n;
}

/* From HLS_PREFIX/TRACK/bytes/index.m3u8 to AUDIO_PREFIX/TRACK, by way of what is above both: so it
 * holds below any token in the path too. */
static void file_uri(const struct make_opts *opts, struct str track, struct buf *out)
{
    /* A prefix begins and ends with a slash, a track begins with one; "bytes" is one more. */
    size_t up = slashes(str_from(opts->hls_prefix, 1)) + slashes(str_from(track, 1)) + 1;
    for (size_t i = 0; i < up; i++)
        buf_adds(out, STR("../"));
    percent_path(out, str_from(opts->audio_prefix, 1));
    percent_path(out, str_from(track, 1));
}

/* What stands before the names of segments, or, for byte ranges, instead of them. */
static enum err segment_prefix(const struct make_opts *opts, const struct key *key,
                               const struct make_rendition *track, enum container in,
                               struct buf *out)
{
    if (in == CONTAINER_BYTES)
        file_uri(opts, track->source->key.path, out);
    else
        buf_addf(out, "v-%016" PRIx64 "/", key->version);
    return buf_status(out);
}

static enum err write_playlist(const struct make_opts *opts, const struct key *key,
                               const struct make_rendition *track, enum container in,
                               struct buf *out)
{
    struct buf prefix;
    struct cut cut = cut_of(opts, track->index->index);
    buf_init(&prefix, URI_MAX);
    enum err e = segment_prefix(opts, key, track, in, &prefix);
    uint64_t target = key->number ? key->number : playlist_target(&cut, in);
    if (!e)
        e = playlist_media_within(&cut, in, target, buf_str(&prefix), out);
    buf_fini(&prefix);
    return e;
}

enum err make_playlist(const struct make_opts *opts, const struct key *key,
                       const struct make_rendition *track, struct object **out)
{
    struct buf b;
    enum container in = CONTAINER_FMP4;
    enum err e = choose(opts, key, track, &in);
    if (e)
        return refused(e, opts, key, track, in, out);
    buf_init(&b, BUF_MAX_PLAYLIST);
    e = write_playlist(opts, key, track, in, &b);
    struct description d = describe(OBJECT_PLAYLIST, track->source);
    if (!e)
        return finish(key, &b, &d, out);
    buf_fini(&b);
    if (e == ERR_NOT_FOUND)
        return no_such(key, e, "the track has longer segments than that", out);
    return e;
}

enum err make_init(const struct key *key, const struct make_rendition *track, struct object **out)
{
    struct buf b;
    struct str init = index_init(track->index->index);
    if (!container_takes(CONTAINER_FMP4, info_of(track)->codec) || init.n == 0)
        return not_in_there(NULL, key, CONTAINER_FMP4, track->index->index, out);
    buf_init(&b, INDEX_INIT_MAX);
    buf_adds(&b, init);
    struct description d = describe(OBJECT_INIT, track->source);
    return finish(key, &b, &d, out);
}

static uint32_t sound_of(const struct make_opts *opts, const struct index *x, uint32_t number)
{
    uint32_t from, to;
    struct cut cut = cut_of(opts, x);
    if (number >= cut.count)
        return 0;
    cut_segment(&cut, number, &from, &to);
    uint64_t ticks = index_start(x, to) - index_start(x, from);
    return (uint32_t)(ticks * 1000 / index_info(x)->timescale);
}

/* A segment is known by what it is made from, so its ETag costs no look at its bytes. */
static enum err describe_segment(const struct make_opts *opts, struct object *o, enum container in,
                                 const struct make_rendition *track)
{
    uint64_t parts[3] = {o->key.version, o->key.number, (uint64_t)in};
    object_set_etag(o, hash_stable((struct str){(const char *)parts, sizeof parts}));
    o->modified = track->source->modified;
    o->tags = track->source->tags;
    o->sound_ms = sound_of(opts, track->index->index, o->key.number);
    return object_describe(o, container_type(in, info_of(track)->codec), CACHE_SEGMENT);
}

static enum err segment_of(const struct make_opts *opts, const struct key *key,
                           unsigned char *bytes, size_t len, enum container in,
                           const struct make_rendition *track, struct object **out)
{
    struct object *o = object_of_bytes(key, bytes, len);
    if (!o)
        return ERR_NOMEM;
    enum err e = describe_segment(opts, o, in, track);
    if (e)
        object_unref(o);
    else
        *out = o;
    return e;
}

static enum err finish_segment(const struct make_opts *opts, const struct key *key, struct buf *b,
                               enum container in, const struct make_rendition *track,
                               struct object **out)
{
    size_t len;
    unsigned char *bytes = buf_take(b, &len);
    return segment_of(opts, key, bytes, len, in, track, out);
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

static void add_spans(struct object *o, const struct index *x, uint32_t from, uint32_t to)
{
    o->span_count = (uint32_t)index_spans(x, from, to, o->spans, OBJECT_SPANS);
    for (uint32_t i = 0; i < o->span_count; i++)
        o->size += o->spans[i].length;
}

enum err make_segment(const struct make_opts *opts, const struct key *key, struct str ending,
                      const struct make_rendition *track, struct object **out)
{
    struct buf head;
    uint32_t from, to;
    bool by_span;
    enum container in;
    const struct index *x = track->index->index;
    if (!span_container(ending, info_of(track)->codec, &in) || in != key->container)
        return no_such(key, ERR_NOT_FOUND, "the track has no segments of that kind", out);
    struct cut cut = cut_of(opts, x);
    if (key->number >= cut.count)
        return no_such(key, ERR_NOT_FOUND, "the track has fewer segments", out);
    buf_init(&head, BUF_MAX_SEGMENT);
    enum err e = segment_head(&cut, in, key->number, &head, &from, &to, &by_span);
    if (!e && (!by_span || cut.sealed || index_spans(x, from, to, NULL, 0) > OBJECT_SPANS))
        e = ERR_AGAIN;
    if (!e)
        e = finish_segment(opts, key, &head, in, track, out);
    if (!e)
        add_spans(*out, x, from, to);
    buf_fini(&head);
    return e;
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

enum err make_key(const struct make_opts *opts, const struct key *key, const struct object *source,
                  struct object **out)
{
    if (opts->secret.n == 0)
        return no_such(key, ERR_NOT_FOUND, "segments are not encrypted here", out);
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

enum err make_segment_built(const struct make_opts *opts, const struct key *key,
                            const struct make_rendition *track, const atomic_bool *cancelled,
                            struct object **out)
{
    struct buf b;
    struct cut cut = cut_of(opts, track->index->index);
    must(key->container < CONTAINER_BYTES && key->number < cut.count);
    enum container in = (enum container)key->container;
    buf_init(&b, BUF_MAX_SEGMENT);
    enum err e = build(&cut, in, key, track, cancelled, &b);
    if (!e && cut.sealed)
        e = seal(opts, key, track->source, &b);
    if (!e)
        e = finish_segment(opts, key, &b, in, track, out);
    buf_fini(&b);
    return e;
}

enum err make_encoded(const struct key *key, const struct object *plain, struct object **out)
{
    struct buf b;
    struct description d = {TYPE_PLAYLIST, CACHE_PLAYLIST, plain->modified, plain->tags};
    buf_init(&b, BUF_MAX_PLAYLIST);
    enum err e = encode((enum coding)key->coding,
                        (struct str){(const char *)plain->body, plain->body_len}, &b);
    if (!e)
        return finish(key, &b, &d, out);
    buf_fini(&b);
    return e;
}

/* The bytes are taken over. */
static enum err body_of(const struct key *key, const struct object *source, unsigned char *bytes,
                        struct object **out)
{
    struct object *o = object_of_bytes(key, bytes, (size_t)source->size);
    if (!o)
        return ERR_NOMEM;
    o->modified = source->modified;
    o->tags = source->tags;
    memcpy(o->etag, source->etag, sizeof o->etag);
    size_t fields = source->fields.n;
    o->fields = (struct str){str_dup(source->fields), fields};
    o->fields_304 = source->fields_304;
    *out = o;
    if (o->fields.p)
        return ERR_NONE;
    o->fields.n = 0;
    object_unref(o);
    return ERR_NOMEM;
}

enum err make_body(const struct key *key, const struct object *source, const atomic_bool *cancelled,
                   struct object **out)
{
    size_t n = (size_t)source->size;
    unsigned char *bytes = malloc(n + 1);
    if (!bytes)
        return ERR_NOMEM;
    enum err e = source_read(source->source, 0, bytes, n, cancelled);
    /* Written to while it was read: these bytes may be of two versions. */
    if (!e && !source_is_whole(source->source))
        e = ERR_IO;
    if (!e)
        return body_of(key, source, bytes, out);
    free(bytes);
    return e;
}

enum err make_index(const struct key *key, unsigned char *record, size_t len, struct object **out)
{
    struct object *o = object_new(key);
    if (!o) {
        free(record);
        return ERR_NOMEM;
    }
    enum err e = index_open(record, len, &o->index);
    if (e) {
        object_unref(o);
        return e;
    }
    o->memory += index_memory(o->index);
    *out = o;
    return ERR_NONE;
}

enum err make_again(const struct make_opts *opts, const struct key *key,
                    const struct make_rendition *track, unsigned char *bytes, size_t len,
                    struct object **out)
{
    enum object_kind kind = (enum object_kind)key->kind;
    struct description d;
    switch (kind) {
    case OBJECT_INDEX:
        return make_index(key, bytes, len, out);
    case OBJECT_SEGMENT:
        must(key->container < CONTAINER_BYTES);
        return segment_of(opts, key, bytes, len, (enum container)key->container, track, out);
    case OBJECT_BODY:
        if (len == track->source->size)
            return body_of(key, track->source, bytes, out);
        free(bytes);
        return ERR_MEDIA;
    default:
        d = describe(kind, track->source);
        return finish_bytes(key, bytes, len, &d, out);
    }
}
