/* FLAC frames as far as the server makes them (RFC 9639): how long they are, how large they may
 * get, the description of their stream, and the number that each of them bears. What is in them is
 * an encoder's. [any thread] */
#ifndef SEGMENTS_FLAC_H
#define SEGMENTS_FLAC_H

#include "edge/base/buf.h"

enum {
    FLAC_STREAMINFO = 34, /* bytes */
    FLAC_CHANNELS_MAX = 8,
    FLAC_BITS_MAX = 24, /* a sample; RFC 9639 knows 32, which few decoders play */
    FLAC_RATE_MAX = 655350,
    FLAC_FRAME_MAX = 4096, /* samples */
};

struct flac_shape {
    uint32_t rate; /* Hz */
    uint32_t channels;
    uint32_t bits;    /* a sample: 16 or 24 */
    uint32_t frame;   /* samples of each frame but the last, a channel; 1 to FLAC_FRAME_MAX */
    uint64_t samples; /* of the whole stream, a channel */
};

/* Can frames of that shape be written? (9.1.2: rates that a frame's head can name) */
bool flac_fits(const struct flac_shape *s);
/* Samples of a frame at that rate: about a tenth of a second, in the streamable subset (RFC 9639
 * 7), so that segments of any duration end close to where they should. */
uint32_t flac_frame(uint32_t rate);
/* Bytes that a frame of `samples` has at most: when nothing can be predicted in it. */
uint32_t flac_bound(const struct flac_shape *s, uint32_t samples);
/* RFC 9639 8.2, without a checksum and without the sizes of frames. */
void flac_streaminfo(const struct flac_shape *s, struct buf *out);
/* Append `frame` with its number changed to `number`, and its checksums with it (RFC 9639 9.1.5).
 *   ERR_MEDIA  it is no frame of a stream whose frames all have one size   ERR_NOMEM, ERR_TOO_BIG
 */
MUST_USE enum err flac_renumber(struct str frame, uint32_t number, struct buf *out);

#endif
