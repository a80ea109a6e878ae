/* What the readers have in common: adding a packet, saying why something failed. */
#include "segments/helper/track.h"

#include <libavutil/error.h>
#include <stdarg.h>
#include <stdio.h>

enum { TELL = 64 /* packets between two notes of how far we are */ };

enum err track_fail(struct track *t, enum err e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(t->why, RECORD_WHY + 1, format, args);
    va_end(args);
    return e;
}

enum err track_fail_av(struct track *t, int averror)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    if (averror == AVERROR_EXIT)
        return ERR_CANCELLED;
    if (averror == AVERROR(ENOMEM))
        return track_fail(t, ERR_NOMEM, "it needs more memory than a media helper may have");
    if (averror == AVERROR(EIO) && t->source->failed)
        return track_fail(t, ERR_IO, "reading it failed");
    av_strerror(averror, text, sizeof text);
    return track_fail(t, ERR_MEDIA, "%s", text);
}

enum err track_add_pieces(struct track *t, const struct index_span *pieces, size_t count,
                          uint32_t ticks)
{
    if (source_stopped(t->source))
        return ERR_CANCELLED;
    struct index_span last = count ? pieces[count - 1] : (struct index_span){0, 0};
    if (last.offset > t->source->size || last.length > t->source->size - last.offset)
        return ERR_AGAIN;
    enum err rc = index_build_pieces(t->builder, pieces, count, ticks);
    if (rc == ERR_MEDIA)
        return track_fail(t, rc, "packet %llu is empty, too large, or has no duration",
                          (unsigned long long)t->packets);
    if (rc)
        return rc;
    if (t->packets == 0)
        t->first = pieces[0];
    t->packets++;
    t->ticks += ticks;
    if (t->packets % TELL == 0)
        source_progress(t->source, t->packets, last.offset + last.length);
    return ERR_NONE;
}

enum err track_add(struct track *t, uint64_t offset, uint32_t size, uint32_t ticks)
{
    return track_add_pieces(t, &(struct index_span){offset, size}, 1, ticks);
}
