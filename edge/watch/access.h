/* The access log. Each worker has a ring of its own into which it copies what is to be logged,
 * unformatted; one thread empties the rings, formats, and writes in batches. A worker never blocks:
 * when its ring is full the entry is dropped and counted. The writer looks every 50 ms by itself,
 * so a worker makes no system call but one each time its ring passes half. Lines of one worker are
 * in order; those of two may be up to 50 ms out of order. */
#ifndef EDGE_WATCH_ACCESS_H
#define EDGE_WATCH_ACCESS_H

#include "edge/watch/access_entry.h"

struct access;
struct access_ring; /* owned by struct access */

enum access_format { ACCESS_COMBINED, ACCESS_JSON };

struct access_opts {
    const char *where; /* "stdout", "off" or the name of a file, which is appended to */
    enum access_format format;
    uint64_t slow_ns; /* requests whose wait_ns is longer are logged as warnings; 0: none are */
    size_t ring_size; /* bytes, a power of two of at least 16 KB; 0 is 256 KB */
};

struct access_stats {
    uint64_t dropped; /* entries that found their ring full */
    uint64_t lost;    /* lines that could not be written: disk full, reader gone or stuck */
};

/* Starts the writer thread, unless there is nothing to write (off, and slow_ns is 0). NULL when the
 * file cannot be opened or a thread not be had: the log has said which. The thread takes no
 * signals. [before or while workers run] */
struct access *access_new(const struct access_opts *opts);

/* A ring for the calling thread, valid until access_free; NULL when out of memory. [any thread] */
struct access_ring *access_join(struct access *a);

/* Will a request that took so long be written at all? Asked before its entry is put together, which
 * is what most requests are spared when only slow ones are logged. Takes a NULL ring too.
 * [loop of the ring's thread] */
bool access_wants(const struct access_ring *ring, uint64_t wait_ns);

/* Copies the entry into the ring, or drops and counts it. Takes a NULL ring too.
 * [loop of the ring's thread] */
void access_write(struct access_ring *ring, const struct access_entry *entry);

/* Has the writer close and open its file again, after what was written before. Returns at once;
 * when the file cannot be opened the old one is kept and the log says so. [any thread] */
void access_reopen(struct access *a);

/* Returns when all that was in the rings before the call is out and an access_reopen before it is
 * done. [any thread, blocks] */
void access_flush(struct access *a);

struct access_stats access_stats(struct access *a); /* [any thread]; NULL gives zeros */

/* Writes out what is there, giving a stuck reader a second at most, and ends the thread. No worker
 * may use its ring any more. NULL is fine. */
void access_free(struct access *a);

#endif
