/* edge/store/shelf: what is put there is read and sent from its file, each run on pages of its own;
 * what is dropped takes no memory, and never changes what is under way. */
#include "edge/store/shelf.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { LONG = 100 * 1000, THREADS = 4, EACH = 50, BLOCK = 512 };

static struct shelf *shelf;

static int begin(void **state)
{
    (void)state;
    return shelf_new(&shelf) == ERR_NONE ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    shelf_free(shelf);
    return 0;
}

static unsigned char *filled(unsigned char with, size_t n)
{
    unsigned char *bytes = malloc(n);
    memset(bytes, with, n);
    return bytes;
}

static uint64_t put(unsigned char with, size_t n)
{
    uint64_t at;
    unsigned char *bytes = filled(with, n);
    assert_int_equal(shelf_put(shelf, bytes, n, &at), ERR_NONE);
    free(bytes);
    return at;
}

static void expect(unsigned char with, uint64_t at, size_t n)
{
    unsigned char *want = filled(with, n), *have = malloc(n);
    assert_int_equal(pread(shelf_fd(shelf), have, n, (off_t)at), n);
    assert_memory_equal(have, want, n);
    free(want);
    free(have);
}

static uint64_t memory(void)
{
    struct stat st;
    assert_int_equal(fstat(shelf_fd(shelf), &st), 0);
    return (uint64_t)st.st_blocks * BLOCK;
}

static void each_run_begins_on_a_page_of_its_own(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t lengths[] = {1, page - 1, page, page + 1, LONG};
    uint64_t at[5], room = 0;
    for (int i = 0; i < 5; i++) {
        at[i] = put((unsigned char)('a' + i), lengths[i]);
        assert_int_equal(at[i] % page, 0);
        assert_int_equal(shelf_room(shelf, lengths[i]) % page, 0);
        assert_in_range(shelf_room(shelf, lengths[i]), lengths[i], lengths[i] + page - 1);
        room += shelf_room(shelf, lengths[i]);
    }
    for (int i = 0; i < 5; i++)
        expect((unsigned char)('a' + i), at[i], lengths[i]);
    assert_int_equal(memory(), room);
}

static void what_is_dropped_takes_no_memory(void **state)
{
    (void)state;
    uint64_t first = put('a', LONG), second = put('b', LONG);
    uint64_t both = memory();
    shelf_drop(shelf, first, LONG);
    assert_int_equal(memory(), both / 2);
    expect('b', second, LONG);
    shelf_drop(shelf, second, LONG);
    assert_int_equal(memory(), 0);
}

/* A client that is slow has pages of an object in his socket that was evicted since. */
static void what_is_under_way_stays_as_it_was(void **state)
{
    (void)state;
    int two[2];
    enum { PART = 16 * 1024 };
    unsigned char *want = filled('a', PART), *have = malloc(PART);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, two), 0);
    uint64_t at = put('a', LONG);
    off_t from = (off_t)at;
    assert_int_equal(sendfile(two[0], shelf_fd(shelf), &from, PART), PART);
    shelf_drop(shelf, at, LONG);
    uint64_t next = put('b', LONG);
    assert_true(next >= at + LONG); /* a place is never taken twice */
    assert_int_equal(recv(two[1], have, PART, MSG_WAITALL), PART);
    assert_memory_equal(have, want, PART);
    close(two[0]);
    close(two[1]);
    free(want);
    free(have);
}

static void *put_many(void *arg)
{
    unsigned char with = *(unsigned char *)arg;
    for (int i = 0; i < EACH; i++) {
        uint64_t at = put(with, LONG / 10);
        expect(with, at, LONG / 10);
        if (i % 2)
            shelf_drop(shelf, at, LONG / 10);
    }
    return NULL;
}

static void threads_do_not_write_over_each_other(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    unsigned char with[THREADS] = {'a', 'b', 'c', 'd'};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_many, &with[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(memory(), THREADS * EACH / 2 * shelf_room(shelf, LONG / 10));
}

/* A kernel that gives no more pages: here, that lets no file grow. */
static void without_room_nothing_is_left_there(void **state)
{
    (void)state;
    struct rlimit before, few;
    uint64_t at, kept = put('a', LONG);
    uint64_t used = memory();
    unsigned char *bytes = filled('b', LONG);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    few = (struct rlimit){shelf_room(shelf, LONG) + LONG / 2, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
    enum err e = shelf_put(shelf, bytes, LONG, &at);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    free(bytes);
    assert_int_equal(e, ERR_NOMEM);
    assert_int_equal(memory(), used);
    expect('a', kept, LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_run_begins_on_a_page_of_its_own, begin, end),
        cmocka_unit_test_setup_teardown(what_is_dropped_takes_no_memory, begin, end),
        cmocka_unit_test_setup_teardown(what_is_under_way_stays_as_it_was, begin, end),
        cmocka_unit_test_setup_teardown(threads_do_not_write_over_each_other, begin, end),
        cmocka_unit_test_setup_teardown(without_room_nothing_is_left_there, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
