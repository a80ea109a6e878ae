/* The tree of media files: the only place that opens them. Blocks: [pool], except where marked.
 * Everything is opened beneath the root with openat2 and RESOLVE_BENEATH, so no "..", symbolic link
 * or race leads out of it. What begins with a dot has no URL; a symbolic link of another name may
 * lead to it, since somebody has put that there (git-annex and its like keep files so). */
#ifndef EDGE_STORE_DISK_H
#define EDGE_STORE_DISK_H

#include "edge/store/notice.h"
#include "edge/store/object.h"

struct disk;

struct disk_opts {
    const char *root;
    const char *cache_control; /* of /audio answers; borrowed for the disk's life */
    uint32_t recipe; /* how segments are made: part of the version, other segments, other URLs */
    bool watch;      /* by inotify: see notice.h */
    bool tags;       /* what is made of its files says Cache-Tag */
    uint64_t (*wall_ns)(void); /* the clock on the wall; NULL: no file counts as just written */
};

MUST_USE enum err disk_new(const struct disk_opts *opts,
                           struct disk **out); /* ERR_CONFIG, ERR_NOMEM */
void disk_free(struct disk *d);

/* Open `path` ("/album/song.m4a") as an OBJECT_SOURCE, checked at `now`. A folder has fd -1 and
 * names. A file that is being written is waited for, a third of a second at most: what is half
 * written is no version of it, and what is written twice within a tick of the file system's clock
 * cannot be told apart. *mark, in every case: while disk_mark says the same the answer stands;
 * NOTICE_BLIND: nobody would tell.
 *   ERR_NOT_FOUND  nothing there, or a dot file, socket, device, or outside of the root
 *   ERR_FORBIDDEN  it may not be read   ERR_IO, ERR_BUSY (no descriptors), ERR_NOMEM */
MUST_USE enum err disk_open(struct disk *d, struct str path, uint64_t now, uint32_t *mark,
                            struct object **out);

/* notice_mark for the path with that key's hash. [any thread, no lock] */
uint32_t disk_mark(const struct disk *d, uint64_t hash);
size_t
disk_watched(const struct disk *d); /* folders; 0: files are looked at instead [any thread] */

/* One audio file of a folder. `path` is borrowed for the call. */
struct disk_entry {
    struct str path; /* "/album/song.m4a" */
    uint64_t size;   /* bytes */
};
typedef enum err disk_folder_fn(void *arg, struct str path, const struct disk_entry *list,
                                size_t count);
/* Call on_folder for the root and every folder beneath it, at most `depth` deep, with its audio
 * files sorted by name; symbolic links are not followed. An error from it ends the walk and is the
 * answer.  ERR_NOMEM */
MUST_USE enum err disk_walk(struct disk *d, unsigned depth, disk_folder_fn *on_folder, void *arg);

bool identity_eq(const struct identity *a, const struct identity *b);

/* May it be written to while it is sent, without our being told in time? Its mark is NOTICE_BLIND,
 * or it was written lately. [any thread] */
bool source_is_at_risk(const struct object *source, uint64_t now);

/* Is the open file still the one that was opened? (a call of fstat) [any thread] */
bool source_is_whole(const struct source *s);

/* Read exactly n bytes, or ERR_IO (the file ended, or the disk failed). Looks at `cancelled`, which
 * may be NULL, every 64 KB: ERR_CANCELLED. */
MUST_USE enum err source_read(const struct source *s, uint64_t offset, unsigned char *at, size_t n,
                              const atomic_bool *cancelled);

/* Would sending [offset, offset + n) find it in memory? Asks the kernel at most once in ten seconds
 * and 512 KB (preadv2 with RWF_NOWAIT), else remembers. [any thread, does not block] */
bool source_is_warm(struct source *s, uint64_t offset, uint64_t n, uint64_t now);
/* Bring it there, through a buffer of `room` bytes; *read grows as they come. As source_read. */
MUST_USE enum err source_warm(struct source *s, struct index_span span, size_t room,
                              const atomic_bool *cancelled, _Atomic uint64_t *read);

#endif
