/* Synthetic indexes of encoded tracks. */
#ifndef TESTS_UNIT_SEGMENTS_ENCODED_H
#define TESTS_UNIT_SEGMENTS_ENCODED_H

#include "segments/flac.h"
#include "tests/unit/segments/make.h"

enum { ENCODED_RATE = 44100, ENCODED_FRAME = 4096 };

static inline struct index_info encoded_info(enum encoded encoded)
{
    struct index_info info = make_info(CODEC_FLAC, ENCODED_RATE);
    info.bits = 16;
    info.independent = 1;
    info.encoded = encoded;
    return info;
}

/* The record of a source: PCM in blocks of frames from byte 44, or Vorbis in packets that overlap,
 * in pages (a gap of 30 bytes behind every tenth packet); of the first packet no sound comes. */
static inline struct buf encoded_source(bool vorbis, uint64_t samples)
{
    struct index_info info = make_info(vorbis ? CODEC_VORBIS : CODEC_PCM, ENCODED_RATE);
    struct index_builder *b = index_build();
    struct buf out;
    uint64_t offset = 44, ticks = 0;
    info.bits = 16;
    info.preroll = info.priming = vorbis;
    for (uint32_t i = 0; ticks < samples; i++) {
        uint32_t n = vorbis ? (i % 3 ? 1024 : 576) : ENCODED_FRAME;
        if (!vorbis && samples - ticks < n)
            n = (uint32_t)(samples - ticks);
        uint32_t size = vorbis ? 100 + i % 7 : 4 * n;
        bool silent = vorbis && i == 0;
        assert_int_equal(index_build_packet(b, offset, size, silent ? 1 : n), ERR_NONE);
        offset += size + (vorbis && i % 10 == 0 ? 30u : 0u);
        ticks += silent ? 0 : n;
    }
    info.padding = (uint32_t)(ticks - samples);
    buf_init(&out, BUF_MAX_INDEX);
    struct str config = vorbis ? STR("three headers") : STR("pcm_s16le");
    assert_int_equal(index_build_finish(b, info, STR(""), config, STR(""), &out), ERR_NONE);
    index_build_free(b);
    return out;
}

static inline struct index_builder *encoded_frames(uint64_t samples)
{
    struct flac_shape shape = {ENCODED_RATE, 2, 16, ENCODED_FRAME, samples};
    struct index_builder *b = index_build();
    for (uint64_t at = 0, offset = 0; at < samples; at += ENCODED_FRAME) {
        uint32_t n = samples - at < ENCODED_FRAME ? (uint32_t)(samples - at) : ENCODED_FRAME;
        assert_int_equal(index_build_packet(b, offset, flac_bound(&shape, n), n), ERR_NONE);
        offset += flac_bound(&shape, n);
    }
    return b;
}

static inline struct index *encoded_track(bool vorbis, uint64_t samples)
{
    struct buf source = encoded_source(vorbis, samples);
    struct index *x =
        make_open(encoded_frames(samples), encoded_info(ENCODED_BOUND), buf_str(&source));
    buf_fini(&source);
    return x;
}

/* An answer of `frames` frames, the sizes of which make_size has. */
static inline struct buf encoded_reply(uint32_t first, uint32_t frames, bool sizes_only)
{
    struct buf b;
    buf_init(&b, BUF_MAX_SEGMENT);
    for (uint32_t i = 0; i < frames; i++) {
        uint32_t size = make_size(first + i, 900);
        for (unsigned k = 0; k < 4; k++)
            buf_addc(&b, (char)(size >> 8 * k));
    }
    for (uint32_t i = 0; i < frames && !sizes_only; i++)
        for (uint32_t k = 0; k < make_size(first + i, 900); k++)
            buf_addc(&b, (char)(first + i + k));
    assert_int_equal(buf_status(&b), ERR_NONE);
    return b;
}

#endif
