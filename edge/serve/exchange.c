/* The stages of an exchange. It runs on one loop; while it goes straight through, the request's
 * bytes are still where they were read and nothing is copied; the first time it parks it takes them
 * into its arena. An exchange is a spare again after `record`. */
#include "edge/serve/exchange.h"

#include "edge/base/buf.h"
#include "edge/base/clock.h"
#include "edge/base/must.h"
#include "edge/http/head.h"
#include "edge/http/problem.h"
#include "edge/http/uri.h"
#include "edge/serve/admit.h"
#include "edge/serve/body.h"
#include "edge/serve/hand_on.h"
#include "edge/serve/pace.h"
#include "edge/serve/reply.h"
#include "edge/serve/route.h"
#include "edge/wire/link.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct stage {
    const char *name;
    enum step (*run)(struct exchange *x);
};

enum stage_number { ADMIT, ROUTE, LOOKUP, DECIDE, ANSWER, PACE, SEND, STAGES };

const struct address *exchange_client(const struct exchange *x)
{
    return x->client ? x->client : &x->conn->peer;
}

/* ---- settling the answer ---- */

static void give_back(struct reply *r)
{
    supply_give_back(r->object, r->source, r->held);
    r->object = r->source = NULL;
    r->held = NULL;
    r->ranges = NULL;
}

enum step exchange_give(struct exchange *x, int status, struct object *object)
{
    give_back(&x->reply);
    x->reply.status = object ? status : 503;
    x->reply.object = object;
    x->stage = object ? (uint8_t)(DECIDE - 1) : (uint8_t)(ANSWER - 1);
    return STEP_ON;
}

/* The body of an error is an object like any other; without memory for it the head must do. */
static struct object *problem_object(int status, struct str detail)
{
    struct key key = key_make(OBJECT_REPLY, STR("problem"), 0, CONTAINER_COUNT, 0);
    struct buf b;
    size_t n;
    buf_init(&b, BUF_MAX_PROBLEM);
    problem_write(&b, status, str_slice(detail, 0, BUF_MAX_PROBLEM / 8));
    if (buf_status(&b))
        buf_fini(&b);
    unsigned char *text = buf_take(&b, &n);
    struct object *o = text ? object_of_bytes(&key, text, n) : NULL;
    if (o && object_describe(o, PROBLEM_TYPE, "no-store")) {
        object_unref(o);
        o = NULL;
    }
    return o;
}

enum step exchange_fail_status(struct exchange *x, int status, struct str detail, struct str extra)
{
    struct object *o = problem_object(status, detail);
    give_back(&x->reply);
    x->reply.status = o ? status : 503;
    x->reply.object = o;
    x->reply.extra = extra;
    x->stage = ANSWER - 1;
    return STEP_ON;
}

enum step exchange_fail(struct exchange *x, enum err e, struct str detail)
{
    struct str extra = STR("");
    int status = err_status(e);
    if (e == ERR_METHOD)
        extra = x->service->opts->admin ? STR("Allow: GET, HEAD, POST, OPTIONS\r\n")
                                        : STR("Allow: GET, HEAD, OPTIONS\r\n");
    else if (status == 503)
        extra = STR("Retry-After: 1\r\n");
    return exchange_fail_status(x, status, detail.n ? detail : str_of(err_text(e)), extra);
}

/* ---- the stages ---- */

static enum step give_options(struct exchange *x)
{
    x->reply.status = 204;
    x->reply.head_only = true;
    x->reply.extra = x->service->opts->preflight;
    x->stage = ANSWER - 1;
    return STEP_ON;
}

static enum step run_admit(struct exchange *x)
{
    if (x->service->opts->proxies.count)
        admit_forwarded(x);
    if (x->service->opts->buckets && !admit_rate(x))
        return STEP_ON;
    switch (x->request->method) {
    case METHOD_HEAD:
        x->reply.head_only = true;
        return STEP_ON;
    case METHOD_GET:
        return STEP_ON;
    case METHOD_OPTIONS:
        return give_options(x);
    case METHOD_POST:
        return x->service->opts->admin ? STEP_ON : exchange_fail(x, ERR_METHOD, STR(""));
    default:
        return exchange_fail(x, ERR_METHOD, STR(""));
    }
}

/* What http.referers is about: the player's page may be linked from anywhere. */
static bool is_media(const struct route *r) { return r->run == get_hls || r->run == get_audio; }

static enum step run_route(struct exchange *x)
{
    struct str rest;
    size_t room = x->request->path.n + 2;
    char *memory = room <= BUF_MAX_PATH ? arena_alloc(&x->arena, room) : NULL;
    if (!memory)
        return exchange_fail(x, room > BUF_MAX_PATH ? ERR_URI_LONG : ERR_NOMEM, STR(""));
    enum err e = uri_decode_path(x->request->path, memory, room, &x->path);
    if (e)
        return exchange_fail(x, e, STR(""));
    if (x->service->opts->keys && !admit_signed(x))
        return STEP_ON;
    const struct route *r = route_find(x->service->routes, x->path, &rest);
    if (!r)
        return exchange_fail(x, ERR_NOT_FOUND, STR(""));
    bool posts = x->request->method == METHOD_POST;
    if (r->posts != posts)
        r = route_find(r + 1, x->path, &rest);
    if (!r || r->posts != posts)
        return exchange_fail(x, ERR_METHOD, STR(""));
    if (x->service->opts->referers && is_media(r) && !admit_referer(x))
        return STEP_ON;
    x->wish.container = CONTAINER_COUNT;
    return r->run(x, rest);
}

static void granted(struct wish *w)
{
    struct exchange *x = (struct exchange *)((char *)w - offsetof(struct exchange, wish));
    x->asks = false;
    exchange_go(x);
}

/* Served while its file is looked at again. */
static struct str stale_field(struct exchange *x, uint32_t age)
{
    enum { ROOM = 80 };
    struct head h;
    char *line = arena_alloc(&x->arena, ROOM);
    if (!line)
        return (struct str){NULL, 0};
    head_init(&h, line, ROOM);
    head_lit(&h, STR("Cache-Status: segue; hit; detail=stale\r\n"));
    head_field_u64(&h, STR("Age: "), age);
    return head_bytes(&h);
}

/* RFC 9211, and RFC 9111 5.1: what is kept is known to be right until inotify says otherwise, so
 * it has no age. */
static struct str cache_field(struct exchange *x, const struct wish *w)
{
    switch (w->how) {
    case WISH_HIT:
        return w->doubted ? stale_field(x, w->age)
                          : STR("Cache-Status: segue; hit; detail=memory\r\nAge: 0\r\n");
    case WISH_JOINED:
        return STR("Cache-Status: segue; fwd=miss; collapsed\r\n");
    case WISH_REDIS:
        return STR("Cache-Status: segue; fwd=miss; stored; detail=redis\r\n");
    default:
        return w->stored ? STR("Cache-Status: segue; fwd=miss; stored\r\n")
                         : STR("Cache-Status: segue; fwd=miss\r\n");
    }
}

/* The playlist, with URIs that open what it was opened with. */
static enum step give_heir(struct exchange *x)
{
    enum err e = hand_on(x);
    return e ? exchange_fail(x, e == ERR_CONFIG ? ERR_URI_LONG : e, STR("")) : STEP_ON;
}

static enum step take_wish(struct exchange *x)
{
    struct wish *w = &x->wish;
    if (w->err) {
        struct str why = w->object ? object_why(w->object) : str_of(err_text(w->err));
        enum step step = exchange_fail(x, w->err, why);
        supply_leave(w);
        return step;
    }
    x->reply.status = 200;
    x->reply.object = w->object;
    x->reply.source = w->source;
    x->reply.cache = cache_field(x, w);
    x->reply.hit = w->how == WISH_HIT;
    x->reply.held = w->held;
    w->object = w->source = NULL;
    w->held = NULL;
    supply_leave(w);
    return x->heir && hand_on_settle(x) ? give_heir(x) : STEP_ON;
}

static enum step run_lookup(struct exchange *x)
{
    if (x->stage != LOOKUP)
        return STEP_ON; /* a route has settled it */
    if (x->asks && !x->wish.granted) {
        x->wish.granted = granted;
        if (!supply_ask(&x->service->seat, &x->wish, loop_now(x->service->loop)))
            return STEP_PARK; /* woken by granted() */
        x->asks = false;
    }
    return x->asks ? STEP_PARK : take_wish(x);
}

static enum step run_decide(struct exchange *x)
{
    reply_decide(x);
    return STEP_ON;
}

/* Decided before the head is written: whether another request may follow. */
static enum step run_answer(struct exchange *x)
{
    if (x->service->draining && x->keep_alive) {
        x->keep_alive = false;
        x->reason = CLOSE_DRAIN;
    }
    enum err e = reply_write(x);
    if (e) {
        x->gone = true;
        x->reason = CLOSE_ERROR;
        return STEP_END;
    }
    if (!x->service->opts->debts || !pace_begin(x))
        x->stage = PACE; /* that is passed over */
    return STEP_ON;
}

static enum step run_send(struct exchange *x) { return body_send(x); }

static const struct stage stages[STAGES] = {
    [ADMIT] = {"admit", run_admit},    [ROUTE] = {"route", run_route},
    [LOOKUP] = {"lookup", run_lookup}, [DECIDE] = {"decide", run_decide},
    [ANSWER] = {"answer", run_answer}, [PACE] = {"pace", pace_send},
    [SEND] = {"send", run_send},
};

/* ---- the end ---- */

static struct str field_or_empty(const struct h1_request *r, enum field f)
{
    struct str value = {NULL, 0};
    return h1_field(r, f, &value) ? value : (struct str){NULL, 0};
}

static struct spoken spoken_of(const struct h1_request *r)
{
    return (struct spoken){
        .method = r->method_text,
        .target = r->target,
        .referer = field_or_empty(r, FIELD_REFERER),
        .user_agent = field_or_empty(r, FIELD_USER_AGENT),
        .range = field_or_empty(r, FIELD_RANGE),
    };
}

static struct str cache_word(const struct exchange *x)
{
    if (!x->reply.cache.n)
        return x->reply.cache;
    return x->reply.hit ? STR("hit") : STR("miss");
}

/* Until the answer began: what a client that reads slowly does not make longer. */
static uint64_t waited(const struct exchange *x, uint64_t now)
{
    return (x->answered ? x->answered : now) - x->started;
}

static void write_access(struct exchange *x, uint64_t now, bool aborted, enum close_reason close)
{
    struct sockaddr_storage client;
    address_sockaddr(exchange_client(x), &client);
    uint64_t body = x->body.sent > x->head_bytes ? x->body.sent - x->head_bytes : 0;
    struct spoken said = x->spoken ? *x->spoken : spoken_of(x->request);
    struct access_entry entry = {
        .when_ns = clock_wall_ns(),
        .duration_ns = now - x->started,
        .wait_ns = waited(x, now),
        .bytes = body,
        .client = (struct sockaddr *)&client,
        .method = said.method,
        .target = said.target,
        .version = x->minor ? STR("HTTP/1.1") : STR("HTTP/1.0"),
        .referer = said.referer,
        .user_agent = said.user_agent,
        .range = said.range,
        .cache = cache_word(x),
        .status = x->reply.status,
        .close = close,
        .aborted = aborted,
        .denied = str_of(x->denied),
    };
    access_write(x->service->access, &entry);
}

/* The client went before its answer was whole; a file that broke off is no abort of theirs. */
static bool is_abort(enum close_reason reason)
{
    return reason == CLOSE_RESET || reason == CLOSE_HANGUP || reason == CLOSE_WRITE_TIMEOUT;
}

/* Bytes that it would have got. While a file is looked for nobody knows: the look-up counts. */
static uint64_t unsent(struct exchange *x)
{
    x->wish.whole = x->asks && !x->pace && x->wish.kind == WISH_FILE && reply_is_whole(x);
    return x->body.left + (x->pace ? pace_left(x) : 0);
}

static void record(struct exchange *x, bool whole, enum close_reason close)
{
    struct service *s = x->service;
    uint64_t now = clock_mono(); /* the loop's own stands still for the whole turn */
    bool aborted = !whole && is_abort(close);
    if (!x->reply.status || (aborted && !x->answered))
        x->reply.status = 499;
    counters_add(s->counters, counters_code(x->reply.status), 1);
    histogram_add(s->histogram, now - x->started);
    if (aborted) {
        counters_add(s->counters, COUNTER_ABORTS, 1);
        counters_add(s->counters, COUNTER_ABORT_BYTES_UNSENT, unsent(x));
    }
    if (access_wants(s->access, waited(x, now)))
        write_access(x, now, aborted, close);
}

static void exchange_free(struct exchange *x)
{
    arena_fini(&x->arena);
    free(x);
}

/* Back to the spares, everything given up. */
static void release(struct exchange *x)
{
    struct service *s = x->service;
    if (x->pace)
        pace_end(x);
    body_cancel(x);
    supply_leave(&x->wish);
    give_back(&x->reply);
    if (x->keys)
        hand_on_leave(x);
    x->conn->exchange = NULL;
    if (s->spare_count >= SERVICE_SPARES) {
        exchange_free(x);
        return;
    }
    arena_reset(&x->arena);
    x->next = s->spares;
    s->spares = x;
    s->spare_count++;
}

void exchange_free_spares(struct service *s)
{
    while (s->spares) {
        struct exchange *x = s->spares;
        s->spares = x->next;
        exchange_free(x);
    }
    s->spare_count = 0;
}

static void finish(struct exchange *x)
{
    struct conn *c = x->conn;
    bool keep = x->keep_alive;
    enum close_reason reason = x->reason;
    record(x, true, keep ? CLOSE_COUNT : reason);
    release(x);
    conn_exchange_over(c, keep, reason);
}

void exchange_abort(struct exchange *x, enum close_reason reason)
{
    record(x, false, reason);
    release(x);
}

/* ---- running ---- */

/* A look-up needs the whole request afterwards: its head is copied and read again. */
static bool keep_request(struct exchange *x)
{
    const struct h1_request *r = x->request;
    size_t searched = 0;
    struct h1_limits limits = {r->head.n, r->head.n};
    size_t room = offsetof(struct h1_request, kept) + r->kept_count * sizeof(struct h1_kept);
    struct h1_request *again = arena_alloc(&x->arena, room);
    struct str head = arena_str(&x->arena, r->head);
    if (!again || !head.n || h1_parse(head, &limits, x->service->opts->admin, &searched, again))
        return false;
    x->request = again;
    return true;
}

/* Sending needs no more than what the log will say. */
static bool keep_spoken(struct exchange *x)
{
    struct spoken said = spoken_of(x->request);
    struct spoken *kept = arena_alloc(&x->arena, sizeof *kept);
    if (!kept)
        return false;
    *kept = (struct spoken){
        .method = arena_str(&x->arena, said.method),
        .target = arena_str(&x->arena, said.target),
        .referer = arena_str(&x->arena, said.referer),
        .user_agent = arena_str(&x->arena, said.user_agent),
        .range = arena_str(&x->arena, said.range),
    };
    x->spoken = kept;
    x->request = NULL;
    return true;
}

/* What is needed of the request beyond this turn; false: no memory. */
static bool keep(struct exchange *x)
{
    if (x->kept)
        return true;
    x->kept = true;
    return x->stage >= PACE ? keep_spoken(x) : keep_request(x);
}

/* The head is written in the service's scratch, which the next exchange uses too. */
static bool keep_head(struct exchange *x)
{
    struct body *b = &x->body;
    struct service *s = x->service;
    if (b->at || !b->count || b->spans[0].length == 0)
        return true;
    struct span *head = &b->spans[0];
    const char *at = (const char *)head->memory;
    if (at < s->head || at >= s->head + sizeof s->head)
        return true;
    struct str copy = arena_str(&x->arena, (struct str){at, (size_t)head->length});
    head->memory = (const unsigned char *)copy.p;
    return copy.n > 0;
}

/* A FIN while nothing was answered: a client that only shut down its sending side looks the same as
 * one that closed. An interim response, which every client of HTTP/1.1 discards (RFC 9110 15.2),
 * tells them apart: a closed socket answers it with a reset. */
static void probe(struct exchange *x)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec part = {(void *)(uintptr_t)interim, sizeof interim - 1};
    if (x->probed || x->answered || !x->conn->hangup || x->minor == 0)
        return;
    x->probed = true;
    if (link_write(x->conn->fd, &part, 1, 0).state == LINK_GONE)
        conn_end(x->conn, CLOSE_RESET);
}

static void park(struct exchange *x)
{
    bool first = !x->kept;
    x->body.resumed = true;
    if (!keep(x) || !keep_head(x)) {
        conn_end(x->conn, CLOSE_ERROR);
        return;
    }
    if (first && link_is_broken(x->conn->fd)) /* a reset that came with the request */
        conn_end(x->conn, CLOSE_RESET);
    else if (x->stage == LOOKUP)
        probe(x);
}

static void run(struct exchange *x)
{
    while (x->stage < STAGES) {
        enum step step = stages[x->stage].run(x);
        if (step == STEP_PARK) {
            park(x);
            return;
        }
        if (step == STEP_END) {
            conn_end(x->conn, x->reason);
            return;
        }
        x->stage++;
    }
    finish(x);
}

void exchange_go(struct exchange *x) { run(x); }

static struct exchange *exchange_take(struct conn *c, uint64_t started)
{
    struct service *s = c->service;
    struct exchange *x = s->spares;
    if (x) {
        s->spares = x->next;
        s->spare_count--;
    } else {
        x = malloc(sizeof *x);
        if (!x)
            return NULL;
        arena_init(&x->arena, EXCHANGE_MEMORY);
    }
    memset(&x->conn, 0, offsetof(struct exchange, few) - offsetof(struct exchange, conn));
    x->conn = c;
    x->service = s;
    x->request = &s->request;
    x->started = started;
    c->exchange = x;
    return x;
}

/* Nobody reads it: the parser has taken care that no other request follows. */
static bool has_body(const struct h1_request *r)
{
    return r->seen & (UINT64_C(1) << FIELD_CONTENT_LENGTH | UINT64_C(1) << FIELD_TRANSFER_ENCODING);
}

void exchange_start(struct conn *c, uint64_t started)
{
    struct exchange *x = exchange_take(c, started);
    if (!x) {
        conn_end(c, CLOSE_ERROR);
        return;
    }
    x->minor = x->request->minor;
    x->keep_alive = x->request->keep_alive;
    x->reason = has_body(x->request) ? CLOSE_KEEPALIVE_OFF : CLOSE_DONE;
    run(x);
}

void exchange_refuse(struct conn *c, enum err e, uint64_t started)
{
    struct exchange *x = exchange_take(c, started);
    if (!x) {
        conn_end(c, CLOSE_ERROR);
        return;
    }
    /* What the parser did not come to has no meaning. */
    x->request->seen = 0;
    x->request->kept_count = 0;
    x->minor = 1;
    x->reason = e == ERR_SLOW_HEAD ? CLOSE_HEADER_TIMEOUT : CLOSE_BAD_REQUEST;
    x->reply.head_only = str_eq(x->request->method_text, STR("HEAD")); /* RFC 9110 9.3.2 */
    (void)exchange_fail(x, e, str_of(x->request->why));
    x->stage = ANSWER;
    run(x);
}
