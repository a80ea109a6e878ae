/* edge/watch/access: rings, the writer, and what a worker must never feel. */
#include "edge/watch/access.h"

#include "edge/base/log.h"
#include "watch/folder.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct folder folder;

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    return folder_make(&folder);
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

static struct access *start(enum access_format format, size_t ring_size)
{
    struct access *a = access_new(&(struct access_opts){folder.file, format, 0, ring_size});
    assert_non_null(a);
    return a;
}

static void write_target(struct access_ring *ring, const char *target)
{
    struct access_entry e = {.method = STR("GET"),
                             .target = str_of(target),
                             .status = 200,
                             .version = STR("HTTP/1.1"),
                             .close = CLOSE_COUNT};
    access_write(ring, &e);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    while ((text = strstr(text, what))) {
        text += strlen(what);
        n++;
    }
    return n;
}

static void expect_counts(const char *file, const char *what, size_t want)
{
    char *text = folder_read(file);
    assert_int_equal(count(text, what), want);
    free(text);
}

static void an_entry_is_a_line_of_the_file_after_a_flush(void **state)
{
    (void)state;
    struct access *a = start(ACCESS_COMBINED, 0);
    struct access_ring *ring = access_join(a);
    write_target(ring, "/one");
    access_flush(a);
    char *text = folder_read(folder.file);
    assert_string_equal(
        text, "- - - [01/Jan/1970:00:00:00 +0000] \"GET /one HTTP/1.1\" 200 0 \"-\" \"-\"\n");
    free(text);
    access_free(a);
}

static void the_format_may_be_json(void **state)
{
    (void)state;
    struct access *a = start(ACCESS_JSON, 0);
    write_target(access_join(a), "/one");
    access_free(a);
    expect_counts(folder.file, "\"target\":\"/one\"", 1);
}

static void free_writes_out_what_is_still_in_the_rings(void **state)
{
    (void)state;
    struct access *a = start(ACCESS_COMBINED, 0);
    struct access_ring *one = access_join(a);
    struct access_ring *two = access_join(a);
    for (int i = 0; i < 100; i++) {
        write_target(one, "/one");
        write_target(two, "/two");
    }
    access_free(a);
    expect_counts(folder.file, "GET /one ", 100);
    expect_counts(folder.file, "GET /two ", 100);
}

static void reopen_follows_a_moved_file(void **state)
{
    (void)state;
    struct access *a = start(ACCESS_COMBINED, 0);
    struct access_ring *ring = access_join(a);
    write_target(ring, "/before");
    access_flush(a);
    assert_int_equal(rename(folder.file, folder.moved), 0);
    write_target(ring, "/between");
    access_flush(a);
    access_reopen(a);
    access_flush(a);
    write_target(ring, "/after");
    access_free(a);
    expect_counts(folder.moved, "GET /before ", 1);
    expect_counts(folder.moved, "GET /between ", 1);
    expect_counts(folder.moved, "\n", 2);
    expect_counts(folder.file, "GET /after ", 1);
    expect_counts(folder.file, "\n", 1);
}

/* A reader that never reads: the pipe fills, then the writer waits, then the ring fills. The loop
 * ends because access_write comes back each time and counts. */
static void a_full_ring_drops_and_counts_and_never_blocks(void **state)
{
    (void)state;
    static char long_target[1024];
    memset(long_target, 'x', sizeof long_target - 1);
    assert_int_equal(mkfifo(folder.file, 0600), 0);
    int reader = open(folder.file, O_RDONLY | O_NONBLOCK);
    struct access *a = start(ACCESS_COMBINED, 16 * 1024);
    struct access_ring *ring = access_join(a);
    while (access_stats(a).dropped < 1000)
        write_target(ring, long_target);
    close(reader); /* the writer has nobody to wait for any more */
    access_flush(a);
    assert_true(access_stats(a).lost > 0);
    access_free(a);
}

static void a_full_disk_is_counted(void **state)
{
    (void)state;
    struct access *a = access_new(&(struct access_opts){.where = "/dev/full"});
    struct access_ring *ring = access_join(a);
    for (int i = 0; i < 7; i++)
        write_target(ring, "/x");
    access_flush(a);
    assert_int_equal(access_stats(a).lost, 7);
    assert_int_equal(access_stats(a).dropped, 0);
    access_free(a);
}

static void off_writes_nothing_and_needs_no_thread(void **state)
{
    (void)state;
    struct access *a = access_new(&(struct access_opts){.where = "off"});
    struct access_ring *ring = access_join(a);
    assert_non_null(ring);
    for (int i = 0; i < 100000; i++)
        write_target(ring, "/x");
    access_reopen(a);
    access_flush(a);
    assert_int_equal(access_stats(a).dropped, 0);
    access_free(a);
}

/* Only the slow ones go through the ring: a hundred thousand others would not fit. */
static void off_still_warns_about_slow_requests(void **state)
{
    (void)state;
    int ends[2];
    char text[1024];
    int saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    log_set_level(LOG_WARN);
    dup2(ends[1], STDERR_FILENO);
    struct access *a = access_new(&(struct access_opts){.where = "off", .slow_ns = 1000});
    struct access_ring *ring = access_join(a);
    for (int i = 0; i < 100000; i++)
        write_target(ring, "/fast");
    assert_false(access_wants(ring, 1000));
    assert_true(access_wants(ring, 1001));
    assert_false(access_wants(NULL, 5000));
    access_write(ring, &(struct access_entry){.wait_ns = 5000, .target = STR("/slow")});
    uint64_t dropped = access_stats(a).dropped;
    access_free(a);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    assert_int_equal(dropped, 0);
    assert_int_equal(count(text, "/slow"), 1);
    assert_int_equal(count(text, "\n"), 1);
    close(ends[0]);
    close(ends[1]);
}

static void a_file_that_cannot_be_opened_is_no_log(void **state)
{
    (void)state;
    log_set_level((enum log_level) - 1); /* not even errors: one is expected */
    assert_null(access_new(&(struct access_opts){.where = "/nonexistent/folder/log"}));
}

static void a_missing_ring_or_log_is_taken(void **state)
{
    (void)state;
    write_target(NULL, "/x");
    access_free(NULL);
    assert_int_equal(access_stats(NULL).dropped, 0);
}

enum { EACH = 20000 };

struct worker {
    struct access *access;
    char name;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    struct access_ring *ring = access_join(w->access);
    for (int i = 0; i < EACH; i++) {
        char target[32];
        snprintf(target, sizeof target, "/%c/%d", w->name, i);
        write_target(ring, target);
    }
    return NULL;
}

/* The numbers of one worker's lines rise; returns how many lines there are. */
static size_t expect_rising(const char *text, char name)
{
    char lead[] = "GET /?/";
    long last = -1;
    size_t lines = 0;
    lead[5] = name;
    while ((text = strstr(text, lead))) {
        text += sizeof lead - 1;
        long number = strtol(text, NULL, 10);
        assert_true(number > last);
        last = number;
        lines++;
    }
    return lines;
}

static void two_workers_lose_nothing_uncounted_and_keep_their_order(void **state)
{
    (void)state;
    struct access *a = start(ACCESS_COMBINED, 16 * 1024);
    struct worker workers[] = {{a, 'a'}, {a, 'b'}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (int i = 0; i < 50; i++) {
        access_flush(a);
        access_reopen(a);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    access_flush(a);
    struct access_stats stats = access_stats(a);
    access_free(a);
    char *text = folder_read(folder.file);
    size_t lines = expect_rising(text, 'a') + expect_rising(text, 'b');
    assert_int_equal(lines, count(text, "\n"));
    assert_int_equal(stats.lost, 0);
    assert_int_equal(lines + stats.dropped, 2 * EACH);
    free(text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_entry_is_a_line_of_the_file_after_a_flush),
        TEST(the_format_may_be_json),
        TEST(free_writes_out_what_is_still_in_the_rings),
        TEST(reopen_follows_a_moved_file),
        TEST(a_full_ring_drops_and_counts_and_never_blocks),
        TEST(a_full_disk_is_counted),
        TEST(off_writes_nothing_and_needs_no_thread),
        TEST(off_still_warns_about_slow_requests),
        TEST(a_file_that_cannot_be_opened_is_no_log),
        TEST(a_missing_ring_or_log_is_taken),
        TEST(two_workers_lose_nothing_uncounted_and_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
