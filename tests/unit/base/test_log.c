/* edge/base/log: one line an event, nothing from outside in it unescaped. */
#include "edge/base/log.h"

#include <stdio.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What is written to stderr between the two. */
static int saved = -1;
static int reader = -1;

static void catch_stderr(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    reader = ends[0];
}

static size_t caught(char *out, size_t room)
{
    dup2(saved, STDERR_FILENO); /* closes the pipe's last writer: reading ends */
    close(saved);
    size_t n = 0;
    ssize_t got;
    while (n < room - 1 && (got = read(reader, out + n, room - 1 - n)) > 0)
        n += (size_t)got;
    close(reader);
    out[n] = '\0';
    return n;
}

static void a_line_has_time_level_and_text(void **state)
{
    (void)state;
    char line[256];
    catch_stderr();
    log_write(LOG_WARN, "disk %d is %s", 3, "slow");
    size_t n = caught(line, sizeof line);
    int year, month, day, hour, minute, ms;
    int end = 0;
    assert_int_equal(sscanf(line, "%4d-%2d-%2dT%2d:%2d:%*2d.%3dZ%n", &year, &month, &day, &hour,
                            &minute, &ms, &end),
                     6);
    assert_int_equal(end, 24);
    assert_string_equal(line + end, " warn  disk 3 is slow\n");
    assert_int_equal(line[n - 1], '\n');
}

static void what_is_not_wanted_is_not_written(void **state)
{
    (void)state;
    char lines[512];
    catch_stderr();
    log_set_level(LOG_WARN);
    log_write(LOG_ERROR, "one");
    log_write(LOG_INFO, "two");
    log_set_level(LOG_DEBUG);
    log_write(LOG_DEBUG, "three");
    caught(lines, sizeof lines);
    log_set_level(LOG_INFO);
    assert_true(log_wants(LOG_INFO));
    assert_false(log_wants(LOG_DEBUG));
    assert_non_null(strstr(lines, "one\n"));
    assert_null(strstr(lines, "two"));
    assert_non_null(strstr(lines, "three\n"));
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
    (void)state;
    char text[4001], line[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    catch_stderr();
    log_write(LOG_ERROR, "%s", text);
    size_t n = caught(line, sizeof line);
    assert_in_range(n, 2000, 2048);
    assert_ptr_equal(strchr(line, '\n'), line + n - 1);
}

static void text_from_outside_is_escaped(void **state)
{
    (void)state;
    char out[128];
    assert_string_equal(log_text(out, sizeof out, STR("a b~\r\n\x1b[0m\0\\\x7f\xff")),
                        "a b~\\x0d\\x0a\\x1b[0m\\x00\\x5c\\x7f\\xff");
    assert_string_equal(log_text(out, sizeof out, STR("")), "");
}

static void text_is_cut_to_its_room_between_two_escapes(void **state)
{
    (void)state;
    for (size_t room = 1; room <= 16; room++) {
        char out[17];
        memset(out, '#', sizeof out);
        log_text(out, room, STR("\n\n\n\n"));
        assert_int_equal(strlen(out) % 4, 0);
        assert_true(strlen(out) < room);
        assert_int_equal(out[room], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_and_text),
        cmocka_unit_test(what_is_not_wanted_is_not_written),
        cmocka_unit_test(a_long_line_is_cut_and_still_ends),
        cmocka_unit_test(text_from_outside_is_escaped),
        cmocka_unit_test(text_is_cut_to_its_room_between_two_escapes),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
