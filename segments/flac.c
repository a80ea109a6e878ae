/* An encoder counts the frames that it makes from 0. Ours begin anywhere in a track, so each is
 * given its place afterwards: a number of another length, and two checksums. */
#include "segments/flac.h"

#include <string.h>

enum {
    HEAD_FIXED = 4, /* bytes of a frame's head before its number */
    FOOT = 2,       /* the checksum of a frame */
    NUMBER_MAX = 7,
    POLY8 = 0x07,
};

bool flac_fits(const struct flac_shape *s)
{
    bool rate = s->rate <= 65535 || (s->rate % 10 == 0 && s->rate <= FLAC_RATE_MAX);
    return rate && s->rate > 0 && s->channels >= 1 && s->channels <= FLAC_CHANNELS_MAX &&
           (s->bits == 16 || s->bits == FLAC_BITS_MAX) && s->frame >= 1 &&
           s->frame <= FLAC_FRAME_MAX;
}

uint32_t flac_frame(uint32_t rate)
{
    return rate <= 12000 ? FLAC_FRAME_MAX / 4 : rate <= 24000 ? FLAC_FRAME_MAX / 2 : FLAC_FRAME_MAX;
}

/* Head, a subframe's type and wasted bits for each channel, samples (the difference of two channels
 * takes a bit more), checksum: libavcodec gives up compressing above that. It has counted its own
 * number, which may be as much shorter than ours as numbers can be. */
uint32_t flac_bound(const struct flac_shape *s, uint32_t samples)
{
    uint32_t bits = s->channels * s->bits + (s->channels == 2);
    return 16 + NUMBER_MAX - 1 + s->channels * ((7 + s->bits + 7) / 8) + (bits * samples + 7) / 8 +
           FOOT;
}

void flac_streaminfo(const struct flac_shape *s, struct buf *out)
{
    uint64_t samples = s->samples < UINT64_C(1) << 36 ? s->samples : 0; /* 0: not known */
    buf_be16(out, s->frame);
    buf_be16(out, s->frame);
    buf_be24(out, 0);
    buf_be24(out, 0);
    buf_be64(out, (uint64_t)s->rate << 44 | (uint64_t)(s->channels - 1) << 41 |
                      (uint64_t)(s->bits - 1) << 36 | samples);
    buf_be64(out, 0);
    buf_be64(out, 0);
}

static uint8_t crc8(const unsigned char *p, size_t n)
{
    uint8_t crc = 0;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint8_t)(crc << 1 ^ (crc & 0x80 ? POLY8 : 0));
    }
    return crc;
}

/* What each byte does to the checksum of a frame: x^16 + x^15 + x^2 + 1. */
static const uint16_t CRC16[256] = {
    0x0000, 0x8005, 0x800f, 0x000a, 0x801b, 0x001e, 0x0014, 0x8011, 0x8033, 0x0036, 0x003c, 0x8039,
    0x0028, 0x802d, 0x8027, 0x0022, 0x8063, 0x0066, 0x006c, 0x8069, 0x0078, 0x807d, 0x8077, 0x0072,
    0x0050, 0x8055, 0x805f, 0x005a, 0x804b, 0x004e, 0x0044, 0x8041, 0x80c3, 0x00c6, 0x00cc, 0x80c9,
    0x00d8, 0x80dd, 0x80d7, 0x00d2, 0x00f0, 0x80f5, 0x80ff, 0x00fa, 0x80eb, 0x00ee, 0x00e4, 0x80e1,
    0x00a0, 0x80a5, 0x80af, 0x00aa, 0x80bb, 0x00be, 0x00b4, 0x80b1, 0x8093, 0x0096, 0x009c, 0x8099,
    0x0088, 0x808d, 0x8087, 0x0082, 0x8183, 0x0186, 0x018c, 0x8189, 0x0198, 0x819d, 0x8197, 0x0192,
    0x01b0, 0x81b5, 0x81bf, 0x01ba, 0x81ab, 0x01ae, 0x01a4, 0x81a1, 0x01e0, 0x81e5, 0x81ef, 0x01ea,
    0x81fb, 0x01fe, 0x01f4, 0x81f1, 0x81d3, 0x01d6, 0x01dc, 0x81d9, 0x01c8, 0x81cd, 0x81c7, 0x01c2,
    0x0140, 0x8145, 0x814f, 0x014a, 0x815b, 0x015e, 0x0154, 0x8151, 0x8173, 0x0176, 0x017c, 0x8179,
    0x0168, 0x816d, 0x8167, 0x0162, 0x8123, 0x0126, 0x012c, 0x8129, 0x0138, 0x813d, 0x8137, 0x0132,
    0x0110, 0x8115, 0x811f, 0x011a, 0x810b, 0x010e, 0x0104, 0x8101, 0x8303, 0x0306, 0x030c, 0x8309,
    0x0318, 0x831d, 0x8317, 0x0312, 0x0330, 0x8335, 0x833f, 0x033a, 0x832b, 0x032e, 0x0324, 0x8321,
    0x0360, 0x8365, 0x836f, 0x036a, 0x837b, 0x037e, 0x0374, 0x8371, 0x8353, 0x0356, 0x035c, 0x8359,
    0x0348, 0x834d, 0x8347, 0x0342, 0x03c0, 0x83c5, 0x83cf, 0x03ca, 0x83db, 0x03de, 0x03d4, 0x83d1,
    0x83f3, 0x03f6, 0x03fc, 0x83f9, 0x03e8, 0x83ed, 0x83e7, 0x03e2, 0x83a3, 0x03a6, 0x03ac, 0x83a9,
    0x03b8, 0x83bd, 0x83b7, 0x03b2, 0x0390, 0x8395, 0x839f, 0x039a, 0x838b, 0x038e, 0x0384, 0x8381,
    0x0280, 0x8285, 0x828f, 0x028a, 0x829b, 0x029e, 0x0294, 0x8291, 0x82b3, 0x02b6, 0x02bc, 0x82b9,
    0x02a8, 0x82ad, 0x82a7, 0x02a2, 0x82e3, 0x02e6, 0x02ec, 0x82e9, 0x02f8, 0x82fd, 0x82f7, 0x02f2,
    0x02d0, 0x82d5, 0x82df, 0x02da, 0x82cb, 0x02ce, 0x02c4, 0x82c1, 0x8243, 0x0246, 0x024c, 0x8249,
    0x0258, 0x825d, 0x8257, 0x0252, 0x0270, 0x8275, 0x827f, 0x027a, 0x826b, 0x026e, 0x0264, 0x8261,
    0x0220, 0x8225, 0x822f, 0x022a, 0x823b, 0x023e, 0x0234, 0x8231, 0x8213, 0x0216, 0x021c, 0x8219,
    0x0208, 0x820d, 0x8207, 0x0202,
};

static uint16_t crc16(const unsigned char *p, size_t n)
{
    uint16_t crc = 0;
    for (size_t i = 0; i < n; i++)
        crc = (uint16_t)(crc << 8 ^ CRC16[crc >> 8 ^ p[i]]);
    return crc;
}

/* 9.1.5: as UTF-8 has it, on to 36 bits. */
static size_t put_number(unsigned char out[NUMBER_MAX], uint64_t number)
{
    if (number < 0x80) {
        out[0] = (unsigned char)number;
        return 1;
    }
    size_t more = 1;
    while (number >> (6 * more + 6 - more))
        more++;
    out[0] = (unsigned char)(0xff00 >> (more + 1) | number >> 6 * more);
    for (size_t i = 1; i <= more; i++)
        out[i] = (unsigned char)(0x80 | (number >> 6 * (more - i) & 0x3f));
    return more + 1;
}

static size_t number_length(unsigned char first)
{
    size_t n = 0;
    while (first & 0x80 >> n)
        n++;
    return n == 0 ? 1 : n == 1 || n > NUMBER_MAX ? 0 : n;
}

/* Bytes that block size and rate have behind the number (9.1.6, 9.1.7). */
static size_t tail_length(const unsigned char *head)
{
    unsigned block = head[2] >> 4, rate = head[2] & 15;
    return (block == 6   ? 1u
            : block == 7 ? 2u
                         : 0u) +
           (rate == 12                 ? 1u
            : rate == 13 || rate == 14 ? 2u
                                       : 0u);
}

enum err flac_renumber(struct str frame, uint32_t number, struct buf *out)
{
    const unsigned char *p = (const unsigned char *)frame.p;
    unsigned char head[HEAD_FIXED + NUMBER_MAX];
    if (frame.n < HEAD_FIXED + 1 + 1 + FOOT || p[0] != 0xff || p[1] != 0xf8)
        return ERR_MEDIA;
    size_t old = number_length(p[HEAD_FIXED]), tail = tail_length(p),
           body = HEAD_FIXED + old + tail;
    if (old == 0 || frame.n < body + 1 + FOOT)
        return ERR_MEDIA;
    memcpy(head, p, HEAD_FIXED);
    size_t n = HEAD_FIXED + put_number(head + HEAD_FIXED, number), start = out->len;
    buf_add(out, head, n);
    buf_adds(out, str_slice(frame, body - tail, body));
    TRY(buf_status(out));
    buf_be8(out, crc8(out->data + start, out->len - start));
    buf_adds(out, str_slice(frame, body + 1, frame.n - FOOT));
    TRY(buf_status(out));
    buf_be16(out, crc16(out->data + start, out->len - start));
    return buf_status(out);
}
