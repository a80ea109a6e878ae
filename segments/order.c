/* Orders are written from an open index, which is consistent, and read in a helper that has no
 * reason to believe it: every number is checked again there. */
#include "segments/order.h"

#include "edge/base/must.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_MAGIC UINT32_C(0x6f676573) /* "sego" */

struct order_head {
    uint32_t magic;
    uint8_t codec;
    uint8_t sizes_only;
    uint8_t channels;
    uint8_t bits;
    uint32_t rate;
    uint32_t frame;
    uint32_t first;
    uint32_t frames;
    uint32_t last;
    uint32_t skip;
    uint32_t packets;
    uint32_t spans;
    uint32_t config;
    uint32_t zero;
};
_Static_assert(sizeof(struct order_head) == 48, "the head of an order has no gaps");

enum { PLACE = 16, SIZE = 4 };

static void add_le32(struct buf *out, uint32_t value)
{
    value = htole32(value);
    buf_add(out, &value, sizeof value);
}

static void add_le64(struct buf *out, uint64_t value)
{
    value = htole64(value);
    buf_add(out, &value, sizeof value);
}

static uint32_t get_le32(const void *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof value);
    return le32toh(value);
}

static uint64_t get_le64(const void *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof value);
    return le64toh(value);
}

/* The packet of the source that sounds at `ticks`. */
static uint32_t packet_at(const struct index *source, uint64_t ticks)
{
    uint32_t p = index_at(source, ticks);
    return index_start(source, p) > ticks ? p - 1 : p;
}

/* The packets of the source that frames [from, to) are made from, without preroll. */
static void find_packets(const struct index *x, uint32_t from, uint32_t to, uint32_t *p,
                         uint32_t *end)
{
    const struct index *source = index_source(x);
    uint32_t priming = index_info(source)->priming;
    *p = packet_at(source, index_start(x, from) + priming);
    *end = packet_at(source, index_start(x, to) + priming - 1) + 1;
}

static enum err write_places(const struct index *source, uint32_t from, uint32_t to, size_t count,
                             struct buf *out)
{
    struct index_span *spans = calloc(count + 1, sizeof *spans);
    if (!spans)
        return ERR_NOMEM;
    index_spans(source, from, to, spans, count);
    for (size_t i = 0; i < count; i++) {
        add_le64(out, spans[i].offset);
        add_le64(out, spans[i].length);
    }
    free(spans);
    return buf_status(out);
}

enum err order_write(const struct index *x, uint32_t from, uint32_t to, bool sizes_only,
                     struct buf *out)
{
    const struct index_info *info = index_info(x);
    const struct index *source = index_source(x);
    must(source && from < to && to <= info->packets);
    uint32_t p, end, preroll = index_info(source)->preroll;
    find_packets(x, from, to, &p, &end);
    uint64_t skip = index_start(x, from) + index_info(source)->priming - index_start(source, p);
    p -= preroll < p ? preroll : p;
    size_t spans = index_spans(source, p, end, NULL, 0);
    if (spans > ORDER_MAX / PLACE || to - from > ORDER_FRAMES_MAX)
        return ERR_TOO_BIG;
    struct order_head h = {
        .magic = htole32(ORDER_MAGIC),
        .codec = (uint8_t)index_info(source)->codec,
        .sizes_only = sizes_only,
        .channels = (uint8_t)info->channels,
        .bits = info->bits,
        .rate = htole32(info->sample_rate),
        .frame = htole32(info->frame_ticks),
        .first = htole32(from),
        .frames = htole32(to - from),
        .last = htole32(index_ticks(x, to - 1)),
        .skip = htole32((uint32_t)skip),
        .packets = htole32(end - p),
        .spans = htole32((uint32_t)spans),
        .config = htole32((uint32_t)index_config(source).n),
    };
    buf_add(out, &h, sizeof h);
    TRY(write_places(source, p, end, spans, out));
    for (uint32_t i = p; i < end; i++)
        add_le32(out, index_size(source, i));
    for (uint32_t i = p; i < end; i++)
        add_le32(out, i == p && preroll ? 0 : index_ticks(source, i));
    buf_adds(out, index_config(source));
    return buf_status(out);
}

static bool numbers_fit(const struct order *o)
{
    return (o->codec == CODEC_PCM || o->codec == CODEC_VORBIS) && flac_fits(&o->shape) &&
           o->frames >= 1 && o->frames <= ORDER_FRAMES_MAX && o->last >= 1 &&
           o->last <= o->shape.frame && o->packets >= 1;
}

/* The packets are what lies in the spans, no more and no less, and the frames come of them. */
static bool packets_fit(const struct order *o)
{
    uint64_t places = 0, sizes = 0, ticks = 0;
    for (uint32_t i = 0; i < o->spans; i++) {
        struct index_span s = order_span(o, i);
        if (s.offset > INT64_MAX || s.length > INT64_MAX - s.offset)
            return false;
        places += s.length;
        if (places > INT64_MAX)
            return false;
    }
    for (uint32_t i = 0; i < o->packets; i++) {
        if (order_size(o, i) == 0 || order_size(o, i) > INDEX_SIZE_MAX)
            return false;
        sizes += order_size(o, i);
        ticks += order_ticks(o, i);
    }
    return places == sizes && ticks >= o->skip + order_samples(o);
}

enum err order_read(struct str bytes, struct order *out)
{
    struct order_head h;
    if (bytes.n < sizeof h || bytes.n > ORDER_MAX)
        return ERR_SYNTAX;
    memcpy(&h, bytes.p, sizeof h);
    *out = (struct order){
        .codec = (enum codec)h.codec,
        .sizes_only = h.sizes_only == 1,
        .shape = {le32toh(h.rate), h.channels, h.bits, le32toh(h.frame), 0},
        .first = le32toh(h.first),
        .frames = le32toh(h.frames),
        .last = le32toh(h.last),
        .skip = le32toh(h.skip),
        .packets = le32toh(h.packets),
        .spans = le32toh(h.spans),
    };
    if (le32toh(h.magic) != ORDER_MAGIC || h.sizes_only > 1 || h.zero || !numbers_fit(out))
        return ERR_SYNTAX;
    uint64_t places = (uint64_t)out->spans * PLACE, sizes = (uint64_t)out->packets * SIZE;
    if (sizeof h + places + 2 * sizes + le32toh(h.config) != bytes.n)
        return ERR_SYNTAX;
    out->places = (const unsigned char *)bytes.p + sizeof h;
    out->sizes = out->places + places;
    out->ticks = out->sizes + sizes;
    out->config = str_from(bytes, (size_t)(sizeof h + places + 2 * sizes));
    return packets_fit(out) ? ERR_NONE : ERR_SYNTAX;
}

uint64_t order_samples(const struct order *o)
{
    return (uint64_t)(o->frames - 1) * o->shape.frame + o->last;
}

struct index_span order_span(const struct order *o, uint32_t i)
{
    must(i < o->spans);
    const unsigned char *at = o->places + (size_t)i * PLACE;
    return (struct index_span){get_le64(at), get_le64(at + 8)};
}

uint32_t order_size(const struct order *o, uint32_t i)
{
    must(i < o->packets);
    return get_le32(o->sizes + (size_t)i * SIZE);
}

uint32_t order_ticks(const struct order *o, uint32_t i)
{
    must(i < o->packets);
    return get_le32(o->ticks + (size_t)i * SIZE);
}

enum err order_check(struct str reply, uint32_t frames, bool sizes_only)
{
    uint64_t sum = (uint64_t)frames * SIZE;
    if (reply.n < sum)
        return ERR_MEDIA;
    for (uint32_t i = 0; i < frames; i++) {
        uint32_t size = order_frame(reply, i);
        if (size == 0 || size > INDEX_SIZE_MAX)
            return ERR_MEDIA;
        sum += sizes_only ? 0 : size;
    }
    return reply.n == sum ? ERR_NONE : ERR_MEDIA;
}

uint32_t order_frame(struct str reply, uint32_t i)
{
    must((uint64_t)(i + 1) * SIZE <= reply.n);
    return get_le32(reply.p + (size_t)i * SIZE);
}

struct str order_frames(struct str reply, uint32_t frames)
{
    return str_from(reply, (size_t)frames * SIZE);
}
