/* What changes in the tree of media files, told by inotify as it happens.
 * A path has a mark: a number that changes whenever anything may have happened to what the path
 * means. Who reads a mark, then the disk, and later finds the mark as it was, knows that what he
 * read still stands, without a look at the disk. One thread keeps the marks; many paths share one
 * (they are chosen by hash), which costs a look too many and nothing else.
 * Where the kernel cannot tell (no inotify, its limit reached, a network file system) and while the
 * tree is being walked there are no marks: NOTICE_BLIND, and files have to be looked at. */
#ifndef EDGE_STORE_NOTICE_H
#define EDGE_STORE_NOTICE_H

#include "edge/base/err.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct notice;

enum { NOTICE_BLIND = 0, NOTICE_MARKS = 4096 };

/* Watch the folder `root` (a descriptor, O_PATH will do; borrowed for the notice's life) and all
 * beneath it. Starts the thread, which walks the tree first.   ERR_NOMEM, ERR_SYSTEM (no thread) */
MUST_USE enum err notice_new(int root, struct notice **out);
void notice_free(struct notice *n); /* NULL is fine */

/* The mark of the path whose object key (OBJECT_SOURCE) has that hash; NOTICE_BLIND: nobody knows.
 * NULL is blind. [any thread, no lock] */
uint32_t notice_mark(const struct notice *n, uint64_t hash);

/* Folders that are watched now; 0 while it is blind. [any thread] */
size_t notice_folders(const struct notice *n);

#endif
