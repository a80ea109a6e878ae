/* libavformat's input over a descriptor, by pread.
 * The descriptor's own position is never used: it is shared with the server, which reads from the
 * same open file at the same time. */
#include "segments/helper/avio.h"

#include <errno.h>
#include <libavutil/error.h>
#include <libavutil/mem.h>
#include <unistd.h>

enum { AVIO_BUFFER = 32 * 1024 };

bool source_stopped(const struct source *s) { return atomic_load(&s->page->stop) == s->job; }

void source_progress(const struct source *s, uint64_t packets, uint64_t offset)
{
    uint64_t expected = packets;
    if (offset > 0 && offset < s->size)
        expected = (uint64_t)((double)packets * ((double)s->size / (double)offset));
    atomic_store_explicit(&s->page->packets, packets, memory_order_relaxed);
    atomic_store_explicit(&s->page->expected, expected, memory_order_relaxed);
}

void source_stops_at(const struct source *s, uint64_t packets)
{
    atomic_store_explicit(&s->page->packets, packets, memory_order_relaxed);
}

enum err source_read(const struct source *s, uint64_t offset, void *to, size_t n, size_t *got)
{
    *got = 0;
    while (*got < n) {
        if (source_stopped(s))
            return ERR_CANCELLED;
        ssize_t r = pread(s->fd, (char *)to + *got, n - *got, (off_t)(offset + *got));
        if (r == 0)
            return ERR_NONE;
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return ERR_IO;
        *got += (size_t)r;
    }
    return ERR_NONE;
}

static int on_read(void *context, uint8_t *to, int n)
{
    struct source *s = context;
    if (source_stopped(s))
        return AVERROR_EXIT;
    ssize_t r = pread(s->fd, to, (size_t)n, (off_t)s->at);
    if (r < 0) {
        s->failed = true;
        return AVERROR(errno);
    }
    if (r == 0)
        return AVERROR_EOF;
    s->at += (uint64_t)r;
    return (int)r;
}

static int64_t on_seek(void *context, int64_t offset, int whence)
{
    struct source *s = context;
    if (source_stopped(s))
        return AVERROR_EXIT;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return (int64_t)s->size;
    if (whence == SEEK_CUR)
        offset += (int64_t)s->at;
    else if (whence == SEEK_END)
        offset += (int64_t)s->size;
    else if (whence != SEEK_SET)
        return AVERROR(EINVAL);
    if (offset < 0)
        return AVERROR(EINVAL);
    s->at = (uint64_t)offset;
    return offset;
}

AVIOContext *source_avio(struct source *s)
{
    unsigned char *buffer = av_malloc(AVIO_BUFFER);
    if (!buffer)
        return NULL;
    AVIOContext *c = avio_alloc_context(buffer, AVIO_BUFFER, 0, s, on_read, NULL, on_seek);
    if (!c)
        av_free(buffer);
    return c;
}

void source_avio_free(AVIOContext **context)
{
    if (*context)
        av_freep(&(*context)->buffer);
    avio_context_free(context);
}
