/* One file from the descriptor to the index record: open, pick the stream, describe it, read where
 * its packets lie, write the init segment, finish. Each job has a libavformat context of its own.
 * Formats, codecs and protocols are allow-listed: a file must not lead libavformat into code that
 * this program has no use for, let alone to another file. */
#include "segments/helper/probe.h"

#include "segments/helper/init.h"
#include "segments/helper/track.h"

#include <libavcodec/avcodec.h>
#include <errno.h>
#include <libavutil/cpu.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FORMATS "mov,mp3,flac,aac,ogg,wav,aiff,matroska,webm,ac3,eac3"
#define CODECS "aac,mp3float,mp3,flac,alac,opus,libopus,ac3,eac3"

enum {
    PROBE_BYTES = 1024 * 1024,
    STREAMS_MAX = 64,
    OPUS_PREROLL = 3840 /* 80 ms */,
    TRIM_SECONDS = 2
};

/* The first thing libav complained of in this job: it says more than its error codes do. */
static char complaint[RECORD_WHY / 2];

static void on_log(void *context, int level, const char *format, va_list args)
{
    (void)context;
    if (level > AV_LOG_ERROR || complaint[0] != '\0')
        return;
    (void)vsnprintf(complaint, sizeof complaint, format, args);
    complaint[strcspn(complaint, "\r\n")] = '\0';
}

void probe_warm_up(void)
{
    tzset(); /* else gmtime would read /etc/localtime */
    av_log_set_callback(on_log);
    (void)av_get_cpu_flags();
    struct index_builder *b = index_build();
    index_build_free(b);
}

static void add_complaint(char *why)
{
    size_t used = strlen(why);
    if (complaint[0] != '\0' && used > 0)
        (void)snprintf(why + used, RECORD_WHY + 1 - used, ": %s", complaint);
}

/* A format that is off the list, and bytes that no format claims, are the same to a listener. */
static enum err refuse_format(struct track *t, int averror)
{
    if (averror != AVERROR(EINVAL) && (averror != AVERROR_INVALIDDATA || complaint[0] != '\0'))
        return track_fail_av(t, averror);
    complaint[0] = '\0';
    return track_fail(t, ERR_MEDIA, "it is not recognised as an audio file");
}

static enum err open_format(struct track *t, AVIOContext *io)
{
    AVDictionary *options = NULL;
    t->format = avformat_alloc_context();
    if (!t->format)
        return ERR_NOMEM;
    t->format->pb = io;
    t->format->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_CUSTOM_IO;
    t->format->max_streams = STREAMS_MAX;
    av_dict_set(&options, "format_whitelist", FORMATS, 0);
    av_dict_set(&options, "codec_whitelist", CODECS, 0);
    av_dict_set(&options, "protocol_whitelist", "", 0);
    av_dict_set(&options, "advanced_editlist", "0", 0); /* see table.c */
    int rc = avformat_open_input(&t->format, "", NULL, &options);
    av_dict_free(&options);
    return rc < 0 ? refuse_format(t, rc) : ERR_NONE;
}

static bool is_sound(const AVStream *s)
{
    return s->codecpar->codec_type == AVMEDIA_TYPE_AUDIO &&
           !(s->disposition & AV_DISPOSITION_ATTACHED_PIC);
}

/* The first stream of sound; packets of all others (cover art, chapters) are dropped unread. */
static enum err pick_stream(struct track *t)
{
    for (unsigned i = 0; i < t->format->nb_streams; i++) {
        AVStream *s = t->format->streams[i];
        if (!t->stream && is_sound(s))
            t->stream = s;
        else
            s->discard = AVDISCARD_ALL;
    }
    return t->stream ? ERR_NONE : track_fail(t, ERR_MEDIA, "there is no sound in it");
}

/* Decodes a frame or two: implicit SBR shows in no header. */
static enum err look_closer(struct track *t)
{
    t->format->probesize = PROBE_BYTES;
    t->format->max_analyze_duration = AV_TIME_BASE;
    int rc = avformat_find_stream_info(t->format, NULL);
    return rc < 0 ? track_fail_av(t, rc) : ERR_NONE;
}

static enum err read_packets(struct track *t)
{
    const char *format = t->format->iformat->name;
    if (strcmp(format, "ogg") == 0)
        return pages_index(t);
    if (strncmp(format, "mov", 3) == 0)
        return table_index(t);
    bool headers = t->info.codec == CODEC_MP3 || strcmp(format, "aac") == 0;
    return headers ? headers_index(t) : frames_index(t);
}

static void settle(struct track *t)
{
    struct index_info *info = &t->info;
    if (info->codec == CODEC_OPUS && t->packets > 0) {
        uint64_t mean = t->ticks / t->packets;
        uint64_t wanted = (uint64_t)OPUS_PREROLL * info->timescale / 48000;
        info->preroll = (uint32_t)((wanted + mean - 1) / mean);
    }
    /* What is to be dropped cannot be all that there is, and no encoder's delay is that long. */
    uint64_t most = (uint64_t)TRIM_SECONDS * info->timescale;
    if (info->priming >= t->ticks || info->priming > most)
        info->priming = 0;
    if (info->padding >= t->ticks - info->priming || info->padding > most)
        info->padding = 0;
}

/* The first packet, of which the muxer makes the configuration of codecs that have none apart. */
static enum err read_first(struct track *t, struct buf *out)
{
    size_t got = 0;
    unsigned char *at = buf_reserve(out, (size_t)t->first.length);
    if (!at || t->first.length == 0)
        return at ? ERR_MEDIA : buf_status(out);
    TRY(source_read(t->source, t->first.offset, at, (size_t)t->first.length, &got));
    buf_wrote(out, got);
    return got == t->first.length ? ERR_NONE : ERR_MEDIA;
}

static enum err write_init(struct track *t, struct buf *init)
{
    if (t->info.codec == CODEC_MP3) /* plays nowhere in MP4, so none is offered */
        return ERR_NONE;
    AVCodecParameters *par = avcodec_parameters_alloc();
    if (!par)
        return ERR_NOMEM;
    struct buf frame;
    buf_init(&frame, INDEX_SIZE_MAX);
    enum err rc = describe_init(t, par);
    if (!rc && (t->info.codec == CODEC_AC3 || t->info.codec == CODEC_EAC3))
        rc = read_first(t, &frame);
    if (!rc)
        rc = init_write(par, t->info.timescale, t->info.priming, buf_str(&frame), init);
    avcodec_parameters_free(&par);
    buf_fini(&frame);
    return rc == ERR_MEDIA ? track_fail(t, rc, "no init segment can be made for it") : rc;
}

static enum err finish(struct track *t, struct buf *out)
{
    struct buf init, tags;
    buf_init(&init, INDEX_INIT_MAX);
    buf_init(&tags, INDEX_TAGS_MAX);
    tags_write(t->format, t->stream, &tags);
    enum err rc = write_init(t, &init);
    if (!rc)
        rc = index_build_finish(t->builder, t->info, buf_str(&init), buf_str(&t->config),
                                buf_str(&tags), out);
    buf_fini(&init);
    buf_fini(&tags);
    return rc;
}

static enum err make(struct track *t, AVIOContext *io, struct buf *out)
{
    if (t->source->size == 0)
        return track_fail(t, ERR_MEDIA, "it is empty");
    TRY(open_format(t, io));
    TRY(pick_stream(t));
    TRY(look_closer(t));
    TRY(describe(t));
    TRY(read_packets(t));
    source_progress(t->source, t->packets, t->source->size);
    settle(t);
    return finish(t, out);
}

/* Running out of memory in here means the file wants more than a helper may have: the server is
 * told so, and replaces this process. */
static enum err settle_error(struct track *t, enum err rc)
{
    if (source_stopped(t->source))
        return ERR_CANCELLED;
    if (rc == ERR_NOMEM || rc == ERR_TOO_BIG)
        return track_fail(t, ERR_NOMEM, "it needs more memory than a media helper may have");
    if (rc == ERR_MEDIA)
        add_complaint(t->why);
    return rc;
}

enum err probe_index(struct source *source, struct buf *out, char *why)
{
    struct track t = {.source = source, .why = why};
    complaint[0] = '\0';
    why[0] = '\0';
    buf_init(&t.config, INDEX_INIT_MAX);
    source_progress(source, 0, 0);
    t.builder = index_build();
    AVIOContext *io = source_avio(source);
    enum err rc = t.builder && io ? make(&t, io, out) : ERR_NOMEM;
    if (rc)
        rc = settle_error(&t, rc);
    avformat_close_input(&t.format);
    source_avio_free(&io);
    index_build_free(t.builder);
    buf_fini(&t.config);
    return rc;
}
