/* edge/serve/exchange: one request through its stages, over real sockets. */
#include "edge/serve/exchange.h"

#include "tests/unit/serve/client.h"
#include "tests/unit/store/hold.h"

static void what_was_asked_decides_the_answer(void **state)
{
    static const struct {
        const char *request, *status, *line;
    } cases[] = {
        {"GET /audio/a.mp3", "200 OK", "Content-Length: 14"},
        {"GET /audio/none.mp3", "404 Not Found", "Content-Type: application/problem+json"},
        {"GET /elsewhere", "404 Not Found", "Cache-Control: no-store"},
        {"GET /audio/%zz", "400 Bad Request", "Content-Type: application/problem+json"},
        {"GET /audio/a%2Fb.mp3", "400 Bad Request", "Content-Type: application/problem+json"},
        {"DELETE /audio/a.mp3", "405 Method Not Allowed", "Allow: GET, HEAD, OPTIONS"},
        {"POST /ping", "405 Method Not Allowed", "Allow: GET, HEAD, OPTIONS"},
        {"OPTIONS /audio/a.mp3", "204 No Content", "Access-Control-Max-Age: 86400"},
        {"OPTIONS *", "204 No Content", "Access-Control-Max-Age: 86400"},
    };
    (void)state;
    tree_text(&tree, "a.mp3", "the first file");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client c = client_new();
        char text[256], line[256];
        snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                 cases[i].request);
        say(&c, text);
        hear_end(&c);
        snprintf(line, sizeof line, "HTTP/1.1 %s\r\n", cases[i].status);
        if (strncmp(c.got, line, strlen(line)) != 0)
            fail_msg("%s: %s", cases[i].request, c.got);
        snprintf(line, sizeof line, "\r\n%s\r\n", cases[i].line);
        if (!strstr(c.got, line) || !strstr(c.got, "\r\nServer: segue\r\n"))
            fail_msg("%s: %s", cases[i].request, c.got);
        client_free(&c);
    }
}

static void head_has_the_head_of_get(void **state)
{
    (void)state;
    tree_text(&tree, "a.mp3", "the first file");
    struct client c = client_new();
    say(&c, "HEAD /audio/a.mp3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    hear_end(&c);
    assert_non_null(strstr(c.got, "\r\nContent-Length: 14\r\n"));
    assert_non_null(strstr(c.got, "\r\nETag: \""));
    assert_memory_equal(c.got + c.n - 4, "\r\n\r\n", 4);
    client_free(&c);
}

/* A request that waits has its own copy of what it needs: the room it was read into is used by
 * others meanwhile. */
static void who_waits_keeps_his_words(void **state)
{
    (void)state;
    struct client waiting = client_new(), other = client_new();
    tree_text(&tree, "a.mp3", "the first file");
    tree_text(&tree, "b.mp3", "the second file");
    ask(&waiting, "/audio/a.mp3", "Range: bytes=4-8\r\n");
    while (!service.conns->next->exchange)
        turns(1);
    memset(service.input, 'x', service.input_room);
    memset(&service.request, 0, sizeof service.request);
    ask(&other, "/audio/b.mp3", "");
    hear(&other, "the second file");
    hear(&waiting, "\r\n\r\nfirst");
    assert_non_null(strstr(waiting.got, "206 Partial Content"));
    client_free(&waiting);
    client_free(&other);
}

static void exchanges_are_used_again(void **state)
{
    (void)state;
    struct client c = client_new();
    tree_text(&tree, "a.mp3", "the first file");
    ask(&c, "/ping", "");
    hear(&c, "pong\n");
    assert_int_equal(service.spare_count, 1);
    struct exchange *spare = service.spares;
    forget(&c);
    ask(&c, "/audio/a.mp3", "");
    hear(&c, "first file");
    turns(1);
    assert_int_equal(service.spare_count, 1);
    assert_ptr_equal(service.spares, spare);
    exchange_free_spares(&service);
    assert_int_equal(service.spare_count, 0);
    assert_null(service.spares);
    client_free(&c);
}

/* Nothing was answered: 499, as nginx counts it, and what was done for it is given up. */
static void who_goes_while_he_waits_is_an_abort(void **state)
{
    (void)state;
    struct client c = client_new();
    tree_text(&tree, "a.mp3", "the first file");
    ask(&c, "/audio/a.mp3", "");
    while (!newest()->exchange)
        turns(1);
    sockets_reset(c.fd);
    c.fd = -1;
    while (newest())
        turns(1);
    assert_int_equal(counted(COUNTER_ABORTS), 1);
    assert_int_equal(counted(counters_code(499)), 1);
    assert_int_equal(counted(counters_code(200)), 0);
    client_free(&c);
}

/* A close is told by what an interim answer meets, long before the file has come. */
static void who_closes_while_he_waits_is_not_waited_for(void **state)
{
    (void)state;
    struct client c = client_new();
    tree_text(&tree, "a.mp3", "the first file");
    hold_pool(io, KIT_THREADS);
    ask(&c, "/audio/a.mp3", "");
    turns(3);
    close(c.fd);
    c.fd = -1;
    while (newest())
        turns(1);
    assert_int_equal(counted(counters_code(499)), 1);
    hold_release();
    client_free(&c);
}

/* A half-close looks like a close until something is written: an interim answer tells. */
static void a_half_close_while_it_waits_is_no_abort(void **state)
{
    (void)state;
    struct client c = client_new();
    tree_text(&tree, "a.mp3", "the first file");
    ask(&c, "/audio/a.mp3", "");
    shutdown(c.fd, SHUT_WR);
    hear_end(&c);
    assert_non_null(strstr(c.got, "the first file"));
    assert_int_equal(counted(COUNTER_ABORTS), 0);
    client_free(&c);
}

static void draining_says_that_it_was_the_last_answer(void **state)
{
    (void)state;
    struct client c = client_new();
    tree_text(&tree, "a.mp3", "the first file");
    ask(&c, "/audio/a.mp3", "");
    while (!newest()->exchange)
        turns(1);
    service_drain(&service);
    hear_end(&c);
    assert_non_null(strstr(c.got, "the first file"));
    assert_non_null(strstr(c.got, "\r\nConnection: close\r\n"));
    assert_int_equal(counted(counters_closed(CLOSE_DRAIN)), 1);
    client_free(&c);
}

static void it_is_said_where_the_bytes_came_from(void **state)
{
    (void)state;
    struct client c = client_new();
    tree_text(&tree, "a.mp3", "the first file");
    ask(&c, "/audio/a.mp3", "");
    hear(&c, "file");
    assert_non_null(strstr(c.got, "\r\nCache-Status: segue; fwd=miss; stored\r\n"));
    forget(&c);
    ask(&c, "/audio/a.mp3", "");
    hear(&c, "file");
    assert_non_null(strstr(c.got, "\r\nCache-Status: segue; hit; detail=memory\r\n"));
    client_free(&c);
}

static enum step give_nothing(struct exchange *x, struct str rest)
{
    (void)rest;
    return exchange_give(x, 200, NULL); /* as without memory */
}

static enum step fail_it(struct exchange *x, struct str rest)
{
    (void)rest;
    return exchange_fail(x, ERR_BUSY, STR(""));
}

static void without_memory_it_is_503(void **state)
{
    (void)state;
    routes[2] = (struct route){STR("/nothing"), true, false, give_nothing};
    routes[3] = (struct route){STR("/fails"), true, false, fail_it};
    struct client c = client_new();
    ask(&c, "/nothing", "");
    hear(&c, "\r\n\r\n");
    assert_non_null(strstr(c.got, "HTTP/1.1 503 "));
    assert_non_null(strstr(c.got, "\r\nContent-Length: 0\r\n"));
    forget(&c);
    ask(&c, "/fails", "");
    hear(&c, "\"status\":503");
    assert_non_null(strstr(c.got, "\r\nRetry-After: 1\r\n"));
    client_free(&c);
}

static void every_answer_is_counted_and_measured(void **state)
{
    (void)state;
    struct client c = client_new();
    ask(&c, "/ping", "");
    hear(&c, "pong\n");
    forget(&c);
    ask(&c, "/none", "");
    hear(&c, "}\n");
    struct histogram_totals sum;
    histogram_sum(&service.histogram, 1, &sum);
    assert_int_equal(sum.count, 2);
    assert_int_equal(counted(counters_code(200)), 1);
    assert_int_equal(counted(counters_code(404)), 1);
    client_free(&c);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_begin, kit_end)
    const struct CMUnitTest tests[] = {
        TEST(what_was_asked_decides_the_answer),
        TEST(head_has_the_head_of_get),
        TEST(who_waits_keeps_his_words),
        TEST(exchanges_are_used_again),
        TEST(who_goes_while_he_waits_is_an_abort),
        TEST(who_closes_while_he_waits_is_not_waited_for),
        TEST(a_half_close_while_it_waits_is_no_abort),
        TEST(draining_says_that_it_was_the_last_answer),
        TEST(it_is_said_where_the_bytes_came_from),
        TEST(without_memory_it_is_503),
        TEST(every_answer_is_counted_and_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
