/* One track while its index is made: what the files of this folder share. [the helper's one thread]
 * Owned by probe.c, which opens the file, picks the stream and calls one of the readers. */
#ifndef SEGMENTS_HELPER_TRACK_H
#define SEGMENTS_HELPER_TRACK_H

#include "segments/asc.h"
#include "segments/helper/avio.h"
#include "segments/index.h"

#include <libavcodec/vorbis_parser.h>
#include <libavformat/avformat.h>

struct track {
    struct source *source;   /* borrowed */
    AVFormatContext *format; /* owned by probe.c */
    AVStream *stream;        /* the format's */
    struct index_builder *builder;
    struct index_info info;
    struct asc asc;               /* AAC: what the init segment will say */
    struct buf config;            /* for index_config */
    struct index_span first;      /* where the first packet lies (its first piece) */
    uint64_t packets;             /* in the builder */
    uint64_t ticks;               /* their durations' sum */
    int64_t said;                 /* how long the stream is by its head, in its time base */
    AVVorbisParseContext *vorbis; /* owned by probe.c; NULL where it is none */
    char *why;                    /* RECORD_WHY + 1 bytes, borrowed */
};

/* Note why, and hand the error back. */
enum err track_fail(struct track *t, enum err e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for an AVERROR: CANCELLED, MEDIA with libav's words, NOMEM. */
enum err track_fail_av(struct track *t, int averror);

/* Add one packet. ERR_AGAIN: it ends behind the file's end, where the track then ends too.
 *   ERR_CANCELLED, ERR_MEDIA, ERR_TOO_BIG, ERR_NOMEM */
MUST_USE enum err track_add(struct track *t, uint64_t offset, uint32_t size, uint32_t ticks);
MUST_USE enum err track_add_pieces(struct track *t, const struct index_span *pieces, size_t count,
                                   uint32_t ticks);

/* describe.c: fill info and config from the stream's parameters.
 *   ERR_UNSUPPORTED  HLS cannot carry it   ERR_MEDIA */
MUST_USE enum err describe(struct track *t);
/* describe.c: codec parameters for the init segment: what the stream has, with AAC's config
 * explicit. */
MUST_USE enum err describe_init(struct track *t, AVCodecParameters *par);
/* AAC without a config of its own (ADTS): from a frame's header, once, on the first frame. */
MUST_USE enum err describe_adts(struct track *t, unsigned type, uint32_t core_rate,
                                unsigned channels);

/* The readers: fill the builder, and priming and padding in info. */
MUST_USE enum err table_index(struct track *t);   /* MP4 */
MUST_USE enum err frames_index(struct track *t);  /* FLAC, AC-3, Matroska, by reading packets */
MUST_USE enum err headers_index(struct track *t); /* MP3, ADTS, by their frames' headers */
MUST_USE enum err pages_index(struct track *t);   /* Ogg */
MUST_USE enum err pcm_index(struct track *t);     /* WAV, AIFF: one run of samples */

/* pcm.c, vorbis.c: what is to be encoded. As describe. */
MUST_USE enum err describe_pcm(struct track *t);
MUST_USE enum err describe_vorbis(struct track *t);
/* The samples that come out when a packet is decoded after the one before it, from its first bytes;
 * of the first packet 1, since no packet may last nothing. 0: it is no packet of sound. */
uint32_t vorbis_ticks(struct track *t, const uint8_t *head, size_t n);

/* encoded.c: the index of a track that HLS can't carry as it is, around that of its source, which
 * is in the builder. */
bool encoded_is(const struct track *t);
MUST_USE enum err encoded_fits(struct track *t); /* ERR_UNSUPPORTED: FLAC can't hold it */
MUST_USE enum err encoded_finish(struct track *t, struct str tags, struct buf *out);

/* tags.c: "name=value\n" lines. */
void tags_write(const AVFormatContext *format, const AVStream *stream, struct buf *out);

#endif
