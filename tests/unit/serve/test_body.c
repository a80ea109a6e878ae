/* edge/serve/body: sending, a bounded number of bytes a turn. The link is this file's own: real
 * sockets below it, but one that can be told to take everything, to fill up, or that its file
 * cannot be read. */
#include "edge/serve/body.h"

#include "edge/wire/link.h"
#include "tests/unit/serve/kit.h"

#include <sys/mman.h>
#include <sys/sendfile.h>

enum { TURN = 1024 * 1024, PIECE = 512 * 1024, CALLS = 4096 };

enum mood { REAL, ENDLESS, FULL, GONE, UNREADABLE };

static enum mood mood;
static struct {
    int fd;
    bool file;
    size_t n;
} calls[CALLS]; /* what was asked of the link, in its order */
static unsigned call_count;

static void note(int fd, bool file, size_t n)
{
    assert_true(call_count < CALLS);
    calls[call_count].fd = fd;
    calls[call_count].file = file;
    calls[call_count++].n = n;
}

static struct link_result result(ssize_t n)
{
    if (n >= 0)
        return (struct link_result){LINK_OK, (size_t)n};
    return (struct link_result){errno == EAGAIN ? LINK_AGAIN : LINK_GONE, 0};
}

struct link_result link_read(int fd, void *at, size_t room)
{
    ssize_t n = recv(fd, at, room, 0);
    return n ? result(n) : (struct link_result){LINK_END, 0};
}

struct link_result link_write(int fd, const struct iovec *parts, int count, int more)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
                             .msg_iovlen = (size_t)count};
    size_t n = 0;
    (void)more;
    for (int i = 0; i < count; i++)
        n += parts[i].iov_len;
    note(fd, false, n);
    if (mood == ENDLESS)
        return (struct link_result){LINK_OK, n};
    if (mood == FULL || mood == GONE)
        return (struct link_result){mood == FULL ? LINK_AGAIN : LINK_GONE, 0};
    return result(sendmsg(fd, &message, MSG_NOSIGNAL));
}

struct link_result link_send_file(int fd, int file, uint64_t offset, size_t n)
{
    off_t at = (off_t)offset;
    note(fd, true, n);
    if (mood == ENDLESS)
        return (struct link_result){LINK_OK, n};
    if (mood == UNREADABLE)
        return (struct link_result){LINK_FILE, 0};
    ssize_t sent = sendfile(fd, file, &at, n);
    return sent ? result(sent) : (struct link_result){LINK_END, 0};
}

bool link_is_broken(int fd)
{
    int error = 0;
    socklen_t n = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error != 0;
}

uint32_t link_unsent(int fd)
{
    (void)fd;
    return 0;
}

void link_refuse(int fd, struct str answer)
{
    (void)answer;
    close(fd);
}

/* A large object that is in memory: "/memory". */
static enum step give_memory(struct exchange *x, struct str rest)
{
    struct key key = key_make(OBJECT_REPLY, STR("/memory"), 0, CONTAINER_COUNT, 0);
    size_t n = 2 * KIT_MB + 5;
    unsigned char *bytes = malloc(n);
    (void)rest;
    for (size_t i = 0; i < n; i++)
        bytes[i] = tree_byte(i);
    struct object *o = object_of_bytes(&key, bytes, n);
    assert_int_equal(object_describe(o, "text/plain", "no-store"), ERR_NONE);
    return exchange_give(x, 200, o);
}

static int begin(void **state)
{
    mood = REAL;
    call_count = 0;
    int rc = kit_begin(state);
    routes[2] = (struct route){STR("/memory"), true, false, give_memory};
    return rc;
}

static void expect_body(const struct client *c, size_t from, size_t n)
{
    const char *body = memmem(c->got, c->n, "\r\n\r\n", 4);
    assert_non_null(body);
    body += 4;
    assert_int_equal(c->n - (size_t)(body - c->got), n);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)body[i] != tree_byte(from + i))
            fail_msg("byte %zu of %zu", i, n);
}

static size_t sent_to(int fd)
{
    size_t n = 0;
    for (unsigned i = 0; i < call_count; i++)
        n += calls[i].fd == fd ? calls[i].n : 0;
    return n;
}

/* Its source is known and read into memory: from here on it is sent without waiting. */
static void make_known(const char *path, size_t n)
{
    struct client c = client_new();
    char text[64];
    snprintf(text, sizeof text, "%zu\r\n", n);
    ask(&c, path, "Connection: close\r\n");
    hear_end(&c);
    assert_true(c.n > n);
    client_free(&c);
    turns(2);
    call_count = 0;
}

static void a_file_arrives_byte_for_byte(void **state)
{
    (void)state;
    struct client c = client_new();
    tree_fill(&tree, "a.mp3", 3 * KIT_MB + 11);
    ask(&c, "/audio/a.mp3", "Connection: close\r\n");
    hear_end(&c);
    expect_body(&c, 0, 3 * KIT_MB + 11);
    assert_int_equal(counted(COUNTER_RESPONSE_BYTES), c.n);
    client_free(&c);
}

static void memory_arrives_byte_for_byte(void **state)
{
    (void)state;
    struct client c = client_new();
    ask(&c, "/memory", "Connection: close\r\n");
    hear_end(&c);
    expect_body(&c, 0, 2 * KIT_MB + 5);
    client_free(&c);
}

static void a_range_of_a_file_arrives_byte_for_byte(void **state)
{
    (void)state;
    struct client c = client_new();
    tree_fill(&tree, "a.mp3", 3 * KIT_MB);
    ask(&c, "/audio/a.mp3", "Range: bytes=1000003-2999999\r\nConnection: close\r\n");
    hear_end(&c);
    expect_body(&c, 1000003, 1999997);
    client_free(&c);
}

/* Who takes whatever is given is given a megabyte, and what was begun of the next piece, before
 * another is served. */
static void a_turn_has_its_share(void **state)
{
    (void)state;
    const size_t size = 8 * KIT_MB;
    tree_fill(&tree, "a.mp3", size);
    make_known("/audio/a.mp3", size);
    struct client first = client_new(), second = client_new();
    struct conn *b = service.conns, *a = b->next;
    ask(&first, "/audio/a.mp3", "");
    ask(&second, "/audio/a.mp3", "");
    mood = ENDLESS;
    while (sent_to(a->fd) < size || sent_to(b->fd) < size)
        turns(1);
    size_t run = 0, runs = 0;
    for (unsigned i = 0; i < call_count; i++) {
        run = i && calls[i].fd == calls[i - 1].fd ? run + calls[i].n : calls[i].n;
        runs += i && calls[i].fd != calls[i - 1].fd;
        assert_true(run < TURN + PIECE);
    }
    assert_true(runs >= 2 * (size / (TURN + PIECE)));
    client_free(&first);
    client_free(&second);
}

static void nothing_but_the_share_goes_in_one_call(void **state)
{
    (void)state;
    const size_t size = 8 * KIT_MB;
    tree_fill(&tree, "a.mp3", size);
    make_known("/audio/a.mp3", size);
    struct client c = client_new();
    struct conn *conn = newest();
    ask(&c, "/audio/a.mp3", "");
    mood = FULL; /* so that it comes to sending, and no further */
    while (!conn->exchange || !conn->exchange->body.count)
        turns(1);
    mood = ENDLESS;
    uint64_t before = conn->exchange->body.sent;
    assert_int_equal(body_send(conn->exchange), STEP_PARK);
    uint64_t sent = conn->exchange->body.sent - before;
    assert_true(sent >= TURN && sent < TURN + PIECE);
    assert_true(conn->again.queued); /* it comes back by itself */
    assert_true(timer_is_on(&conn->timer));
    client_free(&c);
}

/* Large memory: the head goes ahead; small: in one call with its head. */
static void a_head_goes_with_what_is_small_and_before_what_is_not(void **state)
{
    (void)state;
    struct client c = client_new();
    ask(&c, "/memory", "");
    hear_bytes(&c, 2 * KIT_MB + 5);
    assert_true(calls[0].n < 1024);
    call_count = 0;
    client_free(&c);

    c = client_new();
    tree_fill(&tree, "small.mp3", 3000);
    ask(&c, "/audio/small.mp3", "");
    hear_bytes(&c, 3000);
    assert_int_equal(call_count, 1);
    assert_true(calls[0].n > 3000);
    client_free(&c);
}

/* Filled up: the deadline runs, and what was refused goes when there is room. */
static void a_full_socket_is_waited_for(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", 100000);
    make_known("/audio/a.mp3", 100000);
    struct client c = client_new();
    struct conn *conn = newest();
    mood = FULL;
    ask(&c, "/audio/a.mp3", "Connection: close\r\n");
    while (!call_count)
        turns(1);
    assert_true(timer_is_on(&conn->timer));
    assert_false(conn->again.queued);
    uint64_t deadline = conn->timer.deadline;
    assert_int_equal(body_send(conn->exchange), STEP_PARK);
    assert_int_equal(conn->timer.deadline, deadline); /* being asked is no progress */
    mood = REAL;
    exchange_go(conn->exchange);
    hear_end(&c);
    expect_body(&c, 0, 100000);
    client_free(&c);
}

static void who_is_gone_is_no_longer_sent_to(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", 100000);
    make_known("/audio/a.mp3", 100000);
    struct client c = client_new();
    mood = GONE;
    ask(&c, "/audio/a.mp3", "");
    while (newest())
        turns(1);
    assert_int_equal(call_count, 1);
    assert_int_equal(counted(counters_closed(CLOSE_RESET)), 1);
    assert_int_equal(counted(COUNTER_ABORTS), 1);
    assert_true(counted(COUNTER_ABORT_BYTES_UNSENT) >= 100000);
    client_free(&c);
}

/* The length was promised: a file that cannot be read ends the connection. */
static void what_cannot_be_read_is_cut_short(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", 3 * KIT_MB);
    make_known("/audio/a.mp3", 3 * KIT_MB);
    struct client c = client_new();
    mood = UNREADABLE;
    ask(&c, "/audio/a.mp3", "");
    hear_end(&c);
    assert_true(c.n < 3000);
    assert_int_equal(counted(counters_closed(CLOSE_CUT_SHORT)), 1);
    assert_int_equal(counted(COUNTER_ABORTS), 0); /* the client is not to blame */
    client_free(&c);
}

/* A body ends with the bytes it began with, or is cut short. */
static void a_file_that_is_written_to_is_cut_short(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", 3 * KIT_MB);
    make_known("/audio/a.mp3", 3 * KIT_MB);
    struct client c = client_new();
    struct conn *conn = newest();
    mood = FULL;
    ask(&c, "/audio/a.mp3", "");
    while (!call_count)
        turns(1);
    tree_fill(&tree, "a.mp3", 3 * KIT_MB);
    tree_touch(&tree, "a.mp3", 1000000000, 1);
    mood = REAL;
    exchange_go(conn->exchange);
    turns(1);
    assert_null(newest());
    assert_int_equal(counted(counters_closed(CLOSE_CUT_SHORT)), 1);
    client_free(&c);
}

/* What is cold is read by a pool thread, and the loop goes on. */
static void a_cold_file_is_read_ahead(void **state)
{
    (void)state;
    const size_t size = 2 * KIT_MB;
    struct client c = client_new();
    tree_fill(&tree, "a.mp3", size);
    int fd = open(tree_path(&tree, "a.mp3"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    unsigned char pages[512] = {1};
    void *at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    assert_int_equal(mincore(at, size, pages), 0);
    munmap(at, size);
    close(fd);
    if (pages[0] & 1) /* a file system that keeps everything in memory has no cold files */
        skip();
    ask(&c, "/audio/a.mp3", "Connection: close\r\n");
    hear_end(&c);
    expect_body(&c, 0, size);
    assert_true(counted(COUNTER_ORIGIN_READ_BYTES) > 0);
    client_free(&c);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, kit_end)
    const struct CMUnitTest tests[] = {
        TEST(a_file_arrives_byte_for_byte),
        TEST(memory_arrives_byte_for_byte),
        TEST(a_range_of_a_file_arrives_byte_for_byte),
        TEST(a_turn_has_its_share),
        TEST(nothing_but_the_share_goes_in_one_call),
        TEST(a_head_goes_with_what_is_small_and_before_what_is_not),
        TEST(a_full_socket_is_waited_for),
        TEST(who_is_gone_is_no_longer_sent_to),
        TEST(what_cannot_be_read_is_cut_short),
        TEST(a_file_that_is_written_to_is_cut_short),
        TEST(a_cold_file_is_read_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
