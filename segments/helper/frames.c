/* Files whose packets have to be read to be found: FLAC, AC-3, E-AC-3, and what Matroska holds.
 * libavformat finds the frames (it knows the junk that such files carry); we take their places and
 * believe them only after a look: the bytes in the file at that place must be the packet's first
 * ones. A place that is not true would have the server send something else than the frame. */
#include "segments/helper/track.h"

#include "segments/walk_ogg.h"

#include <libavcodec/avcodec.h>
#include <libavutil/intreadwrite.h>
#include <string.h>

enum {
    LOOK = 16,
    BLOCK_HEAD = 32, /* bytes that Matroska has, at most, between a block's place and its data */
    SKIP_SAMPLES_SIZE = 10,
    AC3_BLOCK = 256,
};

struct frames {
    struct track *track;
    uint32_t (*ticks)(const AVPacket *p); /* 0: this is no frame; NULL: Vorbis */
    uint64_t next;                        /* where the packet after the last one should be */
    uint64_t from;                        /* where the first one was */
    uint64_t skipped;                     /* bytes between packets */
};

static uint32_t flac_ticks(const AVPacket *p) { return walk_flac_ticks(p->data, (size_t)p->size); }

static uint32_t opus_ticks(const AVPacket *p)
{
    return walk_opus_ticks(p->data, (size_t)p->size, (uint64_t)p->size);
}

/* ATSC A/52 5.4.1, E.2.3.1: AC-3 has six blocks, E-AC-3 (bsid over 10) says how many. */
static uint32_t ac3_ticks(const AVPacket *p)
{
    static const uint8_t blocks[4] = {1, 2, 3, 6};
    if (p->size < 6 || p->data[0] != 0x0b || p->data[1] != 0x77)
        return 0;
    unsigned fscod = p->data[4] >> 6;
    if (p->data[5] >> 3 <= 10 || fscod == 3)
        return 6 * AC3_BLOCK;
    return (uint32_t)blocks[p->data[4] >> 4 & 3] * AC3_BLOCK;
}

/* Do the packet's first bytes stand within `slack` of `offset`? */
static enum err look_for(const struct frames *f, const AVPacket *p, uint64_t offset, size_t slack,
                         uint64_t *place, bool *yes)
{
    char look[LOOK + BLOCK_HEAD];
    size_t got, want = p->size < LOOK ? (size_t)p->size : LOOK;
    TRY(source_read(f->track->source, offset, look, want + slack, &got));
    const char *at = memmem(look, got, p->data, want);
    *yes = at != NULL;
    if (at)
        *place = offset + (uint64_t)(at - look);
    return ERR_NONE;
}

/* Right behind the packet before it, nearly always; else where libavformat says, which in Matroska
 * is the block that it is in. */
static enum err find_place(struct frames *f, const AVPacket *p, uint64_t *out)
{
    bool yes = false;
    bool blocks = strncmp(f->track->format->iformat->name, "matroska", 8) == 0;
    if (f->track->packets > 0 && !blocks)
        TRY(look_for(f, p, f->next, 0, out, &yes));
    if (!yes && p->pos >= 0)
        TRY(look_for(f, p, (uint64_t)p->pos, blocks ? BLOCK_HEAD : 0, out, &yes));
    if (!yes && blocks && f->track->packets > 0) /* one of several in a block */
        TRY(look_for(f, p, f->next, 0, out, &yes));
    return yes ? ERR_NONE : ERR_AGAIN;
}

/* What Matroska says is to be dropped at the end, in samples. */
static void take_skip(struct frames *f, const AVPacket *p)
{
    size_t n = 0;
    const uint8_t *data = av_packet_get_side_data(p, AV_PKT_DATA_SKIP_SAMPLES, &n);
    if (!data || n < SKIP_SAMPLES_SIZE)
        return;
    uint32_t end = AV_RL32(data + 4);
    if (end < 65536)
        f->track->info.padding += end;
}

static enum err add_frame(struct frames *f, const AVPacket *p, uint32_t ticks)
{
    struct track *t = f->track;
    uint64_t at = 0;
    enum err rc = find_place(f, p, &at);
    if (rc == ERR_AGAIN)
        return track_fail(t, ERR_MEDIA, "packet %llu is not where it should be",
                          (unsigned long long)t->packets);
    TRY(rc);
    take_skip(f, p);
    if (t->packets == 0)
        f->from = at;
    else if (at > f->next)
        f->skipped += at - f->next;
    f->next = at + (uint64_t)p->size;
    return track_add(t, at, (uint32_t)p->size, ticks);
}

static enum err take_packet(struct frames *f, const AVPacket *p)
{
    if (source_stopped(f->track->source))
        return ERR_CANCELLED;
    if (p->stream_index != f->track->stream->index || p->size <= 0)
        return ERR_NONE;
    uint32_t ticks = f->ticks ? f->ticks(p) : vorbis_ticks(f->track, p->data, (size_t)p->size);
    return ticks ? add_frame(f, p, ticks) : ERR_NONE; /* else junk between frames */
}

static enum err read_all(struct frames *f, AVPacket *p)
{
    struct track *t = f->track;
    int rc;
    while ((rc = av_read_frame(t->format, p)) >= 0) {
        enum err e = take_packet(f, p);
        av_packet_unref(p);
        if (e == ERR_AGAIN)
            return ERR_NONE;
        TRY(e);
    }
    if (rc == AVERROR_EOF || (rc == AVERROR_INVALIDDATA && t->packets > 0))
        return ERR_NONE;
    return track_fail_av(t, rc);
}

/* Frames can be found by chance in any large file: sound is what most of it is. Beside a film's
 * pictures it is not, but there a container says where it lies. */
static enum err judge(struct frames *f)
{
    struct track *t = f->track;
    bool bare =
        t->info.codec != CODEC_OPUS && t->info.codec != CODEC_VORBIS && t->format->nb_streams == 1;
    if (t->packets == 0)
        return track_fail(t, ERR_MEDIA, "no frame of sound was found in it");
    if (bare && f->skipped > (f->next - f->from) / 2)
        return track_fail(t, ERR_MEDIA, "most of it is not %s", codec_name(t->info.codec));
    return ERR_NONE;
}

enum err frames_index(struct track *t)
{
    struct frames f = {.track = t};
    if (t->info.codec == CODEC_OPUS)
        t->info.timescale = t->info.sample_rate = 48000;
    f.ticks = t->info.codec == CODEC_FLAC     ? flac_ticks
              : t->info.codec == CODEC_OPUS   ? opus_ticks
              : t->info.codec == CODEC_VORBIS ? NULL
                                              : ac3_ticks;
    AVPacket *p = av_packet_alloc();
    if (!p)
        return ERR_NOMEM;
    enum err rc = read_all(&f, p);
    av_packet_free(&p);
    return rc ? rc : judge(&f);
}
