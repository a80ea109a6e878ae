/* The connection goes DOWN -> STARTING (its greeting is queued; dialled at the turn's end, or when
 * the name is known) -> CONNECTING -> (by TLS: GREETING ->) UP; `ready` once Redis has answered the
 * greeting's PING. What is sent is gathered in `out` and written at the turn's end, so commands of
 * a turn travel together. Each has a slot, in the order of sending, which is the order of answers;
 * a slot whose deadline passed stays, without its owner, until its reply comes or the connection
 * goes. One failure a mishap counts for the breaker, not one a slot: a burst is one mishap. */
#include "edge/store/redis_link.h"

#include "edge/base/hash.h"
#include "edge/base/log.h"
#include "edge/base/must.h"
#include "edge/store/breaker.h"
#include "edge/store/redis_dial.h"
#include "edge/wire/link_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    OUT_KEPT = 1024 * 1024, /* room of `out` that outlives a burst of writes */
};
#define RETRY (200 * CLOCK_MS) /* after a broken connection, while the breaker is closed */

enum state { DOWN, STARTING, CONNECTING, GREETING, UP };

struct slot {
    struct slot *next;
    redis_answer_fn *answer; /* NULL: nobody waits any more */
    void *owner;
    uint64_t sent;
    uint64_t deadline;
};

struct redis_link {
    struct redis_link_opts opts;
    enum state state;
    bool ready;
    bool stopped;
    bool reported;        /* counted in opts.broken */
    int fd;               /* -1 while DOWN or STARTING */
    struct link_tls *tls; /* NULL: plain */
    int clock_fd;         /* a timerfd, for the next deadline */
    uint64_t armed;       /* what it is set to; 0: off */
    struct loop_io io;
    struct loop_io clock_io;
    struct loop_task turn;
    struct timer retry;
    struct job lookup;
    bool looking;      /* the lookup is under way */
    struct dial found; /* the lookup's, while it is */
    struct dial dial;
    struct breaker breaker;
    struct redis_reader *reader;
    struct redis_reader *taken_from; /* while its replies are given out: it is not to be freed */
    struct buf out;
    size_t written; /* of out */
    struct slot *first;
    struct slot **last;
    unsigned char *input;
};

#define LINK_OF(part, member) \
    ((struct redis_link *)(void *)((char *)(part)-offsetof(struct redis_link, member)))

/* ---- the breaker ---- */

static void report(struct redis_link *l)
{
    char name[300];
    bool open = breaker_is_open(&l->breaker);
    if (open == l->reported)
        return;
    l->reported = open;
    redis_url_name(l->opts.url, name, sizeof name);
    if (open && atomic_fetch_add(l->opts.broken, 1) == 0)
        log_write(LOG_WARN, "redis: %s fails; it is left alone but for a probe now and then", name);
    else if (!open && atomic_fetch_sub(l->opts.broken, 1) == 1)
        log_write(LOG_INFO, "redis: %s is back", name);
}

static void count_failure(struct redis_link *l)
{
    uint64_t now = loop_now(l->opts.loop);
    breaker_failed(&l->breaker, now, hash_table((struct str){(const char *)&now, sizeof now}));
    report(l);
    timer_set(l->opts.timers, &l->retry,
              breaker_is_open(&l->breaker) ? l->breaker.due : now + RETRY);
}

/* ---- deadlines ---- */

static void arm(struct redis_link *l, uint64_t deadline)
{
    struct itimerspec at = {
        .it_value = {(time_t)(deadline / CLOCK_SECOND), (long)(deadline % CLOCK_SECOND)}};
    l->armed = deadline;
    must(timerfd_settime(l->clock_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
}

static void arm_next(struct redis_link *l)
{
    uint64_t next = 0;
    for (struct slot *s = l->first; s; s = s->next)
        if (s->answer && (!next || s->deadline < next))
            next = s->deadline;
    if (next || l->armed)
        arm(l, next);
}

/* ---- going down ---- */

static void close_socket(struct redis_link *l)
{
    if (l->fd >= 0) {
        loop_unwatch(&l->io);
        link_tls_free(l->tls);
        close(l->fd);
    }
    l->fd = -1;
    l->tls = NULL;
    if (l->reader != l->taken_from)
        redis_reader_free(l->reader);
    l->reader = NULL;
    buf_fini(&l->out);
    l->written = 0;
    l->state = DOWN;
    l->ready = false;
}

/* The connection ends; whoever waits is told. */
static void drop(struct redis_link *l, enum err e)
{
    struct slot *s = l->first;
    l->first = NULL;
    l->last = &l->first;
    close_socket(l);
    while (s) {
        struct slot *next = s->next;
        if (s->answer)
            s->answer(s->owner, e, NULL);
        free(s);
        s = next;
    }
}

static void fail(struct redis_link *l, enum err e)
{
    if (!l->ready && l->dial.next >= l->dial.count)
        l->dial.count = 0; /* all were tried: the name may mean another machine by now */
    count_failure(l);
    drop(l, e);
}

/* Redis ends a connection that nobody waits on: no failure, unless it does not come back. */
static void end_quietly(struct redis_link *l)
{
    drop(l, ERR_IO);
    timer_set(l->opts.timers, &l->retry, loop_now(l->opts.loop) + RETRY);
}

/* ---- writing ---- */

static struct link_result write_some(struct redis_link *l)
{
    struct iovec part = {l->out.data + l->written, l->out.len - l->written};
    return l->tls ? link_tls_write(l->tls, part.iov_base, part.iov_len)
                  : link_write(l->fd, &part, 1, 0);
}

static void flush(struct redis_link *l)
{
    while (l->written < l->out.len) {
        struct link_result r = write_some(l);
        if (r.state == LINK_AGAIN)
            return;
        if (r.state != LINK_OK) {
            fail(l, ERR_IO);
            return;
        }
        l->written += r.n;
    }
    l->written = 0;
    if (l->out.room > OUT_KEPT)
        buf_fini(&l->out);
    else
        buf_reset(&l->out);
}

/* ---- reading ---- */

static void take_reply(struct redis_link *l, const struct redis_reply *reply)
{
    struct slot *s = l->first;
    l->first = s->next;
    if (!l->first)
        l->last = &l->first;
    uint64_t now = loop_now(l->opts.loop);
    if (s->answer) {
        histogram_add(l->opts.answers, now > s->sent ? now - s->sent : 0);
        if (reply->kind != REDIS_REFUSED) {
            breaker_worked(&l->breaker);
            report(l);
        }
        s->answer(s->owner, ERR_NONE, reply);
    }
    free(s);
}

/* False when the connection is gone. An answer's bytes live in the reader, which must outlast a
 * connection that ends while its owner looks at them. */
static bool take_replies(struct redis_link *l)
{
    struct redis_reader *r = l->taken_from = l->reader;
    struct redis_reply reply;
    enum err e = ERR_NONE;
    while (l->reader == r && !(e = redis_reader_next(r, &reply))) {
        if (reply.kind == REDIS_MESSAGE)
            l->opts.push(l->opts.owner, reply.bytes);
        else if (l->first)
            take_reply(l, &reply);
        else /* nobody asked */
            fail(l, ERR_IO);
    }
    if (l->reader == r && e != ERR_AGAIN)
        fail(l, ERR_IO);
    l->taken_from = NULL;
    if (l->reader == r)
        return true;
    redis_reader_free(r);
    return false;
}

static void read_all(struct redis_link *l)
{
    for (;;) {
        struct link_result r = l->tls ? link_tls_read(l->tls, l->input, REDIS_READ)
                                      : link_read(l->fd, l->input, REDIS_READ);
        if (r.state == LINK_AGAIN)
            return;
        if (r.state != LINK_OK && !l->first && l->ready) {
            end_quietly(l);
            return;
        }
        if (r.state != LINK_OK || redis_reader_feed(l->reader, l->input, r.n)) {
            fail(l, ERR_IO);
            return;
        }
        if (!take_replies(l))
            return;
    }
}

/* ---- the greeting ---- */

static void on_granted(void *owner, enum err e, const struct redis_reply *reply)
{
    struct redis_link *l = owner;
    char text[200];
    if (e || reply->kind != REDIS_REFUSED)
        return;
    if (!breaker_is_open(&l->breaker))
        log_write(LOG_WARN, "redis: refused: %s", log_text(text, sizeof text, reply->bytes));
    fail(l, ERR_IO);
}

static void on_pong(void *owner, enum err e, const struct redis_reply *reply)
{
    struct redis_link *l = owner;
    on_granted(owner, e, reply);
    if (e || reply->kind != REDIS_STATUS)
        return;
    l->ready = true;
    timer_off(&l->retry);
    if (l->opts.ready)
        l->opts.ready(l->opts.owner);
}

static enum err queue(struct redis_link *l, const struct str *words, unsigned count,
                      const struct slot *model)
{
    struct slot *s = malloc(sizeof *s);
    enum err e = s ? redis_command(&l->out, words, count) : ERR_NOMEM;
    if (e) {
        free(s);
        return e;
    }
    *s = *model;
    s->next = NULL;
    *l->last = s;
    l->last = &s->next;
    return ERR_NONE;
}

static enum err greet(struct redis_link *l)
{
    const struct redis_url *url = l->opts.url;
    uint64_t now = loop_now(l->opts.loop);
    struct slot slot = {NULL, on_granted, l, now, now + l->opts.timeout};
    struct str auth[3] = {STR("AUTH"), str_of(url->user), str_of(url->password)};
    struct str password[2] = {STR("AUTH"), str_of(url->password)};
    char number[12];
    struct str select[2] = {STR("SELECT"), {number, 0}};
    select[1].n = (size_t)snprintf(number, sizeof number, "%u", url->database);
    if (url->password[0])
        TRY(url->user[0] ? queue(l, auth, 3, &slot) : queue(l, password, 2, &slot));
    if (url->database)
        TRY(queue(l, select, 2, &slot));
    slot.answer = on_pong;
    return queue(l, &(struct str)STR("PING"), 1, &slot);
}

/* ---- coming up ---- */

static void start(struct redis_link *l)
{
    must(l->state == DOWN && !l->first);
    l->reader = redis_reader_new(l->opts.push);
    if (!l->reader)
        return;
    l->state = STARTING;
    if (greet(l)) {
        fail(l, ERR_NOMEM);
        return;
    }
    arm_next(l);
    loop_later(l->opts.loop, &l->turn);
}

static void greet_by_tls(struct redis_link *l)
{
    struct link_result r = link_tls_greet(l->tls);
    if (r.state == LINK_AGAIN)
        return;
    if (r.state == LINK_OK) {
        l->state = UP;
        flush(l);
        return;
    }
    if (!breaker_is_open(&l->breaker))
        log_write(LOG_WARN, "redis: TLS with %s: %s", l->opts.url->host, link_tls_why(l->tls));
    fail(l, ERR_IO);
}

static void connected(struct redis_link *l)
{
    bool broken = link_is_broken(l->fd);
    l->state = l->opts.trust ? GREETING : UP;
    if (broken || (l->opts.trust &&
                   link_tls_new(l->opts.trust, l->fd, l->opts.url->host, &l->tls) != ERR_NONE))
        fail(l, ERR_IO);
    else if (l->state == UP)
        flush(l);
}

/* TLS may write to read and the other way round, so each word from the socket is one for both. */
static void on_io(struct loop_io *io, unsigned what)
{
    struct redis_link *l = LINK_OF(io, io);
    if (l->state == CONNECTING && what & (LOOP_WRITE | LOOP_CLOSED))
        connected(l);
    else if (l->state == UP && (what & LOOP_WRITE || l->tls))
        flush(l);
    if (l->state == GREETING)
        greet_by_tls(l);
    if (l->state == UP && (what & (LOOP_READ | LOOP_CLOSED) || l->tls))
        read_all(l);
}

static void connect_next(struct redis_link *l)
{
    for (unsigned i = 0; i < l->dial.count && l->fd < 0; i++)
        l->fd = dial_connect(&l->dial);
    if (l->fd < 0 || loop_watch(l->opts.loop, &l->io, l->fd, on_io)) {
        fail(l, ERR_IO);
        return;
    }
    l->state = CONNECTING;
}

static void on_looked_up(struct job *job)
{
    struct redis_link *l = LINK_OF(job, lookup);
    l->looking = false;
    l->dial = l->found;
    if (l->state == STARTING)
        connect_next(l);
}

static void look_up(struct job *job)
{
    struct redis_link *l = LINK_OF(job, lookup);
    dial_resolve(l->opts.url, &l->found);
}

static void dial(struct redis_link *l)
{
    if (l->dial.count || dial_numeric(l->opts.url, &l->dial)) {
        connect_next(l);
        return;
    }
    if (l->looking)
        return;
    l->looking = true;
    l->lookup.run = look_up;
    l->lookup.done = on_looked_up;
    l->lookup.home = l->opts.mailbox;
    pool_submit(l->opts.io, &l->lookup);
}

static void on_turn(struct loop_task *task)
{
    struct redis_link *l = LINK_OF(task, turn);
    if (l->state == STARTING)
        dial(l);
    else if (l->state == UP)
        flush(l);
}

/* Also while nobody asks, so that a Redis that comes back is found before it is needed. */
static void on_retry(struct timer *t)
{
    struct redis_link *l = LINK_OF(t, retry);
    loop_refresh(l->opts.loop);
    if (l->state == DOWN && !l->stopped)
        start(l);
}

/* ---- deadlines, when they come ---- */

static struct slot *overdue(struct redis_link *l, uint64_t now)
{
    struct slot *s = l->first;
    while (s && !(s->answer && s->deadline <= now))
        s = s->next;
    return s;
}

static void on_clock(struct loop_io *io, unsigned what)
{
    struct redis_link *l = LINK_OF(io, clock_io);
    uint64_t now = loop_now(l->opts.loop), times;
    struct slot *s;
    (void)what;
    if (read(l->clock_fd, &times, sizeof times) != (ssize_t)sizeof times)
        return;
    /* Its replies may wait in the socket, read a moment later in this same turn. */
    if (l->state == UP)
        read_all(l);
    if (overdue(l, now) && !l->ready)
        fail(l, ERR_DEADLINE);
    else if (overdue(l, now))
        count_failure(l);
    while ((s = overdue(l, now))) {
        redis_answer_fn *answer = s->answer;
        s->answer = NULL;
        answer(s->owner, ERR_DEADLINE, NULL);
    }
    if (breaker_is_open(&l->breaker) && l->state != DOWN && l->ready)
        drop(l, ERR_DEADLINE);
    arm_next(l);
}

/* ---- outside ---- */

enum err redis_link_new(const struct redis_link_opts *opts, struct redis_link **out)
{
    struct redis_link *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->opts = *opts;
    l->fd = -1;
    l->last = &l->first;
    l->turn.run = on_turn;
    l->retry.on_time = on_retry;
    buf_init(&l->out, REDIS_OUT_MAX);
    l->input = malloc(REDIS_READ);
    l->clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    enum err e = !l->input ? ERR_NOMEM : l->clock_fd < 0 ? ERR_SYSTEM : ERR_NONE;
    if (!e)
        e = loop_watch_level(opts->loop, &l->clock_io, l->clock_fd, on_clock);
    if (e) {
        redis_link_free(l);
        return e;
    }
    timer_set(opts->timers, &l->retry, loop_now(opts->loop));
    *out = l;
    return ERR_NONE;
}

void redis_link_stop(struct redis_link *l)
{
    l->stopped = true;
    timer_drop(&l->retry);
    loop_later_cancel(l->opts.loop, &l->turn);
    drop(l, ERR_CANCELLED);
    breaker_worked(&l->breaker);
    report(l);
}

void redis_link_free(struct redis_link *l)
{
    if (!l)
        return;
    must(!l->looking);
    redis_link_stop(l);
    if (l->clock_fd >= 0) {
        loop_unwatch(&l->clock_io);
        close(l->clock_fd);
    }
    free(l->input);
    free(l);
}

bool redis_link_usable(const struct redis_link *l)
{
    return !l->stopped && !breaker_is_open(&l->breaker);
}

bool redis_link_ready(const struct redis_link *l) { return l->ready; }

enum err redis_link_send(struct redis_link *l, const struct str *words, unsigned count,
                         uint64_t deadline, redis_answer_fn *answer, void *owner)
{
    struct slot slot = {NULL, answer, owner, loop_now(l->opts.loop), deadline};
    if (!redis_link_usable(l))
        return ERR_BUSY;
    if (l->state == DOWN)
        start(l);
    if (l->state == DOWN)
        return ERR_NOMEM;
    TRY(queue(l, words, count, &slot));
    if (!l->armed || deadline < l->armed)
        arm(l, deadline);
    if (l->state == UP)
        loop_later(l->opts.loop, &l->turn);
    return ERR_NONE;
}

void redis_link_fault(struct redis_link *l)
{
    count_failure(l);
    if (breaker_is_open(&l->breaker))
        drop(l, ERR_IO);
}
