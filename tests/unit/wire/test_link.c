/* edge/wire/link: one call, and what its error means. */
#include "edge/wire/link.h"

#include "tests/unit/wire/sockets.h"

#include <signal.h>

static int ours, theirs;
static int file; /* 1000 bytes, byte i being i */

static int begin(void **state)
{
    unsigned char bytes[1000];
    char name[] = "/tmp/segue-link-XXXXXX";
    (void)state;
    sockets_pair(&ours, &theirs);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    file = mkstemp(name);
    unlink(name);
    return write(file, bytes, sizeof bytes) == sizeof bytes ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    close(ours);
    close(theirs);
    close(file);
    return 0;
}

static void expect(struct link_result r, enum link_state state, size_t n)
{
    assert_int_equal(r.state, state);
    assert_int_equal(r.n, n);
}

static void reading_tells_bytes_nothing_and_the_end_apart(void **state)
{
    (void)state;
    char at[16];
    expect(link_read(ours, at, sizeof at), LINK_AGAIN, 0);
    assert_int_equal(send(theirs, "hello", 5, 0), 5);
    expect(link_read(ours, at, 3), LINK_OK, 3);
    expect(link_read(ours, at + 3, sizeof at - 3), LINK_OK, 2);
    assert_memory_equal(at, "hello", 5);
    assert_int_equal(shutdown(theirs, SHUT_WR), 0);
    expect(link_read(ours, at, sizeof at), LINK_END, 0);
}

static void reading_from_a_reset_connection_is_its_end(void **state)
{
    (void)state;
    char at[16];
    sockets_reset(theirs);
    theirs = -1;
    expect(link_read(ours, at, sizeof at), LINK_GONE, 0);
}

static void parts_are_written_as_one(void **state)
{
    (void)state;
    char got[32];
    struct iovec parts[] = {
        {(void *)(uintptr_t) "one ", 4}, {NULL, 0}, {(void *)(uintptr_t) "two", 3}};
    expect(link_write(ours, parts, 3, 0), LINK_OK, 7);
    assert_int_equal(recv(theirs, got, sizeof got, 0), 7);
    assert_memory_equal(got, "one two", 7);
}

static void a_full_socket_would_block(void **state)
{
    (void)state;
    static char much[1 << 20];
    struct iovec part = {much, sizeof much};
    struct link_result r;
    uint64_t sent = 0;
    while ((r = link_write(ours, &part, 1, 0)).state == LINK_OK)
        sent += r.n; /* the last of them less than was asked */
    expect(r, LINK_AGAIN, 0);
    assert_true(sent > 0);
    assert_true(link_unsent(ours) > 0);
    r = link_send_file(ours, file, 0, 1000);
    expect(r, LINK_AGAIN, 0);
}

static void what_was_read_is_not_unsent(void **state)
{
    (void)state;
    assert_int_equal(link_unsent(ours), 0);
    assert_int_equal(link_unsent(-1), 0);
}

static void writing_to_who_has_gone_is_no_signal(void **state)
{
    (void)state;
    struct iovec part = {(void *)(uintptr_t) "x", 1};
    sockets_reset(theirs);
    theirs = -1;
    assert_int_equal(link_write(ours, &part, 1, 0).state, LINK_GONE);
    assert_int_equal(link_write(ours, &part, 1, 1).state, LINK_GONE); /* EPIPE now */
    signal(SIGPIPE, SIG_IGN); /* as the server does: for files there is no other way */
    assert_int_equal(link_send_file(ours, file, 0, 10).state, LINK_GONE);
    signal(SIGPIPE, SIG_DFL);
}

static void files_are_sent_from_where_it_is_said(void **state)
{
    (void)state;
    unsigned char got[64];
    expect(link_send_file(ours, file, 100, 50), LINK_OK, 50);
    assert_int_equal(recv(theirs, got, sizeof got, 0), 50);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(got[i], 100 + i);
    assert_int_equal(lseek(file, 0, SEEK_CUR), 1000); /* others share the descriptor */
}

static void a_file_that_ends_too_soon_is_told(void **state)
{
    (void)state;
    expect(link_send_file(ours, file, 990, 50), LINK_OK, 10);
    expect(link_send_file(ours, file, 1000, 50), LINK_END, 0);
    expect(link_send_file(ours, file, 5000, 50), LINK_END, 0);
}

static void what_cannot_be_read_is_the_files_fault(void **state)
{
    (void)state;
    int odd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* never opened as a file */
    expect(link_send_file(ours, odd, 0, 50), LINK_FILE, 0);
    close(odd);
}

static void a_reset_shows_even_behind_a_fin(void **state)
{
    (void)state;
    char at[16];
    assert_false(link_is_broken(ours));
    assert_int_equal(shutdown(theirs, SHUT_WR), 0);
    expect(link_read(ours, at, sizeof at), LINK_END, 0);
    assert_false(link_is_broken(ours)); /* half-closed is not broken */
    sockets_reset(theirs);
    theirs = -1;
    assert_true(link_is_broken(ours));
    assert_true(link_is_broken(-1));
}

static void who_finds_no_room_is_told_and_let_go(void **state)
{
    (void)state;
    char got[512] = {0};
    link_refuse(ours, STR("no room"));
    assert_int_equal(fcntl(ours, F_GETFD), -1);
    ours = -1;
    assert_int_equal(recv(theirs, got, sizeof got - 1, 0), 7);
    assert_string_equal(got, "no room");
    assert_int_equal(recv(theirs, got, sizeof got, 0), 0);
}

#define OVER_LOOPBACK(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_LOOPBACK(reading_tells_bytes_nothing_and_the_end_apart),
        OVER_LOOPBACK(reading_from_a_reset_connection_is_its_end),
        OVER_LOOPBACK(parts_are_written_as_one),
        OVER_LOOPBACK(a_full_socket_would_block),
        OVER_LOOPBACK(what_was_read_is_not_unsent),
        OVER_LOOPBACK(writing_to_who_has_gone_is_no_signal),
        OVER_LOOPBACK(files_are_sent_from_where_it_is_said),
        OVER_LOOPBACK(a_file_that_ends_too_soon_is_told),
        OVER_LOOPBACK(what_cannot_be_read_is_the_files_fault),
        OVER_LOOPBACK(a_reset_shows_even_behind_a_fin),
        OVER_LOOPBACK(who_finds_no_room_is_told_and_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
