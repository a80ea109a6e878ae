/* The media file as the helper sees it: an open descriptor, read by position, never by name.
 * Every read first looks whether the job is to stop. [the helper's one thread] */
#ifndef SEGMENTS_HELPER_AVIO_H
#define SEGMENTS_HELPER_AVIO_H

#include "segments/record.h"

#include <libavformat/avio.h>
#include <stdbool.h>

struct source {
    int fd;                   /* borrowed */
    uint64_t size;            /* bytes, as the server measured them */
    uint64_t job;             /* compared with page->stop */
    struct record_page *page; /* borrowed; shared with the server */
    uint64_t at;              /* where libavformat reads next */
    bool failed; /* a read of libavformat's did: an EIO of its own is the file's fault */
};

bool source_stopped(const struct source *s);
/* Tell the server how far the job is: `packets` read, the last of them ending at `offset`. */
void source_progress(const struct source *s, uint64_t packets, uint64_t offset);
/* The job ends early: exactly so many were read. */
void source_stops_at(const struct source *s, uint64_t packets);

/* Up to n bytes from `offset`; *got is less than n only at the end of the file.
 *   ERR_CANCELLED   ERR_IO */
MUST_USE enum err source_read(const struct source *s, uint64_t offset, void *to, size_t n,
                              size_t *got);

/* A context for libavformat over the source, which must outlive it; NULL when out of memory. */
AVIOContext *source_avio(struct source *s);
void source_avio_free(AVIOContext **context);

#endif
