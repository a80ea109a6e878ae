/* Hit ratios of S3-FIFO, as the cache uses it, and of LRU: bench_eviction [REQUESTS]
 * Both are asked for the same objects in the same order: a Zipf(0.9) trace over a library, into
 * which a crawler's one pass over files that nobody else wants is mixed, at a third of the requests
 * while it lasts. Sizes are those of playlists, segments and files; both hold a twentieth of all.
 */
#include "edge/store/s3fifo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POPULAR = 50000, SCANNED = 50000, ALL = POPULAR + SCANNED, GHOSTS = 1 << 16 };

struct item {
    struct s3fifo_node node;
    struct item *next, *prev; /* of the LRU list; NULL: not in it */
    size_t size;
    uint64_t hash;
    bool held;
};

static struct item items[ALL];
static double below[POPULAR]; /* share of requests for items up to that one */
static uint32_t ghosts[GHOSTS];
static uint64_t state = 88172645463325252u;

static uint64_t random_bits(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static double random_unit(void) { return (double)(random_bits() >> 11) / 9007199254740992.0; }

static uint64_t mixed(uint64_t n)
{
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
    n = (n ^ n >> 27) * 0x94d049bb133111ebu;
    return n ^ n >> 31;
}

static size_t make_items(void)
{
    double sum = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < ALL; i++) {
        double kind = random_unit();
        double most = kind < 0.3 ? 4e3 : kind < 0.95 ? 150e3 : 2e6;
        items[i].size = 1000 + (size_t)(random_unit() * most);
        items[i].hash = mixed(i + 1);
        bytes += i < POPULAR ? items[i].size : 0;
    }
    for (size_t i = 0; i < POPULAR; i++)
        below[i] = sum += 1 / pow((double)(i + 1), 0.9);
    for (size_t i = 0; i < POPULAR; i++)
        below[i] /= sum;
    return bytes;
}

static size_t popular(void)
{
    double at = random_unit();
    size_t low = 0, high = POPULAR - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (below[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- the two ---- */

static struct s3fifo fifo;

static bool ask_fifo(struct item *i)
{
    if (i->held) {
        s3fifo_hit(&i->node);
        return true;
    }
    if (i->size > fifo.capacity || !s3fifo_admits(&fifo, i->hash, i->size))
        return false;
    for (struct s3fifo_node *n; (n = s3fifo_evict(&fifo, i->size));)
        ((struct item *)n)->held = false;
    s3fifo_insert(&fifo, &i->node, i->hash, i->size);
    i->held = true;
    return false;
}

static struct item lru = {.next = &lru, .prev = &lru};
static size_t lru_bytes, lru_room;

static void lru_take(struct item *i)
{
    i->next->prev = i->prev;
    i->prev->next = i->next;
    i->next = NULL;
    lru_bytes -= i->size;
}

static bool ask_lru(struct item *i)
{
    bool hit = i->next != NULL;
    if (hit)
        lru_take(i);
    while (lru_bytes + i->size > lru_room)
        lru_take(lru.prev);
    i->prev = &lru;
    i->next = lru.next;
    i->next->prev = lru.next = i;
    lru_bytes += i->size;
    return hit;
}

struct score {
    uint64_t hits, asked; /* of what is popular: nothing is a hit in a pass over all */
};

static void ask(size_t which, struct score *a, struct score *b)
{
    bool counts = which < POPULAR;
    bool by_fifo = ask_fifo(&items[which]), by_lru = ask_lru(&items[which]);
    a->asked += counts;
    b->asked += counts;
    a->hits += counts && by_fifo;
    b->hits += counts && by_lru;
}

static void print(const char *when, const struct score *a, const struct score *b)
{
    double first = (double)a->hits / (double)a->asked, second = (double)b->hits / (double)b->asked;
    printf("%-16s  S3-FIFO %6.2f %%   LRU %6.2f %%   %s\n", when, first * 100, second * 100,
           first > second ? "S3-FIFO wins" : "LRU wins");
}

int main(int argc, char **argv)
{
    unsigned long requests = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000000;
    size_t bytes = make_items();
    struct score a[2] = {0}, b[2] = {0};
    size_t scanned = 0;
    lru_room = bytes / 20;
    s3fifo_init(&fifo, lru_room, ghosts, GHOSTS);
    printf("%d objects, %zu MB, Zipf(0.9); room for %zu MB; %lu requests, a pass over %d others\n",
           POPULAR, bytes >> 20, lru_room >> 20, requests, SCANNED);
    for (unsigned long n = 0; n < requests; n++) {
        bool scans = n > requests / 2 && scanned < SCANNED;
        ask(popular(), &a[scans], &b[scans]);
        if (scans && n % 2)
            ask(POPULAR + scanned++, &a[1], &b[1]);
    }
    struct score all[2] = {{a[0].hits + a[1].hits, a[0].asked + a[1].asked},
                           {b[0].hits + b[1].hits, b[0].asked + b[1].asked}};
    print("without the pass", &a[0], &b[0]);
    print("during the pass", &a[1], &b[1]);
    print("all", &all[0], &all[1]);
    return 0;
}
