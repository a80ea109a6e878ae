/* edge/watch/sink: files, pipes and what goes wrong with them. */
#include "edge/watch/sink.h"

#include "edge/base/log.h"
#include "watch/folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct folder folder;

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    signal(SIGPIPE, SIG_IGN);
    return folder_make(&folder);
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

/* Not even errors: one is expected. */
static void hush(void) { log_set_level((enum log_level) - 1); }

static void expect_file(const char *file, const char *want)
{
    char *text = folder_read(file);
    assert_string_equal(text, want);
    free(text);
}

static void a_file_is_made_and_appended_to(void **state)
{
    (void)state;
    struct sink s;
    for (int i = 0; i < 2; i++) {
        assert_true(sink_open(&s, folder.file));
        assert_int_equal(sink_write(&s, STR("one\ntwo\n"), 0), 0);
        sink_close(&s);
    }
    expect_file(folder.file, "one\ntwo\none\ntwo\n");
}

static void a_file_in_no_folder_is_refused(void **state)
{
    (void)state;
    struct sink s;
    hush();
    assert_false(sink_open(&s, "/nonexistent/folder/log"));
}

static void a_moved_file_is_left_at_reopen_and_not_before(void **state)
{
    (void)state;
    struct sink s;
    assert_true(sink_open(&s, folder.file));
    sink_write(&s, STR("a\n"), 0);
    assert_int_equal(rename(folder.file, folder.moved), 0);
    sink_write(&s, STR("b\n"), 0);
    sink_reopen(&s);
    sink_write(&s, STR("c\n"), 0);
    sink_close(&s);
    expect_file(folder.moved, "a\nb\n");
    expect_file(folder.file, "c\n");
}

static void a_reopen_that_fails_keeps_the_old_file(void **state)
{
    (void)state;
    struct sink s;
    assert_true(sink_open(&s, folder.file));
    assert_int_equal(rename(folder.file, folder.moved), 0);
    assert_int_equal(mkdir(folder.file, 0700), 0);
    hush();
    sink_reopen(&s);
    assert_int_equal(sink_write(&s, STR("still\n"), 0), 0);
    sink_close(&s);
    rmdir(folder.file);
    expect_file(folder.moved, "still\n");
}

static void a_full_disk_costs_the_lines_at_hand_only(void **state)
{
    (void)state;
    struct sink s;
    assert_true(sink_open(&s, "/dev/full"));
    assert_int_equal(sink_write(&s, STR("one\ntwo\nthree\n"), 1000), 3);
    assert_int_equal(sink_write(&s, STR("four\n"), 1000), 1);
    assert_true(s.failing);
    sink_close(&s);
}

/* A pipe with the test's own reading end; the sink has no way to wait for that. */
static int open_pipe(struct sink *s)
{
    assert_int_equal(mkfifo(folder.file, 0600), 0);
    int reader = open(folder.file, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_true(sink_open(s, folder.file));
    return reader;
}

static size_t read_some(int fd, char *text, size_t room)
{
    ssize_t n = read(fd, text, room - 1);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static void a_pipe_without_a_reader_is_refused_and_does_not_wait(void **state)
{
    (void)state;
    struct sink s;
    hush();
    assert_int_equal(mkfifo(folder.file, 0600), 0);
    assert_false(sink_open(&s, folder.file));
}

static void a_reader_that_went_is_an_error_and_no_signal(void **state)
{
    (void)state;
    struct sink s;
    int reader = open_pipe(&s);
    close(reader);
    assert_int_equal(sink_write(&s, STR("a\nb\n"), 1000), 2);
    sink_close(&s);
}

static void a_stuck_reader_is_given_up_and_a_broken_line_is_ended(void **state)
{
    (void)state;
    enum { MANY = 256 * 1024 };
    static char many[MANY], back[MANY];
    struct sink s;
    int reader = open_pipe(&s);
    memset(many, 'x', MANY);
    many[MANY - 1] = '\n';
    assert_int_equal(sink_write(&s, (struct str){many, MANY}, 1), 1);
    assert_true(s.torn);
    assert_int_equal(sink_write(&s, STR("lost\n"), 1), 1);
    while (read_some(reader, back, MANY))
        assert_null(strstr(back, "lost"));
    assert_int_equal(sink_write(&s, STR("whole\n"), 1), 0);
    assert_false(s.failing);
    read_some(reader, back, MANY);
    assert_string_equal(back, "\nwhole\n");
    close(reader);
    sink_close(&s);
}

/* Runs with stdout replaced by fd, and puts it back. */
static size_t write_to_stdout(int fd, struct str lines)
{
    struct sink s;
    int saved = dup(STDOUT_FILENO);
    dup2(fd, STDOUT_FILENO);
    bool opened = sink_open(&s, "stdout");
    size_t lost = sink_write(&s, lines, 1);
    sink_reopen(&s);
    lost += sink_write(&s, STR("last\n"), 1);
    sink_close(&s);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    assert_true(opened);
    return lost;
}

static void a_stuck_pipe_on_stdout_does_not_block_and_keeps_its_flags(void **state)
{
    (void)state;
    static char many[256 * 1024];
    int ends[2];
    memset(many, '\n', sizeof many);
    assert_int_equal(pipe(ends), 0);
    assert_true(write_to_stdout(ends[1], (struct str){many, sizeof many}) > 0);
    assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
    close(ends[0]);
    close(ends[1]);
}

static void a_stuck_socket_on_stdout_does_not_block(void **state)
{
    (void)state;
    static char many[4 * 1024 * 1024];
    int ends[2];
    memset(many, '\n', sizeof many);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_true(write_to_stdout(ends[1], (struct str){many, sizeof many}) > 0);
    close(ends[0]);
    close(ends[1]);
}

static void stdout_gets_its_lines_and_stays_open(void **state)
{
    (void)state;
    char back[64];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write_to_stdout(ends[1], STR("first\n")), 0);
    read_some(ends[0], back, sizeof back);
    assert_string_equal(back, "first\nlast\n");
    assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
    close(ends[0]);
    close(ends[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_made_and_appended_to),
        TEST(a_file_in_no_folder_is_refused),
        TEST(a_moved_file_is_left_at_reopen_and_not_before),
        TEST(a_reopen_that_fails_keeps_the_old_file),
        TEST(a_full_disk_costs_the_lines_at_hand_only),
        TEST(a_pipe_without_a_reader_is_refused_and_does_not_wait),
        TEST(a_reader_that_went_is_an_error_and_no_signal),
        TEST(a_stuck_reader_is_given_up_and_a_broken_line_is_ended),
        TEST(a_stuck_pipe_on_stdout_does_not_block_and_keeps_its_flags),
        TEST(a_stuck_socket_on_stdout_does_not_block),
        TEST(stdout_gets_its_lines_and_stays_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
