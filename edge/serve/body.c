/* The sender. A span of memory is gathered with those beside it into one sendmsg; one of the shelf
 * goes by sendfile, and so does one of the file, after the kernel has said that it is in memory; if
 * it is not, the chunk is looked for in Redis, and else a pool thread reads it ahead; the loop goes
 * on with others. */
#include "edge/serve/body.h"

#include "edge/base/must.h"
#include "edge/store/ahead.h"
#include "edge/wire/link.h"

#include <string.h>

enum {
    TURN = 1024 * 1024,         /* bytes before others get their turn */
    PIECE = 512 * 1024,         /* of a file: sent, or read ahead, as one */
    GATHER = 16,                /* spans of memory in one call */
    FILE_AT_ONCE = 60 * 1024,   /* up to so much of a file is sent together with its head, */
    MEMORY_AT_ONCE = 80 * 1024, /* and so much of memory */
    TOGETHER = 4096,            /* so little costs less to copy than a list of parts to hand over */
};

/* ---- reading ahead ---- */

static void on_read(void *owner, struct object *result)
{
    struct exchange *x = owner;
    struct body *b = &x->body;
    b->warming = NULL;
    if (!result || result->failure) {
        x->gone = true;
        x->reason = CLOSE_CUT_SHORT;
    }
    object_unref(result);
    exchange_go(x);
}

/* With all others who want the same bytes at the moment. */
static bool start_warming(struct exchange *x, uint64_t offset, uint64_t length)
{
    struct service *s = x->service;
    struct body *b = &x->body;
    struct index_span span = {offset, length};
    b->warming = ahead_read(&s->seat, x->reply.source, span, s->opts->buffer, on_read, x);
    if (!b->warming)
        return false;
    b->warm_from = offset;
    b->warm_to = offset + length;
    timer_off(&x->conn->timer); /* it is not the client who is waited for */
    return true;
}

static void on_piece(struct piece *p)
{
    exchange_go((struct exchange *)(void *)((char *)p - offsetof(struct exchange, body.piece)));
}

/* The file is cold at `offset`. STEP_ON: it is in x->body.piece. */
static enum step bring(struct exchange *x, uint64_t offset, uint64_t n)
{
    x->body.piece.came = on_piece;
    switch (piece_ask(&x->service->seat, x->reply.source, offset, &x->body.piece)) {
    case PIECE_HERE:
        return STEP_ON;
    case PIECE_COMES:
        timer_off(&x->conn->timer);
        return STEP_PARK;
    default:
        return start_warming(x, offset, n) ? STEP_PARK : STEP_END;
    }
}

static bool waits_for_file(const struct body *b) { return b->warming || b->piece.waiter; }

void body_cancel(struct exchange *x)
{
    piece_leave(&x->body.piece);
    if (x->body.warming)
        ahead_leave(&x->service->seat, x->body.warming);
    x->body.warming = NULL;
}

/* ---- sending ---- */

static enum step give_up(struct exchange *x, enum close_reason reason)
{
    x->gone = true;
    x->reason = reason;
    return STEP_END;
}

static void advance(struct body *b, uint64_t n)
{
    b->sent += n;
    b->left -= n;
    while (n) {
        struct span *s = &b->spans[b->at];
        uint64_t part = n < s->length ? n : s->length;
        s->offset += part;
        s->length -= part;
        if (s->memory)
            s->memory += part;
        n -= part;
        if (s->length == 0)
            b->at++;
    }
    while (b->at < b->count && b->spans[b->at].length == 0)
        b->at++;
}

/* What is more than a packet anyway is cheaper by a third, and its first byte there sooner, when
 * the head goes ahead: the client reads it while the rest is sent, and pages of a file keep to
 * packets of their own (nginx-compare/PROFILE.md has the figures). */
static bool head_goes_alone(const struct body *b)
{
    return b->sent == 0 && b->left > MEMORY_AT_ONCE && b->spans[b->count - 1].memory;
}

/* The parts become one. */
static int put_together(struct iovec *parts, int n, unsigned char *at)
{
    size_t length = 0;
    for (int i = 0; i < n; i++) {
        memcpy(at + length, parts[i].iov_base, parts[i].iov_len);
        length += parts[i].iov_len;
    }
    parts[0] = (struct iovec){at, length};
    return 1;
}

/* *wanted: bytes that were offered. A socket that took fewer of them is full and says so when it is
 * not any more, so there is no need to ask it again (a file may have ended as well: see send_file).
 */
static struct link_result send_memory(struct exchange *x, uint64_t *wanted)
{
    struct body *b = &x->body;
    struct iovec parts[GATHER];
    unsigned char together[TOGETHER];
    int n = 0;
    bool more = b->left <= FILE_AT_ONCE;
    unsigned i = b->at, last = head_goes_alone(b) ? i + 1 : b->count;
    *wanted = 0;
    for (; i < last && n < GATHER && (b->spans[i].memory || !b->spans[i].length); i++) {
        if (b->spans[i].length)
            parts[n++] = (struct iovec){(void *)(uintptr_t)b->spans[i].memory, b->spans[i].length};
        *wanted += b->spans[i].length;
    }
    if (n > 1 && *wanted <= sizeof together)
        n = put_together(parts, n, together);
    return link_write(x->conn->fd, parts, n, more && i < b->count);
}

/* Bytes from there on that were read into memory for us. */
static uint64_t read_ahead(const struct body *b, uint64_t offset)
{
    return offset >= b->warm_from && offset < b->warm_to ? b->warm_to - offset : 0;
}

/* From the piece at hand, if it holds what comes next. */
static bool send_piece(struct exchange *x, struct link_result *r, uint64_t *wanted)
{
    struct body *b = &x->body;
    struct span *s = &b->spans[b->at];
    uint64_t n;
    const unsigned char *bytes = s->shelved ? NULL : piece_at(&b->piece, s->offset, &n);
    if (!bytes)
        return false;
    *wanted = n < s->length ? n : s->length;
    struct iovec part = {(void *)(uintptr_t)bytes, (size_t)*wanted};
    *r = link_write(x->conn->fd, &part, 1, 0);
    return true;
}

/* STEP_ON: the first *n bytes of the span at hand are in memory, or some of them in the piece. */
static enum step make_ready(struct exchange *x, uint64_t *n)
{
    struct body *b = &x->body;
    struct span *s = &b->spans[b->at];
    struct source *source = x->reply.source->source;
    uint64_t ours = read_ahead(b, s->offset);
    uint64_t held;
    *n = s->length < PIECE ? s->length : PIECE;
    if (s->shelved)
        return STEP_ON;
    if (piece_at(&b->piece, s->offset, &held))
        return STEP_ON;
    if (ours) {
        *n = *n < ours ? *n : ours;
    } else if (!source_is_warm(source, s->offset, *n, loop_now(x->service->loop))) {
        enum step step = bring(x, s->offset, *n);
        return step == STEP_END ? give_up(x, CLOSE_ERROR) : step;
    }
    return STEP_ON;
}

/* STEP_ON: it was tried, *r says how it went. */
static enum step send_file(struct exchange *x, struct link_result *r, uint64_t *wanted)
{
    uint64_t n;
    const struct span *s = &x->body.spans[x->body.at];
    const struct reply *reply = &x->reply;
    int file = s->shelved ? shelf_fd(reply->object->shelf) : reply->source->source->fd;
    enum step step = make_ready(x, &n);
    if (step == STEP_ON && !send_piece(x, r, wanted))
        *r = link_send_file(x->conn->fd, file, s->offset, (size_t)n);
    return step;
}

/* What the last call to the socket means; STEP_ON: go on. */
static enum step judge(struct exchange *x, struct link_result r)
{
    if (r.state == LINK_OK) {
        if (!x->answered)
            x->answered = loop_now(x->service->loop);
        counters_add(x->service->counters, COUNTER_RESPONSE_BYTES, r.n);
        advance(&x->body, r.n);
        return STEP_ON;
    }
    if (r.state == LINK_AGAIN)
        return STEP_PARK;
    return give_up(x, r.state == LINK_GONE ? CLOSE_RESET : CLOSE_CUT_SHORT);
}

/* A client that only speaks, and takes nothing, does not move its deadline. */
static enum step wait_for_client(struct exchange *x, uint64_t before)
{
    if (x->body.sent != before || !timer_is_on(&x->conn->timer))
        conn_expect_writable(x->conn);
    return STEP_PARK;
}

static bool sends_file(const struct body *b)
{
    for (unsigned i = b->at; i < b->count; i++)
        if (!b->spans[i].memory && !b->spans[i].shelved && b->spans[i].length)
            return true;
    return false;
}

/* Bytes that were begun end as they began, or are cut short: a file that was written to since is
 * not sent on. */
static bool source_changed(const struct exchange *x)
{
    const struct object *source = x->reply.source;
    return x->body.resumed && source && source->source->fd >= 0 && sends_file(&x->body) &&
           !source_is_whole(source->source);
}

/* The held back bytes of a file at risk, read before it is looked at. */
static enum step take_tail(struct exchange *x)
{
    uint64_t n;
    struct body *b = &x->body;
    if (!b->guard || b->at != b->guard)
        return STEP_ON;
    enum step step = make_ready(x, &n);
    if (step != STEP_ON)
        return step;
    struct span *s = &b->spans[b->guard];
    const struct source *source = x->reply.source->source;
    unsigned char *bytes = arena_alloc(&x->arena, BODY_TAIL);
    const unsigned char *held = piece_at(&b->piece, s->offset, &n);
    bool whole = held && n >= s->length;
    if (bytes && whole)
        memcpy(bytes, held, (size_t)s->length);
    else if (!bytes || source_read(source, s->offset, bytes, (size_t)s->length, NULL))
        return give_up(x, CLOSE_CUT_SHORT);
    if (!source_is_whole(source))
        return give_up(x, CLOSE_CUT_SHORT);
    s->memory = bytes;
    b->guard = 0;
    return STEP_ON;
}

enum step body_send(struct exchange *x)
{
    struct body *b = &x->body;
    uint64_t before = b->sent;
    if (x->gone)
        return STEP_END;
    if (waits_for_file(b))
        return STEP_PARK;
    if (source_changed(x))
        return give_up(x, CLOSE_CUT_SHORT);
    while (b->left) {
        struct link_result r = {LINK_AGAIN, 0};
        must(b->at < b->count);
        if (b->sent - before >= TURN) {
            conn_later(x->conn);
            return wait_for_client(x, before);
        }
        enum step step = take_tail(x);
        uint64_t wanted = 0;
        if (step != STEP_ON)
            return step;
        if (b->spans[b->at].memory || b->spans[b->at].length == 0)
            r = send_memory(x, &wanted);
        else
            step = send_file(x, &r, &wanted);
        if (step == STEP_ON)
            step = judge(x, r);
        if (step == STEP_ON && r.n < wanted)
            step = STEP_PARK;
        if (step == STEP_PARK && !waits_for_file(b))
            return wait_for_client(x, before);
        if (step != STEP_ON)
            return step;
    }
    return STEP_ON;
}
