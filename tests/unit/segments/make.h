/* Synthetic indexes for the tests of segments/. */
#ifndef TESTS_UNIT_SEGMENTS_MAKE_H
#define TESTS_UNIT_SEGMENTS_MAKE_H

#include "segments/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static inline struct index_info make_info(enum codec codec, uint32_t rate)
{
    return (struct index_info){
        .codec = codec,
        .aac_object_type = codec == CODEC_AAC ? 2 : 0,
        .channels = 2,
        .sample_rate = rate,
        .timescale = rate,
    };
}

/* Finish the builder and open what it wrote; the builder is freed. */
static inline struct index *make_open(struct index_builder *b, struct index_info info,
                                      struct str config)
{
    struct buf out;
    buf_init(&out, BUF_MAX_INDEX);
    assert_int_equal(index_build_finish(b, info, STR("INIT"), config, STR("title=A Song\n"), &out),
                     ERR_NONE);
    index_build_free(b);
    struct index *x;
    size_t len;
    unsigned char *record = buf_take(&out, &len);
    assert_int_equal(index_open(record, len, &x), ERR_NONE);
    return x;
}

/* The size of packet i in make_track: varies without a pattern that a bug could hide behind. */
static inline uint32_t make_size(uint32_t i, uint32_t about)
{
    return about - about / 4 + (i * 2654435761u >> 8) % (about / 2 + 1);
}

/* `packets` of `ticks` each, about `about` bytes long, side by side from file offset 1000. */
static inline struct index *make_track(struct index_info info, uint32_t packets, uint32_t ticks,
                                       uint32_t about, struct str config)
{
    struct index_builder *b = index_build();
    uint64_t offset = 1000;
    for (uint32_t i = 0; i < packets; i++) {
        uint32_t size = make_size(i, about);
        assert_int_equal(index_build_packet(b, offset, size, ticks), ERR_NONE);
        offset += size;
    }
    return make_open(b, info, config);
}

/* AudioSpecificConfig: AAC-LC, 44100 Hz, stereo. */
#define MAKE_ASC STR("\x12\x10")

static inline struct index *make_aac(uint32_t packets)
{
    return make_track(make_info(CODEC_AAC, 44100), packets, 1024, 370, MAKE_ASC);
}

/* What the bytes of packets [from, to) are in a test: byte j of packet i is a function of both. */
static inline struct buf make_payload(const struct index *x, uint32_t from, uint32_t to)
{
    struct buf b;
    buf_init(&b, BUF_MAX_SEGMENT);
    for (uint32_t i = from; i < to; i++)
        for (uint32_t j = 0; j < index_size(x, i); j++)
            buf_addc(&b, (char)(i * 31 + j * 7));
    assert_int_equal(buf_status(&b), ERR_NONE);
    return b;
}

static inline uint32_t make_be(const unsigned char *at, unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

#endif
