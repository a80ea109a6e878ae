/* A small hash table of what is under way, under one lock: it is touched on misses only. */
#include "edge/store/flight.h"

#include "edge/base/lock.h"
#include "edge/base/must.h"

#include <stdlib.h>

enum { CHAINS = 256 };

struct flights {
    struct lock lock;
    struct flight *chains[CHAINS];
};

enum err flights_new(struct flights **out)
{
    struct flights *f = calloc(1, sizeof *f);
    if (!f)
        return ERR_NOMEM;
    lock_init(&f->lock, LOCK_FLIGHTS);
    *out = f;
    return ERR_NONE;
}

void flights_free(struct flights *f)
{
    if (!f)
        return;
    for (int i = 0; i < CHAINS; i++)
        must(!f->chains[i]);
    lock_fini(&f->lock);
    free(f);
}

struct waiter *waiter_new(struct mailbox *home, waiter_fn *landed, void *owner)
{
    struct waiter *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->home = home;
    w->landed = landed;
    w->owner = owner;
    return w;
}

static struct flight **find(struct flights *f, const struct key *key)
{
    struct flight **at = &f->chains[key->hash % CHAINS];
    while (*at && !key_eq(&(*at)->key, key))
        at = &(*at)->chain;
    return at;
}

static void add_waiter(struct flight *flight, struct waiter *waiter)
{
    waiter->flight = flight;
    waiter->next = flight->waiters;
    flight->waiters = waiter;
}

bool flight_join(struct flights *f, const struct key *key, struct waiter *waiter)
{
    lock_take(&f->lock);
    struct flight *there = *find(f, key);
    if (there)
        add_waiter(there, waiter);
    lock_give(&f->lock);
    return there != NULL;
}

bool flight_start(struct flights *f, struct flight *mine, struct waiter *waiter)
{
    lock_take(&f->lock);
    struct flight **at = find(f, &mine->key);
    bool first = *at == NULL;
    if (first) {
        mine->listed = true;
        mine->chain = NULL;
        *at = mine;
    }
    if (waiter)
        add_waiter(first ? mine : *at, waiter);
    lock_give(&f->lock);
    return first;
}

static void unlist(struct flights *f, struct flight *flight)
{
    if (!flight->listed)
        return;
    struct flight **at = find(f, &flight->key);
    must(*at == flight);
    *at = flight->chain;
    flight->listed = false;
}

static void remove_waiter(struct flight *flight, struct waiter *waiter)
{
    struct waiter **at = &flight->waiters;
    while (*at != waiter) {
        must(*at);
        at = &(*at)->next;
    }
    *at = waiter->next;
}

/* Under the lock, since the job may be landing at this moment on its own thread. */
static bool abandon_if_empty(struct flights *f, struct flight *flight)
{
    if (flight->waiters || flight->kept)
        return false;
    unlist(f, flight);
    job_cancel(&flight->job);
    if (flight->on_abandon)
        flight->on_abandon(flight);
    return true;
}

bool flight_leave(struct flights *f, struct waiter *waiter)
{
    bool cancelled = false;
    lock_take(&f->lock);
    struct flight *flight = waiter->flight;
    if (flight) {
        remove_waiter(flight, waiter);
        flight->lost += waiter->whole;
        cancelled = abandon_if_empty(f, flight);
    }
    lock_give(&f->lock);
    waiter->owner = NULL;
    if (flight)
        free(waiter);
    return cancelled;
}

static void deliver(struct letter *letter)
{
    struct waiter *waiter = (struct waiter *)letter;
    struct object *result = waiter->result;
    if (waiter->owner)
        waiter->landed(waiter->owner, result);
    else
        object_unref(result);
    free(waiter);
}

void flight_land(struct flights *f, struct flight *flight, struct object *result)
{
    lock_take(&f->lock);
    unlist(f, flight);
    struct waiter *waiter = flight->waiters;
    flight->waiters = NULL;
    for (struct waiter *w = waiter; w; w = w->next)
        w->flight = NULL;
    lock_give(&f->lock);
    while (waiter) {
        struct waiter *next = waiter->next;
        waiter->remote = flight->remote;
        waiter->stored = flight->stored;
        waiter->result = result ? object_ref(result) : NULL;
        waiter->letter.deliver = deliver;
        mailbox_post(waiter->home, &waiter->letter);
        waiter = next;
    }
}
