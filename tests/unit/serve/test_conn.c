/* edge/serve/conn: the life of a connection, over real sockets. */
#include "edge/serve/conn.h"

#include "edge/guard/limiter.h"
#include "tests/unit/serve/kit.h"

#define PING "GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"
#define PONG "pong\n"

/* Later than every deadline; timers fire by it alone. */
static void later(uint64_t seconds)
{
    timers_advance(timers, clock_mono() + seconds * CLOCK_SECOND);
}

static void one_connection_carries_one_request_after_the_other(void **state)
{
    (void)state;
    struct client c = client_new();
    for (int i = 0; i < 3; i++) {
        say(&c, PING);
        hear(&c, PONG);
        assert_non_null(strstr(c.got, "HTTP/1.1 200 OK\r\n"));
        forget(&c);
    }
    assert_false(c.ended);
    assert_int_equal(counted(COUNTER_CONNECTIONS), 1);
    assert_int_equal(counted(COUNTER_CONNECTIONS_ACCEPTED), 1);
    assert_int_equal(counted(counters_code(200)), 3);
    client_free(&c);
}

static void a_head_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct client c = client_new();
    for (const char *p = PING; *p; p++) {
        char one[2] = {*p, '\0'};
        say(&c, one);
        turns(2);
        assert_int_equal(c.n, 0);
    }
    hear(&c, PONG);
    client_free(&c);
}

static void an_idle_connection_holds_no_bytes(void **state)
{
    (void)state;
    struct client c = client_new();
    say(&c, "GET /ping HT");
    turns(3);
    assert_int_equal(newest()->saved_len, 12);
    say(&c, "TP/1.1\r\nHost: h\r\n\r\n");
    hear(&c, PONG);
    turns(1);
    assert_null(newest()->saved);
    assert_null(newest()->exchange);
    client_free(&c);
}

static void what_is_sent_ahead_is_answered_in_its_order(void **state)
{
    (void)state;
    struct client c = client_new();
    tree_text(&tree, "a.mp3", "the first file");
    tree_text(&tree, "b.mp3", "the second file");
    say(&c, "GET /audio/a.mp3 HTTP/1.1\r\nHost: h\r\n\r\n" PING
            "GET /audio/b.mp3 HTTP/1.1\r\nHost: h\r\n\r\n" PING);
    hear(&c, "the second file");
    const char *a = strstr(c.got, "the first file"), *p = strstr(c.got, PONG),
               *b = strstr(c.got, "the second file");
    assert_true(a && p && b && a < p && p < b);
    client_free(&c);
}

/* However much one client sends ahead, others get their turn: 32 requests each. */
static void a_flood_of_requests_takes_turns_with_others(void **state)
{
    (void)state;
    enum { FLOOD = 100, TURN = 32 };
    struct client many = client_new(), other = client_new();
    char text[FLOOD * sizeof PING] = "";
    for (int i = 0; i < FLOOD; i++)
        memcpy(text + strlen(text), PING, sizeof PING);
    say(&many, text);
    uint64_t before = 0, after;
    for (int i = 0; i < 20 && before < FLOOD; i++, before = after) {
        turns(1);
        after = counted(counters_code(200));
        assert_true(after - before <= 2 * TURN); /* the socket's news, and one task */
    }
    assert_int_equal(before, FLOOD);
    hear_bytes(&many, 1);
    client_read(&many);
    assert_int_equal(times(&many, PONG), FLOOD);
    client_free(&many);
    client_free(&other);
}

static void another_is_answered_before_a_flood_ends(void **state)
{
    (void)state;
    enum { FLOOD = 400 };
    struct client many = client_new(), other = client_new();
    char *text = calloc(FLOOD, sizeof PING);
    for (size_t i = 0; i < FLOOD; i++)
        memcpy(text + i * (sizeof PING - 1), PING, sizeof PING);
    say(&many, text);
    say(&other, PING);
    hear(&other, PONG);
    assert_true(counted(counters_code(200)) < FLOOD);
    free(text);
    client_free(&many);
    client_free(&other);
}

static void what_is_no_request_is_refused_and_lingered_for(void **state)
{
    (void)state;
    struct client c = client_new();
    say(&c, "GET /ping HTTP/1.1\nHost: h\r\n\r\n" PING);
    hear_end(&c);
    assert_non_null(strstr(c.got, "HTTP/1.1 400 "));
    assert_non_null(strstr(c.got, "Connection: close\r\n"));
    assert_int_equal(times(&c, "HTTP/1.1"), 1); /* nothing of what follows is looked at */
    assert_false(c.reset);
    assert_true(newest() && newest()->linger);
    say(&c, "more of it");
    turns(2);
    assert_int_equal(newest()->lingered, 10);
    client_free(&c);
    turns(2);
    assert_null(newest());
    assert_int_equal(counted(counters_closed(CLOSE_BAD_REQUEST)), 1);
    assert_int_equal(closes, 1);
}

static void lingering_has_an_end(void **state)
{
    (void)state;
    static char noise[64 * 1024];
    struct client c = client_new();
    say(&c, "nonsense\r\n\r\n");
    hear_end(&c);
    memset(noise, 'x', sizeof noise);
    for (int i = 0; i < 16 && newest(); i++) { /* a megabyte, of which a quarter is read */
        (void)!send(c.fd, noise, sizeof noise, MSG_NOSIGNAL);
        turns(2);
    }
    assert_null(newest());
    client_free(&c);

    c = client_new();
    say(&c, "nonsense\r\n\r\n");
    hear_end(&c);
    later(3);
    turns(1);
    assert_null(newest());
    client_free(&c);
}

static void a_head_that_dawdles_is_told_408(void **state)
{
    (void)state;
    struct client c = client_new();
    say(&c, "GET /pi");
    turns(2);
    later(9);
    assert_null(newest()->exchange);
    assert_int_equal(counted(counters_code(408)), 0);
    later(11);
    hear_end(&c);
    assert_non_null(strstr(c.got, "HTTP/1.1 408 "));
    client_free(&c);
    turns(2);
    assert_int_equal(counted(counters_closed(CLOSE_HEADER_TIMEOUT)), 1);
}

/* One byte a second does not move the deadline: it counts from the first. */
static void bytes_do_not_buy_time(void **state)
{
    (void)state;
    struct client c = client_new();
    say(&c, "G");
    turns(2);
    uint64_t deadline = newest()->timer.deadline;
    say(&c, "E");
    turns(2);
    say(&c, "T");
    turns(2);
    assert_int_equal(newest()->saved_len, 3);
    assert_int_equal(newest()->timer.deadline, deadline);
    client_free(&c);
}

static void silence_is_closed_without_a_word(void **state)
{
    (void)state;
    struct client fresh = client_new();
    turns(1);
    later(11); /* nothing ever came */
    hear_end(&fresh);
    assert_int_equal(fresh.n, 0);
    assert_int_equal(counted(counters_closed(CLOSE_HEADER_TIMEOUT)), 1);
    client_free(&fresh);

    struct client served = client_new();
    say(&served, PING);
    hear(&served, PONG);
    forget(&served);
    later(59);
    assert_non_null(newest());
    later(61);
    hear_end(&served);
    assert_int_equal(served.n, 0);
    assert_int_equal(counted(counters_closed(CLOSE_IDLE)), 1);
    client_free(&served);
}

static void ends_are_told_apart(void **state)
{
    (void)state;
    struct client c = client_new();
    turns(1);
    client_free(&c);
    turns(2);
    assert_int_equal(counted(counters_closed(CLOSE_HANGUP)), 1);
    c = client_new();
    turns(1);
    sockets_reset(c.fd);
    c.fd = -1;
    turns(2);
    assert_int_equal(counted(counters_closed(CLOSE_RESET)), 1);
    assert_int_equal(counted(COUNTER_CONNECTIONS), 0);
    client_free(&c);
}

static void a_half_close_after_a_request_is_answered(void **state)
{
    (void)state;
    struct client c = client_new();
    say(&c, PING PING);
    shutdown(c.fd, SHUT_WR);
    hear_end(&c);
    assert_int_equal(times(&c, PONG), 2);
    assert_int_equal(counted(COUNTER_ABORTS), 0);
    client_free(&c);
}

/* Who takes something now and then keeps his place; who takes nothing for long loses it. */
static void a_stalled_client_is_given_up(void **state)
{
    (void)state;
    struct client c = client_new();
    tree_fill(&tree, "long.mp3", 12 * KIT_MB);
    ask(&c, "/audio/long.mp3", "");
    c.wanted = 1;
    client_run(&c);
    turns(50); /* until nothing more goes in */
    assert_non_null(newest()->exchange);
    assert_true(timer_is_on(&newest()->timer));
    struct timer *timer = &newest()->timer;
    timer->on_time(timer); /* the first look sees that he has taken what he has */
    timer->on_time(timer);
    client_read(&c);
    timer->on_time(timer); /* he has taken something */
    timer->on_time(timer);
    assert_non_null(newest());
    timer->on_time(timer);
    turns(1);
    assert_null(newest());
    assert_int_equal(counted(counters_closed(CLOSE_WRITE_TIMEOUT)), 1);
    assert_int_equal(counted(COUNTER_ABORTS), 1);
    assert_true(counted(COUNTER_ABORT_BYTES_UNSENT) > 0);
    client_free(&c);
}

static void who_finds_no_room_is_told_so(void **state)
{
    (void)state;
    opts.max_connections = 1;
    struct client first = client_new(), second = client_new();
    hear_end(&second);
    assert_non_null(strstr(second.got, "HTTP/1.1 503 "));
    assert_non_null(strstr(second.got, "Retry-After: 1\r\n"));
    assert_non_null(strstr(second.got, "Server: segue\r\n"));
    assert_int_equal(counted(COUNTER_CLOSED_OVERLOAD), 1);
    say(&first, PING);
    hear(&first, PONG);
    client_free(&first);
    turns(2);
    struct client third = client_new(); /* there is room again */
    say(&third, PING);
    hear(&third, PONG);
    client_free(&second);
    client_free(&third);
}

static void one_address_has_so_many_connections(void **state)
{
    (void)state;
    assert_int_equal(limiter_new(64, &opts.counts), ERR_NONE);
    opts.connections = 1;
    struct client first = client_new(), second = client_new();
    hear_end(&second);
    assert_non_null(strstr(second.got, "HTTP/1.1 503 "));
    assert_int_equal(counted(COUNTER_DENIED_CONNECTIONS), 1);
    client_free(&first);
    turns(2);
    struct client third = client_new();
    say(&third, PING);
    hear(&third, PONG);
    client_free(&second);
    client_free(&third);
    service_cut(&service);
    limiter_free(opts.counts);
    opts.counts = NULL;
}

static void draining_answers_what_has_come_and_ends_the_rest(void **state)
{
    (void)state;
    struct client idle = client_new(), asking = client_new(), half = client_new();
    turns(1);
    say(&half, "GET /pi");
    turns(2);
    say(&asking, PING); /* it lies in the socket: nobody has read it yet */
    service_drain(&service);
    hear_end(&idle);
    assert_int_equal(idle.n, 0);
    hear_end(&asking);
    assert_int_equal(times(&asking, PONG), 1);
    assert_non_null(strstr(asking.got, "Connection: close\r\n"));
    say(&half, "ng HTTP/1.1\r\nHost: h\r\n\r\n");
    hear_end(&half);
    assert_int_equal(times(&half, PONG), 1);
    client_free(&idle);
    client_free(&asking);
    client_free(&half);
}

static void a_body_is_thrown_away_before_the_next_request(void **state)
{
    (void)state;
    opts.admin = true;
    struct client c = client_new();
    say(&c, "POST /ping HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234");
    hear(&c, "HTTP/1.1 405 ");
    say(&c, "56789" PING);
    hear_end(&c); /* a body that nobody read: the connection is not kept */
    assert_int_equal(times(&c, "HTTP/1.1"), 1);
    client_free(&c);

    c = client_new();
    say(&c, "POST /ping HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
    hear(&c, "HTTP/1.1 413 ");
    client_free(&c);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_begin, kit_end)
    const struct CMUnitTest tests[] = {
        TEST(one_connection_carries_one_request_after_the_other),
        TEST(a_head_may_come_byte_by_byte),
        TEST(an_idle_connection_holds_no_bytes),
        TEST(what_is_sent_ahead_is_answered_in_its_order),
        TEST(a_flood_of_requests_takes_turns_with_others),
        TEST(another_is_answered_before_a_flood_ends),
        TEST(what_is_no_request_is_refused_and_lingered_for),
        TEST(lingering_has_an_end),
        TEST(a_head_that_dawdles_is_told_408),
        TEST(bytes_do_not_buy_time),
        TEST(silence_is_closed_without_a_word),
        TEST(ends_are_told_apart),
        TEST(a_half_close_after_a_request_is_answered),
        TEST(a_stalled_client_is_given_up),
        TEST(who_finds_no_room_is_told_so),
        TEST(one_address_has_so_many_connections),
        TEST(draining_answers_what_has_come_and_ends_the_rest),
        TEST(a_body_is_thrown_away_before_the_next_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
