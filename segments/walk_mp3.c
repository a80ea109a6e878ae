/* MP3 frame headers, and what encoders write into the first frame. */
#include "segments/walk_frames.h"

enum {
    MPEG_1 = 3,
    MPEG_RESERVED = 1,
    LAYER_3 = 1,
    MODE_MONO = 3,
    CRC = 2,
    VBRI_AT = 4 + 32,
    XING_FRAMES = 1,
    XING_BYTES = 2,
    XING_TABLE = 4,
    XING_QUALITY = 8,
    LAME_TRIM = 21, /* from the encoder's name to the 24 bits of delay and padding */
};

static const uint16_t KBPS[2][15] = {
    {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}, /* MPEG-1 */
    {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},     /* MPEG-2 and 2.5 */
};

static const uint16_t RATES[3] = {44100, 48000, 32000};

/* 11172-3 2.4.1.7: the side information begins with main_data_begin, 9 bits (8 in MPEG-2). */
static bool stands_alone(const unsigned char *h, size_t n, bool lsf)
{
    size_t at = 4 + (h[1] & 1 ? 0 : CRC);
    return n >= at + 2 && h[at] == 0 && (lsf || !(h[at + 1] & 0x80));
}

/* 2.4.2.3; MPEG-2.5 is version 0. The free format (bit rate 0) does not say how long a frame is. */
bool walk_mp3_head(struct str bytes, struct walk_frame *out)
{
    const unsigned char *h = (const unsigned char *)bytes.p;
    if (bytes.n < 4 || h[0] != 0xff || (h[1] & 0xe0) != 0xe0)
        return false;
    unsigned version = (h[1] >> 3) & 3, layer = (h[1] >> 1) & 3;
    unsigned rate = (h[2] >> 2) & 3, bits = h[2] >> 4;
    if (version == MPEG_RESERVED || layer != LAYER_3 || rate == 3 || bits == 0 || bits == 15)
        return false;
    bool lsf = version != MPEG_1;
    *out = (struct walk_frame){.ticks = lsf ? 576 : 1152, .type = (uint8_t)version};
    out->rate = (uint32_t)RATES[rate] >> (version == MPEG_1 ? 0 : version == 2 ? 1 : 2);
    out->size = (lsf ? 72u : 144u) * KBPS[lsf][bits] * 1000 / out->rate + ((h[2] >> 1) & 1);
    out->alone = stands_alone(h, bytes.n, lsf);
    return true;
}

/* How long the side information is (2.4.1.7): Xing's note stands behind it. */
static size_t side_length(const unsigned char *h)
{
    bool mono = h[3] >> 6 == MODE_MONO;
    if ((h[1] >> 3 & 3) == MPEG_1)
        return mono ? 17 : 32;
    return mono ? 9 : 17;
}

static uint32_t get_be(struct str s, size_t at, unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | (unsigned char)s.p[at + i];
    return value;
}

/* LAME's addition, which libavformat writes too: 12 bits each of delay and padding. */
static void read_trims(struct str rest, struct walk_note *out)
{
    unsigned flags = get_be(rest, 4, 4);
    size_t at = 8;
    if (flags & XING_FRAMES && rest.n >= at + 4)
        out->frames = get_be(rest, at, 4);
    at += (flags & XING_FRAMES ? 4u : 0u) + (flags & XING_BYTES ? 4u : 0u);
    at += (flags & XING_TABLE ? 100u : 0u) + (flags & XING_QUALITY ? 4u : 0u);
    struct str who = str_slice(rest, at, at + 4);
    bool known = str_eq(who, STR("LAME")) || str_eq(who, STR("Lavf")) || str_eq(who, STR("Lavc"));
    if (!known || rest.n < at + LAME_TRIM + 3)
        return;
    uint32_t both = get_be(rest, at + LAME_TRIM, 3);
    out->trims = true;
    out->delay = both >> 12;
    out->padding = both & 0xfff;
}

bool walk_mp3_note(struct str frame, struct walk_note *out)
{
    struct str rest = str_from(frame, 4 + side_length((const unsigned char *)frame.p));
    *out = (struct walk_note){0};
    if (str_starts(rest, STR("Xing")) || str_starts(rest, STR("Info"))) {
        out->found = true;
        if (rest.n >= 8)
            read_trims(rest, out);
    } else {
        out->found = str_starts(str_from(frame, VBRI_AT), STR("VBRI"));
    }
    return out->found;
}
