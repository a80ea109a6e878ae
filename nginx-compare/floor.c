/* What the kernel alone costs: an epoll loop that answers every read with the same prepared bytes.
 * It parses nothing, so whatever a server costs above this is the server's own doing.
 *   floor PORT HEAD BYTES [FILE [ahead]]
 * A head of HEAD bytes, then BYTES, from memory or from FILE by sendfile. The head goes with the
 * first bytes of the file (MSG_MORE), as servers send it, or ahead of them, as Segue sends what is
 * longer than a packet (PROFILE.md). A partly sent answer is gone on with when the socket can take
 * more. Ends with its first signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS = 20000, EVENTS = 512 };

static char head[4096], *body;
static size_t head_len, body_len;
static int file = -1, more = MSG_MORE;
static size_t left[FDS]; /* bytes of the answer that is under way, by descriptor */

static ssize_t send_some(int fd)
{
    size_t done = head_len + body_len - left[fd];
    if (done >= head_len && file >= 0) {
        off_t at = (off_t)(done - head_len);
        return sendfile(fd, file, &at, left[fd]);
    }
    if (file >= 0)
        return send(fd, head + done, head_len - done, MSG_NOSIGNAL | more);
    struct iovec parts[2] = {{head + done, head_len - done}, {body, body_len}};
    if (done >= head_len)
        parts[0].iov_len = 0, parts[1] = (struct iovec){body + (done - head_len), left[fd]};
    return writev(fd, parts, 2);
}

/* 0: the connection is over. */
static int answer(int fd)
{
    while (left[fd]) {
        ssize_t n = send_some(fd);
        if (n < 0)
            return errno == EAGAIN;
        left[fd] -= (size_t)n;
    }
    return 1;
}

static void on_event(int fd)
{
    char request[4096];
    if (left[fd] && !answer(fd)) {
        close(fd);
        return;
    }
    while (!left[fd]) {
        ssize_t n = read(fd, request, sizeof request);
        if (n < 0 && errno == EAGAIN)
            return;
        left[fd] = n > 0 ? head_len + body_len : 0;
        if (n <= 0 || !answer(fd)) {
            left[fd] = 0;
            close(fd);
            return;
        }
        if ((size_t)n < sizeof request)
            return;
    }
}

static void on_accept(int poll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, .data.fd = fd};
    if (fd < 0)
        return;
    left[fd] = 0;
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
}

static int listen_on(int port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 4096)) {
        perror("floor");
        exit(1);
    }
    return fd;
}

/* As many bytes as the server's own: what is sent is what is compared. */
static void make_head(size_t length)
{
    static const char end[] = "\r\nX-Rest: ";
    int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu%s", body_len, end);
    head_len = (size_t)n + 4 > length ? (size_t)n + 4 : length;
    if (head_len > sizeof head) {
        fprintf(stderr, "floor: HEAD: at most %zu\n", sizeof head);
        exit(1);
    }
    memset(head + n, '-', head_len - (size_t)n);
    memcpy(head + head_len - 4, "\r\n\r\n", 4);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    body_len = strtoul(argv[3], NULL, 10);
    body = calloc(1, body_len + 1);
    if (argc > 4)
        file = open(argv[4], O_RDONLY);
    if (argc > 5)
        more = 0;
    make_head(strtoul(argv[2], NULL, 10));
    int listener = listen_on((int)strtol(argv[1], NULL, 10)), poll = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int n = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                on_accept(poll, listener);
            else
                on_event(events[i].data.fd);
        }
    }
}
