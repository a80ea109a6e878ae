/* Memory that is freed all at once: what one exchange needs beside its own struct. [one thread]
 * The first block is kept over arena_reset, so a connection's later requests allocate nothing. */
#ifndef EDGE_BASE_ARENA_H
#define EDGE_BASE_ARENA_H

#include "edge/base/str.h"

struct arena_block;

struct arena {
    struct arena_block *first; /* owned; NULL until first used */
    struct arena_block *now;   /* the block that is filled */
    size_t total;              /* bytes in all blocks */
    size_t max;                /* ceiling of total */
};

void arena_init(struct arena *a, size_t max);
void arena_reset(struct arena *a); /* gives back all but the first block */
void arena_fini(struct arena *a);

/* n bytes, zeroed, aligned for any type, valid until reset or fini; NULL past the ceiling or when
 * out of memory. */
void *arena_alloc(struct arena *a, size_t n);
/* A copy of s; the empty str (p NULL) when s is not empty and there was no memory. */
struct str arena_str(struct arena *a, struct str s);

#endif
