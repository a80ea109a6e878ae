/* The packager's front door: what the server asks for when it wants a playlist or a segment.
 * Values in, bytes and spans out; no descriptor is touched here. [any thread]
 *
 * A track is cut in segments at packet boundaries: boundary k is the packet boundary nearest to
 * k times the target duration, counted from the start (or from the end of a fast start), so that
 * nothing drifts. */
#ifndef SEGMENTS_SEGMENT_H
#define SEGMENTS_SEGMENT_H

#include "segments/index.h"

enum container { CONTAINER_FMP4, CONTAINER_TS, CONTAINER_PACKED, CONTAINER_BYTES, CONTAINER_COUNT };

const char *container_name(enum container c); /* "fmp4", "ts", "packed", "bytes" */
bool container_of_name(struct str name, enum container *out);
bool container_takes(enum container c, enum codec codec); /* may this codec go in there? */
/* What the track gets when nobody chose: `wanted` where it takes the codec, else the first of fmp4,
 * packed, ts that does. ERR_UNSUPPORTED: none does. */
MUST_USE enum err container_choose(enum container wanted, enum codec codec, enum container *out);
/* File name ending of a segment, without the dot: "m4s", "ts", "aac", "mp3", "ac3", "ec3". */
const char *container_ending(enum container c, enum codec codec);
const char *container_type(enum container c, enum codec codec); /* its media type */

/* One way to cut one track. Small, copied freely, valid as long as the index. */
struct cut {
    const struct index *index;
    uint32_t target_ms; /* wanted duration of a segment: at least the longest packet's */
    uint32_t count;     /* segments; 0 for a track without packets */
    uint32_t ramp;      /* how many of the first ones are shorter: see cut_make_fast */
    bool sealed;        /* they are encrypted when they are sent: playlists and sizes say so */
};
/* A target below the longest packet's duration is raised to it; so no segment is empty, and none
 * lasts longer than the target and one packet. */
struct cut cut_make(const struct index *x, uint32_t target_ms);
/* The same, but the first segments last 1, 2 and 4 seconds, as far as these are shorter than the
 * target: what a player has to fetch before it can begin is small. Where packets last over a second
 * it is cut_make. */
struct cut cut_make_fast(const struct index *x, uint32_t target_ms);
/* The packet at which segment k begins and the one before it ends; must(k <= count). */
uint32_t cut_boundary(const struct cut *c, uint32_t k);
/* The packets [*from, *to) of segment `number`; must(number < count). Never empty. */
void cut_segment(const struct cut *c, uint32_t number, uint32_t *from, uint32_t *to);

/* Can this very track go in there? Stricter than container_takes, which knows the codec alone:
 * xHE-AAC goes in fMP4 only, fMP4 needs an init segment, bytes need frames with headers that lie
 * side by side, and ADTS can't say every AudioSpecificConfig. */
bool segment_fits(const struct index *x, enum container in);

/* Segment `number` (0-based). On ERR_NONE *head holds what we write and the packets' bytes follow
 * it (index_spans over [*from, *to)) when *by_span is true. When it is false the caller reads those
 * spans into memory, side by side, and gives them to segment_build, which writes the whole segment;
 * or, for an encoded track (index_source), has the packets encoded: segment_of_frames.
 *   ERR_NOT_FOUND  no such segment   ERR_NOT_ACCEPTABLE  segment_fits is false
 *   ERR_NOMEM, ERR_TOO_BIG */
MUST_USE enum err segment_head(const struct cut *c, enum container in, uint32_t number,
                               struct buf *head, uint32_t *from, uint32_t *to, bool *by_span);
/* payload.n must be index_bytes(from, to); what is in it is a hostile file's.
 *   ERR_NOT_FOUND, ERR_NOT_ACCEPTABLE  as segment_head   ERR_MEDIA  the bytes are not what the
 * index says   ERR_NOMEM, ERR_TOO_BIG */
MUST_USE enum err segment_build(const struct cut *c, enum container in, uint32_t number,
                                struct str payload, struct buf *out);
/* The same for an encoded track: `reply` is what a helper made of an order for packets [from, to),
 * and is checked here.   ERR_MEDIA  it is no such thing */
MUST_USE enum err segment_of_frames(const struct cut *c, enum container in, uint32_t number,
                                    struct str reply, struct buf *out);
/* The exact size that segment `number` has when it is sent, without making it (of an encoded track
 * whose sizes are bounds, what it has at most); 0 where segment_head would fail. */
uint64_t segment_size(const struct cut *c, enum container in, uint32_t number);

#endif
