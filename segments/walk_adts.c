/* ADTS frame headers (ISO 14496-3 1.A.2.2). A frame with several blocks inside could not be one MP4
 * sample, and nobody writes any. */
#include "segments/walk_frames.h"

enum { HEAD = 7, HEAD_CRC = 9, BLOCK = 1024 };

bool walk_adts_head(struct str bytes, struct walk_frame *out)
{
    static const uint32_t RATES[13] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                       22050, 16000, 12000, 11025, 8000,  7350};
    const unsigned char *h = (const unsigned char *)bytes.p;
    if (bytes.n < HEAD || h[0] != 0xff || (h[1] & 0xf6) != 0xf0)
        return false;
    unsigned rate = (h[2] >> 2) & 15;
    if (rate >= sizeof RATES / sizeof *RATES || (h[6] & 3) != 0)
        return false;
    *out = (struct walk_frame){
        .size = (h[3] & 3u) << 11 | (uint32_t)h[4] << 3 | h[5] >> 5,
        .ticks = BLOCK,
        .rate = RATES[rate],
        .strip = h[1] & 1 ? HEAD : HEAD_CRC,
        .type = (uint8_t)((h[2] >> 6) + 1),
        .channels = (uint8_t)((h[2] & 1u) << 2 | h[3] >> 6),
        .alone = true,
    };
    return out->size > out->strip;
}
