/* A slot has one entry, and the hash of the last wish that asked for another: who asks twice in a
 * row takes the slot. An entry that is being sent outlives its slot until it was given back. */
#include "edge/store/near.h"

#include "edge/store/disk.h"
#include "edge/store/steps.h"

#include <stdlib.h>

struct near_entry {
    struct object *object, *source; /* a reference to each, for as long as the entry lives */
    uint64_t hash;                  /* of the wish */
    uint64_t version;               /* in its URL */
    uint32_t number;
    uint8_t kind, container, coding;
    bool asked;     /* since the last sweep */
    uint64_t until; /* monotonic ns: then the cache is asked again */
    unsigned users; /* answers that hold it, and one for its slot */
};

struct near {
    struct loop *loop;
    struct timers *timers;
    struct timer sweep;
    struct {
        struct near_entry *entry;
        uint64_t wanted; /* hash of another one that was asked for since the entry was */
    } slots[NEAR_SLOTS];
};

static uint64_t hash_of(const struct wish *w, enum coding coding)
{
    uint64_t rest =
        (uint64_t)w->kind << 48 ^ (uint64_t)w->container << 40 ^ (uint64_t)coding << 32 ^ w->number;
    uint64_t mixed = hash_table(w->track) ^ (w->version + rest) * UINT64_C(0x9e3779b97f4a7c15);
    return mixed ^ mixed >> 29;
}

static bool is_of(const struct near_entry *e, const struct wish *w, uint64_t hash)
{
    return e->hash == hash && e->version == w->version && e->number == w->number &&
           e->kind == w->kind && e->container == w->container && e->coding == w->coding &&
           str_eq(e->source->key.path, w->track);
}

void near_give(struct near_entry *e)
{
    if (--e->users)
        return;
    object_unref(e->object);
    object_unref(e->source);
    free(e);
}

static void empty(struct near *n, size_t slot)
{
    struct near_entry *e = n->slots[slot].entry;
    n->slots[slot].entry = NULL;
    if (e)
        near_give(e);
}

static bool is_gone(const struct object *o)
{
    return atomic_load_explicit(&o->gone, memory_order_relaxed);
}

static void on_sweep(struct timer *t)
{
    struct near *n = (struct near *)((char *)t - offsetof(struct near, sweep));
    bool left = false;
    for (size_t i = 0; i < NEAR_SLOTS; i++) {
        struct near_entry *e = n->slots[i].entry;
        if (e && (!e->asked || is_gone(e->object) || is_gone(e->source)))
            empty(n, i);
        else if (e)
            e->asked = false;
        left = left || n->slots[i].entry;
    }
    if (left)
        timer_set(n->timers, t, loop_now(n->loop) + CLOCK_SECOND);
}

enum err near_new(struct loop *l, struct timers *timers, struct near **out)
{
    struct near *n = calloc(1, sizeof *n);
    if (!n)
        return ERR_NOMEM;
    n->loop = l;
    n->timers = timers;
    n->sweep.on_time = on_sweep;
    *out = n;
    return ERR_NONE;
}

void near_free(struct near *n)
{
    if (!n)
        return;
    timer_drop(&n->sweep);
    for (size_t i = 0; i < NEAR_SLOTS; i++)
        empty(n, i);
    free(n);
}

bool near_find(struct near *n, struct wish *w)
{
    uint64_t hash = hash_of(w, w->coding);
    size_t slot = hash % NEAR_SLOTS;
    struct near_entry *e = n->slots[slot].entry;
    if (!e || !is_of(e, w, hash) || e->until <= w->now)
        return false;
    if (is_gone(e->object) || is_gone(e->source) || !wish_believes(w, e->source))
        return false;
    n->slots[slot].wanted = 0;
    e->asked = true;
    e->users++;
    w->held = e;
    w->object = e->object;
    w->source = e->source;
    return true;
}

static bool is_for_here(const struct wish *w)
{
    const struct object *o = w->object;
    return w->how == WISH_HIT && !w->err && !w->doubted && o && w->source && o != w->source &&
           o->key.kind != OBJECT_REPLY && !o->failure && !o->expires && w->source->source->fd >= 0;
}

static struct near_entry *entry_of(const struct wish *w, uint64_t hash, enum coding coding)
{
    struct near_entry *e = malloc(sizeof *e);
    if (!e)
        return NULL;
    *e = (struct near_entry){
        .object = object_ref(w->object),
        .source = object_ref(w->source),
        .hash = hash,
        .version = w->version,
        .number = w->number,
        .kind = (uint8_t)w->kind,
        .container = (uint8_t)w->container,
        .coding = (uint8_t)coding,
        .users = 1,
    };
    return e;
}

static void put(struct near *n, size_t slot, struct near_entry *e, uint64_t now)
{
    empty(n, slot);
    n->slots[slot].entry = e;
    n->slots[slot].wanted = 0;
    e->asked = true;
    e->until = now + NEAR_TRUST;
    if (!timer_is_on(&n->sweep))
        timer_set(n->timers, &n->sweep, now + CLOCK_SECOND);
}

void near_note(struct near *n, const struct wish *w, enum coding coding)
{
    if (!is_for_here(w))
        return;
    uint64_t hash = hash_of(w, coding);
    size_t slot = hash % NEAR_SLOTS;
    struct near_entry *e = n->slots[slot].entry;
    if (e && e->object == w->object && e->source == w->source && e->hash == hash) {
        e->until = w->now + NEAR_TRUST;
        return;
    }
    if (n->slots[slot].wanted != hash) {
        n->slots[slot].wanted = hash;
        return;
    }
    e = entry_of(w, hash, coding);
    if (e)
        put(n, slot, e, w->now);
}
