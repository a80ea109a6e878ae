/* The life of a listener: see listener.h.
 * Three phases: RESTING until its timer says that it is time for the next request, CONNECTING, and
 * ASKING until the answer is whole. While it asks, the timer fires when the sound runs dry, and at
 * the deadline. Bodies that nobody looks at are thrown away in the kernel. */
#include "tools/listeners/listener.h"

#include "edge/base/clock.h"
#include "edge/base/must.h"
#include "tools/listeners/reader.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE (30 * CLOCK_SECOND) /* of one request */
#define PENANCE CLOCK_SECOND         /* after an error */

enum {
    REQUEST_MAX = 2 * URL_MAX + 512,
    SCRATCH = 16 * 1024,
    SKIP_MAX = 1024 * 1024,
    READS = 8, /* in one turn, then the others */
    SAID_MAX = 5,
};

enum phase { RESTING, CONNECTING, ASKING };
enum wish { WISH_TOP, WISH_MEDIA, WISH_PIECE };

struct listener {
    struct run *run;
    const struct target *target;
    struct sockaddr_in source;
    uint64_t number, track; /* track: how many were begun */
    int fd;                 /* -1: not connected */
    struct event io, timer;
    enum phase phase;
    enum wish wish;
    struct reader reader;
    bool reused;  /* the connection had an answer before this request */
    bool waiting; /* no byte of the answer came yet */
    uint64_t sent, asked;

    const struct plan *top, *plan; /* of the first playlist, and what is played; NULL: not known */
    size_t next;                   /* piece */
    bool playing, dry;
    uint64_t began;   /* when it wanted to hear the track */
    uint64_t play_at; /* when it would have begun, had it never stalled */
    uint64_t bought;  /* ns of sound that have come */
    uint64_t ahead;   /* ns that are ready when it asks for the next piece */
};

uint64_t run_random(struct run *run)
{
    uint64_t x = run->random; /* xorshift64: any order of coming will do */
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return run->random = x;
}

static void set_timer(struct listener *l, uint64_t now, uint64_t at)
{
    uint64_t us = at > now ? (at - now) / 1000 + 1 : 0;
    struct timeval tv = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};
    must(event_add(&l->timer, &tv) == 0);
}

static void disconnect(struct listener *l)
{
    if (l->fd < 0)
        return;
    event_del(&l->io);
    close(l->fd);
    l->fd = -1;
}

/* Sound */

static uint64_t dry_at(const struct listener *l) { return l->play_at + l->bought; }

static bool has_more(const struct listener *l) { return l->plan && l->next < l->plan->count; }

static void note_dry(struct listener *l, uint64_t now)
{
    if (!l->playing || l->dry || now < dry_at(l) || !has_more(l))
        return;
    l->dry = true;
    l->run->stats->stalls++;
}

static void resume(struct listener *l, uint64_t now)
{
    if (!l->dry)
        return;
    uint64_t silence = now - dry_at(l);
    l->run->stats->stalled += silence;
    l->play_at += silence;
    l->dry = false;
}

static void start_playing(struct listener *l, uint64_t now)
{
    struct stats *s = l->run->stats;
    l->playing = true;
    l->play_at = now;
    s->starts++;
    times_add(&s->startup, now - l->began);
    if (++s->playing > s->peak)
        s->peak = s->playing;
}

static void hear(struct listener *l, uint64_t now, uint64_t lasts)
{
    if (lasts == 0)
        return; /* an init segment ends no silence */
    note_dry(l, now);
    resume(l, now);
    if (!l->playing)
        start_playing(l, now);
    l->bought += lasts;
    /* The next piece makes the number full. Somewhat later than could be, by chance: else all who
     * came together ask together for ever. */
    uint64_t most = lasts * (l->run->options->ahead - 1);
    l->ahead = most - run_random(l->run) % (lasts / 5 + 1);
}

/* The track is over, given up or the run ends. */
static void end_track(struct listener *l, uint64_t now)
{
    struct stats *s = l->run->stats;
    if (l->playing) {
        note_dry(l, now);
        uint64_t until = now < dry_at(l) ? now : dry_at(l);
        s->played += until - l->play_at;
        s->stalled += l->dry ? now - until : 0;
        s->playing--;
    }
    l->playing = l->dry = false;
    l->top = l->plan = NULL;
    l->next = 0;
    l->bought = l->play_at = l->ahead = l->began = 0;
}

/* Requests */

static void say(struct listener *l, enum fault fault, const char *why)
{
    if (l->run->said++ >= SAID_MAX)
        return;
    fprintf(stderr, "listeners: %s: %s (number %llu, %.*s, track %llu, piece %llu)\n",
            fault_name(fault), why, (unsigned long long)l->number, STR_ARG(l->target->url.path),
            (unsigned long long)l->track, (unsigned long long)l->next);
}

static void fail(struct listener *l, enum fault fault, const char *why)
{
    uint64_t now = clock_mono();
    say(l, fault, why);
    l->run->stats->faults[fault]++;
    disconnect(l);
    reader_begin(&l->reader, false);
    end_track(l, now);
    l->phase = RESTING;
    set_timer(l, now, now + PENANCE);
}

/* The piece of a URL that is no playlist is not known before its size is: two bytes tell. */
static struct piece wanted(const struct listener *l)
{
    static const uint64_t probe = 2;
    if (l->wish == WISH_PIECE)
        return l->plan->pieces[l->next];
    if (l->wish == WISH_MEDIA)
        return (struct piece){.path = l->top->media};
    return (struct piece){.path = l->target->url.path, .to = l->target->hls ? 0 : probe};
}

static void write_request(const struct listener *l, struct buf *out)
{
    struct piece p = wanted(l);
    buf_adds(out, STR("GET "));
    buf_adds(out, p.path);
    buf_adds(out, STR(" HTTP/1.1\r\nHost: "));
    buf_adds(out, l->target->url.authority);
    if (p.to > 0)
        buf_addf(out, "\r\nRange: bytes=%llu-%llu", (unsigned long long)p.from,
                 (unsigned long long)p.to - 1);
    buf_adds(out, STR("\r\nUser-Agent: listeners\r\nAccept: */*\r\n\r\n"));
}

static void watch_answer(struct listener *l, uint64_t now)
{
    uint64_t at = l->asked + DEADLINE;
    if (now >= at) {
        fail(l, FAULT_late, "no whole answer within 30 s");
        return;
    }
    note_dry(l, now);
    if (l->playing && !l->dry && has_more(l) && dry_at(l) < at)
        at = dry_at(l);
    set_timer(l, now, at);
}

static void send_request(struct listener *l)
{
    struct buf request;
    buf_init(&request, REQUEST_MAX);
    write_request(l, &request);
    must(buf_status(&request) == ERR_NONE); /* URLs have a ceiling */
    ssize_t n = send(l->fd, request.data, request.len, MSG_NOSIGNAL);
    bool whole = n == (ssize_t)request.len; /* an idle connection has room for a request */
    buf_fini(&request);
    l->phase = ASKING;
    l->waiting = true;
    l->sent = clock_mono();
    reader_begin(&l->reader, l->wish == WISH_MEDIA || (l->wish == WISH_TOP && l->target->hls));
    if (!whole && !l->reused)
        fail(l, FAULT_connect, "the request could not be sent");
    else
        watch_answer(l, l->sent); /* of a connection that was closed the reader will hear */
}

static void on_io(evutil_socket_t fd, short what, void *arg);

static void watch_io(struct listener *l, short what)
{
    must(event_assign(&l->io, l->run->base, l->fd, (short)(what | EV_PERSIST), on_io, l) == 0);
    must(event_add(&l->io, NULL) == 0);
}

static int open_socket(struct listener *l)
{
    static const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* The port is chosen at connect, when the whole four-tuple counts. */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (url_is_loopback(&l->target->address) &&
        bind(fd, (const struct sockaddr *)&l->source, sizeof l->source) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void connect_then_ask(struct listener *l)
{
    const struct sockaddr *to = (const struct sockaddr *)&l->target->address;
    l->reused = false;
    l->fd = open_socket(l);
    if (l->fd < 0) {
        fail(l, FAULT_connect, "no socket");
        return;
    }
    int status = connect(l->fd, to, sizeof l->target->address), why = errno;
    l->phase = CONNECTING;
    watch_io(l, status == 0 ? EV_READ : EV_WRITE);
    if (status == 0)
        send_request(l);
    else if (why == EINPROGRESS)
        watch_answer(l, clock_mono());
    else
        fail(l, FAULT_connect, "refused");
}

static void ask(struct listener *l, uint64_t now, enum wish wish)
{
    l->wish = wish;
    l->asked = now;
    if (l->fd < 0)
        connect_then_ask(l);
    else
        send_request(l);
}

static void begin_track(struct listener *l, uint64_t now)
{
    const struct options *o = l->run->options;
    const struct target *before = l->target;
    l->target = &o->targets[(l->number + l->track++) % o->target_count];
    if (before && (before->address.sin_addr.s_addr != l->target->address.sin_addr.s_addr ||
                   before->address.sin_port != l->target->address.sin_port))
        disconnect(l);
    l->began = now;
}

/* Is it time for a request, and for which? */
static void step(struct listener *l)
{
    uint64_t now = clock_mono();
    bool over = l->plan && l->next == l->plan->count;
    if (over && now < dry_at(l)) {
        set_timer(l, now, dry_at(l));
        return;
    }
    if (over)
        end_track(l, now);
    if (!l->plan && !l->top) {
        begin_track(l, now);
        ask(l, now, WISH_TOP);
    } else if (!l->plan) {
        ask(l, now, WISH_MEDIA);
    } else if (l->playing && dry_at(l) > now + l->ahead) {
        set_timer(l, now, dry_at(l) - l->ahead);
    } else {
        ask(l, now, WISH_PIECE);
    }
}

/* Answers */

static bool check_answer(struct listener *l)
{
    const struct reader *r = &l->reader;
    struct piece p = wanted(l);
    if (r->status != (p.to > 0 ? 206 : 200)) {
        char why[40];
        snprintf(why, sizeof why, "status %u", r->status);
        fail(l, FAULT_status, why);
        return false;
    }
    bool probed = l->wish == WISH_TOP && r->to <= p.to;
    if (p.to > 0 && (r->from != p.from || (r->to != p.to && !probed))) {
        fail(l, FAULT_range, "not the range that was asked for");
        return false;
    }
    return true;
}

/* A playlist or the size of a file has come. */
static enum err take_plan(struct listener *l)
{
    const struct options *o = l->run->options;
    const struct plan *plan = NULL;
    struct piece p = wanted(l);
    if (l->wish == WISH_TOP && !l->target->hls) {
        const struct plan_file file = {l->reader.total, 64 * 1024, o->file_rate};
        TRY(plan_ranges(l->run->plans, p.path, &file, &plan));
    } else {
        TRY(plan_playlist(l->run->plans, l->target->url.authority, p.path, buf_str(&l->reader.body),
                          &plan));
    }
    if (plan->media.n > 0 && l->wish == WISH_MEDIA)
        return ERR_SYNTAX; /* RFC 8216 4.3.4.2: a variant is a media playlist */
    if (plan->media.n > 0)
        l->top = plan;
    else
        l->plan = plan;
    return ERR_NONE;
}

static void on_answer(struct listener *l)
{
    enum err e = ERR_NONE;
    if (!check_answer(l))
        return;
    l->run->stats->requests++;
    if (l->wish == WISH_PIECE) {
        hear(l, clock_mono(), l->plan->pieces[l->next].lasts);
        l->next++;
    } else {
        e = take_plan(l);
    }
    if (e) {
        fail(l, FAULT_playlist, err_text(e));
        return;
    }
    if (l->reader.close)
        disconnect(l);
    reader_begin(&l->reader, false);
    l->reused = true;
    l->phase = RESTING;
    event_del(&l->timer);
    step(l);
}

/* A kept connection may be closed at any time when nothing is asked, and just before the answer to
 * what was asked meanwhile (RFC 9112 9.3.1); everything else is an answer cut short. */
static void on_end(struct listener *l)
{
    bool unanswered = l->phase == ASKING && l->waiting && l->reused;
    if (l->phase != RESTING && !unanswered) {
        fail(l, FAULT_cut, "the connection ended before the answer did");
        return;
    }
    l->run->stats->reconnects++;
    disconnect(l);
    if (unanswered)
        connect_then_ask(l);
}

static void count_bytes(struct listener *l, uint64_t n)
{
    struct stats *s = l->run->stats;
    s->bytes += n;
    s->second_bytes += n;
    if (!l->waiting)
        return;
    uint64_t took = clock_mono() - l->sent;
    l->waiting = false;
    times_add(&s->ttfb, took);
    times_add(&s->second_ttfb, took);
}

/* One read: false when there is nothing (more) to do in this turn. */
static bool receive(struct listener *l)
{
    static char scratch[SCRATCH];
    uint64_t skip = reader_skippable(&l->reader);
    size_t room = skip > SKIP_MAX ? SKIP_MAX : skip ? (size_t)skip : sizeof scratch;
    /* With MSG_TRUNC the kernel drops what nobody looks at: nothing is copied (tcp(7)). */
    ssize_t n = skip ? recv(l->fd, NULL, room, MSG_TRUNC) : recv(l->fd, scratch, room, 0);
    size_t used = 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        on_end(l);
        return false;
    }
    count_bytes(l, (uint64_t)n);
    enum err e = ERR_NONE;
    if (skip)
        reader_skip(&l->reader, (uint64_t)n);
    else
        e = l->phase == ASKING ? reader_feed(&l->reader, scratch, (size_t)n, &used) : ERR_NONE;
    if (e || (!skip && used < (size_t)n)) {
        fail(l, FAULT_http, e ? err_text(e) : "bytes that nobody asked for");
        return false;
    }
    if (!reader_done(&l->reader))
        return true;
    on_answer(l);
    return false;
}

static void on_connected(struct listener *l)
{
    int why = 0;
    socklen_t n = sizeof why;
    if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &why, &n) != 0 || why != 0) {
        fail(l, FAULT_connect, "refused");
        return;
    }
    event_del(&l->io);
    watch_io(l, EV_READ);
    send_request(l);
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;
    (void)fd;
    (void)what;
    if (l->phase == CONNECTING) {
        on_connected(l);
        return;
    }
    for (int i = 0; i < READS && receive(l);)
        i++;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;
    (void)fd;
    (void)what;
    if (l->phase == RESTING)
        step(l);
    else
        watch_answer(l, clock_mono());
}

/* 127.1.0.1 and on: an address for each, so that ports never run out and limits by address see
 * as many clients as there are. */
static struct sockaddr_in source_of(uint64_t number)
{
    uint32_t high = (uint32_t)(number / 62500 % 250), middle = (uint32_t)(number / 250 % 250);
    uint32_t low = (uint32_t)(number % 250);
    uint32_t address = UINT32_C(127) << 24 | (1 + high) << 16 | middle << 8 | (1 + low);
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
}

struct listener *listener_new(struct run *run, uint64_t number, uint64_t after)
{
    struct listener *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->run = run;
    l->number = number;
    l->source = source_of(number);
    l->fd = -1;
    reader_init(&l->reader);
    must(evtimer_assign(&l->timer, run->base, on_timer, l) == 0);
    set_timer(l, 0, after);
    return l;
}

void listener_free(struct listener *l)
{
    if (!l)
        return;
    end_track(l, clock_mono());
    disconnect(l);
    event_del(&l->timer);
    reader_fini(&l->reader);
    free(l);
}
