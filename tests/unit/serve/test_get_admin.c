/* edge/serve/get_admin: what monitoring asks for. */
#include "edge/serve/admin.h"

#include "tests/unit/serve/admin_kit.h"

static void expect_health(const char *status_line, const char *status, const char *reason)
{
    char text[200];
    struct client c = client_new();
    ask(&c, "/health", "Connection: close\r\n");
    hear_end(&c);
    if (!strstr(c.got, status_line))
        fail_msg("not %s: %s", status_line, c.got);
    snprintf(text, sizeof text, "{\"status\":\"%s\",\"reason\":\"%s\",\"version\":\"9.8.7\",",
             status, reason);
    if (!strstr(c.got, text))
        fail_msg("not %s: %s", text, c.got);
    assert_non_null(strstr(c.got, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(c.got, "\r\nCache-Control: no-store\r\n"));
    client_free(&c);
}

static void health_is_of_the_tree_and_of_redis(void **state)
{
    (void)state;
    expect_health("200 OK", "pass", "");
    atomic_store(&broken, 1);
    expect_health("200 OK", "warn", "Redis does not answer");
    tree_remove(&tree);
    expect_health("503 Service Unavailable", "fail", "media.root is no directory");
    assert_int_equal(mkdir(tree.root, 0755), 0);
    atomic_store(&broken, 0);
    expect_health("200 OK", "pass", "");
    atomic_store(&draining, true);
    expect_health("503 Service Unavailable", "fail", "draining");
}

static void a_tree_that_hangs_holds_up_nobody_else(void **state)
{
    (void)state;
    struct client asks = client_new(), metrics = client_new();
    hold_pool(io, KIT_THREADS);
    ask(&asks, "/health", "");
    turns(3);
    assert_int_equal(asks.n, 0);
    ask(&metrics, "/metrics", "");
    hear(&metrics, "segue_build_info");
    hear(&asks, "media.root does not answer");
    assert_non_null(strstr(asks.got, "HTTP/1.1 503 "));
    client_free(&asks);
    client_free(&metrics);
    hold_release();
    expect_health("200 OK", "pass", "");
}

static void who_asks_for_health_may_go(void **state)
{
    (void)state;
    struct client c = client_new();
    hold_pool(io, KIT_THREADS);
    ask(&c, "/health", "");
    turns(3);
    sockets_reset(c.fd);
    c.fd = -1;
    turns(2);
    assert_null(newest());
    hold_release();
    client_free(&c);
    expect_health("200 OK", "pass", "");
}

static void metrics_are_of_all_threads(void **state)
{
    (void)state;
    struct client c = client_new();
    counters_add(shared, COUNTER_ORIGIN_OPENS, 3);
    counters_add(service.counters, COUNTER_ORIGIN_OPENS, 4);
    ask(&c, "/metrics", "Connection: close\r\n");
    hear_end(&c);
    assert_non_null(strstr(c.got, "\nsegue_origin_opens_total 7\n"));
    assert_non_null(strstr(c.got, "\nsegue_build_info{version=\"9.8.7\""));
    assert_non_null(strstr(c.got, "\nsegue_redis_breaker_open 0\n"));
    assert_non_null(strstr(c.got, "\r\nContent-Type: text/plain; version=0.0.4"));
    client_free(&c);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, admin_begin, admin_end)
    const struct CMUnitTest tests[] = {
        TEST(health_is_of_the_tree_and_of_redis),
        TEST(a_tree_that_hangs_holds_up_nobody_else),
        TEST(who_asks_for_health_may_go),
        TEST(metrics_are_of_all_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
