/* ADTS headers, both ways. */
#include "segments/adts.h"

#include "edge/base/must.h"
#include "segments/asc.h"

/* ISO 14496-3 table 1.18, in the order of its indexes. */
static const uint32_t RATES[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                 22050, 16000, 12000, 11025, 8000,  7350};

enum { RATE_COUNT = sizeof RATES / sizeof *RATES, TYPE_LC = 2 };

static uint8_t rate_index(uint32_t rate)
{
    uint8_t i = 0;
    while (i < RATE_COUNT && RATES[i] != rate)
        i++;
    return i;
}

bool adts_read_config(struct str config, struct adts *out)
{
    struct asc asc;
    if (asc_read(config, &asc) || asc.core_type != TYPE_LC || asc.short_frames)
        return false;
    uint8_t rate = rate_index(asc.core_rate);
    if (rate == RATE_COUNT || asc.channels < 1 || asc.channels > 7)
        return false;
    *out = (struct adts){TYPE_LC - 1, rate, (uint8_t)asc.channels};
    return true;
}

void adts_write(const struct adts *a, uint32_t size, unsigned char out[ADTS_HEADER])
{
    uint32_t length = size + ADTS_HEADER;
    must(length <= ADTS_FRAME_MAX);
    out[0] = 0xff;
    out[1] = 0xf1; /* MPEG-4, layer 0, no CRC */
    out[2] = (unsigned char)(a->profile << 6 | a->rate << 2 | a->channels >> 2);
    out[3] = (unsigned char)((a->channels & 3) << 6 | length >> 11);
    out[4] = (unsigned char)(length >> 3);
    out[5] = (unsigned char)((length & 7) << 5 | 0x1f); /* buffer fullness 0x7ff: variable rate */
    out[6] = 0xfc;                                      /* one block */
}

bool adts_frame_fits(struct str frame, uint32_t header)
{
    const unsigned char *b = (const unsigned char *)frame.p;
    if (frame.n <= header || header < ADTS_HEADER)
        return false;
    if (b[0] != 0xff || (b[1] & 0xf6) != 0xf0)
        return false;
    bool crc = !(b[1] & 1);
    size_t length = (size_t)(b[3] & 3) << 11 | (size_t)b[4] << 3 | b[5] >> 5;
    return length == frame.n && (b[6] & 3) == 0 && header == (crc ? 9u : 7u);
}

uint32_t adts_missing(const struct index *x)
{
    const struct index_info *info = index_info(x);
    return info->codec == CODEC_AAC && info->strip == 0 ? ADTS_HEADER : 0;
}

bool adts_stands_alone(const struct index *x)
{
    const struct index_info *info = index_info(x);
    struct adts a;
    if (info->codec != CODEC_AAC)
        return info->codec == CODEC_MP3 || info->codec == CODEC_AC3 || info->codec == CODEC_EAC3;
    if (info->aac_object_type == 42) /* xHE-AAC goes in fMP4 only */
        return false;
    if (info->strip)
        return true;
    return info->max_size + ADTS_HEADER <= ADTS_FRAME_MAX && adts_read_config(index_config(x), &a);
}

void adts_frames(const struct index *x, uint32_t from, uint32_t to, struct str payload,
                 struct buf *out)
{
    struct adts a;
    unsigned char header[ADTS_HEADER];
    if (!adts_missing(x)) {
        buf_adds(out, payload);
        return;
    }
    must(adts_read_config(index_config(x), &a)); /* adts_stands_alone has looked */
    for (uint32_t i = from; i < to; i++) {
        uint32_t size = index_size(x, i);
        adts_write(&a, size, header);
        buf_add(out, header, sizeof header);
        buf_adds(out, str_slice(payload, 0, size));
        payload = str_from(payload, size);
    }
}
