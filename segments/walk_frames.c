/* The walk over a file of frames. While it is locked each frame begins where the last one ended and
 * its header is all that is looked at; a window of bytes that are neither frame nor tag is passed
 * by way of the next byte that could begin a header. */
#include "segments/walk_frames.h"

#include <string.h>

enum { ID3_HEAD = 10, ID3V1 = 128, APE_HEAD = 32, SYNC = 0xff };

void walk_frames_init(struct walk_frames *w, enum walk_kind kind, void *context,
                      enum err (*on_frame)(void *, const struct walk_frame *))
{
    *w = (struct walk_frames){.kind = kind, .context = context, .on_frame = on_frame};
}

/* ID3v2.4 3.1: seven bits in each byte, and a footer where bit 4 of the flags says so. */
static uint64_t id3_size(const unsigned char *p)
{
    uint64_t size = 0;
    for (int i = 6; i < 10; i++) {
        if (p[i] & 0x80)
            return 0;
        size = size << 7 | p[i];
    }
    return ID3_HEAD + size + (p[5] & 0x10 ? ID3_HEAD : 0);
}

/* APEv2: little-endian, the size counts items and footer; bit 29 of the flags marks a header. */
static uint64_t ape_size(const unsigned char *p)
{
    uint64_t size = p[12] | (uint64_t)p[13] << 8 | (uint64_t)p[14] << 16 | (uint64_t)p[15] << 24;
    bool header = p[23] & 0x20;
    return header ? APE_HEAD + size : APE_HEAD;
}

/* The length of the tag at the front; 0: there is none. */
static uint64_t tag_size(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (s.n >= ID3_HEAD && str_starts(s, STR("ID3")))
        return id3_size(p);
    if (s.n >= APE_HEAD && str_starts(s, STR("APETAGEX")))
        return ape_size(p);
    return str_starts(s, STR("TAG")) ? ID3V1 : 0;
}

static bool head_of(const struct walk_frames *w, struct str bytes, struct walk_frame *out)
{
    return w->kind == WALK_MP3 ? walk_mp3_head(bytes, out) : walk_adts_head(bytes, out);
}

static bool same_form(const struct walk_frame *a, const struct walk_frame *b)
{
    return a->rate == b->rate && a->type == b->type && a->strip == b->strip &&
           a->channels == b->channels;
}

/* Does something follow the frame that makes it one? */
static bool is_followed(const struct walk_frames *w, struct str rest, const struct walk_frame *f)
{
    struct str behind = str_from(rest, f->size);
    struct walk_frame next;
    if (behind.n == 0 || tag_size(behind))
        return true;
    return head_of(w, behind, &next) && same_form(&next, f);
}

static uint64_t pass_junk(struct walk_frames *w, struct str rest)
{
    const char *next = rest.n > 1 ? memchr(rest.p + 1, SYNC, rest.n - 1) : NULL;
    size_t step = next ? (size_t)(next - rest.p) : rest.n;
    const char *tag = step > 1 ? memmem(rest.p + 1, step - 1, "ID3", 3) : NULL;
    if (tag)
        step = (size_t)(tag - rest.p);
    w->locked = false;
    if (w->frames > 0)
        w->pending += step;
    return step;
}

static enum err tell(struct walk_frames *w, struct str frame, uint64_t offset, struct walk_frame *f)
{
    f->offset = offset;
    w->form = *f;
    if (w->kind == WALK_MP3 && w->frames == 0 && !w->note.found &&
        walk_mp3_note(str_slice(frame, 0, f->size), &w->note))
        return ERR_NONE;
    w->frames++;
    w->skipped += w->pending;
    w->pending = 0;
    return w->on_frame(w->context, f);
}

/* One step at the front of `rest`: *step bytes are done with; 0: more are needed. */
static enum err take_one(struct walk_frames *w, struct str rest, uint64_t offset, bool last,
                         uint64_t *step)
{
    struct walk_frame f;
    *step = 0;
    if (rest.n < WALK_LOOK && !last)
        return ERR_NONE;
    bool head = head_of(w, rest, &f);
    if (!head && (*step = tag_size(rest)) > 0)
        return ERR_NONE;
    if (head && !last && rest.n < (size_t)f.size + WALK_LOOK)
        return ERR_NONE;
    head = head && f.size <= rest.n; /* else it was cut off at the end of the file */
    bool sure = head && w->locked && same_form(&f, &w->form);
    if (!sure && !(head && is_followed(w, rest, &f))) {
        *step = pass_junk(w, rest);
        return ERR_NONE;
    }
    w->locked = true;
    *step = f.size;
    return tell(w, rest, offset, &f);
}

enum err walk_frames_take(struct walk_frames *w, struct str bytes, uint64_t offset, bool last,
                          uint64_t *used)
{
    *used = 0;
    while (*used < bytes.n) {
        uint64_t step;
        TRY(take_one(w, str_from(bytes, (size_t)*used), offset + *used, last, &step));
        if (step == 0)
            return ERR_NONE;
        *used += step;
    }
    return ERR_NONE;
}
