/* HLS playlists, written from the index (RFC 8216, draft-pantos-hls-rfc8216bis). [any thread]
 * Every figure in them is true: durations come from packet counts, rates from the sizes that the
 * segments have when they are sent. */
#ifndef SEGMENTS_PLAYLIST_H
#define SEGMENTS_PLAYLIST_H

#include "segments/segment.h"

/* The media playlist of one track. `prefix` goes as it is before every init and segment URI
 * ("v-1a2b3c/"), which are named init.mp4 and NUMBER.ENDING; for CONTAINER_BYTES it is the URI of
 * the original file, and the segments are byte ranges of it. It is the caller's to percent-encode.
 * Where c->sealed, each segment has an EXT-X-KEY with the URI `prefix`key, the init segment none.
 *   ERR_NOT_ACCEPTABLE  segment_fits is false, or byte ranges of a file are to be encrypted
 *   ERR_NOMEM, ERR_TOO_BIG */
MUST_USE enum err playlist_media(const struct cut *c, enum container in, struct str prefix,
                                 struct buf *out);
/* The same with an EXT-X-TARGETDURATION of `target` seconds, which renditions of one track share.
 *   ERR_NOT_FOUND  it has a longer segment: target < playlist_target */
MUST_USE enum err playlist_media_within(const struct cut *c, enum container in, uint64_t target,
                                        struct str prefix, struct buf *out);

struct rendition {
    struct cut cut;
    enum container in;
    struct str uri;     /* of its media playlist, relative to the master; percent-encoded by us */
    uint64_t bandwidth; /* filled by playlist_master: bits a second, peak and mean */
    uint64_t average;
    uint64_t target; /* seconds, where it is not playlist_target; else 0 */
};

/* Behind the variants a comment says how long the longest one plays, in seconds, rounded up: what
 * keeps a playlist without its index can know it from there. */
#define PLAYLIST_DURATION "#DURATION:"

/* The multivariant playlist: one variant a rendition, sorted by codec (stereo AAC first), then by
 * rate. Where they differ in codec or channels, or have more than two, each codec with each number
 * of channels is a group. Sorts `renditions` in place.
 *   ERR_NOT_ACCEPTABLE, ERR_NOMEM, ERR_TOO_BIG */
MUST_USE enum err playlist_master(struct rendition *renditions, size_t count, struct buf *out);

/* BANDWIDTH and AVERAGE-BANDWIDTH of one (RFC 8216bis 4.4.6.2): the largest rate over any run of
 * segments that lasts 0.5 to 1.5 target durations, and the rate of the whole. Bits a second,
 * rounded up; 0 for a track without packets. */
void playlist_rates(const struct cut *c, enum container in, uint64_t *peak, uint64_t *average);

/* The seconds of EXT-X-TARGETDURATION. */
uint64_t playlist_target(const struct cut *c, enum container in);

/* CODECS: "mp4a.40.2", "fLaC", ... static. */
const char *playlist_codecs(const struct index_info *info);

#endif
