/* segue-media: the process that reads media files for the server.
 * Started by `segue` with a socket as descriptor RECORD_SOCKET and a shared page as RECORD_MEMORY;
 * its one argument is the memory it may use, in bytes. It locks itself in (sandbox.c), then answers
 * one request after the other until the server closes the socket. One job at a time, one thread;
 * whatever a file makes it do, the server kills it and starts another. */
#include "segments/helper/encode.h"
#include "segments/helper/probe.h"
#include "segments/helper/sandbox.h"
#include "segments/order.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_socket(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool read_rest(unsigned char *to, size_t n)
{
    while (n > 0) {
        ssize_t r = recv(RECORD_SOCKET, to, n, 0);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return false;
        to += r;
        n -= (size_t)r;
    }
    return true;
}

/* One request and the descriptor beside it; false: the server is gone. */
static bool receive(unsigned char bytes[RECORD_REQUEST], int *fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec io = {bytes, RECORD_REQUEST};
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};
    ssize_t r;
    do {
        m.msg_control = control.room;
        m.msg_controllen = sizeof control.room;
        r = recvmsg(RECORD_SOCKET, &m, MSG_CMSG_CLOEXEC);
    } while (r < 0 && errno == EINTR);
    if (r <= 0)
        return false;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof *fd))
        return false;
    memcpy(fd, CMSG_DATA(c), sizeof *fd);
    return read_rest(bytes + r, RECORD_REQUEST - (size_t)r);
}

static bool send_all(const unsigned char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t r = send(RECORD_SOCKET, bytes, n, MSG_NOSIGNAL);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return false;
        bytes += r;
        n -= (size_t)r;
    }
    return true;
}

static enum err do_job(const struct record_request *request, struct str order,
                       struct source *source, struct buf *out, char *why)
{
    if (request->op == RECORD_ENCODE)
        return encode_frames(source, order, out, why);
    return probe_index(source, out, why);
}

static bool answer(const struct record_request *request, struct str order, int fd,
                   struct record_page *page)
{
    struct source source = {.fd = fd, .size = request->size, .job = request->job, .page = page};
    struct record_reply reply = {.job = request->job};
    struct buf record;
    unsigned char head[RECORD_REPLY];
    atomic_store(&page->taken, request->job);
    buf_init(&record, BUF_MAX_INDEX);
    reply.err = do_job(request, order, &source, &record, reply.why);
    reply.packets = atomic_load(&page->packets);
    reply.payload = reply.err ? 0 : record.len;
    record_pack_reply(&reply, head);
    bool sent = send_all(head, sizeof head) && send_all(record.data, (size_t)reply.payload);
    buf_fini(&record);
    return sent;
}

/* Reads the order that goes with the request, and answers it. */
static bool take(const struct record_request *request, int fd, struct record_page *page)
{
    struct buf order;
    buf_init(&order, ORDER_MAX);
    unsigned char *at = buf_reserve(&order, request->more);
    bool good = request->more == 0 || (at && read_rest(at, request->more));
    if (good && request->more)
        buf_wrote(&order, request->more);
    good = good && answer(request, buf_str(&order), fd, page);
    buf_fini(&order);
    return good;
}

static void serve(struct record_page *page)
{
    unsigned char bytes[RECORD_REQUEST];
    struct record_request request;
    int fd;
    while (receive(bytes, &fd)) {
        if (record_unpack_request(bytes, &request) || !take(&request, fd, page))
            return;
        close(fd);
    }
}

int main(int argc, char **argv)
{
    const char *what;
    if (argc != 2 || !is_socket(RECORD_SOCKET)) {
        fputs("segue-media: a part of segue, started by it and never by hand\n", stderr);
        return 2;
    }
    size_t memory = (size_t)strtoumax(argv[1], NULL, 10);
    struct record_page *page =
        mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, RECORD_MEMORY, 0);
    if (page == MAP_FAILED) {
        perror("segue-media: the shared page");
        return 1;
    }
    close(RECORD_MEMORY);
    probe_warm_up();
    if (sandbox_enter(memory, &what)) {
        fprintf(stderr, "segue-media: cannot lock itself in: %s\n", what);
        return 1;
    }
    serve(page);
    _exit(0); /* nothing to flush, and the filter knows no more than this */
}
