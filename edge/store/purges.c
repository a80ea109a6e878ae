/* The log in memory is a set: ids are what purges are known by, so it does not matter who tells of
 * one, how often, or in which order; the newest of a path gives its salt. Two links: one that
 * listens, one that speaks. A purge is in the log before the memory is purged, so that whoever
 * looks into Redis after that has the new salt already. */
#include "edge/store/purges.h"

#include "edge/base/lock.h"
#include "edge/base/log.h"
#include "edge/base/must.h"
#include "edge/store/supply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG STR("segue:1:purges")
#define CHANNEL STR("segue:1:purge")
#define RECONCILE (10 * CLOCK_SECOND)
#define SKEW (60 * CLOCK_SECOND) /* between the clocks of edges */

enum { TEXT_MAX = 256 * 1024, LINE_MAX = BUF_MAX_PATH + 64 };

struct entry {
    struct purge purge; /* its path is `path` */
    char *path;         /* owned */
    bool seen;          /* in the log that is being read */
};

struct purges {
    struct purges_opts opts;
    struct redis_link *says;  /* NULL: no Redis */
    struct redis_link *hears; /* the same */
    struct timer reconcile;
    uint64_t last; /* id that was given last */
    bool subscribed;
    struct lock lock;    /* of what follows, which workers read */
    atomic_size_t count; /* of entries */
    struct entry entries[PURGES_MAX];
};

/* ---- the log in memory ---- */

size_t purges_salt(struct purges *p, struct str path, char out[PURGES_SALT])
{
    uint64_t newest = 0;
    *out = '\0';
    if (!p || atomic_load(&p->count) == 0)
        return 0;
    lock_take(&p->lock);
    for (size_t i = 0; i < p->count; i++) {
        const struct purge *one = &p->entries[i].purge;
        if (one->id > newest && purge_covers(one, path))
            newest = one->id;
    }
    lock_give(&p->lock);
    return newest ? (size_t)snprintf(out, PURGES_SALT, "/%016" PRIx64, newest) : 0;
}

static struct entry *find(struct purges *p, uint64_t id)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->entries[i].purge.id == id)
            return &p->entries[i];
    return NULL;
}

static void drop(struct purges *p, size_t i)
{
    free(p->entries[i].path);
    p->entries[i] = p->entries[p->count - 1];
    p->entries[i].purge.path.p = p->entries[i].path;
    atomic_fetch_sub(&p->count, 1);
}

/* The time is in the upper bits of an id, in milliseconds. */
static uint64_t age_of(const struct purges *p, uint64_t id)
{
    uint64_t then = (id >> 20) * CLOCK_MS, now = p->opts.wall_ns();
    return now > then ? now - then : 0;
}

/* All that Redis had when it was asked for has expired. */
static bool is_over(const struct purges *p, uint64_t id)
{
    return age_of(p, id) > p->opts.ttl + SKEW;
}

static void forget_old(struct purges *p)
{
    lock_take(&p->lock);
    for (size_t i = p->count; i-- > 0;)
        if (is_over(p, p->entries[i].purge.id))
            drop(p, i);
    lock_give(&p->lock);
}

/* False: it is known, or there is no room or memory. */
static bool add(struct purges *p, const struct purge *what)
{
    char *path = str_dup(what->path);
    lock_take(&p->lock);
    bool room = path && p->count < PURGES_MAX && !find(p, what->id);
    if (room) {
        struct entry *e = &p->entries[p->count];
        *e = (struct entry){*what, path, true};
        e->purge.path.p = path;
        atomic_fetch_add(&p->count, 1);
    }
    lock_give(&p->lock);
    if (!room)
        free(path);
    return room;
}

static uint64_t new_id(struct purges *p)
{
    uint64_t ms = p->opts.wall_ns() / CLOCK_MS;
    uint64_t mix[2] = {ms, (uint64_t)(uintptr_t)p ^ p->last};
    uint64_t bits = hash_table((struct str){(const char *)mix, sizeof mix}) & 0xfffff;
    uint64_t id = ms << 20 | bits;
    p->last = id > p->last ? id : p->last + 1;
    return p->last;
}

/* ---- carrying out ---- */

static uint64_t carry_out(struct purges *p, const struct purge *what)
{
    uint64_t count = supply_purge(p->opts.supply, what);
    char path[512];
    log_write(LOG_INFO, "purge: %s: %" PRIu64 " objects %s",
              log_text(path, sizeof path, what->path), count, what->soft ? "doubted" : "dropped");
    return count;
}

/* From somebody else. */
static void take(struct purges *p, const struct purge *what)
{
    struct purge all = {what->id, PURGE_PREFIX, false, STR("/")};
    if (what->soft)
        (void)carry_out(p, what);
    else if (!is_over(p, what->id) && add(p, what))
        (void)carry_out(p, what);
    else if (p->count == PURGES_MAX && !find(p, what->id))
        (void)carry_out(p, &all); /* no room to remember whose: all of it, and again next time */
}

/* ---- telling ---- */

static void on_told(void *owner, enum err e, const struct redis_reply *reply)
{
    struct purges *p = owner;
    if (!e && reply->kind == REDIS_REFUSED)
        redis_link_fault(p->says);
}

static void say(struct purges *p, struct str command, struct str key, struct str value)
{
    struct str words[3] = {command, key, value};
    uint64_t deadline = loop_now(p->opts.loop) + p->opts.timeout;
    (void)!redis_link_send(p->says, words, 3, deadline, on_told,
                           p); /* else the log is mended later */
}

/* The log lives at least as long as the entries that need it. */
static void tell(struct purges *p, const struct purge *what)
{
    struct buf line;
    char ms[24];
    buf_init(&line, LINE_MAX);
    purge_write(what, &line);
    snprintf(ms, sizeof ms, "%" PRIu64, 2 * (p->opts.ttl + SKEW) / CLOCK_MS);
    if (!buf_status(&line) && p->says) {
        if (!what->soft) {
            say(p, STR("APPEND"), LOG, buf_str(&line));
            say(p, STR("PEXPIRE"), LOG, str_of(ms));
        }
        say(p, STR("PUBLISH"), CHANNEL, buf_str(&line));
    }
    buf_fini(&line);
}

/* Too many to remember: one of everything in their place, here and in Redis. */
static uint64_t collapse(struct purges *p)
{
    struct purge all = {new_id(p), PURGE_PREFIX, false, STR("/")};
    lock_take(&p->lock);
    while (p->count)
        drop(p, p->count - 1);
    lock_give(&p->lock);
    (void)add(p, &all);
    uint64_t count = carry_out(p, &all);
    if (p->says)
        say(p, STR("SET"), LOG, STR(""));
    tell(p, &all);
    return count;
}

uint64_t purges_run(struct purges *p, const struct purge *what)
{
    struct purge mine = *what;
    mine.id = new_id(p);
    forget_old(p);
    if (!mine.soft && p->count == PURGES_MAX)
        return collapse(p);
    if (!mine.soft && p->says)
        (void)add(p, &mine);
    uint64_t count = carry_out(p, &mine);
    tell(p, &mine);
    return count;
}

enum purges_reach purges_reach(const struct purges *p)
{
    if (!p->says)
        return PURGES_ALONE;
    return redis_link_ready(p->says) ? PURGES_TOLD : PURGES_LATER;
}

/* ---- the log in Redis ---- */

static void read_log(struct purges *p, struct str text)
{
    struct purge one;
    while (text.n) {
        if (!purge_read(&text, &one) || one.soft)
            continue;
        struct entry *known = find(p, one.id);
        if (known)
            known->seen = true;
        else
            take(p, &one);
    }
}

/* Each line is wanted once; what is over, or written twice, is left out when it grows long. */
static void rewrite_log(struct purges *p)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < p->count; i++)
        purge_write(&p->entries[i].purge, &text);
    if (buf_status(&text) == ERR_NONE)
        say(p, STR("SET"), LOG, buf_str(&text));
    buf_fini(&text);
}

static void on_log(void *owner, enum err e, const struct redis_reply *reply)
{
    struct purges *p = owner;
    if (e || (reply->kind != REDIS_BYTES && reply->kind != REDIS_NIL))
        return;
    forget_old(p);
    for (size_t i = 0; i < p->count; i++)
        p->entries[i].seen = false;
    if (reply->kind == REDIS_BYTES)
        read_log(p, reply->bytes);
    for (size_t i = 0; i < p->count; i++)
        if (!p->entries[i].seen)
            tell(p, &p->entries[i].purge);
    if (reply->bytes.n > TEXT_MAX / 2)
        rewrite_log(p);
}

static void ask_for_log(struct purges *p)
{
    struct str words[2] = {STR("GET"), LOG};
    uint64_t deadline = loop_now(p->opts.loop) + p->opts.timeout;
    (void)!redis_link_send(p->says, words, 2, deadline, on_log, p);
}

/* ---- listening ---- */

static void on_push(void *owner, struct str payload)
{
    struct purges *p = owner;
    struct purge what;
    if (!purge_read(&payload, &what))
        return;
    if (what.id != p->last && !find(p, what.id)) /* not ours come back */
        take(p, &what);
}

static void on_subscribed(void *owner, enum err e, const struct redis_reply *reply)
{
    struct purges *p = owner;
    if (e || reply->kind == REDIS_REFUSED)
        return;
    p->subscribed = true;
    ask_for_log(p); /* what was said before we listened */
}

static void on_ready(void *owner)
{
    struct purges *p = owner;
    struct str words[2] = {STR("SUBSCRIBE"), CHANNEL};
    uint64_t deadline = loop_now(p->opts.loop) + p->opts.timeout;
    p->subscribed = false;
    (void)!redis_link_send(p->hears, words, 2, deadline, on_subscribed, p);
}

static void on_alive(void *owner, enum err e, const struct redis_reply *reply)
{
    (void)owner;
    (void)e;
    (void)reply;
}

/* Also so that neither end of a dead connection is waited for, and that Redis, which drops what is
 * not used, keeps the log. */
static void on_time(struct timer *t)
{
    struct purges *p = (struct purges *)(void *)((char *)t - offsetof(struct purges, reconcile));
    struct str ping = STR("PING");
    uint64_t now = loop_refresh(p->opts.loop);
    if (p->subscribed)
        (void)!redis_link_send(p->hears, &ping, 1, now + p->opts.timeout, on_alive, p);
    ask_for_log(p);
    timer_set(p->opts.timers, &p->reconcile, now + RECONCILE);
}

/* ---- life ---- */

static enum err start(struct purges *p)
{
    const struct purges_opts *o = &p->opts;
    struct redis_link_opts says = {
        .loop = o->loop,
        .timers = o->timers,
        .mailbox = o->mailbox,
        .io = o->io,
        .url = o->url,
        .trust = o->trust,
        .timeout = o->timeout,
        .broken = o->broken,
        .answers = o->answers,
    };
    struct redis_link_opts hears = says;
    hears.ready = on_ready;
    hears.push = on_push;
    hears.owner = p;
    TRY(redis_link_new(&says, &p->says));
    TRY(redis_link_new(&hears, &p->hears));
    p->reconcile.on_time = on_time;
    timer_set(o->timers, &p->reconcile, loop_now(o->loop) + RECONCILE);
    return ERR_NONE;
}

enum err purges_new(const struct purges_opts *opts, struct purges **out)
{
    struct purges *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    p->opts = *opts;
    lock_init(&p->lock, LOCK_PURGES);
    enum err e = opts->url ? start(p) : ERR_NONE;
    if (e)
        purges_free(p);
    else
        *out = p;
    return e;
}

void purges_stop(struct purges *p)
{
    if (!p)
        return;
    timer_drop(&p->reconcile);
    if (p->says)
        redis_link_stop(p->says);
    if (p->hears)
        redis_link_stop(p->hears);
}

void purges_free(struct purges *p)
{
    if (!p)
        return;
    purges_stop(p);
    redis_link_free(p->says);
    redis_link_free(p->hears);
    while (p->count)
        drop(p, p->count - 1);
    lock_fini(&p->lock);
    free(p);
}
