/* From index to object: playlists, init segments, and objects of bytes that came from elsewhere.
 * make_master.c and make_segment.c have the others. */
#include "edge/store/make.h"

#include "edge/base/must.h"
#include "edge/base/percent.h"
#include "edge/store/disk.h"
#include "edge/store/encode.h"
#include "edge/store/make_parts.h"
#include "segments/playlist.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { URI_MAX = 8 * BUF_MAX_PATH };

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
    struct cut cut = make_cut(opts, track->index->index);
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
    enum err e = make_choose(opts, key, track, &in);
    if (e)
        return make_refused(e, opts, key, track, in, out);
    buf_init(&b, BUF_MAX_PLAYLIST);
    e = write_playlist(opts, key, track, in, &b);
    struct make_description d = make_describe(OBJECT_PLAYLIST, track->source);
    if (!e)
        return make_finish(key, &b, &d, out);
    buf_fini(&b);
    if (e == ERR_NOT_FOUND)
        return make_failure(key, e, "the track has longer segments than that", out);
    return e;
}

enum err make_init(const struct key *key, const struct make_rendition *track, struct object **out)
{
    struct buf b;
    struct str init = index_init(track->index->index);
    if (!container_takes(CONTAINER_FMP4, make_info(track)->codec) || init.n == 0)
        return make_not_in_there(NULL, key, CONTAINER_FMP4, track->index->index, out);
    buf_init(&b, INDEX_INIT_MAX);
    buf_adds(&b, init);
    struct make_description d = make_describe(OBJECT_INIT, track->source);
    return make_finish(key, &b, &d, out);
}

enum err make_encoded(const struct key *key, const struct object *plain, struct object **out)
{
    struct buf b;
    struct make_description d = {MAKE_TYPE_PLAYLIST, MAKE_CACHE_PLAYLIST, plain->modified,
                                 plain->tags};
    buf_init(&b, BUF_MAX_PLAYLIST);
    enum err e = encode((enum coding)key->coding,
                        (struct str){(const char *)plain->body, plain->body_len}, &b);
    if (!e)
        return make_finish(key, &b, &d, out);
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
    enum err e = object_copy_fields(o, source);
    if (e)
        object_unref(o);
    else
        *out = o;
    return e;
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
    struct make_description d;
    switch (kind) {
    case OBJECT_INDEX:
        return make_index(key, bytes, len, out);
    case OBJECT_SEGMENT:
        must(key->container < CONTAINER_BYTES);
        return make_segment_of(opts, key, bytes, len, track, out);
    case OBJECT_BODY:
        if (len == track->source->size)
            return body_of(key, track->source, bytes, out);
        free(bytes);
        return ERR_MEDIA;
    default:
        d = make_describe(kind, track->source);
        return make_finish_bytes(key, bytes, len, &d, out);
    }
}
