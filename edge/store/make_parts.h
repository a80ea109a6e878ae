/* What the makers of objects have in common. Private to store/: make.c, make_master.c and
 * make_segment.c. [any thread] */
#ifndef EDGE_STORE_MAKE_PARTS_H
#define EDGE_STORE_MAKE_PARTS_H

#include "edge/base/buf.h"
#include "edge/store/make.h"
#include "segments/segment.h"

#define MAKE_CACHE_PLAYLIST "public, max-age=10"
#define MAKE_CACHE_SEGMENT "public, max-age=31536000, immutable"
#define MAKE_TYPE_PLAYLIST "application/vnd.apple.mpegurl"

/* *out remembers the failure and why.   ERR_NOMEM */
MUST_USE enum err make_failure(const struct key *key, enum err failure, const char *why,
                               struct object **out);
/* The failure of a track that does not go into `in`: "mp3 does not go into fmp4; it goes into ts,
 * packed". `opts` may be NULL: nothing is encrypted.   ERR_NOMEM */
MUST_USE enum err make_not_in_there(const struct make_opts *opts, const struct key *key,
                                    enum container in, const struct index *x, struct object **out);
/* The failure of what make_choose said.   ERR_NOMEM */
MUST_USE enum err make_refused(enum err e, const struct make_opts *opts, const struct key *key,
                               const struct make_rendition *r, enum container in,
                               struct object **out);

const struct index_info *make_info(const struct make_rendition *r);
struct cut make_cut(const struct make_opts *opts, const struct index *x);
/* Which container a rendition is sent in: the one that was chosen, else the configured one, else
 * the first that can carry it.   ERR_NOT_ACCEPTABLE, ERR_UNSUPPORTED */
MUST_USE enum err make_choose(const struct make_opts *opts, const struct key *key,
                              const struct make_rendition *r, enum container *in);

struct make_description {
    const char *type;
    const char *cache_control;
    int64_t modified; /* seconds since 1970; 0: not said */
    uint8_t tags;     /* an enum object_tags */
};

/* What is said of an object that is made of bytes only, but for segments. */
struct make_description make_describe(enum object_kind kind, const struct object *source);
/* An object of these bytes; both take them over, whatever is answered.   ERR_NOMEM, and what failed
 * in the buffer */
MUST_USE enum err make_finish_bytes(const struct key *key, unsigned char *bytes, size_t len,
                                    const struct make_description *d, struct object **out);
MUST_USE enum err make_finish(const struct key *key, struct buf *b,
                              const struct make_description *d, struct object **out);
/* The object of a segment's bytes, which are taken over (make_segment.c).   ERR_NOMEM */
MUST_USE enum err make_segment_of(const struct make_opts *opts, const struct key *key,
                                  unsigned char *bytes, size_t len,
                                  const struct make_rendition *track, struct object **out);

#endif
