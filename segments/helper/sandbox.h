/* What the helper gives up before it reads a byte of anybody's file. [the helper's one thread] */
#ifndef SEGMENTS_HELPER_SANDBOX_H
#define SEGMENTS_HELPER_SANDBOX_H

#include "edge/base/err.h"

#include <stddef.h>

/* Give up for ever: privileges, the network, opening anything, starting anything, and growing by
 * more than `memory` bytes over what is mapped now. Everything that is set up lazily (tables,
 * locale, time zone) must have been used once before. Any other system call than those that
 * demuxing needs then kills the process.
 *   ERR_SYSTEM  one of the fences could not be put up; *what names it (static) */
MUST_USE enum err sandbox_enter(size_t memory, const char **what);

#endif
