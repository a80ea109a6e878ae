/* An order for frames: what the server asks a helper to encode. It names the packets of the source
 * to decode (where they lie in the file), how much of the sound to drop, and which frames to make
 * of the rest; so a helper opens no container for it, and remembers nothing. [any thread]
 * The bytes of an order travel behind a request (record.h); those of what comes back are a size for
 * each frame (32 bits, little-endian), then the frames. */
#ifndef SEGMENTS_ORDER_H
#define SEGMENTS_ORDER_H

#include "segments/flac.h"
#include "segments/index.h"

enum {
    ORDER_MAX = 16 * 1024 * 1024, /* bytes of an order */
    ORDER_FRAMES_MAX = 1 << 17,   /* frames in it: a minute, and some */
};

struct order {
    enum codec codec; /* of the source: CODEC_PCM or CODEC_VORBIS */
    bool sizes_only;  /* the frames themselves are not wanted */
    struct flac_shape shape;
    uint32_t first;   /* number of the first frame */
    uint32_t frames;  /* at least 1 */
    uint32_t last;    /* samples of the last one */
    uint32_t skip;    /* decoded samples before the first */
    uint32_t packets; /* to decode */
    uint32_t spans;
    const unsigned char *places; /* of each span: offset, length, 64 bits both; borrowed */
    const unsigned char *sizes;  /* of each packet: 32 bits; borrowed */
    const unsigned char *ticks;  /* samples that come of it, as the index counted them: the same */
    struct str config;           /* of the decoder: index_config of the source; borrowed */
};

/* For the frames [from, to) of an encoded track: must(from < to <= packets).
 *   ERR_TOO_BIG   ERR_NOMEM */
MUST_USE enum err order_write(const struct index *x, uint32_t from, uint32_t to, bool sizes_only,
                              struct buf *out);
/* ERR_SYNTAX: it is not whole, or a number is out of its limits. */
MUST_USE enum err order_read(struct str bytes, struct order *out);

uint64_t order_samples(const struct order *o); /* of all its frames, a channel */
struct index_span order_span(const struct order *o, uint32_t i);
uint32_t order_size(const struct order *o, uint32_t i); /* of packet i */
/* Samples that packet i decodes to here: none, where it is there for the next one's sake. */
uint32_t order_ticks(const struct order *o, uint32_t i);

/* What came back: `frames` sizes, then, unless sizes_only, as many bytes as they say.
 *   ERR_MEDIA  it is something else */
MUST_USE enum err order_check(struct str reply, uint32_t frames, bool sizes_only);
/* Of a checked reply: the size of frame i, and all frames. */
uint32_t order_frame(struct str reply, uint32_t i);
struct str order_frames(struct str reply, uint32_t frames);

#endif
