/* AudioSpecificConfig, read and written.
 * Only the fields in front are looked at; what a codec keeps behind them (a program config element,
 * USAC's own configuration) stays with the bytes it came in. */
#include "segments/asc.h"

static const uint32_t RATES[13] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                   22050, 16000, 12000, 11025, 8000,  7350};

enum { TYPE_SBR = 5, TYPE_PS = 29, SYNC_EXTENSION = 0x2b7, SYNC_PS = 0x548, RATE_ESCAPE = 15 };

/* Bits from the front of a run of bytes; reading past its end gives zeroes and sets `over`. */
struct bits {
    struct str bytes;
    size_t at; /* bits */
    bool over;
};

static uint32_t take(struct bits *b, unsigned count)
{
    uint32_t value = 0;
    for (; count > 0; count--, b->at++) {
        value <<= 1;
        if (b->at / 8 >= b->bytes.n)
            b->over = true;
        else
            value |= ((uint32_t)(unsigned char)b->bytes.p[b->at / 8] >> (7 - b->at % 8)) & 1u;
    }
    return value;
}

static size_t bits_left(const struct bits *b) { return b->over ? 0 : b->bytes.n * 8 - b->at; }

static unsigned take_type(struct bits *b)
{
    unsigned type = take(b, 5);
    return type == 31 ? 32 + take(b, 6) : type;
}

static uint32_t take_rate(struct bits *b) /* 0: reserved */
{
    uint32_t index = take(b, 4);
    if (index == RATE_ESCAPE)
        return take(b, 24);
    return index < sizeof RATES / sizeof *RATES ? RATES[index] : 0;
}

/* ISO 14496-3 1.6.5.3: SBR and PS signalled behind the core's config, for decoders that know. */
static void read_extension(struct bits *b, struct asc *out)
{
    if (bits_left(b) < 16 || take(b, 11) != SYNC_EXTENSION || take_type(b) != TYPE_SBR ||
        !take(b, 1))
        return;
    uint32_t rate = take_rate(b);
    if (rate == 0 || b->over)
        return;
    out->object_type = TYPE_SBR;
    out->rate = rate;
    if (bits_left(b) >= 12 && take(b, 11) == SYNC_PS && take(b, 1))
        out->object_type = TYPE_PS;
}

enum err asc_read(struct str config, struct asc *out)
{
    struct bits b = {.bytes = config};
    *out = (struct asc){0};
    out->object_type = out->core_type = take_type(&b);
    out->core_rate = out->rate = take_rate(&b);
    out->channels = take(&b, 4);
    bool explicit_sbr = out->object_type == TYPE_SBR || out->object_type == TYPE_PS;
    if (explicit_sbr) {
        out->rate = take_rate(&b);
        out->core_type = take_type(&b);
    }
    if (b.over || out->core_rate == 0 || out->rate == 0)
        return ERR_MEDIA;
    if (out->core_type != 2)
        return ERR_NONE;
    out->short_frames = take(&b, 1);
    if (take(&b, 1)) /* dependsOnCoreCoder */
        (void)take(&b, 14);
    (void)take(&b, 1);
    if (!explicit_sbr && out->channels != 0)
        read_extension(&b, out);
    return ERR_NONE;
}

static bool rate_index(uint32_t rate, uint64_t *out)
{
    for (unsigned i = 0; i < sizeof RATES / sizeof *RATES; i++) {
        if (RATES[i] == rate) {
            *out = i;
            return true;
        }
    }
    return false;
}

enum err asc_write(const struct asc *asc, struct buf *out)
{
    uint64_t core, whole;
    bool sbr = asc->object_type == TYPE_SBR || asc->object_type == TYPE_PS;
    if ((!sbr && asc->object_type != 2) || asc->channels > 15)
        return ERR_UNSUPPORTED;
    if (!rate_index(asc->core_rate, &core) || !rate_index(asc->rate, &whole))
        return ERR_UNSUPPORTED;
    uint64_t tail = (asc->short_frames ? 1u : 0u) << 2; /* GASpecificConfig, three bits */
    uint64_t head = (uint64_t)asc->object_type << 8 | core << 4 | asc->channels;
    if (!sbr) {
        buf_be16(out, (unsigned)(head << 3 | tail));
        return buf_status(out);
    }
    uint64_t bits = ((head << 4 | whole) << 5 | 2) << 3 | tail;
    buf_be32(out, (uint32_t)(bits << 7)); /* 25 bits, then padding */
    return buf_status(out);
}
