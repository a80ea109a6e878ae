/* The bytes of an index record, shared by the files that write, check and read it; nobody else
 * includes this. [any thread]
 *
 * A record is its head, then these sections, each of them starting on 8 bytes and padded with
 * zeros to the next 8; those that a track does not need have no bytes:
 *   size sums   64 bits: payload before packet 0, STRIDE, 2*STRIDE, ...
 *   sizes       size_width (2 or 4) bytes a packet; width 0: every packet is max_size long
 *   tick sums   64 bits: ticks before packet 0, STRIDE, ...
 *   ticks       ticks_width (2 or 4) bytes a packet; width 0: frame_ticks but for the exceptions
 *   exceptions  packets that last something else, by rising number
 *   extents     by rising payload offset, the first at 0; two that touch in the file are one
 *   init, config, tags    (config of an encoded track: the record of its source)
 * Every integer is little-endian. */
#ifndef SEGMENTS_INDEX_LAYOUT_H
#define SEGMENTS_INDEX_LAYOUT_H

#include "segments/index.h"

#include <endian.h>

#define RECORD_MAGIC UINT32_C(0x58494753) /* "SGIX" */

struct layout_head {
    uint32_t magic;
    uint32_t version;
    uint64_t length; /* of the whole record */
    uint8_t codec;
    uint8_t aac_object_type;
    uint8_t mpeg_layer3_lsf;
    uint8_t bits;
    uint8_t independent;
    uint8_t size_width;
    uint8_t ticks_width;
    uint8_t encoded;
    uint16_t channels;
    uint16_t strip;
    uint32_t sample_rate;
    uint32_t timescale;
    uint32_t frame_ticks;
    uint32_t packets;
    uint32_t priming;
    uint32_t padding;
    uint32_t preroll;
    uint64_t duration;
    uint64_t payload;
    uint32_t max_size;
    uint32_t exceptions;
    uint32_t extents;
    uint32_t init;
    uint32_t config;
    uint32_t tags;
};
_Static_assert(sizeof(struct layout_head) == 96, "the head of a record has no gaps");

struct layout_exception {
    uint32_t packet;
    uint32_t ticks;
    uint64_t start; /* ticks before this packet */
};

struct layout_extent {
    uint64_t payload;
    uint64_t file;
};

struct index {
    unsigned char *record; /* owned (malloc); everything below points into it */
    size_t length;
    struct index_info info;
    uint32_t max_ticks; /* the longest packet */
    uint32_t exceptions;
    uint32_t extents;
    uint8_t size_width;
    uint8_t ticks_width;
    const uint64_t *size_sums;
    const void *sizes;
    const uint64_t *tick_sums;
    const void *ticks;
    const struct layout_exception *exception;
    const struct layout_extent *extent;
    struct str init;
    struct str config;
    struct str tags;
    struct index *source; /* owned; of an encoded track: opened from a copy of config */
};

/* Element i of an array of 2- or 4-byte numbers. */
static inline uint32_t layout_number(const void *array, uint8_t width, uint32_t i)
{
    if (width == 2)
        return le16toh(((const uint16_t *)array)[i]);
    return le32toh(((const uint32_t *)array)[i]);
}

/* Running sums that an array of `packets` numbers has. */
static inline uint32_t layout_sums(uint32_t packets)
{
    return packets / INDEX_STRIDE + (packets % INDEX_STRIDE != 0);
}

static inline uint64_t layout_round8(uint64_t n) { return (n + 7) & ~UINT64_C(7); }

/* Are the values that a maker of records states (not those that are sums) within limits? */
bool layout_info_fits(const struct index_info *info);
/* Bytes of the configuration, at most. */
static inline size_t layout_config_max(enum encoded encoded)
{
    return encoded == ENCODED_NOT ? (size_t)INDEX_CONFIG_MAX : (size_t)BUF_MAX_INDEX;
}
/* Are they lines of name=value in UTF-8 without control bytes? */
bool layout_tags_fit(struct str tags);

#endif
