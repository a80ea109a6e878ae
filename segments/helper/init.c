/* The muxer is asked for its head alone, into memory: with these flags that is ftyp and a moov
 * without samples. Its fragments are not used, so it is dropped without a trailer. */
#include "segments/helper/init.h"

#include "segments/init_edit.h"

#include <libavformat/avformat.h>

static enum err add_stream(AVFormatContext *muxer, const AVCodecParameters *par)
{
    AVStream *stream = avformat_new_stream(muxer, NULL);
    if (!stream || avcodec_parameters_copy(stream->codecpar, par) < 0)
        return ERR_NOMEM;
    stream->codecpar->codec_tag = 0; /* the source's tag may be another container's */
    stream->time_base = (AVRational){1, par->sample_rate};
    return ERR_NONE;
}

static enum err write_head(AVFormatContext *muxer)
{
    AVDictionary *options = NULL;
    av_dict_set(&options, "movflags", "+cmaf+frag_custom+empty_moov+default_base_moof+skip_trailer",
                0);
    av_dict_set(&options, "use_editlist", "0", 0); /* ours: see init_edit.c */
    av_dict_set(&options, "strict", "experimental", 0);
    muxer->flags |= AVFMT_FLAG_BITEXACT;
    int rc = avformat_write_header(muxer, &options);
    av_dict_free(&options);
    if (rc == AVERROR(ENOMEM))
        return ERR_NOMEM;
    return rc < 0 ? ERR_MEDIA : ERR_NONE;
}

static enum err write_to(AVFormatContext *muxer, const AVCodecParameters *par, uint8_t **bytes,
                         int *n)
{
    TRY(add_stream(muxer, par));
    if (avio_open_dyn_buf(&muxer->pb) < 0)
        return ERR_NOMEM;
    enum err rc = write_head(muxer);
    *n = avio_close_dyn_buf(muxer->pb, bytes);
    muxer->pb = NULL;
    return rc;
}

enum err init_write(const AVCodecParameters *par, uint32_t timescale, uint32_t priming,
                    struct buf *out)
{
    AVFormatContext *muxer = NULL;
    uint8_t *bytes = NULL;
    int n = 0;
    if (avformat_alloc_output_context2(&muxer, NULL, "mp4", NULL) < 0)
        return ERR_NOMEM;
    enum err rc = write_to(muxer, par, &bytes, &n);
    if (!rc)
        rc = init_edit((struct str){(const char *)bytes, (size_t)n}, timescale, priming, out);
    av_free(bytes);
    avformat_free_context(muxer);
    return rc;
}
