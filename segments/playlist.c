/* Playlists. One pass over the segments for the target duration and one that writes; nothing in the
 * loops formats with printf or allocates but for the growing buffer.
 *
 * Durations are differences of presentation times rounded to microseconds, so that their sums never
 * drift. In fMP4 the edit list takes priming and padding away, and the first and last segment are
 * as much shorter; elsewhere listeners hear them. */
#include "segments/playlist.h"

#include "edge/base/must.h"
#include "edge/base/percent.h"
#include "segments/crypt.h"

#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000) /* in microseconds */

/* When packet boundary `packet` is reached, microseconds after the first sound. Ticks of at most
 * INDEX_SECONDS_MAX seconds times a million fit in 64 bits. */
static uint64_t micros_at(const struct cut *c, enum container in, uint32_t packet)
{
    const struct index_info *info = index_info(c->index);
    uint64_t ticks = index_start(c->index, packet);
    if (in == CONTAINER_FMP4) {
        uint64_t last = info->duration - info->padding;
        ticks = ticks < last ? ticks : last;
        ticks = ticks > info->priming ? ticks - info->priming : 0;
    }
    return (ticks * SECOND + info->timescale / 2) / info->timescale;
}

/* Segment by segment: each one's packets and its duration. */
struct walk {
    const struct cut *cut;
    enum container in;
    uint32_t number; /* of the next one */
    uint32_t from;
    uint32_t to;
    uint64_t end;    /* microseconds */
    uint64_t micros; /* how long this one lasts */
};

static struct walk walk_start(const struct cut *c, enum container in)
{
    return (struct walk){.cut = c, .in = in};
}

static bool walk_next(struct walk *w)
{
    if (w->number == w->cut->count)
        return false;
    uint64_t start = w->end;
    w->from = w->to;
    w->to = cut_boundary(w->cut, ++w->number);
    w->end = micros_at(w->cut, w->in, w->to);
    w->micros = w->end - start;
    return true;
}

/* RFC 8216bis 7: each feature, and the first version that has it. */
static unsigned version_of(enum container in)
{
    if (in == CONTAINER_FMP4)
        return 6;                         /* EXT-X-MAP */
    return in == CONTAINER_BYTES ? 4 : 3; /* EXT-X-BYTERANGE; EXTINF with a fraction */
}

uint64_t playlist_target(const struct cut *c, enum container in)
{
    uint64_t longest = 0;
    for (struct walk w = walk_start(c, in); walk_next(&w);)
        longest = w.micros > longest ? w.micros : longest;
    /* 8216bis 4.4.3.1 rounds to the nearest second; before version 6 no segment might be longer. */
    uint64_t spare = version_of(in) >= 6 ? SECOND / 2 : SECOND - 1;
    uint64_t target = (longest + spare) / SECOND;
    return target ? target : 1;
}

static void write_top(const struct cut *c, enum container in, uint64_t target, struct buf *out)
{
    buf_adds(out, STR("#EXTM3U\n#EXT-X-VERSION:"));
    buf_add_u64(out, version_of(in));
    buf_adds(out, STR("\n#EXT-X-TARGETDURATION:"));
    buf_add_u64(out, target);
    buf_adds(out, STR("\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"));
    if (index_info(c->index)->independent)
        buf_adds(out, STR("#EXT-X-INDEPENDENT-SEGMENTS\n"));
}

static void write_map(struct str prefix, struct buf *out)
{
    buf_adds(out, STR("#EXT-X-MAP:URI=\""));
    buf_adds(out, prefix);
    buf_adds(out, STR("init.mp4\"\n"));
}

static void write_extinf(uint64_t micros, struct buf *out)
{
    char fraction[8] = {'.', 0, 0, 0, 0, 0, 0, ','};
    buf_adds(out, STR("#EXTINF:"));
    buf_add_u64(out, micros / SECOND);
    uint64_t rest = micros % SECOND;
    for (int i = 6; i > 0; i--, rest /= 10)
        fraction[i] = (char)('0' + rest % 10);
    buf_add(out, fraction, sizeof fraction);
    buf_addc(out, '\n');
}

static void write_file(uint32_t number, struct str prefix, struct str ending, struct buf *out)
{
    buf_adds(out, prefix);
    buf_add_u64(out, number);
    buf_adds(out, ending);
    buf_addc(out, '\n');
}

/* A sub-range is one run of bytes (8216bis 4.4.4.2), and segment_fits has seen that the whole track
 * is. */
static void write_range(const struct walk *w, struct str uri, struct buf *out)
{
    struct index_span span;
    must(index_spans(w->cut->index, w->from, w->to, &span, 1) == 1);
    buf_adds(out, STR("#EXT-X-BYTERANGE:"));
    buf_add_u64(out, span.length);
    buf_addc(out, '@');
    buf_add_u64(out, span.offset);
    buf_addc(out, '\n');
    buf_adds(out, uri);
    buf_addc(out, '\n');
}

/* 8216bis 4.4.4.4. The vector is the one that would hold anyway, but said: an init segment in front
 * of it is not encrypted, and a client need not count. */
static void write_key(uint32_t number, struct str prefix, struct buf *out)
{
    unsigned char iv[CRYPT_BLOCK];
    crypt_iv(number, iv);
    buf_adds(out, STR("#EXT-X-KEY:METHOD=AES-128,URI=\""));
    buf_adds(out, prefix);
    buf_adds(out, STR("key\",IV=0x"));
    for (size_t i = 0; i < sizeof iv; i++) {
        buf_addc(out, "0123456789abcdef"[iv[i] >> 4]);
        buf_addc(out, "0123456789abcdef"[iv[i] & 15]);
    }
    buf_addc(out, '\n');
}

static void write_segments(const struct cut *c, enum container in, struct str prefix,
                           struct buf *out)
{
    char dotted[16] = ".";
    const char *ending = container_ending(in, index_info(c->index)->codec);
    must(strlen(ending) < sizeof dotted - 1);
    memcpy(dotted + 1, ending, strlen(ending));
    for (struct walk w = walk_start(c, in); walk_next(&w);) {
        if (c->sealed)
            write_key(w.number - 1, prefix, out);
        write_extinf(w.micros, out);
        if (in == CONTAINER_BYTES)
            write_range(&w, prefix, out);
        else
            write_file(w.number - 1, prefix, str_of(dotted), out);
    }
}

enum err playlist_media_within(const struct cut *c, enum container in, uint64_t target,
                               struct str prefix, struct buf *out)
{
    if (!segment_fits(c->index, in) || (c->sealed && in == CONTAINER_BYTES))
        return ERR_NOT_ACCEPTABLE;
    if (target < playlist_target(c, in))
        return ERR_NOT_FOUND;
    write_top(c, in, target, out);
    if (in == CONTAINER_FMP4)
        write_map(prefix, out);
    write_segments(c, in, prefix, out);
    buf_adds(out, STR("#EXT-X-ENDLIST\n"));
    return buf_status(out);
}

enum err playlist_media(const struct cut *c, enum container in, struct str prefix, struct buf *out)
{
    return playlist_media_within(c, in, playlist_target(c, in), prefix, out);
}

/* Bits a second, rounded up; 0 when it takes no time. */
static uint64_t rate_of(uint64_t bytes, uint64_t micros)
{
    if (micros == 0)
        return 0;
    unsigned __int128 bits = (unsigned __int128)bytes * 8 * SECOND;
    return (uint64_t)((bits + micros - 1) / micros);
}

/* The last segments, to look back on: more than fit in a run, unless they are a hundredth of a
 * target long, which takes a file whose priming is longer than a segment. */
struct window {
    struct {
        uint64_t bytes;
        uint64_t micros;
    } last[256];
    uint64_t count; /* of all segments so far */
};

enum { WINDOW = sizeof((struct window *)0)->last / sizeof((struct window *)0)->last[0] };

static void window_add(struct window *w, uint64_t bytes, uint64_t micros)
{
    w->last[w->count % WINDOW].bytes = bytes;
    w->last[w->count % WINDOW].micros = micros;
    w->count++;
}

/* The largest rate over the runs that end with the last segment: 8216bis 4.4.6.2, BANDWIDTH. */
static uint64_t window_peak(const struct window *w, uint64_t target)
{
    uint64_t bytes = 0, micros = 0, peak = 0;
    for (uint64_t n = 1; n <= w->count && n <= WINDOW; n++) {
        bytes += w->last[(w->count - n) % WINDOW].bytes;
        micros += w->last[(w->count - n) % WINDOW].micros;
        if (2 * micros > 3 * target)
            break;
        uint64_t rate = 2 * micros >= target ? rate_of(bytes, micros) : 0;
        peak = rate > peak ? rate : peak;
    }
    return peak;
}

static void rates_within(const struct cut *c, enum container in, uint64_t target_s, uint64_t *peak,
                         uint64_t *average)
{
    uint64_t target = target_s * SECOND, bytes = 0;
    struct window recent = {.count = 0};
    struct walk w = walk_start(c, in);
    *peak = 0;
    while (walk_next(&w)) {
        uint64_t size = segment_size(c, in, w.number - 1);
        window_add(&recent, size, w.micros);
        uint64_t rate = window_peak(&recent, target);
        *peak = rate > *peak ? rate : *peak;
        bytes += size;
    }
    *average = rate_of(bytes, w.end);
    *peak = *average > *peak ? *average : *peak; /* too short for any run: the whole */
}

void playlist_rates(const struct cut *c, enum container in, uint64_t *peak, uint64_t *average)
{
    rates_within(c, in, playlist_target(c, in), peak, average);
}

const char *playlist_codecs(const struct index_info *info)
{
    static const char *const names[CODEC_COUNT] = {
        [CODEC_AAC] = "mp4a.40.2", [CODEC_MP3] = "mp4a.40.34", [CODEC_FLAC] = "fLaC",
        [CODEC_ALAC] = "alac",     [CODEC_OPUS] = "Opus",      [CODEC_AC3] = "ac-3",
        [CODEC_EAC3] = "ec-3",
    };
    if (info->codec == CODEC_AAC && info->aac_object_type != 2) /* RFC 6381 3.3 */
        return info->aac_object_type == 5    ? "mp4a.40.5"
               : info->aac_object_type == 29 ? "mp4a.40.29"
                                             : "mp4a.40.42";
    bool known = (unsigned)info->codec < CODEC_COUNT && names[info->codec];
    return known ? names[info->codec] : "";
}

/* Stereo AAC first: what every player can play is what it should start with. */
static int rank_of(const struct rendition *r)
{
    const struct index_info *info = index_info(r->cut.index);
    if (info->codec == CODEC_AAC)
        return info->channels == 2 ? 0 : 1;
    return 1 + (int)info->codec;
}

static int compare(const void *left, const void *right)
{
    const struct rendition *a = left, *b = right;
    if (rank_of(a) != rank_of(b))
        return rank_of(a) < rank_of(b) ? -1 : 1;
    if (a->bandwidth != b->bandwidth)
        return a->bandwidth < b->bandwidth ? -1 : 1;
    return str_cmp(a->uri, b->uri);
}

static bool same_group(const struct rendition *a, const struct rendition *b)
{
    const struct index_info *x = index_info(a->cut.index), *y = index_info(b->cut.index);
    return x->channels == y->channels && strcmp(playlist_codecs(x), playlist_codecs(y)) == 0;
}

/* Apple's authoring specification 9.6: apart where the codec or the channels are. */
static bool needs_groups(const struct rendition *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (index_info(list[i].cut.index)->channels > 2 || !same_group(&list[i], &list[0]))
            return true;
    return false;
}

/* `"mp4a.40.2-6"` */
static void write_group_id(const struct rendition *r, struct buf *out)
{
    const struct index_info *info = index_info(r->cut.index);
    buf_addc(out, '"');
    buf_adds(out, str_of(playlist_codecs(info)));
    buf_addc(out, '-');
    buf_add_u64(out, info->channels);
    buf_addc(out, '"');
}

/* 8216bis 4.4.6.1: without a URI the sound is in the variants that name the group. */
static void write_group(const struct rendition *r, struct buf *out)
{
    buf_adds(out, STR("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="));
    write_group_id(r, out);
    buf_adds(out, STR(",NAME=\"Audio\",LANGUAGE=\"und\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\""));
    buf_add_u64(out, index_info(r->cut.index)->channels);
    buf_adds(out, STR("\"\n"));
}

static void write_groups(const struct rendition *list, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        size_t first = 0;
        while (!same_group(&list[first], &list[i]))
            first++;
        if (first == i)
            write_group(&list[i], out);
    }
}

static void write_variant(const struct rendition *r, bool grouped, struct buf *out)
{
    buf_adds(out, STR("#EXT-X-STREAM-INF:BANDWIDTH="));
    buf_add_u64(out, r->bandwidth);
    buf_adds(out, STR(",AVERAGE-BANDWIDTH="));
    buf_add_u64(out, r->average);
    buf_adds(out, STR(",CODECS=\""));
    buf_adds(out, str_of(playlist_codecs(index_info(r->cut.index))));
    buf_addc(out, '"');
    if (grouped) {
        buf_adds(out, STR(",AUDIO="));
        write_group_id(r, out);
    }
    buf_addc(out, '\n');
    percent_path(out, r->uri);
    buf_addc(out, '\n');
}

static uint64_t longest(const struct rendition *list, size_t count)
{
    uint64_t most = 0;
    for (size_t i = 0; i < count; i++) {
        const struct index_info *info = index_info(list[i].cut.index);
        uint64_t seconds = (info->duration + info->timescale - 1) / info->timescale;
        most = seconds > most ? seconds : most;
    }
    return most;
}

enum err playlist_master(struct rendition *renditions, size_t count, struct buf *out)
{
    bool independent = count > 0;
    for (size_t i = 0; i < count; i++) {
        struct rendition *r = &renditions[i];
        if (!segment_fits(r->cut.index, r->in))
            return ERR_NOT_ACCEPTABLE;
        rates_within(&r->cut, r->in, r->target ? r->target : playlist_target(&r->cut, r->in),
                     &r->bandwidth, &r->average);
        independent = independent && index_info(r->cut.index)->independent;
    }
    if (count)
        qsort(renditions, count, sizeof *renditions, compare);
    buf_adds(out, STR("#EXTM3U\n")); /* nothing below needs more than version 1: no EXT-X-VERSION */
    if (independent)
        buf_adds(out, STR("#EXT-X-INDEPENDENT-SEGMENTS\n"));
    bool grouped = needs_groups(renditions, count);
    if (grouped)
        write_groups(renditions, count, out);
    for (size_t i = 0; i < count; i++)
        write_variant(&renditions[i], grouped, out);
    buf_adds(out, STR(PLAYLIST_DURATION));
    buf_add_u64(out, longest(renditions, count));
    buf_addc(out, '\n');
    return buf_status(out);
}
