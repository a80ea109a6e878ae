/* edge/serve/service: the tools of one loop: its date, and the end of its connections. */
#include "edge/serve/service.h"

#include "edge/http/date.h"
#include "tests/unit/serve/client.h"

static void the_date_line_is_now(void **state)
{
    (void)state;
    loop_refresh(loop);
    int64_t before = clock_wall(), said;
    struct str line = service_date(&service);
    assert_int_equal(line.n, SERVICE_DATE);
    assert_true(str_starts(line, STR("Date: ")));
    assert_memory_equal(line.p + line.n - 2, "\r\n", 2);
    assert_int_equal(date_parse(str_slice(line, 6, line.n - 2), before, &said), ERR_NONE);
    assert_true(said >= before && said <= clock_wall());
    assert_int_equal(said, service_second(&service));
}

/* The clock on the wall is asked once a second, at its turn. */
static void a_line_is_kept_until_its_second_is_over(void **state)
{
    (void)state;
    loop_refresh(loop);
    (void)service_date(&service);
    assert_true(service.second_until > loop_now(loop));
    assert_true(service.second_until <= loop_now(loop) + CLOCK_SECOND);
    service.second = 784111777;
    memcpy(service.date, "Date: kept", 10);
    assert_true(str_starts(service_date(&service), STR("Date: kept")));
    assert_int_equal(service_second(&service), 784111777);
    service.second_until = loop_now(loop);
    assert_false(str_starts(service_date(&service), STR("Date: kept")));
    assert_true(service_second(&service) > 784111777);
}

static void there_is_room_for_a_head_and_more(void **state)
{
    (void)state;
    assert_true(service.input_room > opts.max_header);
    assert_non_null(service.input);
}

static void draining_ends_the_idle_and_cutting_ends_all(void **state)
{
    (void)state;
    struct client idle = client_new(), busy = client_new();
    tree_text(&tree, "a.mp3", "the first file");
    turns(1);
    ask(&busy, "/audio/a.mp3", "");
    while (!service.conns->exchange)
        turns(1);
    service_drain(&service);
    assert_true(service.draining);
    assert_int_equal(service.conn_count, 1);
    assert_int_equal(closes, 1);
    service_cut(&service);
    assert_int_equal(service.conn_count, 0);
    assert_null(service.conns);
    assert_int_equal(closes, 2);
    assert_int_equal(atomic_load(&open_count), 0);
    hear_end(&idle);
    hear_end(&busy);
    assert_null(strstr(busy.got, "the first file"));
    client_free(&idle);
    client_free(&busy);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_begin, kit_end)
    const struct CMUnitTest tests[] = {
        TEST(the_date_line_is_now),
        TEST(a_line_is_kept_until_its_second_is_over),
        TEST(there_is_room_for_a_head_and_more),
        TEST(draining_ends_the_idle_and_cutting_ends_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
