/* Opening an index record: the one place where its bytes are distrusted. The process that wrote it
 * has read a hostile file, and Redis may hand back anything, so each number that a reader will rely
 * on is checked here, in one pass over each array, and only then does the record become an index.
 * No arithmetic can overflow: packets, sizes and seconds have limits, so that ticks times a million
 * and the sum of all sizes fit in 64 bits. */
#include "segments/index.h"

#include "segments/flac.h"
#include "segments/index_layout.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static bool aac_type_known(uint8_t type)
{
    return type == 2 || type == 5 || type == 29 || type == 42;
}

static bool codec_fits(const struct index_info *i)
{
    if (i->codec <= CODEC_NONE || i->codec >= CODEC_COUNT)
        return false;
    if (i->codec == CODEC_AAC ? !aac_type_known(i->aac_object_type) : i->aac_object_type != 0)
        return false;
    if (i->strip != 0 && (i->codec != CODEC_AAC || (i->strip != 7 && i->strip != 9)))
        return false;
    return i->mpeg_layer3_lsf <= (i->codec == CODEC_MP3) && i->independent <= 1 && i->bits <= 64;
}

/* What is encoded is FLAC, and nothing of it is dropped: there was no need to make that. */
static bool encoding_fits(const struct index_info *i)
{
    struct flac_shape shape = {i->sample_rate, i->channels, i->bits, i->frame_ticks, i->duration};
    if (i->encoded == ENCODED_NOT)
        return true;
    return i->codec == CODEC_FLAC && i->timescale == i->sample_rate && i->priming == 0 &&
           i->padding == 0 && i->preroll == 0 && flac_fits(&shape);
}

bool layout_info_fits(const struct index_info *i)
{
    if (!codec_fits(i) || !encoding_fits(i))
        return false;
    if (i->timescale < 1 || i->timescale > 1000000 || i->frame_ticks < 1)
        return false;
    if (i->channels < 1 || i->channels > 255 || i->sample_rate < 1)
        return false;
    if (i->packets > INDEX_PACKETS_MAX || i->preroll > INT16_MAX)
        return false;
    if (i->duration > (uint64_t)i->timescale * INDEX_SECONDS_MAX)
        return false;
    return (uint64_t)i->priming + i->padding <= i->duration;
}

/* How many bytes the UTF-8 sequence at the start of s takes; 0 when it is none (RFC 3629 4). */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    size_t more = s[0] < 0x80 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
    if (more == 0)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4 || more >= n)
        return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    for (size_t i = 1; i <= more; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return more + 1;
}

static bool text_fits(struct str s)
{
    for (size_t i = 0, step; i < s.n; i += step) {
        const unsigned char *at = (const unsigned char *)s.p + i;
        step = utf8_length(at, s.n - i);
        if (step == 0 || *at < 0x20 || *at == 0x7f)
            return false;
    }
    return true;
}

bool layout_tags_fit(struct str tags)
{
    if (tags.n > INDEX_TAGS_MAX || (tags.n && tags.p[tags.n - 1] != '\n'))
        return false;
    while (tags.n) {
        struct str line = str_cut(&tags, '\n');
        size_t name = str_find(line, '=');
        if (name == 0 || name == line.n || !text_fits(line))
            return false;
    }
    return true;
}

static struct index_info info_of(const struct layout_head *h)
{
    return (struct index_info){
        .codec = (enum codec)h->codec,
        .aac_object_type = h->aac_object_type,
        .mpeg_layer3_lsf = h->mpeg_layer3_lsf,
        .bits = h->bits,
        .independent = h->independent,
        .encoded = (enum encoded)h->encoded,
        .channels = le16toh(h->channels),
        .strip = le16toh(h->strip),
        .sample_rate = le32toh(h->sample_rate),
        .timescale = le32toh(h->timescale),
        .frame_ticks = le32toh(h->frame_ticks),
        .packets = le32toh(h->packets),
        .priming = le32toh(h->priming),
        .padding = le32toh(h->padding),
        .preroll = le32toh(h->preroll),
        .duration = le64toh(h->duration),
        .payload = le64toh(h->payload),
        .max_size = le32toh(h->max_size),
    };
}

static bool width_fits(uint8_t width) { return width == 0 || width == 2 || width == 4; }

static bool head_fits(const struct layout_head *h, size_t length)
{
    if (le32toh(h->magic) != RECORD_MAGIC || le32toh(h->version) != INDEX_VERSION)
        return false;
    if (le64toh(h->length) != length || length > BUF_MAX_INDEX || h->encoded >= ENCODED_COUNT)
        return false;
    if (!width_fits(h->size_width) || !width_fits(h->ticks_width))
        return false;
    if (h->ticks_width && h->exceptions)
        return false;
    return le32toh(h->init) <= INDEX_INIT_MAX &&
           le32toh(h->config) <= layout_config_max((enum encoded)h->encoded) &&
           le32toh(h->tags) <= INDEX_TAGS_MAX;
}

/* Where the sections lie: eats the record from the front, `fits` becomes false past its end. */
struct cursor {
    const unsigned char *at;
    size_t left;
    bool fits;
};

static const void *section(struct cursor *l, uint64_t count, uint64_t width)
{
    uint64_t bytes = count * width, whole = layout_round8(bytes);
    if (whole > l->left) {
        l->fits = false;
        return NULL;
    }
    const unsigned char *start = l->at;
    for (uint64_t i = bytes; i < whole; i++)
        if (start[i])
            l->fits = false; /* one track has one record: no room for other bytes */
    l->at += whole;
    l->left -= (size_t)whole;
    return start;
}

static struct str text_section(struct cursor *l, uint32_t length)
{
    return (struct str){section(l, length, 1), length};
}

static bool lay_out(struct index *x, const struct layout_head *h)
{
    struct cursor l = {x->record + sizeof *h, x->length - sizeof *h, true};
    uint32_t packets = x->info.packets, sums = layout_sums(packets);
    x->size_sums = section(&l, x->size_width ? sums : 0, 8);
    x->sizes = section(&l, packets, x->size_width);
    x->tick_sums = section(&l, x->ticks_width ? sums : 0, 8);
    x->ticks = section(&l, packets, x->ticks_width);
    x->exception = section(&l, x->exceptions, sizeof *x->exception);
    x->extent = section(&l, x->extents, sizeof *x->extent);
    x->init = text_section(&l, le32toh(h->init));
    x->config = text_section(&l, le32toh(h->config));
    x->tags = text_section(&l, le32toh(h->tags));
    return l.fits && l.left == 0;
}

/* What a walk over an array of numbers finds. */
struct tally {
    uint64_t sum;
    uint32_t least;
    uint32_t most;
};

static bool tally_numbers(const void *array, uint8_t width, const uint64_t *sums, uint32_t count,
                          struct tally *out)
{
    *out = (struct tally){.least = UINT32_MAX};
    for (uint32_t i = 0; i < count; i++) {
        if (i % INDEX_STRIDE == 0 && le64toh(sums[i / INDEX_STRIDE]) != out->sum)
            return false;
        uint32_t n = layout_number(array, width, i);
        out->sum += n;
        out->least = n < out->least ? n : out->least;
        out->most = n > out->most ? n : out->most;
    }
    return true;
}

static bool sizes_fit(const struct index *x)
{
    const struct index_info *i = &x->info;
    struct tally t = {(uint64_t)i->packets * i->max_size, i->max_size, i->max_size};
    if (x->size_width && !tally_numbers(x->sizes, x->size_width, x->size_sums, i->packets, &t))
        return false;
    if (i->packets == 0)
        return i->payload == 0 && i->max_size == 0;
    return t.sum == i->payload && t.most == i->max_size && t.most <= INDEX_SIZE_MAX &&
           t.least > i->strip;
}

static bool exceptions_fit(struct index *x)
{
    const struct index_info *i = &x->info;
    uint64_t start = 0; /* ticks before packet `next` */
    uint32_t next = 0;
    x->max_ticks = i->packets ? i->frame_ticks : 0;
    for (uint32_t k = 0; k < x->exceptions; k++) {
        uint32_t packet = le32toh(x->exception[k].packet), ticks = le32toh(x->exception[k].ticks);
        if (packet < next || packet >= i->packets || ticks == 0)
            return false;
        start += (uint64_t)(packet - next) * i->frame_ticks;
        if (le64toh(x->exception[k].start) != start)
            return false;
        start += ticks;
        next = packet + 1;
        x->max_ticks = ticks > x->max_ticks ? ticks : x->max_ticks;
    }
    return start + (uint64_t)(i->packets - next) * i->frame_ticks == i->duration;
}

static bool ticks_fit(struct index *x)
{
    struct tally t;
    if (!x->ticks_width)
        return exceptions_fit(x);
    if (!tally_numbers(x->ticks, x->ticks_width, x->tick_sums, x->info.packets, &t))
        return false;
    x->max_ticks = t.most;
    return t.sum == x->info.duration && t.least > 0;
}

static bool extents_fit(const struct index *x)
{
    if (x->extents == 0)
        return x->info.payload == 0;
    if (le64toh(x->extent[0].payload) != 0)
        return false;
    uint64_t touching = UINT64_MAX; /* the file offset that would join an extent to the last one */
    for (uint32_t k = 0; k < x->extents; k++) {
        uint64_t at = le64toh(x->extent[k].payload), file = le64toh(x->extent[k].file);
        uint64_t end = k + 1 < x->extents ? le64toh(x->extent[k + 1].payload) : x->info.payload;
        if (end <= at || file > INT64_MAX || end - at > INT64_MAX - file || file == touching)
            return false;
        touching = file + (end - at);
    }
    return true;
}

/* Frames follow each other by number: all but the last have the same samples. */
static bool frames_fit(const struct index *x)
{
    const struct index_info *i = &x->info;
    return x->ticks_width == 0 && x->max_ticks <= i->frame_ticks &&
           (i->packets < 2 || index_steady(x, 0, i->packets - 1));
}

static bool source_fits(const struct index *x, const struct index *source)
{
    const struct index_info *i = &x->info, *s = &source->info;
    if (s->encoded != ENCODED_NOT || (s->codec != CODEC_PCM && s->codec != CODEC_VORBIS))
        return false;
    return s->timescale == i->timescale && s->channels == i->channels &&
           s->duration - s->priming - s->padding == i->duration;
}

static enum err open_source(struct index *x)
{
    if (x->info.encoded == ENCODED_NOT)
        return ERR_NONE;
    if (!frames_fit(x) || x->config.n == 0)
        return ERR_MEDIA;
    unsigned char *copy = malloc(x->config.n);
    if (!copy)
        return ERR_NOMEM;
    memcpy(copy, x->config.p, x->config.n);
    if (x->config.n > sizeof(struct layout_head) && copy[offsetof(struct layout_head, encoded)]) {
        free(copy); /* one within the other, and no deeper */
        return ERR_MEDIA;
    }
    TRY(index_open(copy, x->config.n, &x->source));
    return source_fits(x, x->source) ? ERR_NONE : ERR_MEDIA;
}

static bool record_fits(struct index *x)
{
    struct layout_head h;
    if (x->length < sizeof h)
        return false;
    memcpy(&h, x->record, sizeof h);
    if (!head_fits(&h, x->length))
        return false;
    x->info = info_of(&h);
    x->size_width = h.size_width;
    x->ticks_width = h.ticks_width;
    x->exceptions = le32toh(h.exceptions);
    x->extents = le32toh(h.extents);
    return layout_info_fits(&x->info) && lay_out(x, &h) && sizes_fit(x) && ticks_fit(x) &&
           extents_fit(x) && layout_tags_fit(x->tags);
}

enum err index_open(unsigned char *record, size_t len, struct index **out)
{
    *out = NULL;
    struct index *x = calloc(1, sizeof *x);
    if (!x) {
        free(record);
        return ERR_NOMEM;
    }
    x->record = record;
    x->length = len;
    enum err e = record_fits(x) ? open_source(x) : ERR_MEDIA;
    if (e)
        index_free(x);
    else
        *out = x;
    return e;
}
