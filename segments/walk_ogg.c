/* The Ogg page walker.
 * A page is a 27-byte header, a table of lacing values and the body; a packet is a run of lacing
 * values that ends with one under 255 (RFC 3533 5 and 6). The walker turns lacing into file
 * positions: it keeps the pieces of one packet at a time and hands each packet over when it ends.
 * Checksums are not looked at: places are all that is taken from here, and a player's decoder meets
 * the same bytes whether they are damaged or not. */
#include "segments/walk_ogg.h"

#include "edge/base/must.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_HEAD = 27, FLAG_CONTINUED = 1, FLAG_FIRST = 2, FLAG_LAST = 4 };

static uint32_t get_le32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int64_t get_le64(const unsigned char *p)
{
    return (int64_t)(get_le32(p) | (uint64_t)get_le32(p + 4) << 32);
}

void walk_ogg_init(struct walk_ogg *w, struct walk_ogg_hooks hooks)
{
    *w = (struct walk_ogg){.hooks = hooks};
}

void walk_ogg_fini(struct walk_ogg *w)
{
    free(w->pieces);
    w->pieces = NULL;
}

enum err walk_ogg_page(struct str bytes, size_t *length)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    struct str magic = {"OggS\0", 5}; /* with the version, which is 0 */
    if (!str_starts(bytes, str_slice(magic, 0, bytes.n)))
        return ERR_MEDIA;
    if (bytes.n < PAGE_HEAD || bytes.n < PAGE_HEAD + (size_t)p[26])
        return ERR_AGAIN;
    size_t n = PAGE_HEAD + (size_t)p[26];
    for (unsigned i = 0; i < p[26]; i++)
        n += p[PAGE_HEAD + i];
    if (bytes.n < n)
        return ERR_AGAIN;
    *length = n;
    return ERR_NONE;
}

static void drop_packet(struct walk_ogg *w)
{
    w->count = 0;
    w->size = 0;
    w->head_len = 0;
    w->open = false;
}

static enum err grow(struct walk_ogg *w)
{
    if (w->count < w->room)
        return ERR_NONE;
    if (w->room >= WALK_OGG_PIECES)
        return ERR_MEDIA;
    size_t room = w->room ? w->room * 2 : 8;
    struct index_span *pieces = realloc(w->pieces, room * sizeof *pieces);
    if (!pieces)
        return ERR_NOMEM;
    w->pieces = pieces;
    w->room = room;
    return ERR_NONE;
}

/* `bytes`, at `offset` in the file, belong to the open packet. */
static enum err add_piece(struct walk_ogg *w, struct str bytes, uint64_t offset)
{
    if (bytes.n == 0)
        return ERR_NONE;
    TRY(grow(w));
    w->pieces[w->count++] = (struct index_span){offset, bytes.n};
    w->size += bytes.n;
    size_t shown = WALK_OGG_HEAD - w->head_len;
    if (shown > bytes.n)
        shown = bytes.n;
    memcpy(w->head + w->head_len, bytes.p, shown);
    w->head_len += shown;
    return ERR_NONE;
}

static enum err end_packet(struct walk_ogg *w)
{
    struct walk_ogg_packet packet = {
        .pieces = w->pieces, .count = w->count, .size = w->size, .head_len = w->head_len};
    memcpy(packet.head, w->head, w->head_len);
    drop_packet(w);
    return w->hooks.on_packet(w->hooks.context, &packet);
}

/* All packets and parts of packets of one page. `skip`: the page begins with the rest of a packet
 * whose start was not seen. */
static enum err take_body(struct walk_ogg *w, struct str page, uint64_t offset, bool skip,
                          unsigned *ended)
{
    const unsigned char *p = (const unsigned char *)page.p;
    size_t at = PAGE_HEAD + (size_t)p[26];
    size_t from = at;
    for (unsigned i = 0; i < p[26]; i++) {
        unsigned lace = p[PAGE_HEAD + i];
        at += lace;
        if (lace == 255 && i + 1u < p[26])
            continue;
        if (!skip)
            TRY(add_piece(w, str_slice(page, from, at), offset + from));
        from = at;
        w->open = !skip && lace == 255;
        if (lace == 255)
            break;
        if (!skip) {
            TRY(end_packet(w));
            (*ended)++;
        }
        skip = false;
    }
    return ERR_NONE;
}

/* RFC 3533 6: the first page of a logical stream carries the flag and names the codec. */
static bool is_ours(struct walk_ogg *w, struct str page, struct str magic)
{
    const unsigned char *p = (const unsigned char *)page.p;
    uint32_t serial = get_le32(p + 14);
    if (w->found)
        return serial == w->serial;
    if (!(p[5] & FLAG_FIRST) || !str_starts(str_from(page, PAGE_HEAD + (size_t)p[26]), magic))
        return false;
    w->found = true;
    w->serial = serial;
    return true;
}

enum err walk_ogg_take(struct walk_ogg *w, struct str page, uint64_t offset, struct str magic)
{
    const unsigned char *p = (const unsigned char *)page.p;
    must(page.n >= PAGE_HEAD);
    if (w->ended || !is_ours(w, page, magic))
        return ERR_NONE;
    bool continued = p[5] & FLAG_CONTINUED;
    bool skip = continued && !w->open;
    if (!continued)
        drop_packet(w); /* what was open has lost its end */
    unsigned ended = 0;
    TRY(take_body(w, page, offset, skip, &ended));
    w->ended = p[5] & FLAG_LAST;
    if (ended > 0)
        w->hooks.on_granule(w->hooks.context, get_le64(p + 6), w->ended);
    return ERR_NONE;
}

/* RFC 6716 3.1, table 2: the frame size by configuration number. */
static uint32_t opus_frame_ticks(unsigned config)
{
    static const uint16_t SILK[4] = {480, 960, 1920, 2880};
    static const uint16_t HYBRID[2] = {480, 960};
    static const uint16_t CELT[4] = {120, 240, 480, 960};
    if (config < 12)
        return SILK[config & 3];
    if (config < 16)
        return HYBRID[config & 1];
    return CELT[config & 3];
}

uint32_t walk_opus_ticks(const unsigned char *head, size_t len, uint64_t size)
{
    if (len < 1 || size < 1)
        return 0;
    uint32_t ticks = opus_frame_ticks(head[0] >> 3);
    unsigned code = head[0] & 3;
    if (code == 0)
        return ticks;
    if (code < 3)
        return 2 * ticks;
    if (len < 2)
        return 0; /* RFC 6716 3.2.5: the count has a byte of its own */
    uint32_t total = (head[1] & 0x3fu) * ticks;
    return total <= 5760 ? total : 0; /* RFC 6716 3.2.5: at most 120 ms */
}

/* Bytes of the frame's number, which is coded like UTF-8 (RFC 9639 9.1.5); 0: malformed. */
static size_t coded_number_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc0 || first == 0xff)
        return 0;
    size_t n = 0;
    while (first & (0x80u >> n))
        n++;
    return n;
}

uint32_t walk_flac_ticks(const unsigned char *head, size_t len)
{
    if (len < 5 || head[0] != 0xff || (head[1] & 0xfe) != 0xf8)
        return 0;
    unsigned code = head[2] >> 4; /* RFC 9639 9.1.1 */
    size_t number = coded_number_length(head[4]);
    if (code == 0 || number == 0 || len < 4 + number + 2)
        return 0;
    if (code == 1)
        return 192;
    if (code < 6)
        return 576u << (code - 2);
    if (code == 6)
        return head[4 + number] + 1u;
    if (code == 7)
        return ((uint32_t)head[4 + number] << 8 | head[5 + number]) + 1u;
    return 256u << (code - 8);
}
