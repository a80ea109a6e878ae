/* S3-FIFO on rings of intrusive nodes; the ghosts are a table of 32-bit fingerprints, a newer one
 * overwriting an older in the same place, which forgets the right ones often enough. */
#include "edge/store/s3fifo.h"

#include "edge/base/must.h"

enum { NONE, SMALL, MAIN };
enum { HEAVY = 20 }; /* a node is heavy over that part of the capacity */

static void queue_init(struct s3fifo_queue *q)
{
    q->head.next = q->head.prev = &q->head;
    q->weight = 0;
}

static void push(struct s3fifo_queue *q, struct s3fifo_node *n, uint8_t which)
{
    n->queue = which;
    n->prev = &q->head;
    n->next = q->head.next;
    n->next->prev = n;
    q->head.next = n;
    q->weight += n->weight;
}

static void take(struct s3fifo_queue *q, struct s3fifo_node *n)
{
    must(q->weight >= n->weight);
    n->next->prev = n->prev;
    n->prev->next = n->next;
    n->next = n->prev = NULL;
    n->queue = NONE;
    q->weight -= n->weight;
}

void s3fifo_init(struct s3fifo *p, size_t capacity, uint32_t *ghosts, size_t ghost_count)
{
    must(ghost_count && (ghost_count & (ghost_count - 1)) == 0);
    queue_init(&p->small);
    queue_init(&p->main);
    p->capacity = capacity;
    p->ghosts = ghosts;
    p->ghost_count = ghost_count;
}

static uint32_t *ghost_of(const struct s3fifo *p, uint64_t hash)
{
    return &p->ghosts[hash & (p->ghost_count - 1)];
}

static uint32_t print_of(uint64_t hash) { return (uint32_t)(hash >> 32) | 1u; }

void s3fifo_insert(struct s3fifo *p, struct s3fifo_node *n, uint64_t hash, size_t weight)
{
    must(n->queue == NONE);
    uint32_t *ghost = ghost_of(p, hash);
    bool back = *ghost == print_of(hash);
    n->hash = hash;
    n->weight = weight;
    n->hits = 0;
    if (back)
        *ghost = 0;
    push(back ? &p->main : &p->small, n, back ? MAIN : SMALL);
}

bool s3fifo_admits(struct s3fifo *p, uint64_t hash, size_t weight)
{
    uint32_t *ghost = ghost_of(p, hash);
    bool known = *ghost == print_of(hash);
    if (known || weight <= p->capacity / HEAVY || s3fifo_weight(p) + weight <= p->capacity)
        return true;
    *ghost = print_of(hash);
    return false;
}

void s3fifo_remove(struct s3fifo *p, struct s3fifo_node *n)
{
    must(n->queue != NONE);
    take(n->queue == SMALL ? &p->small : &p->main, n);
}

size_t s3fifo_weight(const struct s3fifo *p) { return p->small.weight + p->main.weight; }

static struct s3fifo_node *evict_small(struct s3fifo *p)
{
    struct s3fifo_node *n = p->small.head.prev;
    bool wanted = n->hits > 0;
    take(&p->small, n);
    if (wanted) {
        n->hits = 0;
        push(&p->main, n, MAIN);
        return NULL;
    }
    *ghost_of(p, n->hash) = print_of(n->hash);
    return n;
}

static struct s3fifo_node *evict_main(struct s3fifo *p)
{
    struct s3fifo_node *n = p->main.head.prev;
    take(&p->main, n);
    if (n->hits == 0)
        return n;
    n->hits--;
    push(&p->main, n, MAIN);
    return NULL;
}

/* Ends: every round lets a node go, moves one out of the small queue, or takes one of its hits. */
struct s3fifo_node *s3fifo_evict(struct s3fifo *p, size_t incoming)
{
    size_t weight;
    while ((weight = s3fifo_weight(p)) > 0 && weight + incoming > p->capacity) {
        bool from_small = p->small.weight > p->capacity / 10 || p->main.weight == 0;
        struct s3fifo_node *gone = from_small ? evict_small(p) : evict_main(p);
        if (gone)
            return gone;
    }
    return NULL;
}
