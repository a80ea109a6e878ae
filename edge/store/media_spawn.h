/* Starting and ending the process of segue-media. [any thread] */
#ifndef EDGE_STORE_MEDIA_SPAWN_H
#define EDGE_STORE_MEDIA_SPAWN_H

#include "edge/base/err.h"

#include <stddef.h>
#include <sys/types.h>

/* Start `program` (NULL: segue-media beside the running program) with one end of a new socket pair
 * and with `memfd`, and nothing else of ours. *socket is the other end, the caller's.
 *   ERR_SYSTEM */
MUST_USE enum err media_spawn(const char *program, size_t memory, int memfd, pid_t *pid,
                              int *socket);

/* Kill and reap it. The answer is its wait status, or -1 when the kernel would not let go of it
 * within a second (a read that hangs in the kernel): then it ends when it can. */
int media_reap(pid_t pid);

#endif
