/* edge/watch/slow: which requests are warned about. */
#include "edge/watch/slow.h"

#include "edge/base/clock.h"
#include "edge/base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct access_entry waiting(uint64_t wait_ns, uint64_t when_ns)
{
    return (struct access_entry){.wait_ns = wait_ns,
                                 .when_ns = when_ns,
                                 .method = STR("GET"),
                                 .target = STR("/a\nb"),
                                 .status = 200};
}

static bool note(struct slow *s, uint64_t wait_ns, uint64_t when_ns)
{
    struct access_entry e = waiting(wait_ns, when_ns);
    return slow_note(s, &e);
}

static int quiet(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    return 0;
}

static void only_what_waited_longer_than_the_limit_is_slow(void **state)
{
    (void)state;
    struct slow s = {.limit_ns = 2 * CLOCK_SECOND};
    assert_false(note(&s, 2 * CLOCK_SECOND, 0));
    assert_true(note(&s, 2 * CLOCK_SECOND + 1, 0));
}

static void without_a_limit_nothing_is_slow(void **state)
{
    (void)state;
    struct slow s = {0};
    assert_false(note(&s, UINT64_MAX, 0));
}

static void a_long_download_that_began_at_once_is_not_slow(void **state)
{
    (void)state;
    struct slow s = {.limit_ns = CLOCK_SECOND};
    struct access_entry e = waiting(CLOCK_MS, 0);
    e.duration_ns = 600 * CLOCK_SECOND;
    assert_false(slow_note(&s, &e));
}

static void a_second_has_a_few_warnings_and_the_next_has_its_own(void **state)
{
    (void)state;
    struct slow s = {.limit_ns = 1};
    unsigned shown = 0;
    for (uint64_t i = 0; i < 100; i++)
        shown += note(&s, 2, CLOCK_SECOND + i);
    assert_int_equal(shown, SLOW_PER_SECOND);
    assert_int_equal(s.hidden, 100 - SLOW_PER_SECOND);
    assert_true(note(&s, 2, 2 * CLOCK_SECOND));
    assert_int_equal(s.hidden, 0);
}

static size_t warn_into(char *text, size_t room)
{
    int ends[2];
    int saved = dup(STDERR_FILENO);
    struct slow s = {.limit_ns = 1};
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    note(&s, 2500 * CLOCK_MS, 0);
    dup2(saved, STDERR_FILENO);
    ssize_t n = read(ends[0], text, room - 1);
    close(saved);
    close(ends[0]);
    close(ends[1]);
    return n > 0 ? (size_t)n : 0;
}

static void the_warning_names_the_request_in_one_line(void **state)
{
    (void)state;
    char text[1024];
    log_set_level(LOG_WARN);
    text[warn_into(text, sizeof text)] = '\0';
    assert_non_null(strstr(text, "2500 ms to the first byte of GET /a\\x0ab for -, status 200"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

#define TEST(f) cmocka_unit_test_setup(f, quiet)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_what_waited_longer_than_the_limit_is_slow),
        TEST(without_a_limit_nothing_is_slow),
        TEST(a_long_download_that_began_at_once_is_not_slow),
        TEST(a_second_has_a_few_warnings_and_the_next_has_its_own),
        TEST(the_warning_names_the_request_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
