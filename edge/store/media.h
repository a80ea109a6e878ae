/* The server's side of the media helpers: a few processes of segue-media that read media files
 * where a hostile one can do no harm. The server starts them, hands each an open descriptor at a
 * time, and believes nothing they answer (segments/record.h, index_open).
 *
 * Who may call: media_new and media_free where no other thread uses the same `struct media`;
 * media_index and media_encode on threads that may block for as long as a job takes, as many at
 * once as there are helpers (more wait for one that is idle); media_cancel on any thread, and it
 * never waits. A thread that calls media_index may start a new helper, and the kernel ends that one
 * with the thread: such threads should live as long as the server. */
#ifndef EDGE_STORE_MEDIA_H
#define EDGE_STORE_MEDIA_H

#include "edge/base/err.h"
#include "edge/base/str.h"

#include <stdatomic.h>

enum { MEDIA_HELPERS_MAX = 64, MEDIA_STOP_MS = 100, MEDIA_WHY = 256 };

struct media_opts {
    const char *program;  /* path of segue-media; NULL: beside the running program */
    unsigned helpers;     /* 1 to MEDIA_HELPERS_MAX */
    size_t memory;        /* bytes that a helper may have for its work */
    unsigned deadline_ms; /* for one file; over 0 */
};

struct media;
struct media_helper;

/* One wish, in memory of the caller's that stays until media_index or media_encode has returned and
 * no thread will call media_cancel for it any more. Fields are media.c's. */
struct media_task {
    atomic_bool cancelled;
    _Atomic uint64_t job;
    _Atomic uint64_t read; /* packets when it was cancelled; UINT64_MAX: it was not */
    _Atomic(struct media_helper *) helper; /* that runs it, or NULL */
};

struct media_result {
    unsigned char *record; /* malloc'd, the caller's: for index_open, or frames; NULL on error */
    size_t len;
    uint64_t packets;      /* that were read */
    uint64_t packets_left; /* estimate of those that were not, when it was cancelled or too late */
    uint64_t packets_late; /* that were read after media_cancel */
    char why[MEDIA_WHY];   /* on error, the reason: printable ASCII */
};

/* Starts the helpers.   ERR_NOMEM   ERR_SYSTEM: no such program, no more processes or descriptors
 */
MUST_USE enum err media_new(const struct media_opts *opts, struct media **out);

void media_task_init(struct media_task *task);

/* The index record of the file that `fd` is open on (it stays the caller's; it is read by position,
 * up to `size`). `name` is for the log alone. *out is set in every case.
 *   ERR_UNSUPPORTED  HLS cannot carry its sound     ERR_MEDIA     broken, no sound, or it killed
 * the helper ERR_CANCELLED    media_cancel was called        ERR_DEADLINE  deadline_ms are over
 *   ERR_NOMEM, ERR_IO, ERR_SYSTEM (no helper can be started) */
MUST_USE enum err media_index(struct media *m, struct media_task *task, int fd, uint64_t size,
                              struct str name, struct media_result *out);

/* The frames that `order` asks for (segments/order.h, borrowed), as media_index in all else:
 * out->record is what order_check is for. */
MUST_USE enum err media_encode(struct media *m, struct media_task *task, int fd, uint64_t size,
                               struct str order, struct str name, struct media_result *out);

/* Stop a task, also one that has not begun. [any thread] */
void media_cancel(struct media_task *task);

uint64_t media_starts(const struct media *m); /* helpers started so far [any thread] */
uint64_t media_deaths(const struct media *m); /* that died or were killed, except by media_free */

/* Ends the helpers. No media_index may be under way, no media_cancel may come any more. */
void media_free(struct media *m);

#endif
