/* Accepting connections. A turn accepts at most TURN of them, so that a storm of new ones does not
 * starve those that are there; the level-triggered watch brings the rest. */
#include "edge/wire/listen.h"

#include "edge/base/must.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 4096, TURN = 64 };

struct listener {
    struct loop_io io; /* first: on_ready casts back */
    struct timer timer;
    struct listen_opts opts;
    int fd;
    bool paused;
};

static void close_quietly(int fd)
{
    int kept = errno;
    close(fd);
    errno = kept;
}

/* `shared`: other sockets of ours may be bound to the same address. */
static int bind_one(const struct addrinfo *ai, bool shared)
{
    int on = 1, off = 0;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* "::" takes IPv4 too; TCP_NODELAY is inherited by what is accepted. */
    if (ai->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
        bind(fd, ai->ai_addr, ai->ai_addrlen) == 0)
        return fd;
    close_quietly(fd);
    return -1;
}

static int open_one(const struct addrinfo *ai)
{
    int fd = bind_one(ai, true);
    if (fd < 0 || listen(fd, BACKLOG) == 0)
        return fd;
    close_quietly(fd);
    return -1;
}

static void say_bound(int fd, char *out, size_t room)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof ss;
    char text[ADDRESS_TEXT_MAX];
    must(getsockname(fd, (struct sockaddr *)&ss, &n) == 0);
    struct address a = address_of((struct sockaddr *)&ss);
    address_text(&a, text);
    snprintf(out, room, address_is_v4(&a) ? "%s:%u" : "[%s]:%u", text, (unsigned)a.port);
}

static enum err resolve(const char *host, const char *port, struct addrinfo **found, char why[256])
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    int failed = getaddrinfo(host, port, &hints, found);
    if (!failed)
        return ERR_NONE;
    snprintf(why, 256, "cannot listen on %s:%s: %s", host, port, gai_strerror(failed));
    return ERR_CONFIG;
}

enum err listen_probe(const char *host, const char *port, char why[256])
{
    struct addrinfo *found;
    int fd = -1;
    TRY(resolve(host, port, &found, why));
    errno = 0;
    for (const struct addrinfo *ai = found; ai && fd < 0 && errno != EADDRINUSE; ai = ai->ai_next)
        fd = bind_one(ai, false);
    bool taken = fd < 0 && errno == EADDRINUSE;
    if (fd >= 0)
        close(fd);
    freeaddrinfo(found);
    if (!taken)
        return ERR_NONE;
    snprintf(why, 256, "cannot listen on %s:%s: %s", host, port, strerror(EADDRINUSE));
    return ERR_CONFIG;
}

enum err listen_open(const char *host, const char *port, int *fd, char bound[ADDRESS_TEXT_MAX + 8],
                     char why[256])
{
    struct addrinfo *found;
    TRY(resolve(host, port, &found, why));
    *fd = -1;
    for (const struct addrinfo *ai = found; ai && *fd < 0; ai = ai->ai_next)
        *fd = open_one(ai);
    freeaddrinfo(found);
    if (*fd < 0) {
        snprintf(why, 256, "cannot listen on %s:%s: %s", host, port, strerror(errno));
        return ERR_CONFIG;
    }
    say_bound(*fd, bound, ADDRESS_TEXT_MAX + 8);
    return ERR_NONE;
}

static void pause_listening(struct listener *l)
{
    l->paused = true;
    loop_unwatch(&l->io);
    l->opts.paused(l->opts.arg);
    timer_set(l->opts.timers, &l->timer, loop_now(l->opts.loop) + TIMER_TICK);
}

static bool out_of_descriptors(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* False when there is nothing more to accept now. */
static bool accept_one(struct listener *l)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof ss;
    int fd = accept4(l->fd, (struct sockaddr *)&ss, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        struct address peer = address_of((struct sockaddr *)&ss);
        l->opts.accepted(l->opts.arg, fd, &peer);
        return true;
    }
    if (out_of_descriptors(errno))
        pause_listening(l);
    /* The others are of a connection that died in the queue (accept(2)). */
    return errno != EAGAIN && errno != EWOULDBLOCK && !l->paused;
}

static void on_ready(struct loop_io *io, unsigned what)
{
    struct listener *l = (struct listener *)io;
    (void)what;
    for (int i = 0; i < TURN && accept_one(l); i++)
        ;
}

static void on_pause_over(struct timer *t)
{
    struct listener *l = (struct listener *)((char *)t - offsetof(struct listener, timer));
    listen_resume(l);
}

enum err listen_start(int fd, const struct listen_opts *opts, struct listener **out)
{
    struct listener *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->opts = *opts;
    l->fd = fd;
    l->timer.on_time = on_pause_over;
    enum err e = loop_watch_level(opts->loop, &l->io, fd, on_ready);
    if (e) {
        free(l);
        return e;
    }
    *out = l;
    return ERR_NONE;
}

void listen_resume(struct listener *l)
{
    if (!l->paused || l->fd < 0)
        return;
    l->paused = false;
    timer_off(&l->timer);
    if (loop_watch_level(l->opts.loop, &l->io, l->fd, on_ready))
        pause_listening(l);
}

void listen_drain(struct listener *l)
{
    if (l->fd < 0)
        return;
    for (int i = 0; i < BACKLOG && accept_one(l); i++)
        ;
    loop_unwatch(&l->io);
    timer_drop(&l->timer);
    close(l->fd);
    l->fd = -1;
}

void listen_free(struct listener *l)
{
    if (!l)
        return;
    if (l->fd >= 0) {
        loop_unwatch(&l->io);
        close(l->fd);
    }
    timer_drop(&l->timer);
    free(l);
}
