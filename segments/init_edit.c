/* Edits of an init segment: the edit list and the media's timescale.
 * libavformat writes no edit list into a fragmented file whose head goes out before any sample, and
 * always makes the timescale the sample rate; the index may count in another one. Nothing in an
 * init segment points at a byte position, so a box may grow in place. */
#include "segments/init_edit.h"

#include <string.h>

enum { BOX_HEAD = 8, EDTS_SIZE = 36, EDITED_MAX = 1024 * 1024 };

struct box {
    size_t from; /* of its head, in the file */
    size_t to;
};

static uint32_t get_be32(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(unsigned char *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* The first box named `type` in [from, to). */
static bool find_box(struct str file, size_t from, size_t to, const char *type, struct box *out)
{
    while (to - from >= BOX_HEAD) {
        size_t size = get_be32(file.p + from);
        if (size < BOX_HEAD || size > to - from)
            return false;
        if (memcmp(file.p + from + 4, type, 4) == 0) {
            *out = (struct box){from, from + size};
            return true;
        }
        from += size;
    }
    return false;
}

static bool find_in(struct str file, struct box outer, const char *type, struct box *out)
{
    return find_box(file, outer.from + BOX_HEAD, outer.to, type, out);
}

static void add_edit_list(struct buf *out, uint32_t priming)
{
    buf_be32(out, EDTS_SIZE);
    buf_add(out, "edts", 4);
    buf_be32(out, EDTS_SIZE - BOX_HEAD);
    buf_add(out, "elst", 4);
    buf_be32(out, 0); /* version 0, no flags */
    buf_be32(out, 1); /* one entry */
    buf_be32(out, 0); /* its duration: to the end */
    buf_be32(out, priming);
    buf_be32(out, 0x00010000); /* at normal speed */
}

/* Where the timescale stands in an mdhd (ISO 14496-12 8.4.2): behind two times of 4 or 8 bytes. */
static bool timescale_place(struct str file, struct box mdhd, size_t *at)
{
    if (mdhd.to - mdhd.from < BOX_HEAD + 4)
        return false;
    bool wide = file.p[mdhd.from + BOX_HEAD] == 1;
    *at = mdhd.from + BOX_HEAD + 4 + (wide ? 16 : 8);
    return *at + 4 <= mdhd.to;
}

enum err init_edit(struct str init, uint32_t timescale, uint32_t priming, struct buf *out)
{
    struct box moov, trak, tkhd, mdia, mdhd, edts;
    size_t scale;
    if (!find_box(init, 0, init.n, "moov", &moov) || !find_in(init, moov, "trak", &trak) ||
        !find_in(init, trak, "tkhd", &tkhd) || !find_in(init, trak, "mdia", &mdia) ||
        !find_in(init, mdia, "mdhd", &mdhd) || !timescale_place(init, mdhd, &scale))
        return ERR_MEDIA;
    if (find_in(init, trak, "edts", &edts) || init.n > EDITED_MAX || priming > INT32_MAX)
        return ERR_MEDIA;
    uint32_t grown = priming > 0 ? EDTS_SIZE : 0;
    buf_adds(out, str_slice(init, 0, tkhd.to));
    if (grown)
        add_edit_list(out, priming);
    buf_adds(out, str_from(init, tkhd.to));
    TRY(buf_status(out));
    unsigned char *p = out->data + (out->len - init.n - grown);
    put_be32(p + moov.from, (uint32_t)(moov.to - moov.from) + grown);
    put_be32(p + trak.from, (uint32_t)(trak.to - trak.from) + grown);
    put_be32(p + scale + grown, timescale);
    return ERR_NONE;
}
