/* Objects that are made from an index: playlists, init and media segments. Arithmetic and copying;
 * where the media file's bytes are needed in memory it reads them, and says so. */
#ifndef EDGE_STORE_MAKE_H
#define EDGE_STORE_MAKE_H

#include "edge/base/buf.h"
#include "edge/store/object.h"

struct make_opts {
    uint32_t segment_ms;
    bool fast_start;          /* cut_make_fast */
    enum container container; /* where the URL chose none */
    struct str audio_prefix;  /* of URLs, "/audio/": where the files are, for byte ranges of them */
    struct str hls_prefix;    /* "/hls/"; both borrowed */
    struct str secret;        /* that segments are encrypted from (segments/crypt.h); empty: not */
};

/* One file of a folder of renditions, or the only one. Borrowed. */
struct make_rendition {
    const struct object *source;
    const struct object *index;
};

/* In all of these: *out is a new object, or, where the track cannot give what is asked for, one
 * that remembers the failure and why; key->container is CONTAINER_COUNT where nobody chose.
 *   ERR_NOMEM, ERR_TOO_BIG */

/* A playlist's key->number is its EXT-X-TARGETDURATION, where it shares that with others; else 0.
 * `folder`: the renditions lie beneath the URL's track, else it is the only one. [any thread] */
MUST_USE enum err make_master(const struct make_opts *opts, const struct key *key,
                              const struct make_rendition *list, size_t count, bool folder,
                              struct object **out);
MUST_USE enum err make_playlist(const struct make_opts *opts, const struct key *key,
                                const struct make_rendition *track, struct object **out);
MUST_USE enum err make_init(const struct key *key, const struct make_rendition *track,
                            struct object **out);
/* The key that the track's segments are encrypted with; never to be kept. */
MUST_USE enum err make_key(const struct make_opts *opts, const struct key *key,
                           const struct object *source, struct object **out);
/* `ending` is the one in the URL.   ERR_AGAIN: it has to be built from the file's bytes:
 * make_segment_built */
MUST_USE enum err make_segment(const struct make_opts *opts, const struct key *key,
                               struct str ending, const struct make_rendition *track,
                               struct object **out);
/* Reads; for a segment that make_segment said ERR_AGAIN of. [pool]
 *   ERR_CANCELLED, ERR_IO, ERR_MEDIA as well */
MUST_USE enum err make_segment_built(const struct make_opts *opts, const struct key *key,
                                     const struct make_rendition *track,
                                     const atomic_bool *cancelled, struct object **out);
/* Of an encoded track make_segment says ERR_AGAIN too: what a helper is asked then, and the segment
 * from what it answered.   ERR_MEDIA as well: that is no answer to it */
MUST_USE enum err make_order(const struct make_opts *opts, const struct key *key,
                             const struct make_rendition *track, struct buf *order);
MUST_USE enum err make_segment_encoded(const struct make_opts *opts, const struct key *key,
                                       const struct make_rendition *track, struct str reply,
                                       struct object **out);
/* An index from its record, which is taken over (malloc).   ERR_MEDIA  it is not consistent
 * [any thread] */
MUST_USE enum err make_index(const struct key *key, unsigned char *record, size_t len,
                             struct object **out);
/* The object of `key` from bytes that were made before, elsewhere; takes them over (malloc). What
 * its head says comes from the track alone; of it only segments need the index, and the options.
 * [any thread] ERR_MEDIA  they cannot be of this track */
MUST_USE enum err make_again(const struct make_opts *opts, const struct key *key,
                             const struct make_rendition *track, unsigned char *bytes, size_t len,
                             struct object **out);
/* `plain` (a playlist) in key->coding. [pool]   ERR_NOMEM */
MUST_USE enum err make_encoded(const struct key *key, const struct object *plain,
                               struct object **out);
/* The bytes of a small file. Reads. [pool]   ERR_CANCELLED, ERR_IO as well */
MUST_USE enum err make_body(const struct key *key, const struct object *source,
                            const atomic_bool *cancelled, struct object **out);

#endif
