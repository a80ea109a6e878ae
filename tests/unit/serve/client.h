/* Clients of the service in kit.h, at the other end of real sockets. What a client waits for ends
 * the loop. */
#ifndef TESTS_UNIT_SERVE_CLIENT_H
#define TESTS_UNIT_SERVE_CLIENT_H

#include "tests/unit/serve/kit.h"

struct client {
    struct loop_io io; /* first */
    int fd;
    char *got; /* owned, terminated */
    size_t n, wanted;
    bool ended, reset;
    const char *until; /* text that is waited for; NULL: `wanted` bytes */
};

static inline void client_read(struct client *c)
{
    for (;;) {
        c->got = realloc(c->got, c->n + 64 * 1024 + 1);
        ssize_t n = recv(c->fd, c->got + c->n, 64 * 1024, 0);
        c->reset |= n < 0 && errno == ECONNRESET;
        c->ended |= n == 0 || c->reset;
        c->n += n > 0 ? (size_t)n : 0;
        c->got[c->n] = '\0';
        if (n <= 0)
            return;
    }
}

static inline bool client_has(const struct client *c)
{
    return c->until ? memmem(c->got, c->n, c->until, strlen(c->until)) != NULL : c->n >= c->wanted;
}

static inline void client_on_io(struct loop_io *at, unsigned what)
{
    struct client *c = (struct client *)at;
    (void)what;
    client_read(c);
    if (c->ended || client_has(c))
        loop_stop(at->loop);
}

/* A connection of the service's. */
static inline struct client client_new(void)
{
    struct client c = {.fd = -1};
    int ours;
    sockets_pair(&ours, &c.fd);
    c.got = calloc(1, 1);
    service_accept(&service, ours, &kit_peer, false);
    return c;
}

static inline void client_free(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->got);
    *c = (struct client){.fd = -1};
}

static inline void say(const struct client *c, const char *text)
{
    assert_int_equal(send(c->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* A GET with more field lines. */
static inline void ask(const struct client *c, const char *path, const char *lines)
{
    char text[4096];
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: h\r\n%s\r\n", path, lines);
    say(c, text);
}

static inline void client_run(struct client *c)
{
    assert_int_equal(loop_watch_level(loop, &c->io, c->fd, client_on_io), ERR_NONE);
    loop_run(loop);
    loop_unwatch(&c->io);
}

/* Run until that has come, or the connection has ended. */
static inline void hear(struct client *c, const char *text)
{
    c->until = text;
    client_read(c);
    if (!client_has(c) && !c->ended)
        client_run(c);
    if (!client_has(c))
        fail_msg("not \"%s\" but: %s", text, c->got);
    c->until = NULL;
}

static inline void hear_bytes(struct client *c, size_t n)
{
    c->wanted = n;
    client_read(c);
    if (!client_has(c) && !c->ended)
        client_run(c);
    assert_true(c->n >= n);
}

static inline void hear_end(struct client *c)
{
    c->wanted = SIZE_MAX;
    client_read(c);
    while (!c->ended)
        client_run(c);
}

static inline void forget(struct client *c)
{
    c->n = 0;
    c->got[0] = '\0';
}

/* How often a text stands in what came. */
static inline unsigned times(const struct client *c, const char *text)
{
    unsigned n = 0;
    for (const char *at = c->got; (at = strstr(at, text)); at += strlen(text))
        n++;
    return n;
}

/* The connection that was accepted last. */
static inline struct conn *newest(void) { return service.conns; }

#endif
