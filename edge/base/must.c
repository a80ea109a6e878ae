/* The end of a process that found a bug in itself: one line on stderr, then a core. */
#include "edge/base/must.h"

#include <stdio.h>
#include <stdlib.h>

noreturn void must_fail(const char *what, const char *file, int line, const char *function)
{
    fprintf(stderr, "segue: bug: %s:%d: %s: must(%s)\n", file, line, function, what);
    abort();
}
