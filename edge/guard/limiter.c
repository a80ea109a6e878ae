/* Sets of WAYS entries, each a tag and a value. Threads race for entries without locks: at worst an
 * address is counted in two entries for a moment, which gives it a request too many. */
#include "edge/guard/limiter.h"

#include "edge/base/hash.h"
#include "edge/base/must.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 8 };

struct limiter_entry {
    _Atomic uint64_t tag;   /* of the address; 0: never used */
    _Atomic uint64_t value; /* when the bucket is full, ns; or how many there are */
};

struct limiter {
    size_t sets;
    struct limiter_entry entries[];
};

enum err limiter_new(size_t entries, struct limiter **out)
{
    must(entries >= WAYS && (entries & (entries - 1)) == 0);
    /* calloc of so much is untouched pages: they cost memory when they are used. */
    struct limiter *l = calloc(1, sizeof *l + entries * sizeof *l->entries);
    if (!l)
        return ERR_NOMEM;
    l->sets = entries / WAYS;
    *out = l;
    return ERR_NONE;
}

void limiter_free(struct limiter *l) { free(l); }

static uint64_t tag_of(const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool v4 = str_eq((struct str){(const char *)ip, 12}, (struct str){(const char *)mapped, 12});
    uint64_t tag = hash_table((struct str){(const char *)ip, v4 ? 16 : 8});
    return tag ? tag : 1;
}

/* The entry of the tag, or the one with the least value, which it may take. */
static struct limiter_entry *find(struct limiter *l, uint64_t tag, bool *there)
{
    struct limiter_entry *set = &l->entries[(tag & (l->sets - 1)) * WAYS], *least = set;
    for (unsigned i = 0; i < WAYS; i++) {
        if (atomic_load_explicit(&set[i].tag, memory_order_relaxed) == tag) {
            *there = true;
            return &set[i];
        }
        if (atomic_load_explicit(&set[i].value, memory_order_relaxed) <
            atomic_load_explicit(&least->value, memory_order_relaxed))
            least = &set[i];
    }
    *there = false;
    return least;
}

uint64_t limiter_take(struct limiter *l, const uint8_t ip[16], const struct limiter_rate *rate,
                      uint64_t now)
{
    uint64_t tag = tag_of(ip), ahead = rate->interval * (rate->burst - 1);
    bool there;
    struct limiter_entry *e = find(l, tag, &there);
    if (!there) {
        atomic_store_explicit(&e->value, now + rate->interval, memory_order_relaxed);
        atomic_store_explicit(&e->tag, tag, memory_order_relaxed);
        return 0;
    }
    uint64_t full = atomic_load_explicit(&e->value, memory_order_relaxed), next;
    do {
        uint64_t from = full > now ? full : now;
        if (from - now > ahead)
            return from - now - ahead;
        next = from + rate->interval;
    } while (!atomic_compare_exchange_weak_explicit(&e->value, &full, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return 0;
}

/* An entry of a count is taken over only when nobody is in it: from 0 to 1, and then it is ours. */
bool limiter_join(struct limiter *l, const uint8_t ip[16], uint32_t most,
                  struct limiter_entry **held)
{
    uint64_t tag = tag_of(ip), none = 0;
    bool there;
    struct limiter_entry *e = find(l, tag, &there);
    *held = NULL;
    if (!there) {
        if (!atomic_compare_exchange_strong(&e->value, &none, 1))
            return true;
        atomic_store(&e->tag, tag);
        *held = e;
        return true;
    }
    if (atomic_fetch_add(&e->value, 1) >= most) {
        atomic_fetch_sub(&e->value, 1);
        return false;
    }
    *held = e;
    return true;
}

void limiter_leave(struct limiter_entry *held)
{
    if (held)
        atomic_fetch_sub(&held->value, 1);
}

void limiter_leave_debt(struct limiter *l, uint64_t whose, uint64_t full)
{
    bool there;
    struct limiter_entry *e = find(l, whose, &there);
    if (full <= atomic_load_explicit(&e->value, memory_order_relaxed))
        return;
    atomic_store_explicit(&e->value, full, memory_order_relaxed);
    atomic_store_explicit(&e->tag, whose, memory_order_relaxed);
}

uint64_t limiter_take_debt(struct limiter *l, uint64_t whose)
{
    bool there;
    struct limiter_entry *e = find(l, whose, &there);
    return there ? atomic_exchange_explicit(&e->value, 0, memory_order_relaxed) : 0;
}

uint64_t limiter_listener(const uint8_t ip[16], struct str track)
{
    uint64_t parts[2] = {tag_of(ip), hash_table(track)};
    uint64_t whose = hash_table((struct str){(const char *)parts, sizeof parts});
    return whose ? whose : 1;
}
