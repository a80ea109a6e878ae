/* The muxer is asked for its head, into memory: with these flags that is ftyp and a moov without
 * samples. Its fragments are not used, so it is dropped without a trailer. */
#include "segments/helper/init.h"

#include "segments/init_edit.h"

#include <libavformat/avformat.h>
#include <libavutil/intreadwrite.h>
#include <string.h>

static enum err add_stream(AVFormatContext *muxer, const AVCodecParameters *par)
{
    AVStream *stream = avformat_new_stream(muxer, NULL);
    if (!stream || avcodec_parameters_copy(stream->codecpar, par) < 0)
        return ERR_NOMEM;
    stream->codecpar->codec_tag = 0; /* the source's tag may be another container's */
    stream->time_base = (AVRational){1, par->sample_rate};
    return ERR_NONE;
}

#define FLAGS "+cmaf+frag_custom+default_base_moof+skip_trailer"

static enum err write_head(AVFormatContext *muxer, bool later)
{
    AVDictionary *options = NULL;
    av_dict_set(&options, "movflags", later ? FLAGS "+delay_moov" : FLAGS "+empty_moov", 0);
    av_dict_set(&options, "use_editlist", "0", 0); /* ours: see init_edit.c */
    av_dict_set(&options, "strict", "experimental", 0);
    muxer->flags |= AVFMT_FLAG_BITEXACT;
    int rc = avformat_write_header(muxer, &options);
    av_dict_free(&options);
    if (rc == AVERROR(ENOMEM))
        return ERR_NOMEM;
    return rc < 0 ? ERR_MEDIA : ERR_NONE;
}

/* The head comes with the first fragment, which is cut off again. */
static enum err write_frame(AVFormatContext *muxer, struct str frame)
{
    AVPacket *p = av_packet_alloc();
    if (!p || av_new_packet(p, (int)frame.n) < 0) {
        av_packet_free(&p);
        return ERR_NOMEM;
    }
    memcpy(p->data, frame.p, frame.n);
    p->pts = p->dts = 0;
    p->duration = 1;
    int rc = av_write_frame(muxer, p);
    if (rc >= 0)
        rc = av_write_frame(muxer, NULL);
    av_packet_free(&p);
    return rc < 0 ? ERR_MEDIA : ERR_NONE;
}

static enum err write_to(AVFormatContext *muxer, const AVCodecParameters *par, struct str frame,
                         uint8_t **bytes, int *n)
{
    TRY(add_stream(muxer, par));
    if (avio_open_dyn_buf(&muxer->pb) < 0)
        return ERR_NOMEM;
    enum err rc = write_head(muxer, frame.n > 0);
    if (!rc && frame.n > 0)
        rc = write_frame(muxer, frame);
    *n = avio_close_dyn_buf(muxer->pb, bytes);
    muxer->pb = NULL;
    return rc;
}

/* Up to where a fragment begins. */
static struct str front_of(struct str file)
{
    size_t at = 0;
    while (file.n - at >= 8 && memcmp(file.p + at + 4, "moof", 4) != 0) {
        size_t size = AV_RB32(file.p + at);
        if (size < 8 || size > file.n - at)
            break;
        at += size;
    }
    return str_slice(file, 0, at);
}

enum err init_write(const AVCodecParameters *par, uint32_t timescale, uint32_t priming,
                    struct str frame, struct buf *out)
{
    AVFormatContext *muxer = NULL;
    uint8_t *bytes = NULL;
    int n = 0;
    if (avformat_alloc_output_context2(&muxer, NULL, "mp4", NULL) < 0)
        return ERR_NOMEM;
    enum err rc = write_to(muxer, par, frame, &bytes, &n);
    if (!rc)
        rc = init_edit(front_of((struct str){(const char *)bytes, (size_t)n}), timescale, priming,
                       out);
    av_free(bytes);
    avformat_free_context(muxer);
    return rc;
}
