/* An order is carried out packet by packet: read where it lies, decode, gather samples until a
 * frame is full, encode that, give it its number. Decoder and encoder live for one order.
 *
 * The same order makes the same bytes on every edge that has the same libavcodec: a frame depends
 * on its own samples alone, encoders start afresh, and the libraries are held to what every
 * processor of the architecture can do (their faster variants round floating point in other ways).
 */
#include "segments/helper/encode.h"

#include <libavcodec/avcodec.h>
#include <libavutil/cpu.h>
#include <libavutil/mem.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LEVEL = 5, LEAST_FRAME = 16 };

struct encoder {
    struct source *source;
    struct order order;
    AVCodecContext *decoder;
    AVCodecContext *coder;
    AVPacket *packet; /* to decode */
    AVPacket *coded;  /* that came from the coder */
    AVFrame *sound;   /* that came from the decoder */
    AVFrame *frame;   /* that is being filled */
    uint32_t filled;  /* samples in it */
    uint32_t skip;    /* samples to drop before more are taken */
    uint32_t owed;    /* samples that are still to come of the packet at hand */
    uint32_t made;    /* frames */
    uint32_t span;    /* that is being read */
    uint64_t span_at; /* bytes of it that were */
    struct buf *out;
    size_t sizes; /* where they stand in out */
    char *why;
};

/* URLs of encoded segments name the libavcodec that segue was built with: Makefile, edge/recipe.c.
 */
static void compare_versions(void)
{
    if (avcodec_version() != LIBAVCODEC_VERSION_INT)
        fputs("segue-media: libavcodec is another one than segue was built with: segments of PCM "
              "and Vorbis may differ from other edges' under the same URL\n",
              stderr);
}

void encode_warm_up(void)
{
    compare_versions();
#ifdef __x86_64__
    av_force_cpu_flags(AV_CPU_FLAG_MMX | AV_CPU_FLAG_MMXEXT | AV_CPU_FLAG_CMOV | AV_CPU_FLAG_SSE |
                       AV_CPU_FLAG_SSE2);
#endif
}

static enum err fail(struct encoder *e, enum err rc, const char *why)
{
    (void)snprintf(e->why, RECORD_WHY + 1, "%s", why);
    return rc;
}

/* The decoders of PCM that FLAC can hold; the order comes with a name. */
static enum AVCodecID pcm_of(struct str name)
{
    static const enum AVCodecID known[] = {
        AV_CODEC_ID_PCM_U8,    AV_CODEC_ID_PCM_S8,    AV_CODEC_ID_PCM_S16LE, AV_CODEC_ID_PCM_S16BE,
        AV_CODEC_ID_PCM_S24LE, AV_CODEC_ID_PCM_S24BE, AV_CODEC_ID_PCM_ALAW,  AV_CODEC_ID_PCM_MULAW,
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(name, str_of(avcodec_get_name(known[i]))))
            return known[i];
    return AV_CODEC_ID_NONE;
}

static enum err set_config(AVCodecContext *decoder, struct str config)
{
    decoder->extradata = av_mallocz(config.n + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!decoder->extradata)
        return ERR_NOMEM;
    memcpy(decoder->extradata, config.p, config.n);
    decoder->extradata_size = (int)config.n;
    return ERR_NONE;
}

static enum err open_decoder(struct encoder *e)
{
    const struct order *o = &e->order;
    bool vorbis = o->codec == CODEC_VORBIS;
    const AVCodec *codec = avcodec_find_decoder(vorbis ? AV_CODEC_ID_VORBIS : pcm_of(o->config));
    if (!codec)
        return fail(e, ERR_UNSUPPORTED, "there is no decoder for it");
    e->decoder = avcodec_alloc_context3(codec);
    if (!e->decoder)
        return ERR_NOMEM;
    e->decoder->thread_count = 1;
    e->decoder->flags |= AV_CODEC_FLAG_BITEXACT;
    e->decoder->sample_rate = (int)o->shape.rate;
    av_channel_layout_default(&e->decoder->ch_layout, (int)o->shape.channels);
    if (vorbis)
        TRY(set_config(e->decoder, o->config));
    return avcodec_open2(e->decoder, codec, NULL) < 0
               ? fail(e, ERR_MEDIA, "its decoder cannot be set up")
               : ERR_NONE;
}

static uint32_t frame_room(const struct order *o)
{
    return o->shape.frame > LEAST_FRAME ? o->shape.frame : LEAST_FRAME;
}

static enum err open_coder(struct encoder *e)
{
    const struct flac_shape *s = &e->order.shape;
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_FLAC);
    e->coder = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!e->coder)
        return codec ? ERR_NOMEM : fail(e, ERR_UNSUPPORTED, "there is no encoder of FLAC");
    AVCodecContext *c = e->coder;
    c->thread_count = 1;
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    c->sample_rate = (int)s->rate;
    c->time_base = (AVRational){1, c->sample_rate};
    c->sample_fmt = s->bits == 16 ? AV_SAMPLE_FMT_S16 : AV_SAMPLE_FMT_S32;
    c->bits_per_raw_sample = (int)s->bits;
    c->compression_level = LEVEL;
    c->frame_size = (int)frame_room(&e->order);
    av_channel_layout_default(&c->ch_layout, (int)s->channels);
    return avcodec_open2(c, codec, NULL) < 0 ? fail(e, ERR_UNSUPPORTED, "it cannot be encoded")
                                             : ERR_NONE;
}

static enum err open_frame(struct encoder *e)
{
    e->packet = av_packet_alloc();
    e->coded = av_packet_alloc();
    e->sound = av_frame_alloc();
    e->frame = av_frame_alloc();
    if (!e->packet || !e->coded || !e->sound || !e->frame)
        return ERR_NOMEM;
    e->frame->format = e->coder->sample_fmt;
    e->frame->sample_rate = e->coder->sample_rate;
    e->frame->nb_samples = (int)frame_room(&e->order);
    if (av_channel_layout_copy(&e->frame->ch_layout, &e->coder->ch_layout) < 0)
        return ERR_NOMEM;
    return av_frame_get_buffer(e->frame, 0) < 0 ? ERR_NOMEM : ERR_NONE;
}

/* ---- a frame that is full ---- */

static uint32_t wanted(const struct encoder *e)
{
    return e->made + 1 == e->order.frames ? e->order.last : e->order.shape.frame;
}

static enum err put_frame(struct encoder *e)
{
    struct str frame = {(const char *)e->coded->data, (size_t)e->coded->size};
    struct buf *out = e->out;
    size_t start = out->len;
    if (flac_renumber(frame, e->order.first + e->made, out))
        return buf_status(out) ? buf_status(out) : fail(e, ERR_MEDIA, "the encoder made no frame");
    uint32_t size = (uint32_t)(out->len - start);
    if (size > flac_bound(&e->order.shape, wanted(e)))
        return fail(e, ERR_MEDIA, "the encoder made too large a frame");
    unsigned char *at = out->data + e->sizes + (size_t)e->made * 4;
    for (unsigned i = 0; i < 4; i++)
        at[i] = (unsigned char)(size >> 8 * i);
    if (e->order.sizes_only)
        out->len = start;
    e->made++;
    return ERR_NONE;
}

static enum err encode_frame(struct encoder *e)
{
    e->frame->nb_samples = (int)e->filled;
    e->frame->pts = (int64_t)e->made * e->order.shape.frame;
    if (avcodec_send_frame(e->coder, e->frame) < 0 ||
        avcodec_receive_packet(e->coder, e->coded) < 0)
        return fail(e, ERR_MEDIA, "the encoder failed");
    enum err rc = put_frame(e);
    av_packet_unref(e->coded);
    e->filled = 0;
    atomic_store_explicit(&e->source->page->packets, e->made, memory_order_relaxed);
    if (!rc && source_stopped(e->source))
        return ERR_CANCELLED;
    /* The encoder may hold on to a frame's memory. */
    return rc || av_frame_make_writable(e->frame) >= 0 ? rc : ERR_NOMEM;
}

/* ---- sound ---- */

static int32_t round16(float x)
{
    long n = lrintf(x * 32768.0f);
    return n > INT16_MAX ? INT16_MAX : n < INT16_MIN ? INT16_MIN : (int32_t)n;
}

/* Sample `at` of channel `c`, as wide as the frame has it. */
static int32_t sample_of(const AVFrame *f, uint32_t at, uint32_t c, uint32_t channels)
{
    size_t i = (size_t)at * channels + c;
    switch (f->format) {
    case AV_SAMPLE_FMT_U8:
        return (f->data[0][i] - 128) * 256;
    case AV_SAMPLE_FMT_S16:
        return ((const int16_t *)f->data[0])[i];
    case AV_SAMPLE_FMT_S32:
        return ((const int32_t *)f->data[0])[i];
    default:
        return round16(((const float *)f->extended_data[c])[at]);
    }
}

static void copy_sound(struct encoder *e, uint32_t from, uint32_t n)
{
    uint32_t channels = e->order.shape.channels;
    if (e->sound->format == e->frame->format) {
        size_t width = (e->frame->format == AV_SAMPLE_FMT_S16 ? 2u : 4u) * (size_t)channels;
        memcpy(e->frame->data[0] + e->filled * width, e->sound->data[0] + from * width, n * width);
        e->filled += n;
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t c = 0; c < channels; c++) {
            int32_t sample = sample_of(e->sound, from + i, c, channels);
            size_t to = (size_t)(e->filled + i) * channels + c;
            if (e->frame->format == AV_SAMPLE_FMT_S16)
                ((int16_t *)e->frame->data[0])[to] = (int16_t)sample;
            else
                ((int32_t *)e->frame->data[0])[to] = sample;
        }
    }
    e->filled += n;
}

static bool sound_fits(const struct encoder *e)
{
    const AVFrame *f = e->sound;
    bool known = f->format == AV_SAMPLE_FMT_U8 || f->format == AV_SAMPLE_FMT_S16 ||
                 f->format == AV_SAMPLE_FMT_S32 || f->format == AV_SAMPLE_FMT_FLTP;
    return known && f->nb_samples >= 0 &&
           f->ch_layout.nb_channels == (int)e->order.shape.channels &&
           (f->format == AV_SAMPLE_FMT_S32) == (e->frame->format == AV_SAMPLE_FMT_S32);
}

static enum err take_sound(struct encoder *e)
{
    if (!sound_fits(e))
        return fail(e, ERR_MEDIA, "it does not decode to what it says it is");
    uint32_t left = (uint32_t)e->sound->nb_samples;
    left = left < e->owed ? left : e->owed;
    e->owed -= left;
    uint32_t at = e->skip < left ? e->skip : left;
    e->skip -= at;
    while (at < left && e->made < e->order.frames) {
        uint32_t room = wanted(e) - e->filled;
        uint32_t n = left - at < room ? left - at : room;
        copy_sound(e, at, n);
        at += n;
        if (e->filled == wanted(e))
            TRY(encode_frame(e));
    }
    return ERR_NONE;
}

/* ---- packets ---- */

/* The next bytes of the spans, wherever these end. */
static enum err read_bytes(struct encoder *e, unsigned char *to, size_t n)
{
    while (n > 0) {
        struct index_span s = order_span(&e->order, e->span);
        uint64_t left = s.length - e->span_at;
        size_t want = left < n ? (size_t)left : n, got;
        TRY(source_read(e->source, s.offset + e->span_at, to, want, &got));
        if (got < want)
            return fail(e, ERR_MEDIA, "the file ends too soon");
        to += want;
        n -= want;
        e->span_at += want;
        if (e->span_at == s.length) {
            e->span++;
            e->span_at = 0;
        }
    }
    return ERR_NONE;
}

/* A packet that is damaged may give nothing. */
static enum err decode(struct encoder *e)
{
    if (avcodec_send_packet(e->decoder, e->packet) == AVERROR(ENOMEM))
        return ERR_NOMEM;
    while (avcodec_receive_frame(e->decoder, e->sound) >= 0) {
        enum err taken = take_sound(e);
        av_frame_unref(e->sound);
        TRY(taken);
    }
    return ERR_NONE;
}

/* A hole in the sound is as long as what was there, and silent: what follows stays in its place. */
static enum err fill(struct encoder *e, uint32_t n)
{
    size_t width = (size_t)av_get_bytes_per_sample(e->frame->format) * e->order.shape.channels;
    uint32_t at = e->skip < n ? e->skip : n;
    e->skip -= at;
    while (at < n && e->made < e->order.frames) {
        uint32_t room = wanted(e) - e->filled, some = n - at < room ? n - at : room;
        memset(e->frame->data[0] + e->filled * width, 0, some * width);
        e->filled += some;
        at += some;
        if (e->filled == wanted(e))
            TRY(encode_frame(e));
    }
    return ERR_NONE;
}

static enum err take_packet(struct encoder *e, uint32_t i)
{
    int size = (int)order_size(&e->order, i);
    if (av_new_packet(e->packet, size) < 0)
        return ERR_NOMEM;
    enum err rc = read_bytes(e, e->packet->data, (size_t)size);
    e->owed = order_ticks(&e->order, i);
    if (!rc)
        rc = decode(e);
    if (!rc)
        rc = fill(e, e->owed);
    av_packet_unref(e->packet);
    return rc;
}

static enum err run(struct encoder *e)
{
    static const unsigned char zeros[4];
    TRY(open_decoder(e));
    TRY(open_coder(e));
    TRY(open_frame(e));
    e->sizes = e->out->len;
    for (uint32_t i = 0; i < e->order.frames; i++)
        buf_add(e->out, zeros, sizeof zeros);
    TRY(buf_status(e->out));
    for (uint32_t i = 0; i < e->order.packets && e->made < e->order.frames; i++)
        TRY(take_packet(e, i));
    return e->made == e->order.frames ? ERR_NONE
                                      : fail(e, ERR_MEDIA, "it holds less sound than it says");
}

static void close_all(struct encoder *e)
{
    av_frame_free(&e->frame);
    av_frame_free(&e->sound);
    av_packet_free(&e->coded);
    av_packet_free(&e->packet);
    avcodec_free_context(&e->coder);
    avcodec_free_context(&e->decoder);
}

enum err encode_frames(struct source *source, struct str order, struct buf *out, char *why)
{
    struct encoder e = {.source = source, .out = out, .why = why};
    why[0] = '\0';
    if (order_read(order, &e.order))
        return fail(&e, ERR_SYSTEM, "the order is malformed");
    e.skip = e.order.skip;
    atomic_store(&source->page->packets, 0);
    atomic_store(&source->page->expected, e.order.frames);
    enum err rc = run(&e);
    close_all(&e);
    if (source_stopped(source))
        return ERR_CANCELLED;
    if (rc == ERR_NOMEM || rc == ERR_TOO_BIG)
        return fail(&e, ERR_MEDIA, "it needs more memory than a media helper may have");
    return rc;
}
