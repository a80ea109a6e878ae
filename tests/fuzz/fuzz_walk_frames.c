/* The walker of MP3 and ADTS over any bytes: frames lie in the file, in its order, none over
 * another, and a walk through a small window finds what a walk through a large one does. */
#include "segments/walk_frames.h"

#include "edge/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t size; /* of the file */
    uint64_t at;   /* end of the last frame */
    uint64_t sum;  /* of what was told */
};

static enum err on_frame(void *context, const struct walk_frame *f)
{
    struct seen *s = context;
    must(f->offset >= s->at && f->size > f->strip && f->ticks > 0 && f->rate > 0);
    must(f->size < WALK_WINDOW_MIN / 2);
    s->at = f->offset + f->size;
    must(s->at <= s->size);
    s->sum = s->sum * 31 + f->offset * 7 + f->size;
    return ERR_NONE;
}

static uint64_t walk(struct str file, enum walk_kind kind, size_t window)
{
    struct seen seen = {.size = file.n};
    struct walk_frames w;
    uint64_t at = 0, used;
    walk_frames_init(&w, kind, &seen, on_frame);
    while (at < file.n) {
        struct str some = str_slice(file, (size_t)at, (size_t)at + window);
        enum err e = walk_frames_take(&w, some, at, at + some.n == file.n, &used);
        must(e == ERR_NONE);
        must(used > 0 || at + some.n == file.n);
        if (used == 0)
            break;
        at += used;
    }
    must(w.skipped <= file.n);
    return seen.sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str file = {(const char *)data + 1, size - 1};
    enum walk_kind kind = data[0] & 1 ? WALK_MP3 : WALK_ADTS;
    must(walk(file, kind, WALK_WINDOW_MIN) == walk(file, kind, size + WALK_WINDOW_MIN));
    return 0;
}
