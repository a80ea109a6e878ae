/* Making an index record. The builder keeps four bytes a packet (its size) and, for what seldom
 * changes, runs: durations as runs of equal ones, places as extents that grow while the next
 * packet follows on in the file. At the end it picks the smallest form for each section. */
#include "segments/index.h"

#include "segments/index_layout.h"

#include <stdlib.h>
#include <string.h>

/* `packets` from the end of the run before it, each lasting `ticks`. */
struct run {
    uint32_t packets;
    uint32_t ticks;
};

struct index_builder {
    struct buf sizes;   /* uint32_t */
    struct buf runs;    /* struct run */
    struct buf extents; /* struct index_span: the file's side; payload offsets follow from it */
    uint32_t packets;
    uint32_t max_size;
    uint32_t least_size;
    uint32_t max_ticks;
    uint64_t payload;
    uint64_t duration;
};

struct index_builder *index_build(void)
{
    struct index_builder *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    buf_init(&b->sizes, BUF_MAX_INDEX);
    buf_init(&b->runs, BUF_MAX_INDEX);
    buf_init(&b->extents, BUF_MAX_INDEX);
    b->least_size = UINT32_MAX;
    return b;
}

void index_build_free(struct index_builder *b)
{
    if (!b)
        return;
    buf_fini(&b->sizes);
    buf_fini(&b->runs);
    buf_fini(&b->extents);
    free(b);
}

static struct run *runs_of(const struct index_builder *b) { return (struct run *)b->runs.data; }
static size_t runs_count(const struct index_builder *b) { return b->runs.len / sizeof(struct run); }

static struct index_span *spans_of(const struct index_builder *b)
{
    return (struct index_span *)b->extents.data;
}

static size_t spans_count(const struct index_builder *b)
{
    return b->extents.len / sizeof(struct index_span);
}

static enum err add_piece(struct index_builder *b, struct index_span piece)
{
    size_t n = spans_count(b);
    struct index_span *last = n ? &spans_of(b)[n - 1] : NULL;
    if (last && last->offset + last->length == piece.offset) {
        last->length += piece.length;
        return ERR_NONE;
    }
    buf_add(&b->extents, &piece, sizeof piece);
    return buf_status(&b->extents);
}

static enum err add_ticks(struct index_builder *b, uint32_t ticks)
{
    size_t n = runs_count(b);
    if (n && runs_of(b)[n - 1].ticks == ticks) {
        runs_of(b)[n - 1].packets++;
        return ERR_NONE;
    }
    buf_add(&b->runs, &(struct run){1, ticks}, sizeof(struct run));
    return buf_status(&b->runs);
}

static enum err pieces_size(const struct index_span *pieces, size_t count, uint32_t *size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].length == 0 || pieces[i].length > INDEX_SIZE_MAX ||
            pieces[i].offset > INT64_MAX - pieces[i].length)
            return ERR_MEDIA;
        sum += pieces[i].length;
        if (sum > INDEX_SIZE_MAX)
            return ERR_MEDIA;
    }
    *size = (uint32_t)sum;
    return sum ? ERR_NONE : ERR_MEDIA;
}

enum err index_build_pieces(struct index_builder *b, const struct index_span *pieces, size_t count,
                            uint32_t ticks)
{
    uint32_t size;
    TRY(pieces_size(pieces, count, &size));
    if (ticks == 0)
        return ERR_MEDIA;
    if (b->packets == INDEX_PACKETS_MAX)
        return ERR_TOO_BIG;
    for (size_t i = 0; i < count; i++)
        TRY(add_piece(b, pieces[i]));
    TRY(add_ticks(b, ticks));
    buf_add(&b->sizes, &size, sizeof size);
    TRY(buf_status(&b->sizes));
    b->packets++;
    b->payload += size;
    b->duration += ticks;
    b->max_size = size > b->max_size ? size : b->max_size;
    b->least_size = size < b->least_size ? size : b->least_size;
    b->max_ticks = ticks > b->max_ticks ? ticks : b->max_ticks;
    return ERR_NONE;
}

enum err index_build_packet(struct index_builder *b, uint64_t offset, uint32_t size, uint32_t ticks)
{
    return index_build_pieces(b, &(struct index_span){offset, size}, 1, ticks);
}

/* The duration that most packets have, if one has more than half: Boyer and Moore's vote, by runs.
 */
static uint32_t commonest_ticks(const struct index_builder *b)
{
    uint32_t winner = 1;
    uint64_t votes = 0;
    for (size_t i = 0; i < runs_count(b); i++) {
        struct run r = runs_of(b)[i];
        if (r.ticks == winner) {
            votes += r.packets;
        } else if (r.packets > votes) {
            votes = r.packets - votes;
            winner = r.ticks;
        } else {
            votes -= r.packets;
        }
    }
    return winner;
}

static uint32_t count_exceptions(const struct index_builder *b, uint32_t frame_ticks)
{
    uint32_t count = 0;
    for (size_t i = 0; i < runs_count(b); i++)
        if (runs_of(b)[i].ticks != frame_ticks)
            count += runs_of(b)[i].packets;
    return count;
}

static void add_le64(struct buf *out, uint64_t value)
{
    value = htole64(value);
    buf_add(out, &value, sizeof value);
}

static void add_number(struct buf *out, uint32_t value, uint8_t width)
{
    uint16_t narrow = htole16((uint16_t)value);
    uint32_t wide = htole32(value);
    buf_add(out, width == 2 ? (void *)&narrow : (void *)&wide, width);
}

/* Behind a section of `bytes`. */
static void add_padding(struct buf *out, uint64_t bytes)
{
    static const unsigned char zeros[8];
    buf_add(out, zeros, (size_t)(layout_round8(bytes) - bytes));
}

static void add_text(struct buf *out, struct str s)
{
    buf_adds(out, s);
    add_padding(out, s.n);
}

static void write_sizes(const struct index_builder *b, uint8_t width, struct buf *out)
{
    const uint32_t *sizes = (const uint32_t *)b->sizes.data;
    uint64_t sum = 0;
    if (width == 0)
        return;
    for (uint32_t i = 0; i < b->packets; i++) {
        if (i % INDEX_STRIDE == 0)
            add_le64(out, sum);
        sum += sizes[i];
    }
    for (uint32_t i = 0; i < b->packets; i++)
        add_number(out, sizes[i], width);
    add_padding(out, (uint64_t)b->packets * width);
}

/* Packet by packet over the runs. */
struct walk {
    const struct run *run;
    uint32_t left;
};

static uint32_t walk_next(struct walk *w)
{
    if (w->left == 0)
        w->left = (++w->run)->packets;
    w->left--;
    return w->run->ticks;
}

static struct walk walk_start(const struct index_builder *b)
{
    return (struct walk){runs_of(b), b->packets ? runs_of(b)->packets : 0};
}

static void write_ticks(const struct index_builder *b, uint8_t width, struct buf *out)
{
    struct walk w = walk_start(b);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < b->packets; i++) {
        if (i % INDEX_STRIDE == 0)
            add_le64(out, sum);
        sum += walk_next(&w);
    }
    w = walk_start(b);
    for (uint32_t i = 0; i < b->packets; i++)
        add_number(out, walk_next(&w), width);
    add_padding(out, (uint64_t)b->packets * width);
}

static void write_exceptions(const struct index_builder *b, uint32_t frame_ticks, struct buf *out)
{
    struct walk w = walk_start(b);
    uint64_t start = 0;
    for (uint32_t i = 0; i < b->packets; i++) {
        uint32_t ticks = walk_next(&w);
        struct layout_exception e = {htole32(i), htole32(ticks), htole64(start)};
        if (ticks != frame_ticks)
            buf_add(out, &e, sizeof e);
        start += ticks;
    }
}

static void write_extents(const struct index_builder *b, struct buf *out)
{
    uint64_t payload = 0;
    for (size_t i = 0; i < spans_count(b); i++) {
        add_le64(out, payload);
        add_le64(out, spans_of(b)[i].offset);
        payload += spans_of(b)[i].length;
    }
}

static uint8_t width_of(uint32_t most) { return most <= UINT16_MAX ? 2 : 4; }

static struct layout_head head_of(const struct index_builder *b, const struct index_info *i)
{
    uint32_t exceptions = count_exceptions(b, i->frame_ticks);
    bool many = exceptions > i->packets / 4;
    bool equal = b->packets == 0 || b->least_size == b->max_size;
    return (struct layout_head){
        .magic = htole32(RECORD_MAGIC),
        .version = htole32(INDEX_VERSION),
        .codec = (uint8_t)i->codec,
        .aac_object_type = i->aac_object_type,
        .mpeg_layer3_lsf = i->mpeg_layer3_lsf,
        .bits = i->bits,
        .independent = i->independent,
        .encoded = (uint8_t)i->encoded,
        .size_width = equal ? 0 : width_of(b->max_size),
        .ticks_width = many ? width_of(b->max_ticks) : 0,
        .channels = htole16(i->channels),
        .strip = htole16(i->strip),
        .sample_rate = htole32(i->sample_rate),
        .timescale = htole32(i->timescale),
        .frame_ticks = htole32(i->frame_ticks),
        .packets = htole32(i->packets),
        .priming = htole32(i->priming),
        .padding = htole32(i->padding),
        .preroll = htole32(i->preroll),
        .duration = htole64(i->duration),
        .payload = htole64(i->payload),
        .max_size = htole32(i->max_size),
        .exceptions = htole32(many ? 0 : exceptions),
        .extents = htole32((uint32_t)spans_count(b)),
    };
}

static enum err texts_fit(enum encoded encoded, struct str init, struct str config, struct str tags)
{
    if (init.n > INDEX_INIT_MAX || config.n > layout_config_max(encoded) || tags.n > INDEX_TAGS_MAX)
        return ERR_TOO_BIG;
    return layout_tags_fit(tags) ? ERR_NONE : ERR_MEDIA;
}

static enum err info_fits(const struct index_builder *b, struct index_info *info)
{
    info->packets = b->packets;
    info->payload = b->payload;
    info->duration = b->duration;
    info->max_size = b->max_size;
    info->frame_ticks = commonest_ticks(b);
    return layout_info_fits(info) && (b->packets == 0 || b->least_size > info->strip) ? ERR_NONE
                                                                                      : ERR_MEDIA;
}

enum err index_build_finish(struct index_builder *b, struct index_info info, struct str init,
                            struct str config, struct str tags, struct buf *out)
{
    TRY(info_fits(b, &info));
    TRY(texts_fit(info.encoded, init, config, tags));
    struct layout_head h = head_of(b, &info);
    h.init = htole32((uint32_t)init.n);
    h.config = htole32((uint32_t)config.n);
    h.tags = htole32((uint32_t)tags.n);
    size_t start = out->len;
    buf_add(out, &h, sizeof h);
    write_sizes(b, h.size_width, out);
    if (h.ticks_width)
        write_ticks(b, h.ticks_width, out);
    else if (h.exceptions)
        write_exceptions(b, info.frame_ticks, out);
    write_extents(b, out);
    add_text(out, init);
    add_text(out, config);
    add_text(out, tags);
    TRY(buf_status(out));
    uint64_t length = htole64(out->len - start);
    memcpy(out->data + start + offsetof(struct layout_head, length), &length, sizeof length);
    return ERR_NONE;
}
