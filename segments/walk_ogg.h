/* Where the packets of one Ogg stream lie (RFC 3533), and how long Opus and FLAC packets last.
 * Bytes in, places out; nothing is decoded. [one thread at a time]
 *
 * The caller reads the file from its start and gives whole pages: walk_ogg_page says how long the
 * page at the front of some bytes is, walk_ogg_take hands over its packets. Pages of other logical
 * streams are passed over. A packet that goes on over pages comes as several pieces. */
#ifndef SEGMENTS_WALK_OGG_H
#define SEGMENTS_WALK_OGG_H

#include "segments/index.h"

enum {
    WALK_OGG_HEAD = 32,     /* bytes of a packet's start that are shown to the caller */
    WALK_OGG_PIECES = 4096, /* of one packet, at most */
    WALK_OGG_PAGE_MAX = 27 + 255 + 255 * 255, /* bytes of the largest page */
};

struct walk_ogg_packet {
    const struct index_span *pieces; /* in file order; borrowed for the call */
    size_t count;
    uint64_t size; /* bytes of all pieces; may be 0 */
    unsigned char head[WALK_OGG_HEAD];
    size_t head_len; /* bytes of head that are the packet's */
};

/* What the walker tells. Any error from on_packet ends the walk with that error. */
struct walk_ogg_hooks {
    void *context;
    enum err (*on_packet)(void *context, const struct walk_ogg_packet *packet);
    /* After the packets that end on a page: its granule position, and whether it is the last of
     * the stream. Not called for a page on which no packet ends (RFC 3533 6: granule -1). */
    void (*on_granule)(void *context, int64_t granule, bool last);
};

struct walk_ogg {
    struct walk_ogg_hooks hooks;
    struct index_span *pieces; /* owned: of the packet that is open */
    size_t count;
    size_t room;
    uint64_t size;
    unsigned char head[WALK_OGG_HEAD];
    size_t head_len;
    uint32_t serial;
    bool found; /* serial is known */
    bool open;  /* a packet goes on over the page's end */
    bool ended; /* the stream's last page was seen */
};

void walk_ogg_init(struct walk_ogg *w, struct walk_ogg_hooks hooks);
void walk_ogg_fini(struct walk_ogg *w);

/* The length of the page at the front of `bytes`.
 *   ERR_AGAIN  bytes ends inside it   ERR_MEDIA  there is no page */
MUST_USE enum err walk_ogg_page(struct str bytes, size_t *length);

/* Take one whole page, as walk_ogg_page measured it, that stands at `offset` in the file. The
 * stream is the first one whose first packet starts with `magic`.
 *   ERR_MEDIA  a packet in more than WALK_OGG_PIECES pieces   ERR_NOMEM   or what on_packet said */
MUST_USE enum err walk_ogg_take(struct walk_ogg *w, struct str page, uint64_t offset,
                                struct str magic);

/* The duration of an Opus packet of `size` bytes in ticks of 1/48000 s (RFC 6716 3.1), from its
 * first bytes; 0 when it is malformed. */
uint32_t walk_opus_ticks(const unsigned char *head, size_t len, uint64_t size);

/* The samples in a FLAC frame (RFC 9639 9.1), from its first bytes; 0 when there is no frame. */
uint32_t walk_flac_ticks(const unsigned char *head, size_t len);

#endif
