/* The conversation with one helper.
 * A job is: send the request with the descriptor, wait for the reply while watching for a poke
 * (cancelled) and the timer, read the record. Stopping is asked for through the shared page; a
 * helper that has not answered MEDIA_STOP_MS later is killed. Whatever goes wrong with the process
 * (it died, hangs, answers nonsense) has one cure: kill, reap, start another.
 *
 * The clock is the kernel's: a timerfd is set to a span and polled, so no time is read here. */
#include "edge/store/media_helper.h"

#include "edge/base/buf.h"
#include "edge/base/log.h"
#include "edge/base/must.h"
#include "edge/store/media_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* One job under way. */
struct job {
    struct media_helper *helper;
    struct media_task *task;
    enum err stopping; /* CANCELLED or DEADLINE once it was told to stop */
    bool broken;       /* the process has to go */
    bool hung;         /* because it did not stop when told */
};

static enum err make_page(struct media_helper *h)
{
    h->memory = memfd_create("segue-media", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (h->memory < 0 || ftruncate(h->memory, sizeof *h->page))
        return ERR_SYSTEM;
    /* A helper that cut the page short would have us die of SIGBUS. */
    if (fcntl(h->memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        return ERR_SYSTEM;
    void *page = mmap(NULL, sizeof *h->page, PROT_READ | PROT_WRITE, MAP_SHARED, h->memory, 0);
    if (page == MAP_FAILED)
        return ERR_SYSTEM;
    h->page = page;
    return ERR_NONE;
}

static enum err start(struct media_helper *h)
{
    TRY(media_spawn(h->opts->program, h->opts->memory, h->memory, &h->pid, &h->socket));
    atomic_fetch_add(&h->starts, 1);
    return ERR_NONE;
}

static int end(struct media_helper *h)
{
    if (h->pid == 0)
        return -1;
    close(h->socket);
    int status = media_reap(h->pid);
    h->socket = -1;
    h->pid = 0;
    return status;
}

enum err media_helper_init(struct media_helper *h, const struct media_opts *opts)
{
    *h = (struct media_helper){.opts = opts, .socket = -1, .memory = -1};
    h->poke = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    h->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (h->poke < 0 || h->timer < 0)
        return ERR_SYSTEM;
    TRY(make_page(h));
    return start(h);
}

static void close_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

void media_helper_fini(struct media_helper *h)
{
    (void)end(h);
    close_open(h->memory);
    close_open(h->poke);
    close_open(h->timer);
    if (h->page)
        munmap(h->page, sizeof *h->page);
    h->page = NULL;
}

void media_helper_stop(struct media_helper *h, uint64_t job)
{
    atomic_store(&h->page->stop, job);
    uint64_t one = 1;
    ssize_t ignored = write(h->poke, &one, sizeof one); /* full: the thread is awake anyway */
    (void)ignored;
}

static void set_timer(struct media_helper *h, unsigned ms)
{
    struct itimerspec span = {.it_value = {ms / 1000, (long)(ms % 1000) * 1000000}};
    int rc = timerfd_settime(h->timer, 0, &span, NULL);
    must(rc == 0);
}

static bool drained(int fd)
{
    uint64_t count;
    return read(fd, &count, sizeof count) == sizeof count;
}

static bool send_request(struct media_helper *h, const struct media_ask *ask)
{
    int fd = ask->fd;
    unsigned char bytes[RECORD_REQUEST];
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec io = {bytes, sizeof bytes};
    struct msghdr m = {.msg_iov = &io,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof control.room};
    record_pack_request(
        &(struct record_request){ask->op, h->jobs, ask->size, (uint32_t)ask->order.n}, bytes);
    control.head = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    return sendmsg(h->socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == RECORD_REQUEST;
}

/* Tell the process to stop, once, and give it MEDIA_STOP_MS. */
static void ask_to_stop(struct job *j, enum err why)
{
    if (j->stopping)
        return;
    j->stopping = why;
    atomic_store(&j->helper->page->stop, j->helper->jobs);
    set_timer(j->helper, MEDIA_STOP_MS);
}

static void look_around(struct job *j)
{
    if (drained(j->helper->poke) && atomic_load(&j->task->cancelled))
        ask_to_stop(j, ERR_CANCELLED);
    if (!drained(j->helper->timer))
        return;
    if (j->stopping)
        j->hung = true;
    else
        ask_to_stop(j, ERR_DEADLINE);
}

/* Wait until the socket can be read or written; false: it is no use waiting any longer. */
static bool wait_for(struct job *j, short events)
{
    struct pollfd p[3] = {{.fd = j->helper->socket, .events = events},
                          {.fd = j->helper->poke, .events = POLLIN},
                          {.fd = j->helper->timer, .events = POLLIN}};
    while (!j->hung) {
        if (poll(p, 3, -1) < 0 && errno != EINTR)
            return false;
        look_around(j);
        if (p[0].revents && !j->hung)
            return true;
    }
    return false;
}

static bool receive(struct job *j, unsigned char *to, size_t n)
{
    while (n > 0) {
        ssize_t r = wait_for(j, POLLIN) ? recv(j->helper->socket, to, n, MSG_DONTWAIT) : 0;
        if (r < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (r <= 0)
            return false;
        to += r;
        n -= (size_t)r;
    }
    return true;
}

/* The helper reads it before it does anything else, so this takes no longer than that. */
static bool send_order(struct job *j, struct str order)
{
    while (order.n > 0) {
        ssize_t r = wait_for(j, POLLOUT)
                        ? send(j->helper->socket, order.p, order.n, MSG_NOSIGNAL | MSG_DONTWAIT)
                        : 0;
        if (r < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (r <= 0)
            return false;
        order = str_from(order, (size_t)r);
    }
    return true;
}

static enum err receive_record(struct job *j, size_t n, struct media_result *out)
{
    out->record = malloc(n);
    if (!out->record) {
        j->broken = true; /* it is still sending, to nobody */
        return ERR_NOMEM;
    }
    out->len = n;
    if (receive(j, out->record, n))
        return ERR_NONE;
    j->broken = true;
    return ERR_MEDIA;
}

static enum err receive_reply(struct job *j, struct media_result *out)
{
    unsigned char head[RECORD_REPLY];
    struct record_reply reply;
    j->broken = !receive(j, head, sizeof head);
    if (j->broken)
        return ERR_MEDIA;
    enum err rc = record_unpack_reply(head, j->helper->jobs, &reply);
    if (rc || (reply.err == ERR_CANCELLED && !j->stopping)) {
        j->broken = true;
        (void)snprintf(out->why, sizeof out->why, "the media helper answered nonsense");
        return ERR_MEDIA;
    }
    if (reply.err) {
        (void)snprintf(out->why, sizeof out->why, "%s", reply.why);
        /* It has outgrown what it may have. That is the file's fault, and what is left of its
         * memory in pieces is not to be the next one's. */
        j->broken = reply.err == ERR_NOMEM;
        return j->broken ? ERR_MEDIA : reply.err;
    }
    return receive_record(j, (size_t)reply.payload, out);
}

/* The reason that its end gives. One that ends by itself could not even start its work. */
static enum err say_death(int status, struct media_result *out)
{
    if (status >= 0 && WIFEXITED(status)) {
        (void)snprintf(out->why, sizeof out->why, "the media helper ended (status %d)",
                       WEXITSTATUS(status));
        return ERR_SYSTEM;
    }
    (void)snprintf(out->why, sizeof out->why, "the media helper died (signal %d)",
                   status >= 0 ? WTERMSIG(status) : SIGKILL);
    return ERR_MEDIA;
}

/* A process that died has its status already when its socket closes, so our SIGKILL is not what is
 * seen then. When no new one can be started the next job tries once more. */
static enum err replace(struct job *j, enum err rc, struct media_result *out)
{
    struct media_helper *h = j->helper;
    int status = end(h);
    atomic_fetch_add(&h->deaths, 1);
    if (!j->hung && rc == ERR_MEDIA && out->why[0] == '\0')
        rc = say_death(status, out);
    enum err again = start(h);
    if (again)
        log_write(LOG_ERROR, "media: no new helper can be started");
    return rc;
}

/* The helper writes into the page every few packets, and before it answers: what came after the
 * cancelling is never more than is counted. */
static void count_packets(struct job *j, struct media_result *out)
{
    uint64_t read = atomic_load(&j->helper->page->packets);
    uint64_t expected = atomic_load(&j->helper->page->expected);
    uint64_t cancelled_at = atomic_load(&j->task->read);
    out->packets = read;
    out->packets_late = read > cancelled_at ? read - cancelled_at : 0;
    out->packets_left = j->stopping && expected > read ? expected - read : 0;
}

static void drop_record(struct media_result *out)
{
    free(out->record);
    out->record = NULL;
    out->len = 0;
}

static enum err converse(struct job *j, const struct media_ask *ask, struct media_result *out)
{
    struct media_helper *h = j->helper;
    if (h->pid == 0)
        TRY(start(h));
    set_timer(h, h->opts->deadline_ms);
    j->broken = !send_request(h, ask);
    if (j->broken)
        return ERR_SYSTEM;
    j->broken = !send_order(j, ask->order);
    if (j->broken)
        return ERR_MEDIA; /* it has taken the job, and died of it */
    return receive_reply(j, out);
}

/* A process that died before it took the job is not this file's fault: it gets one more try. */
static enum err converse_twice(struct job *j, const struct media_ask *ask, struct media_result *out)
{
    enum err rc = converse(j, ask, out);
    if (!j->broken || j->stopping || atomic_load(&j->helper->page->taken) == j->helper->jobs)
        return rc;
    drop_record(out);
    out->why[0] = '\0';
    (void)end(j->helper);
    j->broken = false;
    atomic_fetch_add(&j->helper->deaths, 1);
    return converse(j, ask, out);
}

/* The order matters: the task names its helper before `cancelled` is read, and media_cancel sets
 * `cancelled` before it reads the helper; so one of the two sees the other. */
static void announce(struct media_helper *h, struct media_task *task)
{
    h->jobs++;
    (void)drained(h->poke);
    atomic_store(&h->page->stop, 0);
    atomic_store(&h->page->taken, 0);
    atomic_store(&h->page->packets, 0);
    atomic_store(&h->page->expected, 0);
    atomic_store(&task->job, h->jobs);
    atomic_store(&task->helper, h);
}

enum err media_helper_run(struct media_helper *h, struct media_task *task,
                          const struct media_ask *ask, struct media_result *out)
{
    struct job j = {.helper = h, .task = task};
    announce(h, task);
    enum err rc = ERR_CANCELLED;
    if (!atomic_load(&task->cancelled))
        rc = converse_twice(&j, ask, out);
    count_packets(&j, out);
    if (j.broken)
        rc = replace(&j, rc, out);
    atomic_store(&task->helper, NULL);
    set_timer(h, 0);
    rc = j.stopping ? j.stopping : rc;
    if (!rc)
        return ERR_NONE;
    drop_record(out);
    if (out->why[0] == '\0')
        (void)snprintf(out->why, sizeof out->why, "%s", err_text(rc));
    return rc;
}
