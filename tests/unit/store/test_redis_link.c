/* edge/store/redis_link: one connection, against a real redis-server and against sockets that are
 * none. (What a lying server does to look-ups: test_redis.c.) */
#include "edge/store/redis_link.h"

#include "tests/unit/store/redis_kit.h"

enum { COMMANDS = 64, MB_LARGE = 1024 * 1024 };

static struct loop *loop;
static struct timers *timers;
static struct pool *io;
static struct mailbox *mailbox;
static struct histogram *answers;
static atomic_uint broken;
static struct redis_url url;
static struct redis_link_opts opts;
static struct redis_link *link_;

/* What came of the commands, in the order of the answers. */
static struct {
    unsigned number;
    enum err e;
    enum redis_kind kind;
    char text[64];
} got[COMMANDS];
static unsigned got_count, greeted, pushed;
static char push_text[64];
static unsigned numbers[COMMANDS];

static void on_answer(void *owner, enum err e, const struct redis_reply *reply)
{
    unsigned *number = owner;
    got[got_count].number = *number;
    got[got_count].e = e;
    got[got_count].kind = reply ? reply->kind : REDIS_OTHER;
    snprintf(got[got_count].text, sizeof got[0].text, "%.*s", reply ? (int)reply->bytes.n : 0,
             reply && reply->bytes.n ? reply->bytes.p : "");
    got_count++;
    loop_stop(loop);
}

static void on_ready(void *owner)
{
    (void)owner;
    greeted++;
    loop_stop(loop);
}

static void on_push(void *owner, struct str payload)
{
    (void)owner;
    pushed++;
    snprintf(push_text, sizeof push_text, "%.*s", STR_ARG(payload));
    loop_stop(loop);
}

static void begin_at(const char *path, bool subscribes)
{
    loop = turn_loop();
    assert_int_equal(timers_new(loop, &timers), ERR_NONE);
    assert_int_equal(pool_new(1, "io", &io), ERR_NONE);
    mailbox = turn_mailbox(loop);
    answers = histogram_new();
    got_count = greeted = pushed = 0;
    for (unsigned i = 0; i < COMMANDS; i++)
        numbers[i] = i;
    snprintf(url.path, sizeof url.path, "%s", path);
    opts = (struct redis_link_opts){.loop = loop,
                                    .timers = timers,
                                    .mailbox = mailbox,
                                    .io = io,
                                    .url = &url,
                                    .timeout = 10 * CLOCK_SECOND,
                                    .broken = &broken,
                                    .answers = answers,
                                    .ready = on_ready,
                                    .push = subscribes ? on_push : NULL};
    assert_int_equal(redis_link_new(&opts, &link_), ERR_NONE);
}

static int begin(void **state)
{
    (void)state;
    url = (struct redis_url){.database = 0};
    freeReplyObject(redisCommand(direct, "FLUSHALL"));
    begin_at(tree_path(&redis_tree, "redis.sock"), false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    redis_link_stop(link_);
    pool_free(io);
    mailbox_settle(mailbox);
    redis_link_free(link_);
    assert_int_equal(atomic_load(&broken), 0);
    mailbox_free(mailbox);
    timers_free(timers);
    loop_free(loop);
    histogram_free(answers);
    return 0;
}

static enum err send_for(uint64_t wait, const char *a, const char *b, const char *c,
                         unsigned number)
{
    struct str words[3] = {str_of(a), str_of(b), str_of(c)};
    unsigned count = c ? 3 : b ? 2 : 1;
    return redis_link_send(link_, words, count, loop_refresh(loop) + wait, on_answer,
                           &numbers[number]);
}

static void say(const char *a, const char *b, const char *c, unsigned number)
{
    assert_int_equal(send_for(10 * CLOCK_SECOND, a, b, c, number), ERR_NONE);
}

static void hear(unsigned count)
{
    while (got_count < count)
        loop_run(loop);
}

static void answers_come_in_the_order_of_commands(void **state)
{
    (void)state;
    say("SET", "a", "one", 0); /* before it is up: they wait for it */
    say("GET", "a", NULL, 1);
    say("GET", "none", NULL, 2);
    say("NONSENSE", NULL, NULL, 3);
    say("INCR", "n", NULL, 4);
    hear(5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(got[i].number, i);
        assert_int_equal(got[i].e, ERR_NONE);
    }
    assert_string_equal(got[0].text, "OK");
    assert_int_equal(got[1].kind, REDIS_BYTES);
    assert_string_equal(got[1].text, "one");
    assert_int_equal(got[2].kind, REDIS_NIL);
    assert_int_equal(got[3].kind, REDIS_REFUSED);
    assert_int_equal(got[4].kind, REDIS_OTHER);
    assert_true(redis_link_ready(link_));
    assert_int_equal(greeted, 1);
    struct histogram_totals sum;
    histogram_sum(&answers, 1, &sum);
    assert_int_equal(sum.count, 6); /* the greeting's PING too */
}

static void it_greets_with_its_database(void **state)
{
    (void)state;
    end(NULL);
    url.database = 3;
    begin_at(tree_path(&redis_tree, "redis.sock"), false);
    say("SET", "here", "x", 0);
    hear(1);
    freeReplyObject(redisCommand(direct, "SELECT 3"));
    redisReply *r = redisCommand(direct, "GET here");
    assert_string_equal(r->str, "x");
    freeReplyObject(r);
    freeReplyObject(redisCommand(direct, "SELECT 0"));
}

/* A password that is refused: nobody is served as somebody else. */
static void who_is_refused_serves_nobody(void **state)
{
    (void)state;
    end(NULL);
    snprintf(url.password, sizeof url.password, "wrong");
    snprintf(url.user, sizeof url.user, "nobody");
    begin_at(tree_path(&redis_tree, "redis.sock"), false);
    say("SET", "a", "one", 0);
    hear(1);
    assert_int_equal(got[0].e, ERR_IO);
    assert_false(redis_link_ready(link_));
}

static void a_deadline_is_kept_and_a_late_answer_dropped(void **state)
{
    (void)state;
    freeReplyObject(redisCommand(direct, "MSET a one b two"));
    say("PING", NULL, NULL, 0);
    hear(1);
    kill(server, SIGSTOP);
    assert_int_equal(send_for(20 * CLOCK_MS, "GET", "a", NULL, 1), ERR_NONE);
    assert_int_equal(send_for(10 * CLOCK_SECOND, "GET", "b", NULL, 2), ERR_NONE);
    hear(2);
    assert_int_equal(got[1].number, 1);
    assert_int_equal(got[1].e, ERR_DEADLINE);
    kill(server, SIGCONT);
    hear(3);
    assert_int_equal(got[2].number, 2); /* its own answer, not the late one */
    assert_string_equal(got[2].text, "two");
    say("PING", NULL, NULL, 3);
    hear(4);
    assert_string_equal(got[3].text, "PONG");
    assert_int_equal(got_count, 4);
    assert_int_equal(greeted, 1);
}

/* Redis ends the connection: who waits is told, and it comes back by itself. */
static void it_comes_back_by_itself(void **state)
{
    (void)state;
    say("PING", NULL, NULL, 0);
    hear(1);
    freeReplyObject(redisCommand(direct, "CLIENT KILL TYPE normal SKIPME yes"));
    while (greeted < 2)
        loop_run(loop);
    assert_true(redis_link_usable(link_));
    assert_int_equal(atomic_load(&broken), 0); /* nobody waited: that is no failure */
    say("PING", NULL, NULL, 1);
    hear(2);
    assert_int_equal(got[1].e, ERR_NONE);
}

static void at_the_end_who_waits_is_told(void **state)
{
    (void)state;
    say("GET", "a", NULL, 0);
    say("GET", "b", NULL, 1);
    redis_link_stop(link_);
    assert_int_equal(got_count, 2);
    assert_int_equal(got[0].e, ERR_CANCELLED);
    assert_int_equal(got[1].e, ERR_CANCELLED);
    assert_int_equal(send_for(CLOCK_SECOND, "GET", "a", NULL, 2), ERR_BUSY);
    assert_false(redis_link_usable(link_));
    redis_link_stop(link_);
    assert_int_equal(got_count, 2);
}

static void what_waits_to_be_sent_has_a_ceiling(void **state)
{
    (void)state;
    char *large = malloc(MB_LARGE);
    memset(large, 'x', MB_LARGE);
    struct str words[3] = {STR("SET"), STR("a"), {large, MB_LARGE}};
    enum err e = ERR_NONE;
    unsigned sent = 0;
    while (!e && sent < COMMANDS) { /* it is not up yet: all of them wait */
        e = redis_link_send(link_, words, 3, loop_now(loop) + 60 * CLOCK_SECOND, on_answer,
                            &numbers[sent]);
        sent += !e;
    }
    assert_int_equal(e, ERR_BUSY);
    assert_int_equal(sent, REDIS_OUT_MAX / MB_LARGE - 1); /* the greeting has its bytes, too */
    hear(sent);
    for (unsigned i = 0; i < sent; i++)
        assert_int_equal(got[i].e, ERR_NONE);
    free(large);
}

static void a_subscriber_is_told(void **state)
{
    (void)state;
    end(NULL);
    begin_at(tree_path(&redis_tree, "redis.sock"), true);
    say("SUBSCRIBE", "channel", NULL, 0);
    hear(1);
    assert_int_equal(got[0].e, ERR_NONE);
    freeReplyObject(redisCommand(direct, "PUBLISH channel news"));
    while (!pushed)
        loop_run(loop);
    assert_string_equal(push_text, "news");
    assert_int_equal(got_count, 1);
}

/* Its owner has seen enough of an answer to end the connection, and looks at it once more. */
static void on_faulty(void *owner, enum err e, const struct redis_reply *reply)
{
    (void)owner;
    assert_int_equal(e, ERR_NONE);
    for (int i = 0; i < 10; i++)
        redis_link_fault(link_);
    assert_false(redis_link_usable(link_));
    assert_true(str_starts(reply->bytes, STR("ERR unknown command")));
    got_count++;
    loop_stop(loop);
}

static void faults_open_the_breaker(void **state)
{
    (void)state;
    struct str word = STR("NONSENSE");
    assert_int_equal(
        redis_link_send(link_, &word, 1, loop_now(loop) + 10 * CLOCK_SECOND, on_faulty, NULL),
        ERR_NONE);
    hear(1);
    assert_int_equal(atomic_load(&broken), 1);
    assert_int_equal(send_for(CLOCK_SECOND, "GET", "a", NULL, 1), ERR_BUSY);
    while (!redis_link_usable(link_)) /* a probe finds it well */
        turn_once(loop);
    assert_int_equal(atomic_load(&broken), 0);
}

static void who_answers_too_much_is_left(void **state)
{
    struct liar liar;
    (void)state;
    end(NULL);
    begin_at(tree_path(&redis_tree, "liar.sock"), false);
    lie(&liar, loop, url.path, "+PONG\r\n+more\r\n");
    while (greeted < 2) /* it is left, and tried again: it may have been a mishap */
        loop_run(loop);
    assert_true(liar.count >= 2);
    lie_no_more(&liar);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_come_in_the_order_of_commands),
        TEST(it_greets_with_its_database),
        TEST(who_is_refused_serves_nobody),
        TEST(a_deadline_is_kept_and_a_late_answer_dropped),
        TEST(it_comes_back_by_itself),
        TEST(at_the_end_who_waits_is_told),
        TEST(what_waits_to_be_sent_has_a_ceiling),
        TEST(a_subscriber_is_told),
        TEST(faults_open_the_breaker),
        TEST(who_answers_too_much_is_left),
    };
    return cmocka_run_group_tests(tests, begin_server, end_server);
}
