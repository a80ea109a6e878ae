/* The index of a track that is encoded: frames of FLAC that do not exist yet. Their durations are
 * known, of their sizes only the most that they can be; and where the sound comes from stands in
 * the index of the source, which goes into this one as its configuration. */
#include "segments/helper/init.h"
#include "segments/helper/track.h"

#include "segments/flac.h"

#include <libavutil/mem.h>
#include <string.h>

bool encoded_is(const struct track *t)
{
    return t->info.codec == CODEC_PCM || t->info.codec == CODEC_VORBIS;
}

static struct flac_shape shape_of(const struct track *t)
{
    const struct index_info *i = &t->info;
    uint64_t dropped = (uint64_t)i->priming + i->padding;
    return (struct flac_shape){i->sample_rate, i->channels, i->bits, flac_frame(i->sample_rate),
                               t->ticks > dropped ? t->ticks - dropped : 0};
}

enum err encoded_fits(struct track *t)
{
    struct flac_shape shape = shape_of(t);
    if (flac_fits(&shape))
        return ERR_NONE;
    return track_fail(t, ERR_UNSUPPORTED,
                      "HLS cannot carry %u channels at %u Hz: FLAC holds 8, at up to 655350 Hz",
                      t->info.channels, t->info.sample_rate);
}

static enum err add_frames(const struct flac_shape *shape, struct index_builder *b)
{
    uint64_t offset = 0, left = shape->samples;
    while (left > 0) {
        uint32_t n = left < shape->frame ? (uint32_t)left : shape->frame;
        uint32_t size = flac_bound(shape, n);
        TRY(index_build_packet(b, offset, size, n));
        offset += size;
        left -= n;
    }
    return ERR_NONE;
}

static enum err describe_flac(const struct track *t, const struct flac_shape *shape,
                              AVCodecParameters *par)
{
    struct buf info;
    buf_init(&info, FLAC_STREAMINFO);
    flac_streaminfo(shape, &info);
    par->codec_type = AVMEDIA_TYPE_AUDIO;
    par->codec_id = AV_CODEC_ID_FLAC;
    par->sample_rate = (int)shape->rate;
    par->bits_per_raw_sample = (int)shape->bits;
    par->format = shape->bits == 16 ? AV_SAMPLE_FMT_S16 : AV_SAMPLE_FMT_S32;
    par->extradata = av_mallocz(FLAC_STREAMINFO + AV_INPUT_BUFFER_PADDING_SIZE);
    av_channel_layout_default(&par->ch_layout, t->info.channels);
    enum err rc = buf_status(&info);
    if (!rc && !par->extradata)
        rc = ERR_NOMEM;
    if (!rc) {
        memcpy(par->extradata, info.data, info.len);
        par->extradata_size = FLAC_STREAMINFO;
    }
    buf_fini(&info);
    return rc;
}

static enum err write_init(const struct track *t, const struct flac_shape *shape, struct buf *init)
{
    AVCodecParameters *par = avcodec_parameters_alloc();
    if (!par)
        return ERR_NOMEM;
    enum err rc = describe_flac(t, shape, par);
    if (!rc)
        rc = init_write(par, shape->rate, 0, STR(""), init);
    avcodec_parameters_free(&par);
    return rc;
}

static enum err finish(struct track *t, struct index_builder *b, struct str source, struct str tags,
                       struct buf *out)
{
    struct flac_shape shape = shape_of(t);
    struct index_info info = {
        .codec = CODEC_FLAC,
        .bits = (uint8_t)shape.bits,
        .independent = 1,
        .encoded = ENCODED_BOUND,
        .channels = t->info.channels,
        .sample_rate = shape.rate,
        .timescale = shape.rate,
    };
    struct buf init;
    if (shape.samples == 0)
        return track_fail(t, ERR_MEDIA, "there is no sound in it");
    TRY(add_frames(&shape, b));
    buf_init(&init, INDEX_INIT_MAX);
    enum err rc = write_init(t, &shape, &init);
    if (!rc)
        rc = index_build_finish(b, info, buf_str(&init), source, tags, out);
    buf_fini(&init);
    return rc;
}

enum err encoded_finish(struct track *t, struct str tags, struct buf *out)
{
    struct buf source;
    struct str none = STR("");
    buf_init(&source, BUF_MAX_INDEX);
    struct index_builder *b = index_build();
    enum err rc = b ? ERR_NONE : ERR_NOMEM;
    if (!rc)
        rc = index_build_finish(t->builder, t->info, none, buf_str(&t->config), none, &source);
    if (!rc)
        rc = finish(t, b, buf_str(&source), tags, out);
    index_build_free(b);
    buf_fini(&source);
    return rc;
}
