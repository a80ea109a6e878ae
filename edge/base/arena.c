/* Block memory, freed at once: see arena.h. */
#include "edge/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* The first block is small: it is kept by who waits, and there may be ten thousand of those. */
enum { FIRST = 512, BLOCK = 2048 };

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t room;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *a, size_t max) { *a = (struct arena){.max = max}; }

static void free_from(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_reset(struct arena *a)
{
    if (!a->first)
        return;
    free_from(a->first->next);
    a->first->next = NULL;
    a->first->used = 0;
    a->now = a->first;
    a->total = a->first->room;
}

void arena_fini(struct arena *a)
{
    free_from(a->first);
    arena_init(a, a->max);
}

static struct arena_block *add_block(struct arena *a, size_t n)
{
    size_t usual = (a->first ? BLOCK : FIRST) - sizeof(struct arena_block);
    size_t room = n > usual ? n : usual;
    if (room > a->max - a->total || a->total > a->max)
        return NULL;
    struct arena_block *block = malloc(sizeof *block + room);
    if (!block)
        return NULL;
    *block = (struct arena_block){.room = room};
    if (a->now)
        a->now->next = block;
    else
        a->first = block;
    a->now = block;
    a->total += room;
    return block;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t align = alignof(max_align_t);
    if (n > a->max)
        return NULL;
    n = (n + align - 1) / align * align;
    struct arena_block *block = a->now;
    if (!block || n > block->room - block->used)
        block = add_block(a, n);
    if (!block)
        return NULL;
    void *at = block->bytes + block->used;
    block->used += n;
    return memset(at, 0, n);
}

struct str arena_str(struct arena *a, struct str s)
{
    char *copy = s.n ? arena_alloc(a, s.n) : NULL;
    if (!copy)
        return (struct str){NULL, 0};
    memcpy(copy, s.p, s.n);
    return (struct str){copy, s.n};
}
