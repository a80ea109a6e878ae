/* Media files made in memory by libavformat's own encoders and muxers. */
#ifndef TESTS_UNIT_HELPER_MEDIA_H
#define TESTS_UNIT_HELPER_MEDIA_H

#include "segments/index.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct recipe {
    const char *muxer;   /* "mp4" */
    const char *encoder; /* "aac" */
    int rate, channels;
    unsigned seconds;
    const char *options; /* of the muxer: "moov_size=30000" */
    enum codec codec;    /* what the index says it is */
};

static const struct recipe kit_recipes[] = {
    {"mp4", "aac", 44100, 2, 3, NULL, CODEC_AAC},
    {"mp4", "aac", 48000, 1, 3, "movflags=empty_moov+frag_every_frame", CODEC_AAC},
    {"mp4", "alac", 44100, 2, 3, NULL, CODEC_ALAC},
    {"adts", "aac", 44100, 2, 3, NULL, CODEC_AAC},
    {"mp3", "libmp3lame", 44100, 2, 3, NULL, CODEC_MP3},
    {"flac", "flac", 44100, 2, 3, NULL, CODEC_FLAC},
    {"ogg", "flac", 44100, 2, 3, NULL, CODEC_FLAC},
    {"ogg", "libopus", 48000, 2, 3, NULL, CODEC_OPUS},
    {"webm", "libopus", 48000, 2, 3, NULL, CODEC_OPUS},
    {"ac3", "ac3", 48000, 2, 3, NULL, CODEC_AC3},
    {"eac3", "eac3", 48000, 2, 3, NULL, CODEC_EAC3},
};
enum { KIT_RECIPES = sizeof kit_recipes / sizeof *kit_recipes };

/* ---- making a file ---- */

/* A triangle of that many samples, between -1 and 1. */
static inline double kit_wave(int64_t at, int64_t period)
{
    double x = (double)(at % period) / (double)period;
    return x < 0.5 ? 4 * x - 1 : 3 - 4 * x;
}

static inline void kit_fill(AVFrame *f, int64_t at)
{
    for (int i = 0; i < f->nb_samples; i++)
        for (int c = 0; c < f->ch_layout.nb_channels; c++) {
            double s = kit_wave(at + i, 441) * 0.3 + kit_wave(at + i, 17) * 0.1;
            int planar = av_sample_fmt_is_planar((enum AVSampleFormat)f->format);
            int p = planar ? c : 0, n = planar ? i : i * f->ch_layout.nb_channels + c;
            switch (av_get_packed_sample_fmt((enum AVSampleFormat)f->format)) {
            case AV_SAMPLE_FMT_FLT:
                ((float *)(void *)f->extended_data[p])[n] = (float)s;
                break;
            case AV_SAMPLE_FMT_S16:
                ((int16_t *)(void *)f->extended_data[p])[n] = (int16_t)(s * 32000);
                break;
            default: /* S32 */
                ((int32_t *)(void *)f->extended_data[p])[n] = (int32_t)(s * 2e9);
            }
        }
}

static inline AVCodecContext *kit_encoder(const struct recipe *r, const AVOutputFormat *format)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(r->encoder);
    assert_non_null(codec);
    AVCodecContext *c = avcodec_alloc_context3(codec);
    c->sample_rate = r->rate;
    c->sample_fmt = codec->sample_fmts[0];
    c->time_base = (AVRational){1, r->rate};
    c->bit_rate = 128000;
    c->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    av_channel_layout_default(&c->ch_layout, r->channels);
    if (format->flags & AVFMT_GLOBALHEADER)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    assert_int_equal(avcodec_open2(c, codec, NULL), 0);
    return c;
}

static inline void kit_drain(AVCodecContext *c, AVFormatContext *m)
{
    AVPacket *p = av_packet_alloc();
    while (avcodec_receive_packet(c, p) == 0) {
        av_packet_rescale_ts(p, c->time_base, m->streams[0]->time_base);
        assert_true(av_interleaved_write_frame(m, p) >= 0);
    }
    av_packet_free(&p);
}

static inline void kit_encode(AVCodecContext *c, AVFormatContext *m, int64_t samples)
{
    AVFrame *f = av_frame_alloc();
    f->nb_samples = c->frame_size ? c->frame_size : 1024;
    f->format = c->sample_fmt;
    f->sample_rate = c->sample_rate;
    assert_int_equal(av_channel_layout_copy(&f->ch_layout, &c->ch_layout), 0);
    assert_int_equal(av_frame_get_buffer(f, 0), 0);
    for (int64_t at = 0; at < samples; at += f->nb_samples) {
        assert_int_equal(av_frame_make_writable(f), 0);
        kit_fill(f, at);
        f->pts = at;
        assert_int_equal(avcodec_send_frame(c, f), 0);
        kit_drain(c, m);
    }
    (void)avcodec_send_frame(c, NULL);
    kit_drain(c, m);
    av_frame_free(&f);
}

/* The file's bytes, the caller's. `tags`: name, value, name, value, NULL; NULL: none. */
static inline struct str kit_file(const struct recipe *r, const char *const *tags)
{
    AVFormatContext *m = NULL;
    AVDictionary *options = NULL;
    uint8_t *bytes = NULL;
    av_log_set_level(AV_LOG_QUIET);
    assert_true(avformat_alloc_output_context2(&m, NULL, r->muxer, NULL) >= 0);
    AVCodecContext *c = kit_encoder(r, m->oformat);
    AVStream *s = avformat_new_stream(m, NULL);
    assert_int_equal(avcodec_parameters_from_context(s->codecpar, c) < 0, 0);
    s->time_base = c->time_base;
    for (; tags && *tags; tags += 2)
        av_dict_set(&m->metadata, tags[0], tags[1], 0);
    av_dict_set(&options, "strict", "experimental", 0);
    if (r->options)
        assert_int_equal(av_dict_parse_string(&options, r->options, "=", ",", 0), 0);
    assert_int_equal(avio_open_dyn_buf(&m->pb), 0);
    assert_true(avformat_write_header(m, &options) >= 0);
    av_dict_free(&options);
    kit_encode(c, m, (int64_t)r->rate * r->seconds);
    assert_true(av_write_trailer(m) >= 0);
    int n = avio_close_dyn_buf(m->pb, &bytes);
    m->pb = NULL;
    avcodec_free_context(&c);
    avformat_free_context(m);
    char *copy = malloc((size_t)n + 1);
    memcpy(copy, bytes, (size_t)n);
    av_free(bytes);
    return (struct str){copy, (size_t)n};
}

static inline void kit_file_free(struct str file) { free((void *)(uintptr_t)file.p); }

#endif
