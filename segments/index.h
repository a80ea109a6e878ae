/* The packet index of one track: all that playlists, segments, byte positions and pacing need to
 * know of a media file. Made once by the media helper, kept as an object, read by everybody.
 * [any thread: an open index never changes]
 *
 * Its bytes are one record, the same in memory, on the helper's socket and in Redis: little-endian,
 * no pointers, a version in front. index_open checks every count, offset and sum in it once, since
 * it comes from a process that has read a hostile file; after that reads are array look-ups.
 * About 2 bytes a packet: sizes are an array of 16 bits (32 where a packet needs it; none when all
 * packets have the same size), with a 64-bit running sum every INDEX_STRIDE packets; durations are
 * one number with exceptions; places in the file are extents of the payload.
 *
 * Payload: the bytes of all packets, one after the other, as they stand in the file (with ADTS
 * headers, without Ogg page headers). An extent maps a run of payload to a run of the file. A track
 * whose packets lie side by side has one extent, however long it is; an Ogg file has one a page. */
#ifndef SEGMENTS_INDEX_H
#define SEGMENTS_INDEX_H

#include "edge/base/buf.h"
#include "edge/base/err.h"
#include "edge/base/str.h"

enum codec {
    CODEC_NONE,
    CODEC_AAC,
    CODEC_MP3,
    CODEC_FLAC,
    CODEC_ALAC,
    CODEC_OPUS,
    CODEC_AC3,
    CODEC_EAC3,
    CODEC_VORBIS, /* of the source of an encoded track only */
    CODEC_PCM,    /* the same */
    CODEC_COUNT
};

/* HLS carries neither PCM nor Vorbis. A track of these is encoded: its index has codec FLAC and
 * packets that stand in no file, and holds the index of its source. */
enum encoded {
    ENCODED_NOT,
    ENCODED_BOUND, /* packets' sizes are what they are at most */
    ENCODED_EXACT,
    ENCODED_COUNT
};

enum {
    INDEX_VERSION = 1,
    INDEX_STRIDE = 256,                /* packets between two running sums */
    INDEX_INIT_MAX = 64 * 1024,        /* bytes of the init segment */
    INDEX_CONFIG_MAX = 16 * 1024,      /* bytes of the codec's configuration, unless encoded */
    INDEX_TAGS_MAX = 16 * 1024,        /* bytes of the tags */
    INDEX_PACKETS_MAX = 1 << 25,       /* packets: 190 hours of 20 ms */
    INDEX_SIZE_MAX = 16 * 1024 * 1024, /* bytes of one packet */
    INDEX_SECONDS_MAX = 3600 * 1000,   /* a track's duration */
};

/* All times are in ticks of 1/timescale second. */
struct index_info {
    enum codec codec;
    uint8_t aac_object_type; /* ISO 14496-3 audio object type: 2, 5, 29, 42; 0 when not AAC */
    uint8_t mpeg_layer3_lsf; /* MP3: 1 for MPEG-2 and 2.5 (stream type 0x04 in TS), else 0 */
    uint8_t bits;            /* a sample, where the codec is lossless; else 0 */
    uint8_t independent;     /* every packet can be where a listener starts (see HLS's
                                INDEPENDENT-SEGMENTS) */
    enum encoded encoded;
    uint16_t channels;
    uint16_t strip;       /* bytes of framing in front of each packet that are not part of an
                                fMP4 sample: ADTS's 7 (9 where all frames have a CRC), else 0 */
    uint32_t sample_rate; /* of the decoded sound, Hz */
    uint32_t timescale;   /* ticks a second, 1 to 1,000,000 */
    uint32_t frame_ticks; /* the duration of nearly every packet, at least 1 */
    uint32_t packets;     /* how many; may be 0 */
    uint32_t priming;     /* ticks of sound to drop at the start */
    uint32_t padding;     /* ticks of sound to drop at the end */
    uint32_t preroll; /* packets a decoder needs before the one where it starts (roll group): AAC 1,
                         Opus 80 ms, else 0 */
    uint64_t duration; /* ticks: the sum of the packets' durations, priming and padding included */
    uint64_t payload;  /* bytes: the sum of the packets' sizes */
    uint32_t max_size; /* bytes of the largest packet */
};

/* A run of bytes of the media file. */
struct index_span {
    uint64_t offset;
    uint64_t length;
};

struct index; /* opaque */

/* Check `record` and open it; takes the memory (malloc) over in every case and frees it on error.
 *   ERR_MEDIA  it is not a whole, consistent record of INDEX_VERSION   ERR_NOMEM */
MUST_USE enum err index_open(unsigned char *record, size_t len, struct index **out);
void index_free(struct index *x);

const struct index_info *index_info(const struct index *x);
struct str index_record(const struct index *x); /* the bytes, to keep elsewhere */
size_t index_memory(const struct index *x);     /* bytes of memory it holds */
struct str
index_init(const struct index *x); /* ftyp+moov; empty where the codec has no fMP4 form */
struct str
index_config(const struct index *x); /* the codec's own configuration (AudioSpecificConfig,
                                                   dfLa blocks, dOps, alac cookie); may be empty */
/* Of an encoded track (whose index_config is this one's record) what it is encoded from, which has
 * packets in the file, in ticks of one sample; else NULL. Its duration without priming and padding
 * is the track's. */
const struct index *index_source(const struct index *x);
/* Tags as "name=value\n" lines, UTF-8, names in lower case (title, artist, album, ...). */
struct str index_tags(const struct index *x);

/* Packet numbers run from 0; must(packet < packets), for `from`/`to` must(from <= to <= packets).
 */
uint32_t index_size(const struct index *x, uint32_t packet);  /* bytes */
uint32_t index_ticks(const struct index *x, uint32_t packet); /* its duration */
uint32_t index_max_ticks(const struct index *x); /* the longest packet's; 0 when there is none */
/* Do the packets [from, to) surely all last frame_ticks? */
bool index_steady(const struct index *x, uint32_t from, uint32_t to);
uint64_t index_start(const struct index *x,
                     uint32_t packet); /* ticks before it; packet == packets: the duration */
uint32_t index_at(const struct index *x,
                  uint64_t ticks); /* the packet boundary nearest to that time, 0..packets */
uint64_t index_bytes(const struct index *x, uint32_t from, uint32_t to); /* their sizes' sum */

/* Where the bytes of packets [from, to) lie in the file, in order, neighbours joined. Writes at
 * most `room` spans and returns how many there are in all (so room 0 asks how many). */
size_t index_spans(const struct index *x, uint32_t from, uint32_t to, struct index_span *out,
                   size_t room);

/* Making one [the helper; tests]. Add packets in order, then finish. */
struct index_builder;
struct index_builder *index_build(void); /* NULL: out of memory */
void index_build_free(struct index_builder *b);
/* A packet whose bytes lie in one piece. ERR_MEDIA for a size of 0 or over INDEX_SIZE_MAX, an
 * offset past 2^63 or ticks of 0: the packet was not added. ERR_TOO_BIG past INDEX_PACKETS_MAX or
 * BUF_MAX_INDEX, ERR_NOMEM: give the builder up. */
MUST_USE enum err index_build_packet(struct index_builder *b, uint64_t offset, uint32_t size,
                                     uint32_t ticks);
/* The same for one that lies in several pieces (an Ogg packet that goes on over pages). */
MUST_USE enum err index_build_pieces(struct index_builder *b, const struct index_span *pieces,
                                     size_t count, uint32_t ticks);
/* Append the record to `out`. Of `info` the builder fills frame_ticks, packets, duration, payload,
 * max_size.   ERR_MEDIA  index_open would refuse it: a value out of its limits, tags that are not
 * UTF-8 lines   ERR_TOO_BIG  init, config, tags or all together   ERR_NOMEM */
MUST_USE enum err index_build_finish(struct index_builder *b, struct index_info info,
                                     struct str init, struct str config, struct str tags,
                                     struct buf *out);

/* The packet that byte `offset` of the file belongs to; of a byte that is of none (a tag, a header)
 * the next one; behind the last, `packets`. Where payload does not rise through the file with time,
 * as nobody writes it, some packet. */
uint32_t index_packet_at(const struct index *x, uint64_t offset);

const char *codec_name(enum codec c); /* "aac", "mp3", ... for people and JSON */

#endif
