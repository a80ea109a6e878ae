/* A connection's life: read, parse, hand over to an exchange, and again. The socket is registered
 * once, edge-triggered, so `readable` remembers what the loop said until a read comes up short. A
 * conn lives from service_accept to the end of the turn in which conn_end was called. */
#include "edge/serve/conn.h"

#include "edge/base/clock.h"
#include "edge/base/must.h"
#include "edge/guard/proxy.h"
#include "edge/http/head.h"
#include "edge/http/problem.h"
#include "edge/serve/exchange.h"
#include "edge/serve/pace.h"
#include "edge/wire/link.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_TIME (2 * CLOCK_SECOND)
enum {
    LINGER_MAX = 256 * 1024,
    LINE_SHARE = 8 * 1024, /* bytes of a request line, or half of max_header if that is more */
    TURN = 32,             /* requests sent ahead that are answered before others get their turn */
};

static void unlink_conn(struct conn *c)
{
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    c->service->conn_count--;
    atomic_fetch_sub_explicit(c->service->open, 1, memory_order_relaxed);
    limiter_leave(c->place);
    if (c->listener)
        pace_leave(c);
}

static void conn_free(struct conn *c)
{
    free(c->saved);
    free(c);
}

void conn_end(struct conn *c, enum close_reason reason)
{
    struct service *s = c->service;
    if (c->ended)
        return;
    c->ended = true;
    if (c->exchange)
        exchange_abort(c->exchange, reason);
    must(!c->exchange);
    loop_unwatch(&c->io);
    timer_drop(&c->timer);
    close(c->fd);
    unlink_conn(c);
    counters_sub(s->counters, COUNTER_CONNECTIONS, 1);
    counters_add(s->counters, counters_closed(reason), 1);
    loop_later(s->loop, &c->again);
    s->on_close(s->arg);
}

void conn_later(struct conn *c) { loop_later(c->service->loop, &c->again); }

/* The kernel says that there is room only when much has drained, so a slow client is seen to take
 * something by what is left in the send queue: the timer looks twice a write_timeout. */
static void look_again(struct conn *c)
{
    struct service *s = c->service;
    timer_set(s->timers, &c->timer, loop_now(s->loop) + s->opts->write_timeout / 2);
}

void conn_expect_writable(struct conn *c)
{
    c->unsent = UINT32_MAX;
    c->stalls = 0;
    look_again(c);
}

static void look_at_progress(struct conn *c)
{
    uint32_t unsent = link_unsent(c->fd);
    c->stalls = unsent < c->unsent ? 0 : (uint8_t)(c->stalls + 1);
    c->unsent = unsent;
    if (c->stalls < 2)
        look_again(c);
    else
        conn_end(c, CLOSE_WRITE_TIMEOUT);
}

/* ---- waiting for a request ---- */

static void expect_request(struct conn *c)
{
    struct service *s = c->service;
    uint64_t now = loop_now(s->loop);
    if (c->head_since)
        timer_set(s->timers, &c->timer, c->head_since + s->opts->header_timeout);
    else
        timer_set(s->timers, &c->timer,
                  now + (c->served ? s->opts->idle_timeout : s->opts->header_timeout));
}

/* Bytes that are no whole request, or that came ahead of their turn. False: no memory. */
static bool save(struct conn *c, struct str rest)
{
    if (rest.n == 0) {
        free(c->saved);
        c->saved = NULL;
        c->saved_len = 0;
        return true;
    }
    unsigned char *bytes = malloc(rest.n);
    if (!bytes)
        return false;
    memcpy(bytes, rest.p, rest.n);
    free(c->saved);
    c->saved = bytes;
    c->saved_len = (uint32_t)rest.n;
    return true;
}

/* Without the blank line of RFC 9112 2.2, which is not yet a request's beginning. */
static uint64_t since_first_byte(struct conn *c, struct str bytes)
{
    while (bytes.n && (bytes.p[0] == '\r' || bytes.p[0] == '\n'))
        bytes = str_from(bytes, 1);
    if (bytes.n == 0)
        return 0;
    return c->head_since ? c->head_since : loop_now(c->service->loop);
}

static struct str skip_body(struct conn *c, struct str bytes)
{
    size_t n = bytes.n < c->skip ? bytes.n : c->skip;
    c->skip -= (uint32_t)n;
    return str_from(bytes, n);
}

/* The head has come, and its deadline is over. */
static uint64_t take_since(struct conn *c)
{
    timer_off(&c->timer);
    uint64_t since = c->head_since ? c->head_since : loop_now(c->service->loop);
    c->head_since = 0;
    return since;
}

static void refuse(struct conn *c, enum err e) { exchange_refuse(c, e, take_since(c)); }

static void begin(struct conn *c)
{
    uint64_t body = c->service->request.body;
    c->served = true;
    if (body > LINGER_MAX) {
        refuse(c, ERR_TOO_BIG);
        return;
    }
    c->skip = (uint32_t)body;
    exchange_start(c, take_since(c));
}

static size_t line_share(size_t max_header)
{
    size_t share = max_header / 2 > LINE_SHARE ? max_header / 2 : LINE_SHARE;
    return share < max_header ? share : max_header;
}

/* ---- turning away ---- */

/* No request was read, but what is said is an answer as any other. */
static struct str too_many(struct service *s)
{
    static const char body[] = "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
                               "\"status\":503,\"detail\":\"too many connections\"}\n";
    struct head h;
    head_init(&h, s->head, sizeof s->head);
    head_status(&h, 503);
    head_lit(&h, service_date(s));
    head_lit(&h, STR("Connection: close\r\nRetry-After: 1\r\nCache-Control: no-store\r\n"
                     "Content-Type: " PROBLEM_TYPE "\r\n"));
    head_field_u64(&h, STR("Content-Length: "), sizeof body - 1);
    head_lit(&h, s->opts->common);
    head_lit(&h, STR("\r\n"));
    head_lit(&h, (struct str){body, sizeof body - 1});
    counters_add(s->counters, counters_code(503), 1);
    return head_bytes(&h);
}

static void turn_away(struct service *s, int fd)
{
    counters_add(s->counters, COUNTER_CLOSED_OVERLOAD, 1);
    link_refuse(fd, too_many(s));
}

static void start_lingering(struct conn *c, enum close_reason reason)
{
    c->linger = true;
    c->reason = (uint8_t)reason;
    shutdown(c->fd, SHUT_WR);
    timer_set(c->service->timers, &c->timer, loop_now(c->service->loop) + LINGER_TIME);
}

/* One that has said who he is, and may not be here once more. */
static void turn_away_late(struct conn *c)
{
    struct str answer = too_many(c->service);
    struct iovec part = {(void *)(uintptr_t)answer.p, answer.n};
    counters_add(c->service->counters, COUNTER_DENIED_CONNECTIONS, 1);
    if (link_write(c->fd, &part, 1, 0).state == LINK_OK)
        start_lingering(c, CLOSE_OVERLOAD);
    else
        conn_end(c, CLOSE_OVERLOAD);
}

/* ---- requests ---- */

/* The client is another than we thought when we accepted. False: he has too many already. */
static bool count_client(struct conn *c)
{
    const struct service_opts *o = c->service->opts;
    if (!o->counts || networks_have(&o->proxies, c->peer.ip))
        return true;
    return limiter_join(o->counts, c->peer.ip, o->connections, &c->place);
}

/* The first bytes of a connection by way of a proxy, once. False: they are not whole yet, or the
 * connection is over; bytes that are no header are no request either, so nothing is answered. */
static __attribute__((noinline, cold)) bool take_proxy(struct conn *c, struct str *bytes)
{
    struct service *s = c->service;
    struct proxy said;
    enum err e = proxy_parse(*bytes, &said);
    if (e == ERR_AGAIN) {
        c->head_since = c->head_since ? c->head_since : loop_now(s->loop);
        return false;
    }
    if (e) {
        *bytes = (struct str){NULL, 0};
        conn_end(c, CLOSE_BAD_PROXY);
        return false;
    }
    c->proxied = false;
    c->head_since = 0;
    *bytes = str_from(*bytes, said.n);
    if (said.known) {
        memcpy(c->peer.ip, said.ip, sizeof c->peer.ip);
        c->peer.port = said.port;
    }
    if (!said.known || count_client(c))
        return true;
    *bytes = (struct str){NULL, 0};
    turn_away_late(c);
    return false;
}

/* Requests one after the other, as long as each is answered at once; *turn counts them down. What
 * is left is returned. */
static struct str take_requests(struct conn *c, struct str bytes, unsigned *turn)
{
    struct service *s = c->service;
    struct h1_limits limits = {s->opts->max_header, line_share(s->opts->max_header)};
    if (c->proxied && !take_proxy(c, &bytes))
        return bytes;
    while (bytes.n && *turn && !c->exchange && !c->ended && !c->linger) {
        size_t searched = c->searched;
        bytes = skip_body(c, bytes);
        c->head_since = since_first_byte(c, bytes);
        if (bytes.n == 0)
            break;
        enum err e = h1_parse(bytes, &limits, s->opts->admin, &searched, &s->request);
        c->searched = (uint32_t)searched;
        if (e == ERR_AGAIN)
            break;
        c->searched = 0;
        if (e) {
            refuse(c, e);
            return (struct str){NULL, 0};
        }
        bytes = str_from(bytes, s->request.head.n);
        (*turn)--;
        begin(c);
    }
    return bytes;
}

/* ---- reading ---- */

static void on_no_more(struct conn *c, struct link_result r)
{
    c->readable = false;
    if (r.state == LINK_AGAIN)
        return;
    if (c->linger)
        conn_end(c, c->reason);
    else
        conn_end(c, r.state == LINK_GONE ? CLOSE_RESET : CLOSE_HANGUP);
}

/* An answer was sent for the last time: what the client still sends is thrown away, so that our
 * closing does not reset the connection under the answer (RFC 9112 9.6). */
static void linger_read(struct conn *c)
{
    struct service *s = c->service;
    while (c->readable && !c->ended) {
        struct link_result r = link_read(c->fd, s->input, s->input_room);
        if (r.state != LINK_OK) {
            on_no_more(c, r);
            return;
        }
        c->lingered += (uint32_t)r.n;
        if (c->lingered > LINGER_MAX)
            conn_end(c, c->reason);
    }
}

/* What was saved goes first, then one read behind it. False: nothing new to work on. */
static bool gather(struct conn *c, struct str *bytes, bool fresh)
{
    struct service *s = c->service;
    size_t n = c->saved_len;
    must(n <= s->input_room);
    if (n)
        memcpy(s->input, c->saved, n);
    *bytes = (struct str){(char *)s->input, n};
    if (!c->readable || n == s->input_room)
        return fresh && n;
    struct link_result r = link_read(c->fd, s->input + n, s->input_room - n);
    if (r.state != LINK_OK) {
        if (fresh && n && r.state == LINK_END)
            return true; /* requests sent ahead, then a half-close: they are answered first */
        on_no_more(c, r);
        return fresh && n && !c->ended;
    }
    /* A short read has emptied the socket; after a FIN one more read has to see the end. */
    c->readable = r.n == s->input_room - n || c->hangup;
    bytes->n += r.n;
    return true;
}

/* `fresh`: what is saved has not been looked at yet, since an exchange stood before it. */
static void conn_work(struct conn *c, bool fresh)
{
    unsigned turn = TURN;
    c->working = true;
    while (turn && !c->exchange && !c->ended && !c->linger) {
        struct str bytes;
        if (!gather(c, &bytes, fresh))
            break;
        fresh = false;
        struct str rest = take_requests(c, bytes, &turn);
        if (c->ended)
            return;
        if (!save(c, rest)) {
            conn_end(c, CLOSE_ERROR);
            return;
        }
        /* Nothing was written, so only one more read tells of a reset that came with the bytes:
         * libevent does not say CLOSED of one. */
        c->readable |= rest.n > 0;
    }
    c->working = false;
    if (c->linger && !c->ended)
        linger_read(c);
    else if (!c->exchange && !c->ended)
        expect_request(c);
    if (!turn)
        conn_later(c);
}

void conn_drain(struct conn *c)
{
    if (c->exchange || c->linger)
        return;
    c->readable = true;
    conn_work(c, true);
    if (!c->ended && !c->exchange && !c->linger && !c->saved_len)
        conn_end(c, CLOSE_DRAIN);
}

/* ---- events ---- */

static void on_io(struct loop_io *io, unsigned what)
{
    struct conn *c = (struct conn *)io;
    if (c->ended)
        return;
    c->readable |= (what & (LOOP_READ | LOOP_CLOSED)) != 0;
    c->hangup |= (what & LOOP_CLOSED) != 0;
    if (!c->exchange)
        conn_work(c, false);
    else if ((what & (LOOP_READ | LOOP_CLOSED)) && link_is_broken(c->fd))
        conn_end(c, CLOSE_RESET);
    else
        exchange_go(c->exchange);
}

static void on_again(struct loop_task *task)
{
    struct conn *c = (struct conn *)((char *)task - offsetof(struct conn, again));
    if (c->ended)
        conn_free(c);
    else if (c->exchange)
        exchange_go(c->exchange);
    else
        conn_work(c, true);
}

static void refuse_slow(struct conn *c)
{
    struct h1_request *r = &c->service->request;
    *r = (struct h1_request){.why = "the request head took longer than header_timeout"};
    (void)save(c, (struct str){NULL, 0}); /* emptying needs no memory */
    refuse(c, ERR_SLOW_HEAD);
}

static void on_time(struct timer *t)
{
    struct conn *c = (struct conn *)((char *)t - offsetof(struct conn, timer));
    if (c->exchange && c->exchange->pace && pace_waits(c->exchange))
        exchange_go(c->exchange);
    else if (c->exchange)
        look_at_progress(c);
    else if (c->linger)
        conn_end(c, c->reason);
    else if (c->proxied)
        conn_end(c, CLOSE_HEADER_TIMEOUT);
    else if (c->head_since)
        refuse_slow(c);
    else
        conn_end(c, c->served ? CLOSE_IDLE : CLOSE_HEADER_TIMEOUT);
}

/* Called from within conn_work when the answer went at once: then that goes on with what came. */
void conn_exchange_over(struct conn *c, bool keep, enum close_reason reason)
{
    must(!c->exchange && !c->ended);
    timer_off(&c->timer);
    if (keep && !c->service->draining) {
        if (!c->working)
            conn_later(c);
        return;
    }
    if (keep)
        reason = CLOSE_DRAIN;
    /* Who was told that his bytes were wrong may still be sending them; so may who is readable. */
    if (c->readable || reason == CLOSE_BAD_REQUEST || reason == CLOSE_HEADER_TIMEOUT ||
        reason == CLOSE_KEEPALIVE_OFF)
        start_lingering(c, reason);
    else
        conn_end(c, reason);
    if (!c->ended && !c->working)
        conn_later(c);
}

/* One more of all services' connections, if there is room for it. */
static bool take_place(struct service *s)
{
    if (atomic_fetch_add_explicit(s->open, 1, memory_order_relaxed) < s->opts->max_connections)
        return true;
    atomic_fetch_sub_explicit(s->open, 1, memory_order_relaxed);
    return false;
}

static struct conn *conn_new(struct service *s, int fd, const struct address *peer)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c || loop_watch(s->loop, &c->io, fd, on_io)) {
        free(c);
        return NULL;
    }
    c->service = s;
    c->fd = fd;
    c->peer = *peer;
    c->again.run = on_again;
    c->timer.on_time = on_time;
    c->next = s->conns;
    c->link = &s->conns;
    if (c->next)
        c->next->link = &c->next;
    s->conns = c;
    s->conn_count++;
    return c;
}

/* Only the proxy says who the client is: who is none could say anything. */
static void refuse_proxy(struct service *s, int fd)
{
    counters_add(s->counters, COUNTER_CONNECTIONS_ACCEPTED, 1);
    counters_add(s->counters, COUNTER_CLOSED_BAD_PROXY, 1);
    close(fd);
}

void service_accept(struct service *s, int fd, const struct address *peer, bool proxied)
{
    struct limiter_entry *held = NULL;
    bool trusted = s->opts->proxies.count && networks_have(&s->opts->proxies, peer->ip);
    if (proxied && !trusted) {
        refuse_proxy(s, fd);
        return;
    }
    bool counted = s->opts->counts && !trusted;
    if (counted && !limiter_join(s->opts->counts, peer->ip, s->opts->connections, &held)) {
        counters_add(s->counters, COUNTER_CONNECTIONS_ACCEPTED, 1);
        counters_add(s->counters, COUNTER_DENIED_CONNECTIONS, 1);
        turn_away(s, fd);
        return;
    }
    bool place = take_place(s);
    struct conn *c = place ? conn_new(s, fd, peer) : NULL;
    counters_add(s->counters, COUNTER_CONNECTIONS_ACCEPTED, 1);
    if (c) {
        c->place = held;
        c->proxied = proxied;
        counters_add(s->counters, COUNTER_CONNECTIONS, 1);
        expect_request(c);
        return;
    }
    limiter_leave(held);
    if (place)
        atomic_fetch_sub_explicit(s->open, 1, memory_order_relaxed);
    turn_away(s, fd);
}
