/* Checks of our own promises. [any thread]
 * must(x) stays in release builds and aborts, naming the place: x is false only through a bug of
 * ours, never through a byte that a peer, a file or Redis sent. audit(x) is for checks that are
 * too costly to keep for ever: debug builds (-DSEGUE_AUDIT) only. */
#ifndef EDGE_BASE_MUST_H
#define EDGE_BASE_MUST_H

#include <stdnoreturn.h>

noreturn void must_fail(const char *what, const char *file, int line, const char *function);

#define must(x) (__builtin_expect(!!(x), 1) ? (void)0 : must_fail(#x, __FILE__, __LINE__, __func__))

#ifdef SEGUE_AUDIT
#define audit(x) must(x)
#else
#define audit(x) ((void)sizeof(!!(x)))
#endif

#endif
