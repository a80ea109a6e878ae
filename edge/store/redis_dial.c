/* getaddrinfo in its two moods, and connect. */
#include "edge/store/redis_dial.h"

#include "edge/base/must.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static void look_up(const struct redis_url *url, int flags, struct dial *out)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    *out = (struct dial){0};
    if (getaddrinfo(url->host, url->port, &hints, &list) != 0)
        return;
    for (struct addrinfo *a = list; a && out->count < DIAL_ADDRESSES; a = a->ai_next) {
        if (a->ai_addrlen > sizeof out->at[0])
            continue;
        memcpy(&out->at[out->count], a->ai_addr, a->ai_addrlen);
        out->len[out->count++] = a->ai_addrlen;
    }
    freeaddrinfo(list);
}

static void dial_path(const struct redis_url *url, struct dial *out)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    *out = (struct dial){.count = 1};
    memcpy(un.sun_path, url->path, sizeof un.sun_path);
    memcpy(&out->at[0], &un, sizeof un);
    out->len[0] = sizeof un;
}

bool dial_numeric(const struct redis_url *url, struct dial *out)
{
    if (url->path[0])
        dial_path(url, out);
    else
        look_up(url, AI_NUMERICHOST, out);
    return out->count > 0;
}

void dial_resolve(const struct redis_url *url, struct dial *out) { look_up(url, 0, out); }

int dial_connect(struct dial *d)
{
    must(d->count);
    unsigned i = d->next++ % d->count;
    int one = 1;
    int fd = socket(d->at[i].ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* Small commands, one after the other; fails on a unix socket, which does not wait anyway. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int n = connect(fd, (const struct sockaddr *)&d->at[i], d->len[i]);
    if (n == 0 || errno == EINPROGRESS || errno == EINTR)
        return fd;
    close(fd); /* EAGAIN as well: a unix socket's queue is full, and nobody would tell */
    return -1;
}
