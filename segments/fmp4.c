/* The moof of one segment. Its size is known before it is written (struct shape), which gives the
 * exact size of a segment without making it, and box sizes without going back. */
#include "segments/fmp4.h"

#include "segments/adts.h"
#include "segments/order.h"

enum {
    TRACK = 1,
    MFHD = 16,
    TFDT = 20,
    SGPD = 26,
    SBGP = 28,
    TFHD_BASE_IS_MOOF = 0x020000,
    TFHD_DURATION = 0x08,
    TFHD_SIZE = 0x10,
    TFHD_FLAGS = 0x20,
    TRUN_OFFSET = 0x001,
    TRUN_DURATION = 0x100,
    TRUN_SIZE = 0x200,
    GROUP_OF_FRAGMENT = 0x10000, /* 14496-12 8.9.4: descriptions in this traf count from here */
};

#define SAMPLE_SYNC UINT32_C(0x02000000) /* depends on no other, and is a sync sample */

/* What a segment's boxes hold, hence how long they are. */
struct shape {
    uint32_t samples;
    bool sizes; /* a size for each sample */
    bool ticks; /* a duration for each */
    bool roll;  /* a roll group */
    uint32_t tfhd;
    uint32_t mdat; /* the head of the mdat */
    uint64_t trun;
    uint64_t traf;
    uint64_t moof;
    uint64_t data; /* bytes of samples */
};

/* What an encoded track's index says of sizes may be a bound: the frames know. */
static uint32_t size_of(const struct part *p, uint32_t packet)
{
    return p->frames ? order_frame(*p->frames, packet - p->from)
                     : index_size(p->cut->index, packet);
}

static bool sizes_differ(const struct part *p)
{
    uint32_t first = size_of(p, p->from);
    for (uint32_t i = p->from + 1; i < p->to; i++)
        if (size_of(p, i) != first)
            return true;
    return false;
}

static uint64_t bytes_of(const struct part *p)
{
    uint32_t count = p->to - p->from;
    return p->frames ? order_frames(*p->frames, count).n
                     : index_bytes(p->cut->index, p->from, p->to);
}

static struct shape shape_of(const struct part *p)
{
    const struct index *x = p->cut->index;
    const struct index_info *info = index_info(x);
    struct shape s = {.samples = p->to - p->from};
    s.sizes = sizes_differ(p);
    s.ticks = !index_steady(x, p->from, p->to);
    s.roll = info->preroll > 0;
    s.data = bytes_of(p) - (uint64_t)s.samples * info->strip;
    s.tfhd = s.sizes ? 24 : 28;
    s.mdat = s.data + 8 > UINT32_MAX ? 16 : 8;
    s.trun = 20 + (uint64_t)s.samples * ((s.sizes ? 4u : 0u) + (s.ticks ? 4u : 0u));
    s.traf = 8 + s.tfhd + TFDT + s.trun + (s.roll ? SGPD + SBGP : 0);
    s.moof = 8 + MFHD + s.traf;
    return s;
}

static void box(struct buf *out, uint64_t size, struct str type)
{
    buf_be32(out, (uint32_t)size);
    buf_adds(out, type);
}

static void full_box(struct buf *out, uint64_t size, struct str type, uint32_t version_flags)
{
    box(out, size, type);
    buf_be32(out, version_flags);
}

static void write_tfhd(const struct part *p, const struct shape *s, struct buf *out)
{
    const struct index *x = p->cut->index;
    full_box(out, s->tfhd, STR("tfhd"),
             TFHD_BASE_IS_MOOF | TFHD_DURATION | TFHD_FLAGS | (s->sizes ? 0u : TFHD_SIZE));
    buf_be32(out, TRACK);
    buf_be32(out, index_info(x)->frame_ticks);
    if (!s->sizes)
        buf_be32(out, size_of(p, p->from) - index_info(x)->strip);
    buf_be32(out, SAMPLE_SYNC);
}

static void write_trun(const struct part *p, const struct shape *s, struct buf *out)
{
    const struct index *x = p->cut->index;
    uint32_t strip = index_info(x)->strip;
    full_box(out, s->trun, STR("trun"),
             TRUN_OFFSET | (s->ticks ? TRUN_DURATION : 0u) | (s->sizes ? TRUN_SIZE : 0u));
    buf_be32(out, s->samples);
    buf_be32(out, (uint32_t)(s->moof + s->mdat));
    for (uint32_t i = p->from; i < p->to && (s->sizes || s->ticks); i++) {
        if (s->ticks)
            buf_be32(out, index_ticks(x, i));
        if (s->sizes)
            buf_be32(out, size_of(p, i) - strip);
    }
}

/* 14496-12 10.1: a decoder that starts at any of these samples has to begin `preroll` before. */
static void write_roll(const struct part *p, const struct shape *s, struct buf *out)
{
    full_box(out, SGPD, STR("sgpd"), 0x01000000);
    buf_adds(out, STR("roll"));
    buf_be32(out, 2);
    buf_be32(out, 1);
    buf_be16(out, -index_info(p->cut->index)->preroll & 0xffff);
    full_box(out, SBGP, STR("sbgp"), 0);
    buf_adds(out, STR("roll"));
    buf_be32(out, 1);
    buf_be32(out, s->samples);
    buf_be32(out, GROUP_OF_FRAGMENT + 1);
}

static void write_mdat(const struct shape *s, struct buf *out)
{
    if (s->mdat == 8) {
        box(out, 8 + s->data, STR("mdat"));
        return;
    }
    box(out, 1, STR("mdat")); /* 14496-12 4.2: 1 says that the size follows in 64 bits */
    buf_be64(out, 16 + s->data);
}

bool fmp4_fits(const struct index *x)
{
    return container_takes(CONTAINER_FMP4, index_info(x)->codec) && index_init(x).n > 0;
}

bool fmp4_by_span(const struct index *x)
{
    return index_info(x)->strip == 0 && index_info(x)->encoded == ENCODED_NOT;
}

uint64_t fmp4_size(const struct part *p)
{
    struct shape s = shape_of(p);
    return s.moof + s.mdat + s.data;
}

void fmp4_head(const struct part *p, struct buf *out)
{
    struct shape s = shape_of(p);
    box(out, s.moof, STR("moof"));
    full_box(out, MFHD, STR("mfhd"), 0);
    buf_be32(out, p->number + 1); /* 8.8.5: usually from 1 */
    box(out, s.traf, STR("traf"));
    write_tfhd(p, &s, out);
    full_box(out, TFDT, STR("tfdt"), 0x01000000);
    buf_be64(out, index_start(p->cut->index, p->from));
    write_trun(p, &s, out);
    if (s.roll)
        write_roll(p, &s, out);
    write_mdat(&s, out);
}

enum err fmp4_build(const struct part *p, struct str payload, struct buf *out)
{
    const struct index *x = p->cut->index;
    uint32_t strip = index_info(x)->strip;
    fmp4_head(p, out);
    if (p->frames) {
        buf_adds(out, payload);
        return buf_status(out);
    }
    for (uint32_t i = p->from; i < p->to; i++) {
        struct str frame = str_slice(payload, 0, index_size(x, i));
        if (strip && !adts_frame_fits(frame, strip))
            return ERR_MEDIA;
        buf_adds(out, str_from(frame, strip));
        payload = str_from(payload, frame.n);
    }
    return buf_status(out);
}
