/* A byte ring of whole messages: see ring.h. head and tail count bytes for ever and are taken
 * modulo the size, so full and empty differ. Each message has a header of 8 bytes with its length
 * and fills a multiple of 8, so that the header of the next is aligned and never split. A message
 * that does not fit before the end of the memory begins at the start; the rest of the end is marked
 * as skipped and becomes the taker's with the same push, so half a move is never seen. The putter
 * remembers the tail it saw last: as long as there is room by that, it does not touch the taker's
 * cache line. */
#include "edge/base/ring.h"

#include "edge/base/must.h"

#include <stdint.h>
#include <stdlib.h>

enum { HEADER = 8, SMALLEST = 64 };

#define SKIPPED UINT32_MAX
#define LARGEST ((size_t)1 << 30)

bool ring_init(struct ring *r, size_t size)
{
    must(size >= SMALLEST && size <= LARGEST && (size & (size - 1)) == 0);
    *r = (struct ring){.data = aligned_alloc(64, size), .size = size};
    return r->data != NULL;
}

void ring_fini(struct ring *r)
{
    free(r->data);
    r->data = NULL;
}

static size_t whole(size_t n) { return HEADER + ((n + 7) & ~(size_t)7); }

static uint32_t *header_at(const struct ring *r, size_t count)
{
    return (uint32_t *)(void *)(r->data + (count & (r->size - 1)));
}

static bool has_room(struct ring *r, size_t head, size_t n)
{
    if (n <= r->size - (head - r->tail_seen))
        return true;
    /* acquire: the taker is done with what it gave back before we write there */
    r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
    return n <= r->size - (head - r->tail_seen);
}

void *ring_claim(struct ring *r, size_t n)
{
    must(n > 0);
    r->claimed = 0;
    if (n > r->size - HEADER)
        return NULL;
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    size_t before_end = r->size - (head & (r->size - 1));
    size_t skip = whole(n) <= before_end ? 0 : before_end;
    if (!has_room(r, head, skip + whole(n)))
        return NULL;
    if (skip)
        *header_at(r, head) = SKIPPED;
    uint32_t *header = header_at(r, head + skip);
    *header = (uint32_t)n;
    r->claimed = skip + whole(n);
    return (unsigned char *)header + HEADER;
}

void ring_push(struct ring *r)
{
    must(r->claimed);
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    atomic_store_explicit(&r->head, head + r->claimed, memory_order_release);
    r->claimed = 0;
}

const void *ring_peek(struct ring *r, size_t *n)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
        return NULL;
    const uint32_t *header = header_at(r, tail);
    if (*header == SKIPPED) {
        tail += r->size - (tail & (r->size - 1));
        atomic_store_explicit(&r->tail, tail, memory_order_release);
        header = header_at(r, tail);
    }
    *n = *header;
    return (const unsigned char *)header + HEADER;
}

void ring_pop(struct ring *r)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    must(tail != atomic_load_explicit(&r->head, memory_order_relaxed));
    const uint32_t *header = header_at(r, tail);
    must(*header != SKIPPED);
    atomic_store_explicit(&r->tail, tail + whole(*header), memory_order_release);
}

size_t ring_used(const struct ring *r)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    return head - tail;
}
