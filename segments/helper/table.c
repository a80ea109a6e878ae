/* MP4: the index is made from libavformat's sample table. Where the samples stand in one table that
 * is there when the file is open, and no packet is read; a fragmented file has to be read through
 * first, since each fragment adds its part. The edit list must not be applied by libavformat (it
 * would drop packets that the decoder needs); with advanced_editlist off it only moves the first
 * packet's time below zero, and that is how we learn of the priming.
 *
 * Muxers say where the sound ends in one of two ways: iTunSMPB, or a last packet that says it is
 * shorter than a packet of its codec can be. The index keeps packets as long as they decode, and
 * what is too much as padding. */
#include "segments/helper/track.h"

#include "segments/walk_ogg.h"

#include <libavcodec/packet.h>
#include <libavutil/dict.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    BOXES_MAX = 4096,
    AAC_FRAME = 1024,
    AAC_FRAME_SHORT = 960,
    MP3_FRAME = 1152,
    MP3_FRAME_LSF = 576,
    SMPB_MAX = 16384,
    TIMESCALE_MAX = 1000000
};

static uint64_t get_be(const unsigned char *p, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | p[i];
    return value;
}

/* Do the samples stand in fragments? The first one of these is near the file's front. */
static enum err is_fragmented(struct track *t, bool *yes)
{
    uint64_t at = 0;
    *yes = false;
    for (unsigned i = 0; i < BOXES_MAX; i++) {
        unsigned char head[16];
        size_t got;
        TRY(source_read(t->source, at, head, sizeof head, &got));
        if (got < 8)
            return ERR_NONE;
        uint64_t size = get_be(head, 4);
        if (size == 1 && got == sizeof head)
            size = get_be(head + 8, 8);
        *yes = memcmp(head + 4, "moof", 4) == 0;
        if (*yes || size < 8 || size > t->source->size - at)
            return ERR_NONE;
        at += size;
    }
    return ERR_NONE;
}

/* How long any packet of the codec decodes to, in ticks; 0 where that differs, or the timescale
 * cannot say it exactly. */
static uint32_t whole_ticks(const struct track *t)
{
    uint64_t frame = 0, rate = t->info.sample_rate;
    if (t->info.codec == CODEC_AAC && t->asc.core_type == 2) {
        frame = t->asc.short_frames ? AAC_FRAME_SHORT : AAC_FRAME;
        rate = t->asc.core_rate;
    } else if (t->info.codec == CODEC_MP3) {
        frame = t->info.mpeg_layer3_lsf ? MP3_FRAME_LSF : MP3_FRAME;
    }
    uint64_t scaled = frame * t->info.timescale;
    return scaled % rate ? 0 : (uint32_t)(scaled / rate);
}

/* `whole`: whole_ticks. 0: no duration that the index could hold. */
static uint32_t packet_ticks(uint32_t whole, int64_t declared)
{
    if (whole)
        return whole;
    return declared > 0 && declared <= UINT32_MAX ? (uint32_t)declared : 0;
}

/* Apple's own note: " 00000000 PRIMING PADDING LENGTH ...", hexadecimal, in samples. */
static bool read_smpb(const struct track *t, uint64_t *priming, uint64_t *padding)
{
    const AVDictionaryEntry *tag = av_dict_get(t->format->metadata, "iTunSMPB", NULL, 0);
    if (!tag || !tag->value)
        return false;
    char *at = tag->value;
    (void)strtoul(at, &at, 16);
    *priming = strtoul(at, &at, 16);
    *padding = strtoul(at, &at, 16);
    return *priming < SMPB_MAX && *padding < SMPB_MAX;
}

/* Priming and padding of a track whose first packet starts at `first` and whose packets say they
 * last `declared` ticks together. */
static void trim(struct track *t, int64_t first, uint64_t declared)
{
    uint64_t priming = 0, padding = 0;
    bool smpb = t->info.codec == CODEC_AAC && read_smpb(t, &priming, &padding);
    priming = priming * t->info.timescale / t->info.sample_rate;
    padding = padding * t->info.timescale / t->info.sample_rate;
    if (first < 0 && first >= -(int64_t)UINT32_MAX)
        t->info.priming = (uint32_t)-first;
    else if (smpb)
        t->info.priming = (uint32_t)priming;
    if (declared < t->ticks && t->ticks - declared <= UINT32_MAX)
        t->info.padding = (uint32_t)(t->ticks - declared);
    else if (smpb)
        t->info.padding = (uint32_t)padding;
}

/* The last packet has no next one to tell its duration: it has what the media's length leaves. */
static int64_t last_ticks(const struct track *t, int64_t first, int64_t last, int64_t usual)
{
    int64_t end, left;
    if (t->stream->duration <= 0 || __builtin_add_overflow(first, t->stream->duration, &end) ||
        __builtin_sub_overflow(end, last, &left))
        return usual;
    return left > 0 && left <= 2 * usual ? left : usual;
}

/* Opus may say that its last packet is short; its first byte says how long it really is. */
static enum err opus_ticks(struct track *t, const AVIndexEntry *e, int64_t declared, uint32_t *out)
{
    unsigned char head[2];
    size_t got;
    *out = packet_ticks(whole_ticks(t), declared);
    if (t->info.codec != CODEC_OPUS || t->info.timescale != 48000 || e->pos < 0)
        return ERR_NONE;
    TRY(source_read(t->source, (uint64_t)e->pos, head, sizeof head, &got));
    uint32_t whole = walk_opus_ticks(head, got, (uint64_t)e->size);
    if (whole > *out)
        *out = whole;
    return ERR_NONE;
}

static enum err add_entry(struct track *t, const AVIndexEntry *e, uint32_t ticks)
{
    if (e->pos < 0)
        return track_fail(t, ERR_MEDIA, "a sample has no place");
    return track_add(t, (uint64_t)e->pos, (uint32_t)e->size, ticks);
}

static enum err add_last(struct track *t, const AVIndexEntry *e, int64_t usual, uint64_t *declared)
{
    int64_t first = avformat_index_get_entry(t->stream, 0)->timestamp;
    int64_t ticks = last_ticks(t, first, e->timestamp, usual);
    uint32_t decoded;
    TRY(opus_ticks(t, e, ticks, &decoded));
    *declared += (uint64_t)ticks;
    return add_entry(t, e, decoded);
}

/* Packets behind the end of the file (it was cut off) end the track there, with what was read. */
static enum err add_entries(struct track *t, int count, uint64_t *declared)
{
    uint32_t whole = whole_ticks(t);
    int64_t usual = whole ? whole : t->info.timescale, ticks;
    const AVIndexEntry *e = avformat_index_get_entry(t->stream, 0);
    for (int i = 1; i < count; i++) {
        const AVIndexEntry *next = avformat_index_get_entry(t->stream, i);
        if (__builtin_sub_overflow(next->timestamp, e->timestamp, &ticks) ||
            ticks < (whole ? 0 : 1))
            return track_fail(t, ERR_MEDIA, "sample %d does not come before the next one", i - 1);
        TRY(add_entry(t, e, packet_ticks(whole, ticks)));
        *declared += (uint64_t)ticks;
        usual = ticks;
        e = next;
    }
    return add_last(t, e, usual, declared);
}

static enum err read_fragments(struct track *t)
{
    int rc;
    uint64_t packets = 0;
    AVPacket *p = av_packet_alloc();
    if (!p)
        return ERR_NOMEM;
    while ((rc = av_read_frame(t->format, p)) >= 0) {
        source_progress(t->source, ++packets, p->pos > 0 ? (uint64_t)p->pos : 0);
        av_packet_unref(p);
        if (source_stopped(t->source))
            break;
    }
    av_packet_free(&p);
    return rc == AVERROR(ENOMEM) || rc == AVERROR_EXIT ? track_fail_av(t, rc) : ERR_NONE;
}

static enum err complete_table(struct track *t)
{
    bool fragmented;
    TRY(is_fragmented(t, &fragmented));
    return fragmented ? read_fragments(t) : ERR_NONE;
}

static enum err set_timescale(struct track *t)
{
    AVRational base = t->stream->time_base;
    if (base.num != 1 || base.den < 1 || base.den > TIMESCALE_MAX)
        return track_fail(t, ERR_MEDIA, "its timescale is %d/%d", base.den, base.num);
    t->info.timescale = (uint32_t)base.den;
    return ERR_NONE;
}

enum err table_index(struct track *t)
{
    uint64_t declared = 0;
    TRY(set_timescale(t));
    TRY(complete_table(t));
    int count = avformat_index_get_entries_count(t->stream);
    if (count < 1 && t->stream->nb_frames > 0) /* libavformat gave up its list of them */
        return track_fail(t, ERR_MEDIA,
                          "its table of %lld samples is broken, or needs more memory than a media "
                          "helper may have",
                          (long long)t->stream->nb_frames);
    if (count < 1)
        return track_fail(t, ERR_MEDIA, "it has no samples");
    int64_t first = avformat_index_get_entry(t->stream, 0)->timestamp;
    enum err rc = add_entries(t, count, &declared);
    if (rc && rc != ERR_AGAIN)
        return rc;
    if (t->packets == 0)
        return track_fail(t, ERR_MEDIA, "it was cut off before its first sample");
    trim(t, first, rc ? t->ticks : declared);
    if (rc) /* cut off: what was to be dropped is not there */
        t->info.padding = 0;
    return ERR_NONE;
}
