/* Which codec goes into which container, and what the pieces are called. One table each, after
 * Apple's authoring specification: FLAC, ALAC and Opus in fMP4 only; MP3 never there. */
#include "segments/segment.h"

static const char *const NAMES[CONTAINER_COUNT] = {
    [CONTAINER_FMP4] = "fmp4",
    [CONTAINER_TS] = "ts",
    [CONTAINER_PACKED] = "packed",
    [CONTAINER_BYTES] = "bytes",
};

enum {
    FMP4 = 1 << CONTAINER_FMP4,
    FRAMED = 1 << CONTAINER_TS | 1 << CONTAINER_PACKED | 1 << CONTAINER_BYTES,
};

/* How a codec travels, and what its frames are called when nothing is around them. */
struct travel {
    unsigned containers;
    const char *ending;
    const char *type;
};

static const struct travel TRAVELS[CODEC_COUNT] = {
    [CODEC_AAC] = {FMP4 | FRAMED, "aac", "audio/aac"},
    [CODEC_MP3] = {FRAMED, "mp3", "audio/mpeg"},
    [CODEC_FLAC] = {FMP4, "flac", "audio/flac"},
    [CODEC_ALAC] = {FMP4, "m4a", "audio/mp4"},
    [CODEC_OPUS] = {FMP4, "opus", "audio/ogg"},
    [CODEC_AC3] = {FMP4 | FRAMED, "ac3", "audio/ac3"},
    [CODEC_EAC3] = {FMP4 | FRAMED, "ec3", "audio/eac3"},
    [CODEC_VORBIS] = {0, "ogg", "audio/ogg"},
    [CODEC_PCM] = {0, "wav", "audio/wav"},
};

static const struct travel *travel_of(enum codec codec)
{
    static const struct travel nothing = {0, "bin", "application/octet-stream"};
    bool known = codec > CODEC_NONE && codec < CODEC_COUNT;
    return known ? &TRAVELS[codec] : &nothing;
}

const char *container_name(enum container c)
{
    return (unsigned)c < CONTAINER_COUNT ? NAMES[c] : "none";
}

bool container_of_name(struct str name, enum container *out)
{
    for (unsigned c = 0; c < CONTAINER_COUNT; c++) {
        if (!str_eq(name, str_of(NAMES[c])))
            continue;
        *out = (enum container)c;
        return true;
    }
    return false;
}

bool container_takes(enum container c, enum codec codec)
{
    return (unsigned)c < CONTAINER_COUNT && travel_of(codec)->containers >> c & 1;
}

enum err container_choose(enum container wanted, enum codec codec, enum container *out)
{
    const enum container order[] = {wanted, CONTAINER_FMP4, CONTAINER_PACKED, CONTAINER_TS};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (!container_takes(order[i], codec))
            continue;
        *out = order[i];
        return ERR_NONE;
    }
    return ERR_UNSUPPORTED;
}

const char *container_ending(enum container c, enum codec codec)
{
    if (c == CONTAINER_FMP4)
        return "m4s";
    return c == CONTAINER_TS ? "ts" : travel_of(codec)->ending;
}

const char *container_type(enum container c, enum codec codec)
{
    if (c == CONTAINER_FMP4)
        return "audio/mp4";
    return c == CONTAINER_TS ? "video/mp2t" : travel_of(codec)->type;
}
