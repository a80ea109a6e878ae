/* Files whose packets have to be read to be found: MP3, ADTS, FLAC.
 * libavformat finds the frames (it knows the junk that such files carry); we take their places and
 * believe them only after a look: the bytes in the file at that place must be the packet's first
 * ones, and the frame's own header must give the packet's size. A place that is not true would have
 * the server send something else than the frame. */
#include "segments/helper/track.h"

#include "segments/walk_ogg.h"

#include <libavcodec/avcodec.h>
#include <libavutil/intreadwrite.h>
#include <string.h>

enum { LOOK = 16, SKIP_SAMPLES_SIZE = 10, ADTS_HEAD = 7 };

/* What a frame's header says. */
struct frame {
    uint32_t size; /* bytes; 0: it is not said, the packet is the frame */
    uint32_t ticks;
    uint32_t rate;  /* Hz, of the core; 0: not looked at */
    unsigned strip; /* bytes of framing in front */
};

struct frames {
    struct track *track;
    bool (*read_head)(struct frames *f, const AVPacket *p, struct frame *out);
    uint64_t next;    /* where the packet after the last one should be */
    uint64_t from;    /* where the first one was */
    uint64_t skipped; /* bytes between packets */
    uint32_t rate;    /* of the first frame */
};

static const uint16_t MP3_KBPS[2][15] = {
    {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}, /* MPEG-1 */
    {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},     /* MPEG-2 and 2.5 */
};

/* ISO 11172-3 2.4.2.3, layer III; MPEG-2.5 is version 0 there. */
static bool mp3_head(struct frames *f, const AVPacket *p, struct frame *out)
{
    static const uint16_t RATES[3] = {44100, 48000, 32000};
    (void)f;
    if (p->size < 4 || p->data[0] != 0xff || (p->data[1] & 0xe0) != 0xe0)
        return false;
    unsigned version = (p->data[1] >> 3) & 3, layer = (p->data[1] >> 1) & 3;
    unsigned rate = (p->data[2] >> 2) & 3, bits = p->data[2] >> 4;
    if (version == 1 || layer != 1 || rate == 3 || bits == 15)
        return false;
    bool lsf = version != 3;
    out->rate = (uint32_t)RATES[rate] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
    out->ticks = lsf ? 576 : 1152;
    if (bits > 0) /* 0 is the free format: the header does not say */
        out->size =
            (lsf ? 72u : 144u) * MP3_KBPS[lsf][bits] * 1000 / out->rate + ((p->data[2] >> 1) & 1);
    return true;
}

/* ISO 14496-3 1.A.2.2. A frame with several blocks inside could not be one MP4 sample. */
static bool adts_head(struct frames *f, const AVPacket *p, struct frame *out)
{
    static const uint32_t RATES[13] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                       22050, 16000, 12000, 11025, 8000,  7350};
    const uint8_t *h = p->data;
    if (p->size < ADTS_HEAD || h[0] != 0xff || (h[1] & 0xf6) != 0xf0)
        return false;
    unsigned rate = (h[2] >> 2) & 15;
    if (rate >= sizeof RATES / sizeof *RATES || (h[6] & 3) != 0)
        return false;
    out->size = (h[3] & 3u) << 11 | (uint32_t)h[4] << 3 | h[5] >> 5;
    out->rate = RATES[rate];
    out->strip = h[1] & 1 ? 7 : 9;
    struct track *t = f->track;
    unsigned channels = (h[2] & 1u) << 2 | h[3] >> 6;
    if (t->packets == 0 && describe_adts(t, (h[2] >> 6) + 1u, out->rate, channels))
        return false;
    out->ticks = 1024 * (t->info.sample_rate / t->asc.core_rate);
    return true;
}

static bool flac_head(struct frames *f, const AVPacket *p, struct frame *out)
{
    (void)f;
    out->ticks = walk_flac_ticks(p->data, (size_t)p->size);
    return out->ticks > 0;
}

/* Is the packet's beginning at `offset` in the file? */
static enum err is_there(const struct frames *f, const AVPacket *p, uint64_t offset, bool *yes)
{
    unsigned char look[LOOK];
    size_t got, want = p->size < LOOK ? (size_t)p->size : LOOK;
    TRY(source_read(f->track->source, offset, look, want, &got));
    *yes = got == want && memcmp(look, p->data, want) == 0;
    return ERR_NONE;
}

/* Right behind the packet before it, nearly always; else where libavformat says. */
static enum err find_place(struct frames *f, const AVPacket *p, uint64_t *out)
{
    bool yes = false;
    *out = f->next;
    if (f->track->packets > 0)
        TRY(is_there(f, p, f->next, &yes));
    if (yes || p->pos < 0)
        return yes ? ERR_NONE : ERR_AGAIN;
    *out = (uint64_t)p->pos;
    TRY(is_there(f, p, *out, &yes));
    return yes ? ERR_NONE : ERR_AGAIN;
}

/* What libavformat would drop at either end: LAME's note, in samples. */
static void take_skip(struct frames *f, const AVPacket *p)
{
    size_t n = 0;
    const uint8_t *data = av_packet_get_side_data(p, AV_PKT_DATA_SKIP_SAMPLES, &n);
    if (!data || n < SKIP_SAMPLES_SIZE)
        return;
    uint32_t start = AV_RL32(data), end = AV_RL32(data + 4);
    if (f->track->packets == 0 && start < 65536)
        f->track->info.priming = start;
    if (end < 65536)
        f->track->info.padding += end;
}

static enum err add_frame(struct frames *f, const AVPacket *p, const struct frame *frame)
{
    struct track *t = f->track;
    uint64_t at;
    uint32_t size = frame->size ? frame->size : (uint32_t)p->size;
    if (t->packets > 0 && (frame->strip != t->info.strip || frame->rate != f->rate))
        return track_fail(t, ERR_UNSUPPORTED, "its frames change their form at packet %llu",
                          (unsigned long long)t->packets);
    if (size > (uint32_t)p->size)
        return ERR_NONE; /* a frame that was cut off */
    enum err rc = find_place(f, p, &at);
    if (rc == ERR_AGAIN)
        return track_fail(t, ERR_MEDIA, "packet %llu is not where it should be",
                          (unsigned long long)t->packets);
    TRY(rc);
    take_skip(f, p);
    if (t->packets == 0) {
        f->from = at;
        f->rate = frame->rate;
        t->info.strip = (uint16_t)frame->strip;
    } else if (at > f->next) {
        f->skipped += at - f->next;
    }
    f->next = at + size;
    return track_add(t, at, size, frame->ticks);
}

static enum err take_packet(struct frames *f, const AVPacket *p)
{
    struct frame frame = {0};
    if (source_stopped(f->track->source))
        return ERR_CANCELLED;
    if (p->stream_index != f->track->stream->index || p->size <= 0)
        return ERR_NONE;
    if (!f->read_head(f, p, &frame)) {
        if (f->track->why[0] != '\0')
            return ERR_UNSUPPORTED; /* describe_adts said so */
        return ERR_NONE;            /* junk between frames */
    }
    return add_frame(f, p, &frame);
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

/* Frames can be found by chance in any large file: sound is what most of it is. */
static enum err judge(struct frames *f)
{
    struct track *t = f->track;
    if (t->packets == 0)
        return track_fail(t, ERR_MEDIA, "no frame of sound was found in it");
    if (f->skipped > (f->next - f->from) / 2)
        return track_fail(t, ERR_MEDIA, "most of it is not %s", codec_name(t->info.codec));
    return ERR_NONE;
}

enum err frames_index(struct track *t)
{
    struct frames f = {.track = t};
    f.read_head = t->info.codec == CODEC_MP3   ? mp3_head
                  : t->info.codec == CODEC_AAC ? adts_head
                                               : flac_head;
    AVPacket *p = av_packet_alloc();
    if (!p)
        return ERR_NOMEM;
    enum err rc = read_all(&f, p);
    av_packet_free(&p);
    return rc ? rc : judge(&f);
}
