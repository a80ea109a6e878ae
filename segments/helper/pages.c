/* Ogg: libavformat says what the stream is, our own page walker where its packets lie, since a
 * packet of libavformat's has no places (it may stand on several pages).
 * The file is read from front to end through one window that holds at least one whole page. */
#include "segments/helper/track.h"

#include "segments/walk_ogg.h"

#include <stdlib.h>

enum { WINDOW = 4 * WALK_OGG_PAGE_MAX, OPUS_HEADERS = 2, VORBIS_HEADERS = 3 };

struct pages {
    struct track *track;
    unsigned headers_left; /* packets that come before the sound */
    uint64_t ticks;        /* of the packets so far */
    int64_t start;         /* granule position at which the first packet begins */
    int64_t end;           /* of the last page */
    bool begun;            /* start is known */
};

static uint32_t packet_ticks(struct track *t, const struct walk_ogg_packet *packet)
{
    if (t->info.codec == CODEC_VORBIS)
        return vorbis_ticks(t, packet->head, packet->head_len);
    if (t->info.codec == CODEC_OPUS)
        return walk_opus_ticks(packet->head, packet->head_len, packet->size);
    return walk_flac_ticks(packet->head, packet->head_len);
}

static enum err on_packet(void *context, const struct walk_ogg_packet *packet)
{
    struct pages *p = context;
    if (p->headers_left > 0) {
        p->headers_left--;
        return ERR_NONE;
    }
    if (packet->size == 0)
        return ERR_NONE; /* no packet at all: muxers end a stream with one */
    uint32_t ticks = packet_ticks(p->track, packet);
    if (p->track->info.codec == CODEC_FLAC && ticks == 0 && p->track->packets == 0)
        return ERR_NONE; /* one more block of metadata */
    if (ticks == 0)
        return track_fail(p->track, ERR_MEDIA, "packet %llu is malformed",
                          (unsigned long long)p->track->packets);
    if (p->track->info.codec != CODEC_VORBIS || p->track->packets > 0)
        p->ticks += ticks; /* no sound comes out of Vorbis' first packet */
    return track_add_pieces(p->track, packet->pieces, packet->count, ticks);
}

/* RFC 7845 4.3: the first page with sound says where it starts, unless it is the last one too,
 * whose position may be short of its packets. */
static void on_granule(void *context, int64_t granule, bool last)
{
    struct pages *p = context;
    if (p->ticks == 0 || granule < 0)
        return;
    if (!p->begun) {
        p->begun = true;
        p->start = last ? 0 : granule - (int64_t)p->ticks;
    }
    p->end = granule;
}

/* A position that is less than what was decoded: Vorbis I, A.2, has the first samples dropped. */
static void trim_start(struct pages *p)
{
    if (p->track->info.codec != CODEC_VORBIS || !p->begun || p->start >= 0)
        return;
    uint64_t early = -(uint64_t)p->start;
    if (early < p->ticks && early < UINT32_MAX)
        p->track->info.priming += (uint32_t)early;
}

/* RFC 7845 4.4: what the packets hold beyond the last page's position is to be dropped. */
static void trim(struct pages *p)
{
    int64_t length;
    if (!p->begun || __builtin_sub_overflow(p->end, p->start, &length))
        return;
    if (length > 0 && (uint64_t)length < p->ticks && p->ticks - (uint64_t)length <= UINT32_MAX)
        p->track->info.padding = (uint32_t)(p->ticks - (uint64_t)length);
}

static struct str magic_of(enum codec codec)
{
    if (codec == CODEC_VORBIS)
        return STR("\1vorbis");
    return codec == CODEC_OPUS ? STR("OpusHead") : STR("\177FLAC");
}

/* All whole pages in `window`; *used bytes of it. ERR_AGAIN: the stream goes on behind it. */
static enum err take_window(struct walk_ogg *w, struct str window, uint64_t offset, size_t *used)
{
    struct pages *p = w->hooks.context;
    *used = 0;
    while (*used < window.n) {
        size_t n;
        struct str rest = str_from(window, *used);
        enum err rc = walk_ogg_page(rest, &n);
        if (rc)
            return rc;
        TRY(walk_ogg_take(w, str_slice(rest, 0, n), offset + *used,
                          magic_of(p->track->info.codec)));
        *used += n;
        if (w->ended)
            return ERR_NONE;
    }
    return ERR_AGAIN;
}

/* A file that was cut off ends with its last whole page; bytes between pages are damage. */
static enum err walk(struct walk_ogg *w, struct source *source, unsigned char *window)
{
    struct pages *p = w->hooks.context;
    uint64_t offset = 0;
    for (;;) {
        size_t got, used;
        TRY(source_read(source, offset, window, WINDOW, &got));
        enum err rc = take_window(w, (struct str){(char *)window, got}, offset, &used);
        if (rc == ERR_MEDIA && p->track->why[0] == '\0')
            return track_fail(p->track, rc, "no Ogg page at byte %llu",
                              (unsigned long long)(offset + used));
        if (rc != ERR_AGAIN)
            return rc;
        if (used == 0)
            return ERR_NONE;
        offset += used;
    }
}

enum err pages_index(struct track *t)
{
    struct pages p = {.track = t};
    struct walk_ogg w;
    bool opus = t->info.codec == CODEC_OPUS;
    p.headers_left = opus ? OPUS_HEADERS : t->info.codec == CODEC_VORBIS ? VORBIS_HEADERS : 1;
    t->info.timescale = opus ? 48000 : t->info.sample_rate;
    t->info.sample_rate = t->info.timescale;
    unsigned char *window = malloc(WINDOW);
    if (!window)
        return ERR_NOMEM;
    walk_ogg_init(&w, (struct walk_ogg_hooks){&p, on_packet, on_granule});
    enum err rc = walk(&w, t->source, window);
    walk_ogg_fini(&w);
    free(window);
    if (rc && rc != ERR_AGAIN)
        return rc;
    trim(&p);
    trim_start(&p);
    return ERR_NONE;
}
