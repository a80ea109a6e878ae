/* Which object leaves first: S3-FIFO. [caller's lock]
 * Pure policy on intrusive nodes: no locks, no clock, no memory of its own but the ghosts. New
 * nodes enter a small queue that holds a tenth; what is asked for again there moves to the main
 * queue, what is not leaves early, its hash remembered as a ghost, and if it comes back it goes to
 * the main queue at once. The main queue is a FIFO that gives a node another round for each hit.
 * Yang, Zhang, Qiu, Yue and Vigfusson, "FIFO queues are all you need for cache eviction" (SOSP
 * 2023). */
#ifndef EDGE_STORE_S3FIFO_H
#define EDGE_STORE_S3FIFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct s3fifo_node {
    struct s3fifo_node *next, *prev; /* private, as all here */
    uint64_t hash;
    size_t weight;
    uint8_t queue; /* 0: in none */
    uint8_t hits;  /* 0 to 3 */
};

struct s3fifo_queue {
    struct s3fifo_node head; /* of a ring: head.next is the newest */
    size_t weight;
};

struct s3fifo {
    struct s3fifo_queue small, main;
    size_t capacity;    /* weight of all nodes that may stay */
    uint32_t *ghosts;   /* borrowed: fingerprints of what left early, by hash; 0 is none */
    size_t ghost_count; /* a power of two */
};

/* `ghosts` is zeroed memory of ghost_count (a power of two) entries and lives as long as p. */
void s3fifo_init(struct s3fifo *p, size_t capacity, uint32_t *ghosts, size_t ghost_count);
void s3fifo_insert(struct s3fifo *p, struct s3fifo_node *n, uint64_t hash, size_t weight);
static inline void s3fifo_hit(struct s3fifo_node *n)
{
    if (n->hits < 3)
        n->hits++;
}
/* Is a new node of that weight worth others' places? A light one always; a heavy one (over a
 * twentieth of the capacity) when it is asked for again while its ghost is there, which is left
 * here: so what is large and heard once pushes nothing out. While there is room all are. */
bool s3fifo_admits(struct s3fifo *p, uint64_t hash, size_t weight);
void s3fifo_remove(struct s3fifo *p, struct s3fifo_node *n);
/* While the weight and `incoming` more are over the capacity: the node to let go (taken out
 * already), else NULL. Room is made before a node enters, or a heavy one would be the first to
 * leave. */
struct s3fifo_node *s3fifo_evict(struct s3fifo *p, size_t incoming);
size_t s3fifo_weight(const struct s3fifo *p);

#endif
