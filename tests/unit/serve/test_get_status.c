/* edge/serve/get_status: what the server is doing, as JSON and as a page. */
#include "edge/serve/admin.h"

#include "tests/unit/serve/admin_kit.h"

#include <jansson.h>

static json_t *status(void)
{
    struct client c = client_new();
    ask(&c, "/status.json", "Connection: close\r\n");
    hear_end(&c);
    assert_non_null(strstr(c.got, "\r\nContent-Type: application/json\r\n"));
    json_t *all = json_loads(strstr(c.got, "\r\n\r\n") + 4, 0, NULL);
    assert_non_null(all);
    client_free(&c);
    return all;
}

static json_t *row(json_t *all, const char *section, const char *name)
{
    json_t *value = json_object_get(json_object_get(all, section), name);
    if (!value)
        fail_msg("%s, %s", section, name);
    return value;
}

static void numbers_are_sums_over_the_threads(void **state)
{
    (void)state;
    counters_add(service.counters, COUNTER_ORIGIN_OPENS, 3);
    counters_add(shared, COUNTER_ORIGIN_OPENS, 4);
    counters_add(shared, counters_code(200), 5);
    counters_add(shared, counters_code(404), 6);
    json_t *all = status();
    assert_int_equal(json_integer_value(row(all, "origin", "files opened")), 7);
    assert_int_equal(json_integer_value(row(all, "requests", "answered")), 11);
    assert_int_equal(json_integer_value(row(all, "connections", "open")), 1);
    assert_string_equal(json_string_value(row(all, "server", "version")), "9.8.7");
    assert_true(json_is_false(row(all, "server", "draining")));
    json_decref(all);
}

static void it_says_how_redis_is(void **state)
{
    (void)state;
    json_t *all = status();
    assert_string_equal(json_string_value(row(all, "server", "redis state")), "connecting");
    json_decref(all);
    atomic_store(&broken, 2);
    all = status();
    assert_string_equal(json_string_value(row(all, "server", "redis state")), "left alone");
    json_decref(all);
    view.redis_broken = NULL;
    all = status();
    assert_string_equal(json_string_value(row(all, "server", "redis state")), "off");
    json_decref(all);
}

static void the_page_has_every_row_and_loads_nothing(void **state)
{
    (void)state;
    struct client c = client_new();
    const char *section, *name;
    json_t *rows, *value, *all = status();
    ask(&c, "/status", "Connection: close\r\n");
    hear_end(&c);
    assert_non_null(strstr(c.got, "\r\nContent-Type: text/html; charset=utf-8\r\n"));
    assert_non_null(strstr(c.got, "\r\nContent-Security-Policy: default-src 'none';"));
    json_object_foreach(all, section, rows)
    {
        json_object_foreach(rows, name, value)
        {
            char text[160];
            snprintf(text, sizeof text, "<th scope=\"row\">%s</th><td>", name);
            if (!strstr(c.got, text))
                fail_msg("the page lacks %s", name);
        }
    }
    json_decref(all);
    client_free(&c);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, admin_begin, admin_end)
    const struct CMUnitTest tests[] = {
        TEST(numbers_are_sums_over_the_threads),
        TEST(it_says_how_redis_is),
        TEST(the_page_has_every_row_and_loads_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
