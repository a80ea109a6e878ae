/* Where a body may go on to. The spans of an answer stay in their array; the body sees the first of
 * them, and the last of those shortened, so it sends a piece as it would send the whole. Positions
 * in a file are worth what the track's index says, so that a VBR file has the pace of its sound
 * there; the index is looked up anew for each piece, since ten thousand listeners to as many tracks
 * must not hold as many indexes. Bytes of a segment are worth their share of its duration. */
#include "edge/serve/pace.h"

#include "edge/http/mime.h"
#include "edge/serve/body.h"

#include <string.h>

#define SECOND CLOCK_SECOND

enum {
    UNKNOWN = 64 * 1024, /* bytes that go while the index is made: as much as a player needs to
                            begin, and none of them counts */
    STEP = 64 * 1024,    /* bytes at once where a file's packets are not in their order */
};

struct pace {
    uint64_t left;  /* bytes that the body has not been given yet */
    uint64_t kept;  /* bytes of its last span that are held back */
    uint64_t given; /* bytes that it was given last, */
    uint64_t worth; /* and what they were worth */
    uint64_t waits; /* since when, monotonic ns; 0: it does not */
    unsigned count; /* spans in all */
    bool asked;     /* x->wish is for the index */
};

/* What bytes are worth: by the index, or so many bytes so much; worth nothing: they are free. */
struct scale {
    const struct index *index;
    uint64_t bytes, worth;
};

static const struct scale FREE = {NULL, 1, 0}, BEGINNING = {NULL, UNKNOWN, 1};

/* ---- what is worth how much ---- */

static uint64_t place_of(const struct index *x, uint32_t packet)
{
    struct index_span span;
    return index_spans(x, packet, packet + 1, &span, 1) ? span.offset : UINT64_MAX;
}

/* The packet at which so much sound from `first` on ends, at least one further. */
static uint32_t packet_after(const struct index *x, uint32_t first, uint64_t sound)
{
    uint64_t start = index_start(x, first);
    uint64_t ticks = pace_share(sound, index_info(x)->timescale, SECOND);
    uint32_t last = index_at(x, ticks < UINT64_MAX - start ? start + ticks : UINT64_MAX);
    return last > first ? last : first + 1;
}

/* How many bytes of the file's [from, from + length) are at most *sound; which becomes what they
 * are. What lies before the first packet and behind the last is no sound. */
static uint64_t sound_within(const struct index *x, uint64_t from, uint64_t length, uint64_t *sound)
{
    const struct index_info *i = index_info(x);
    uint32_t first = index_packet_at(x, from);
    uint64_t to = UINT64_MAX, bytes = length;
    uint32_t last = first < i->packets ? packet_after(x, first, *sound) : first;
    if (last < i->packets)
        to = place_of(x, last);
    if (to <= from)
        bytes = length < STEP ? length : STEP;
    else if (to - from < length)
        bytes = to - from;
    if (bytes == length || to <= from)
        last = index_packet_at(x, from + bytes);
    uint64_t start = index_start(x, first), end = index_start(x, last);
    *sound = end > start ? pace_share(end - start, SECOND, i->timescale) : 0;
    return bytes;
}

/* Of what was read or made, not of heads. `at` is its place in the file, where there is one. */
static bool is_media(const struct exchange *x, const struct span *s, uint64_t *at)
{
    const struct object *o = x->reply.object;
    *at = s->offset - (s->shelved ? o->shelf_at : 0);
    if (!s->memory)
        return true;
    if (s->memory < o->body || s->memory >= o->body + o->body_len)
        return false;
    *at = (uint64_t)(s->memory - o->body);
    return true;
}

/* How many bytes of a span are worth at most *worth (at least 1), and what they are worth. */
static uint64_t within(const struct exchange *x, const struct scale *scale, const struct span *s,
                       uint64_t *worth)
{
    const struct pace_terms *t = &x->service->opts->pace;
    uint64_t at, bytes = s->length;
    if (!is_media(x, s, &at) || (!scale->index && !scale->worth)) {
        *worth = 0;
        return s->length;
    }
    if (scale->index) {
        uint64_t sound = pace_sound_of(t, *worth);
        bytes = sound_within(scale->index, at, s->length, &sound);
        *worth = pace_worth_of_sound(t, sound);
        return bytes;
    }
    uint64_t most = pace_share(*worth, scale->bytes, scale->worth);
    if (most < bytes)
        bytes = most ? most : 1;
    *worth = pace_share(bytes, scale->worth, scale->bytes);
    return bytes;
}

/* ---- giving the body a piece ---- */

/* The body sees the whole again; what it was given has gone, or most of it has not. */
static void put_back(struct exchange *x)
{
    struct body *b = &x->body;
    struct pace *p = x->pace;
    if (p->kept) {
        b->spans[b->count - 1].length += p->kept;
        b->at -= b->at == b->count;
        p->kept = 0;
    }
    b->count = p->count;
}

/* As much as is worth that; heads are free. The last bytes of a file at risk are not parted
 * (body.c looks at the file once, before them). */
static void give(struct exchange *x, const struct scale *scale, uint64_t worth)
{
    struct body *b = &x->body;
    struct pace *p = x->pace;
    uint64_t at;
    put_back(x);
    p->given = p->worth = 0;
    for (unsigned i = b->at; i < p->count; i++) {
        struct span *s = &b->spans[i];
        bool enough = p->worth >= worth && is_media(x, s, &at);
        uint64_t part = enough ? 0 : worth - p->worth;
        uint64_t n = enough ? 0 : within(x, scale, s, &part);
        if (n && b->guard == i && i)
            n = s->length;
        p->worth += enough ? 0 : part;
        p->given += n;
        if (n < s->length) {
            p->kept = n ? s->length - n : 0;
            s->length = n ? n : s->length;
            b->count = n ? i + 1 : i;
            break;
        }
    }
    p->left -= p->given;
    b->left = p->given;
    x->conn->pace_full = pace_take(x->conn->pace_full, loop_now(x->service->loop), p->worth);
}

/* ---- the scale ---- */

/* False: the index is being made; then exchange_go is called. What came is the wish's until
 * supply_leave. */
static bool by_index(struct exchange *x, struct scale *out)
{
    const struct wish *w = &x->wish;
    const struct supply_seat *seat = &x->service->seat;
    bool first = !x->pace->asked;
    *out = FREE;
    if (!x->reply.source)
        return true;
    x->pace->asked = true;
    if (first)
        x->asks = !supply_index(seat, &x->wish, x->reply.source, loop_now(x->service->loop));
    if (!x->asks && !w->err && w->object)
        out->index = w->object->index;
    return !x->asks;
}

/* False: as by_index. */
static bool find_scale(struct exchange *x, struct scale *out)
{
    const struct pace_terms *t = &x->service->opts->pace;
    const struct object *o = x->reply.object;
    if (!t->rate && o->key.kind != OBJECT_SEGMENT)
        return by_index(x, out);
    if (t->rate)
        *out = (struct scale){NULL, t->rate, SECOND};
    else
        *out = (struct scale){NULL, o->size, pace_worth_of_sound(t, o->sound_ms * CLOCK_MS)};
    return true;
}

static void leave_index(struct exchange *x)
{
    if (x->pace->asked)
        supply_leave(&x->wish);
    x->pace->asked = false;
}

/* ---- beginning ---- */

/* Covers and texts beside the music go as fast as they can, unless the pace is in bytes. */
static bool is_paced(const struct exchange *x)
{
    const struct object *o = x->reply.object;
    if (!o || x->reply.head_only)
        return false;
    if (o->key.kind == OBJECT_SEGMENT)
        return true;
    if (o->key.kind != OBJECT_SOURCE && o->key.kind != OBJECT_BODY)
        return false;
    return x->service->opts->pace.rate || str_starts(str_of(mime_of(o->key.path)), STR("audio/"));
}

static void take_bucket(struct exchange *x)
{
    struct conn *c = x->conn;
    uint64_t whose = limiter_listener(exchange_client(x)->ip, x->wish.track);
    if (c->listener == whose)
        return;
    pace_leave(c);
    c->listener = whose;
    c->pace_full = limiter_take_debt(x->service->opts->debts, whose);
}

bool pace_begin(struct exchange *x)
{
    struct body *b = &x->body;
    struct pace begun = {.left = b->left, .count = b->count};
    struct scale scale;
    if (!is_paced(x))
        return false;
    take_bucket(x);
    x->pace = &begun;
    if (find_scale(x, &scale)) {
        give(x, &scale,
             pace_holds(&x->service->opts->pace, x->conn->pace_full, loop_now(x->service->loop)));
        leave_index(x);
    } else {
        give(x, &BEGINNING, 1);
    }
    x->pace = begun.left ? arena_alloc(&x->arena, sizeof begun) : NULL;
    if (x->pace) {
        *x->pace = begun;
        counters_add(x->service->counters, COUNTER_PACED, 1);
        return true;
    }
    x->pace = &begun; /* all of it, be it that there is no memory to do otherwise */
    put_back(x);
    b->left += begun.left;
    leave_index(x);
    x->asks = false;
    x->pace = NULL;
    return false;
}

/* ---- going on ---- */

bool pace_waits(const struct exchange *x) { return x->pace->waits != 0; }

uint64_t pace_left(const struct exchange *x) { return x->pace->left; }

/* Whole seconds are counted, the rest is kept for the next. */
static void stop_waiting(struct exchange *x)
{
    struct service *s = x->service;
    if (!x->pace->waits)
        return;
    s->paced += loop_now(s->loop) - x->pace->waits;
    x->pace->waits = 0;
    counters_add(s->counters, COUNTER_PACED_SECONDS, s->paced / SECOND);
    s->paced %= SECOND;
}

static enum step wait_until(struct exchange *x, uint64_t when)
{
    if (!x->pace->waits)
        x->pace->waits = loop_now(x->service->loop);
    timer_set(x->service->timers, &x->conn->timer, when);
    return STEP_PARK;
}

/* A client that sent a FIN may have gone or may still read. A little of what it is to get anyway
 * tells: where nobody reads the kernel answers with a reset. */
static bool must_be_asked(struct exchange *x)
{
    if (!x->conn->hangup || x->probed)
        return false;
    x->probed = true;
    return true;
}

/* The next piece, when its time has come. */
static enum step go_on(struct exchange *x)
{
    const struct service_opts *opts = x->service->opts;
    uint64_t now = loop_now(x->service->loop);
    uint64_t holds = pace_holds(&opts->pace, x->conn->pace_full, now);
    bool on = opts->debts, early = holds < PACE_QUANTUM;
    struct scale scale = FREE; /* a reload may have ended all pacing */
    if (on && early && !must_be_asked(x))
        return wait_until(x, now + PACE_QUANTUM - holds);
    stop_waiting(x);
    if (on && !find_scale(x, &scale)) {
        timer_off(&x->conn->timer); /* it is not the client who is waited for */
        return STEP_PARK;
    }
    give(x, &scale, early ? 1 : holds);
    leave_index(x);
    return STEP_ON;
}

enum step pace_send(struct exchange *x)
{
    for (;;) {
        enum step step = body_send(x);
        if (step != STEP_ON || !x->pace->left)
            return step;
        step = go_on(x);
        if (step != STEP_ON)
            return step;
    }
}

/* ---- the end ---- */

/* What was given and did not go is not owed: a listener who seeks breaks off one answer for
 * another. */
void pace_end(struct exchange *x)
{
    struct pace *p = x->pace;
    if (x->body.left && p->given)
        x->conn->pace_full -= pace_share(p->worth, x->body.left, p->given);
    stop_waiting(x);
    counters_sub(x->service->counters, COUNTER_PACED, 1);
    x->pace = NULL;
}

void pace_leave(struct conn *c)
{
    struct limiter *debts = c->service->opts->debts;
    if (debts && c->listener && c->pace_full > loop_now(c->service->loop))
        limiter_leave_debt(debts, c->listener, c->pace_full);
    c->listener = 0;
}
