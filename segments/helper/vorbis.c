/* Vorbis: what its decoder has to know, and how long its packets are. A packet says no duration: it
 * overlaps with the one before it, and what comes out of the two is a quarter of both their blocks
 * (Vorbis I, 1.3.2). The first one overlaps with nothing and no sound comes out of it. */
#include "segments/helper/track.h"

#include <string.h>

enum { HEADERS = 3, KIND = 7 /* bytes in front of each: its type and "vorbis" */ };

/* 255 as often as it goes, then the rest. */
static bool take_length(struct str *s, size_t *n)
{
    *n = 0;
    while (s->n > 0) {
        unsigned char byte = (unsigned char)s->p[0];
        *s = str_from(*s, 1);
        *n += byte;
        if (byte != 255)
            return true;
    }
    return false;
}

static void add_length(struct buf *out, size_t n)
{
    for (; n >= 255; n -= 255)
        buf_be8(out, 255);
    buf_be8(out, (unsigned)n);
}

static bool is_header(struct str s, char type)
{
    return s.n > KIND && s.p[0] == type && memcmp(s.p + 1, "vorbis", 6) == 0;
}

/* As Matroska and libavcodec have them: how many but one, the lengths of all but the last, the
 * headers. Of the comments, which may hold pictures, a decoder needs none. */
static enum err keep_headers(struct track *t, struct str all)
{
    static const char nothing[] = "\3vorbis\0\0\0\0\0\0\0\0\1";
    struct str none = {nothing, sizeof nothing - 1};
    size_t identity, comment;
    if (all.n == 0 || all.p[0] != HEADERS - 1)
        return ERR_MEDIA;
    all = str_from(all, 1);
    if (!take_length(&all, &identity) || !take_length(&all, &comment))
        return ERR_MEDIA;
    struct str first = str_slice(all, 0, identity), setup = str_from(all, identity + comment);
    if (!is_header(first, 1) || !is_header(setup, 5))
        return ERR_MEDIA;
    buf_be8(&t->config, HEADERS - 1);
    add_length(&t->config, first.n);
    add_length(&t->config, none.n);
    buf_adds(&t->config, first);
    buf_adds(&t->config, none);
    buf_adds(&t->config, setup);
    return buf_status(&t->config);
}

/* 16 bits, as every reference decoder writes: more would be noise of this decoder's rounding. */
enum err describe_vorbis(struct track *t)
{
    const AVCodecParameters *par = t->stream->codecpar;
    struct str all = {(const char *)par->extradata, (size_t)par->extradata_size};
    enum err rc = keep_headers(t, par->extradata_size > 0 ? all : STR(""));
    if (rc == ERR_MEDIA)
        return track_fail(t, rc, "its Vorbis headers are malformed");
    TRY(rc);
    t->info.bits = 16;
    t->info.preroll = 1;
    t->info.priming = 1; /* the tick that the first packet is said to last */
    TRY(encoded_fits(t));
    t->vorbis = av_vorbis_parse_init(t->config.data, (int)t->config.len);
    return t->vorbis ? ERR_NONE : track_fail(t, ERR_MEDIA, "its Vorbis headers are malformed");
}

uint32_t vorbis_ticks(struct track *t, const uint8_t *head, size_t n)
{
    if (n == 0 || head[0] & 1)
        return 0; /* a header */
    int samples = av_vorbis_parse_frame(t->vorbis, head, (int)n);
    if (t->packets == 0)
        return 1;
    return samples > 0 ? (uint32_t)samples : 0;
}
