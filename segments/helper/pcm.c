/* WAV and AIFF: samples one after the other, from where libavformat finds the first one to where
 * the file's head, or the file, ends. */
#include "segments/helper/track.h"

#include "segments/flac.h"

#include <libavcodec/avcodec.h>

/* The decoder's name says all of it. What has fewer than 16 bits, or a curve, is 16 when decoded.
 */
enum err describe_pcm(struct track *t)
{
    const AVCodecParameters *par = t->stream->codecpar;
    int bits = av_get_bits_per_sample(par->codec_id);
    if (par->block_align > 0 && par->block_align != par->ch_layout.nb_channels * bits / 8)
        return track_fail(t, ERR_MEDIA, "its samples are not %d bits apart", bits);
    t->info.bits = bits > 16 ? 24 : 16;
    TRY(encoded_fits(t));
    buf_adds(&t->config, str_of(avcodec_get_name(par->codec_id)));
    return buf_status(&t->config);
}

static enum err find_first(struct track *t, uint64_t *offset)
{
    AVPacket *p = av_packet_alloc();
    if (!p)
        return ERR_NOMEM;
    int rc;
    while ((rc = av_read_frame(t->format, p)) >= 0 && p->stream_index != t->stream->index)
        av_packet_unref(p);
    enum err e = ERR_NONE;
    if (rc < 0)
        e = rc == AVERROR_EOF ? track_fail(t, ERR_MEDIA, "there is no sound in it")
                              : track_fail_av(t, rc);
    else if (p->pos < 0 || (uint64_t)p->pos > t->source->size)
        e = track_fail(t, ERR_MEDIA, "its samples cannot be found");
    *offset = e ? 0 : (uint64_t)p->pos;
    av_packet_free(&p);
    return e;
}

/* A head that names no length, or more than there is (a recording that was cut off), is not
 * believed. */
static uint64_t count_samples(const struct track *t, uint64_t offset, uint32_t block)
{
    uint64_t there = (t->source->size - offset) / block;
    return t->said > 0 && (uint64_t)t->said < there ? (uint64_t)t->said : there;
}

enum err pcm_index(struct track *t)
{
    uint32_t bytes = (uint32_t)av_get_bits_per_sample(t->stream->codecpar->codec_id) / 8;
    uint32_t block = bytes * t->info.channels, frame = flac_frame(t->info.sample_rate);
    uint64_t offset;
    TRY(find_first(t, &offset));
    uint64_t left = count_samples(t, offset, block);
    while (left > 0) {
        uint32_t n = left < frame ? (uint32_t)left : frame;
        TRY(track_add(t, offset, n * block, n));
        offset += (uint64_t)n * block;
        left -= n;
    }
    return ERR_NONE;
}
