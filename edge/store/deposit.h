/* Writing a file to Redis, behind an answer that missed it there. [loop]
 * Chunk by chunk: a pool thread reads and hashes one, the loop sends it, the next is read when
 * Redis has taken that one; the record, with all their hashes, goes last and only if the file was
 * not written to meanwhile. So a file costs one chunk of memory, whatever its size. */
#ifndef EDGE_STORE_DEPOSIT_H
#define EDGE_STORE_DEPOSIT_H

#include "edge/store/work.h"

/* Begin, unless somebody in this process is at it, or too much is under way (counted). `redis` and
 * `home` are of this loop; takes a reference to the source. */
void deposit_begin(const struct work_opts *opts, struct redis *redis, struct mailbox *home,
                   struct object *source);

#endif
