/* ADTS, the framing of AAC that stands alone (ISO 14496-3 1.A.2.2): the headers that raw AAC gets
 * for TS and packed audio, and the check of headers that come off for fMP4. [any thread] */
#ifndef SEGMENTS_ADTS_H
#define SEGMENTS_ADTS_H

#include "segments/index.h"

enum {
    ADTS_HEADER = 7,
    ADTS_FRAME_MAX = (1 << 13) - 1, /* header included */
};

struct adts {
    uint8_t profile; /* the object type less one: 1 for AAC-LC */
    uint8_t rate;    /* the index of the core's sampling frequency */
    uint8_t channels;
};

/* From an AudioSpecificConfig. HE-AAC becomes its AAC-LC core, which is how ADTS carries it: the
 * decoder finds SBR and PS by itself. False where ADTS can't say it: other object types, a
 * frequency outside the table, channels by a program config element, frames of 960. */
bool adts_read_config(struct str config, struct adts *out);

/* The header of a frame with `size` bytes of AAC; must(size + ADTS_HEADER <= ADTS_FRAME_MAX). */
void adts_write(const struct adts *a, uint32_t size, unsigned char out[ADTS_HEADER]);

/* Is `frame` one whole ADTS frame of one block whose header takes `header` bytes (7, or 9 with
 * CRC)? */
bool adts_frame_fits(struct str frame, uint32_t header);

/* How many bytes of framing each packet of the track gets where frames stand alone: ADTS_HEADER for
 * AAC that has none of its own, else 0. */
uint32_t adts_missing(const struct index *x);
/* Can the packets stand alone, with those headers? False for codecs that never do. */
bool adts_stands_alone(const struct index *x);
/* Append packets [from, to), which lie side by side in `payload`, each behind its header.
 * must(adts_stands_alone(x)) */
void adts_frames(const struct index *x, uint32_t from, uint32_t to, struct str payload,
                 struct buf *out);

#endif
