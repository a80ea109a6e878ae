/* MP3 and ADTS: files of frames that say how long they are. libavformat has said what the file is;
 * our own walker (segments/walk_frames.h) finds the frames, in one pass through a window, some ten
 * times as fast as packets are read, and what it says of a frame's place is so by construction. */
#include "segments/helper/track.h"

#include "segments/walk_frames.h"

#include <stdlib.h>

enum { WINDOW = 256 * 1024, DECODER_DELAY = 528 + 1 /* samples of any MP3 decoder */ };

struct headers {
    struct track *track;
    struct walk_frames walk;
    struct walk_frame first;
    uint64_t end; /* of the last frame, in the file */
    bool alone;   /* all frames so far are */
};

static enum err take_first(struct headers *h, const struct walk_frame *f)
{
    struct track *t = h->track;
    h->first = *f;
    h->alone = true;
    t->info.strip = f->strip;
    if (t->info.codec == CODEC_AAC)
        return describe_adts(t, f->type, f->rate, f->channels);
    t->info.mpeg_layer3_lsf = f->type != 3;
    t->info.sample_rate = t->info.timescale = f->rate;
    return ERR_NONE;
}

static enum err on_frame(void *context, const struct walk_frame *f)
{
    struct headers *h = context;
    struct track *t = h->track;
    if (t->packets == 0)
        TRY(take_first(h, f));
    if (f->rate != h->first.rate || f->strip != h->first.strip || f->type != h->first.type ||
        f->channels != h->first.channels)
        return track_fail(t, ERR_UNSUPPORTED, "its frames change their form at packet %llu",
                          (unsigned long long)t->packets);
    h->alone = h->alone && f->alone;
    h->end = f->offset + f->size;
    return track_add(t, f->offset, f->size, f->ticks * (t->info.sample_rate / f->rate));
}

static enum err walk(struct headers *h, unsigned char *window)
{
    struct source *source = h->track->source;
    uint64_t offset = 0;
    while (offset < source->size) {
        size_t got;
        uint64_t used;
        TRY(source_read(source, offset, window, WINDOW, &got));
        bool last = got < WINDOW || offset + got >= source->size;
        TRY(walk_frames_take(&h->walk, (struct str){(char *)window, got}, offset, last, &used));
        if (used == 0)
            return ERR_NONE;
        offset += used;
    }
    return ERR_NONE;
}

/* What an encoder noted of its own delay; of a file that was cut off the end is not there to drop.
 */
static void trim(struct headers *h)
{
    const struct walk_note *n = &h->walk.note;
    struct track *t = h->track;
    if (!n->trims)
        return;
    t->info.priming = n->delay + DECODER_DELAY;
    bool whole = n->frames == 0 || t->packets >= n->frames;
    if (whole && n->padding > DECODER_DELAY)
        t->info.padding = n->padding - DECODER_DELAY;
}

/* Frames can be found by chance in any large file: sound is what most of it is. */
static enum err judge(struct headers *h)
{
    struct track *t = h->track;
    if (t->packets == 0)
        return track_fail(t, ERR_MEDIA, "no frame of sound was found in it");
    if (h->walk.skipped > (h->end - h->first.offset) / 2)
        return track_fail(t, ERR_MEDIA, "most of it is not %s", codec_name(t->info.codec));
    return ERR_NONE;
}

enum err headers_index(struct track *t)
{
    struct headers h = {.track = t};
    unsigned char *window = malloc(WINDOW);
    if (!window)
        return ERR_NOMEM;
    walk_frames_init(&h.walk, t->info.codec == CODEC_MP3 ? WALK_MP3 : WALK_ADTS, &h, on_frame);
    enum err rc = walk(&h, window);
    free(window);
    if (rc && rc != ERR_AGAIN)
        return rc;
    TRY(judge(&h));
    if (t->info.codec == CODEC_MP3)
        t->info.independent = h.alone;
    trim(&h);
    return ERR_NONE;
}
