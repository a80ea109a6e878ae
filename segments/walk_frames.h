/* Files that are frames with headers, one after the other: MP3 (ISO 11172-3, 13818-3) and ADTS (ISO
 * 14496-3 1.A.2). Bytes in, the places of frames out; nothing is decoded.
 * [one thread at a time]
 *
 * The caller reads the file from its start through a window that holds more than one frame and
 * gives what it has; frames are told in their order. Tags (ID3v1, ID3v2, APEv2) are passed over,
 * and what is neither frame nor tag is counted. After such bytes a frame counts only when another
 * one of its form, a tag, or the end of the file follows it: chance finds headers in anything. */
#ifndef SEGMENTS_WALK_FRAMES_H
#define SEGMENTS_WALK_FRAMES_H

#include "edge/base/err.h"
#include "edge/base/str.h"

enum walk_kind { WALK_MP3, WALK_ADTS };

enum {
    WALK_LOOK = 32,              /* bytes that tell a tag or a frame's header */
    WALK_WINDOW_MIN = 32 * 1024, /* bytes of the window: any frame, and the one behind it */
};

struct walk_frame {
    uint64_t offset;  /* in the file */
    uint32_t size;    /* bytes, header included; over 0 */
    uint32_t ticks;   /* samples of the core that it lasts */
    uint32_t rate;    /* Hz of the core */
    uint8_t strip;    /* ADTS: bytes of header, 7, or 9 with a CRC; MP3: 0 */
    uint8_t type;     /* ADTS: audio object type; MP3: 3 for MPEG-1, 2 for MPEG-2, 0 for 2.5 */
    uint8_t channels; /* ADTS: channelConfiguration */
    bool alone;       /* MP3: it needs no bits of frames before it (main_data_begin is 0) */
};

/* What an MP3 encoder noted in a frame of its own in front (Xing, Info, VBRI; LAME's addition). */
struct walk_note {
    bool found;
    bool trims;       /* delay and padding are said */
    uint32_t delay;   /* samples that the encoder put in front */
    uint32_t padding; /* and behind */
    uint32_t frames;  /* how many it wrote, this one not counted; 0: not said */
};

/* Any error from on_frame ends the walk with that error. */
struct walk_frames {
    enum walk_kind kind;
    void *context;
    enum err (*on_frame)(void *context, const struct walk_frame *frame);
    struct walk_note note;
    uint64_t frames; /* told so far */
    uint64_t
        skipped; /* bytes between the first frame and the last that are neither frame nor tag */
    uint64_t pending;       /* the same, should another frame follow */
    struct walk_frame form; /* of the frame before */
    bool locked;            /* the next frame is where the last one ended */
};

void walk_frames_init(struct walk_frames *w, enum walk_kind kind, void *context,
                      enum err (*on_frame)(void *, const struct walk_frame *));

/* Take what can be told of `bytes`, which stand at `offset` in the file; `last`: it ends with them.
 * *used is where to go on, counted from `offset`; it may lie behind the bytes (a long tag). Where
 * it is 0 there is nothing more to be told: the window is over WALK_WINDOW_MIN, or the file ends.
 *   what on_frame said */
MUST_USE enum err walk_frames_take(struct walk_frames *w, struct str bytes, uint64_t offset,
                                   bool last, uint64_t *used);

/* For walk_frames.c; of the kinds.
 * The header at the front of `bytes`; false: there is none. */
bool walk_mp3_head(struct str bytes, struct walk_frame *out);
bool walk_adts_head(struct str bytes, struct walk_frame *out);
/* Is this whole frame an encoder's note? */
bool walk_mp3_note(struct str frame, struct walk_note *out);

#endif
