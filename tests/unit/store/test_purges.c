/* edge/store/purges: carried out here, and on every edge of the same Redis. Two of them here stand
 * for two edges. */
#include "edge/store/purges.h"

#include "tests/unit/store/supply_redis.h"

#define TTL (100 * CLOCK_SECOND)

static struct purges_opts opts;
static atomic_uint broken;
static uint64_t wall;

static uint64_t wall_ns(void) { return wall; }

static struct purges *edge(bool with_redis)
{
    struct purges *p = NULL;
    opts = (struct purges_opts){.supply = seat.supply,
                                .loop = loop,
                                .timers = timers,
                                .mailbox = seat.mailbox,
                                .io = io,
                                .url = with_redis ? &redis_opts.url : NULL,
                                .timeout = 10 * CLOCK_SECOND,
                                .ttl = TTL,
                                .broken = &broken,
                                .answers = answers,
                                .wall_ns = wall_ns};
    assert_int_equal(purges_new(&opts, &p), ERR_NONE);
    return p;
}

/* On a connection that stands: others are told at once. */
static struct purges *ready_edge(void)
{
    struct purges *p = edge(true);
    while (purges_reach(p) != PURGES_TOLD)
        turn_once(loop);
    return p;
}

static int begin_purges(void **state)
{
    wall = UINT64_C(1700000000) * CLOCK_SECOND;
    return begin_with_redis(state);
}

static bool is_salted(struct purges *p, const char *path)
{
    char salt[PURGES_SALT];
    return purges_salt(p, str_of(path), salt) > 0;
}

static void same_salt(struct purges *a, struct purges *b, const char *path)
{
    char one[PURGES_SALT], other[PURGES_SALT];
    assert_true(purges_salt(a, str_of(path), one) > 0);
    assert_true(purges_salt(b, str_of(path), other) > 0);
    assert_string_equal(one, other);
}

static uint64_t purge(struct purges *p, enum purge_kind kind, const char *path, bool soft)
{
    struct purge what = {0, kind, soft, str_of(path)};
    return purges_run(p, &what);
}

static void until_salted(struct purges *p, const char *path)
{
    while (!is_salted(p, path))
        turn_once(loop);
}

static void free_edge(struct purges *p)
{
    purges_stop(p);
    purges_stop(p);
    pool_free(io); /* none of its work may be under way */
    mailbox_settle(seat.mailbox);
    purges_free(p);
    assert_int_equal(pool_new(THREADS, "io", &io), ERR_NONE);
}

static void alone_it_drops_what_is_here(void **state)
{
    (void)state;
    struct purges *p = edge(false);
    tree_text(&tree, "a.mp3", "sound");
    tree_text(&tree, "b.mp3", "sound");
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE);
    expect_err(wish_of(WISH_FILE, "/b.mp3"), ERR_NONE);
    assert_int_equal(purges_reach(p), PURGES_ALONE);
    assert_int_equal(purge(p, PURGE_PATH, "/a.mp3", false), 2); /* its source and its bytes */
    assert_int_equal(purge(p, PURGE_PATH, "/a.mp3", false), 0);
    assert_int_equal(purge(p, PURGE_PREFIX, "/", true), 2); /* doubted, not dropped */
    assert_int_equal(purge(p, PURGE_PREFIX, "/", false), 2);
    assert_int_equal(counted(COUNTER_PURGES), 4);
    assert_false(is_salted(p, "/a.mp3")); /* there is no Redis whose keys it would be for */
    assert_false(is_salted(NULL, "/a.mp3"));
    purges_free(p);
    purges_free(NULL);
}

static void another_edge_is_told(void **state)
{
    (void)state;
    struct purges *a = ready_edge(), *b = ready_edge();
    /* It hears when its subscription stands: it is told of a first one either way. */
    purge(a, PURGE_PATH, "/a.mp3", false);
    until_salted(b, "/a.mp3");
    purge(a, PURGE_PREFIX, "/album/", false);
    until_salted(b, "/album/x.mp3");
    same_salt(a, b, "/a.mp3");
    same_salt(a, b, "/album/x.mp3");
    assert_false(is_salted(b, "/other.mp3"));
    assert_int_equal(counted(COUNTER_PURGES), 4); /* each once on each edge */
    wall += CLOCK_SECOND;
    purge(b, PURGE_PATH, "/a.mp3", false);
    char before[PURGES_SALT], now_text[PURGES_SALT];
    purges_salt(a, STR("/a.mp3"), before);
    do {
        turn_once(loop);
        purges_salt(a, STR("/a.mp3"), now_text);
    } while (strcmp(before, now_text) == 0);
    same_salt(a, b, "/a.mp3"); /* the newest one's */
    free_edge(a);
    free_edge(b);
}

static void a_soft_one_leaves_no_salt(void **state)
{
    (void)state;
    struct purges *a = ready_edge(), *b = ready_edge();
    purge(a, PURGE_PATH, "/first.mp3", false); /* so that b surely hears */
    until_salted(b, "/first.mp3");
    purge(a, PURGE_PATH, "/a.mp3", true);
    until_counted(COUNTER_PURGES, 4);
    assert_false(is_salted(a, "/a.mp3"));
    assert_false(is_salted(b, "/a.mp3"));
    free_edge(a);
    free_edge(b);
}

static void who_comes_later_reads_the_log(void **state)
{
    (void)state;
    struct purges *a = ready_edge();
    purge(a, PURGE_PATH, "/a.mp3", false);
    purge(a, PURGE_FOLDER, "/album", false);
    redisReply *r;
    long long lines;
    do {
        turn_once(loop);
        r = redisCommand(direct, "STRLEN segue:1:purges");
        lines = r->integer;
        freeReplyObject(r);
    } while (lines < 60);
    struct purges *b = edge(true);
    until_salted(b, "/album/x.mp3");
    same_salt(a, b, "/a.mp3");
    same_salt(a, b, "/album/x.mp3");
    free_edge(a);
    free_edge(b);
}

/* Redis lost its log: who remembers mends it. */
static void a_log_that_was_lost_is_mended(void **state)
{
    (void)state;
    struct purges *a = ready_edge(), *b;
    purge(a, PURGE_PATH, "/a.mp3", false);
    redisReply *r;
    long long there = 0;
    while (!there) {
        turn_once(loop);
        r = redisCommand(direct, "DEL segue:1:purges");
        there = r->integer;
        freeReplyObject(r);
    }
    timers_advance(timers, clock_mono() + 11 * CLOCK_SECOND); /* it looks again */
    there = 0;
    while (!there) {
        turn_once(loop);
        r = redisCommand(direct, "EXISTS segue:1:purges");
        there = r->integer;
        freeReplyObject(r);
    }
    b = edge(true);
    until_salted(b, "/a.mp3");
    same_salt(a, b, "/a.mp3");
    free_edge(a);
    free_edge(b);
}

static void what_has_expired_in_redis_needs_no_salt(void **state)
{
    (void)state;
    struct purges *a = ready_edge();
    purge(a, PURGE_PATH, "/a.mp3", false);
    wall += TTL;
    purge(a, PURGE_PATH, "/b.mp3", false);
    assert_true(is_salted(a, "/a.mp3")); /* clocks of edges differ by a minute at most */
    wall += 61 * CLOCK_SECOND;
    purge(a, PURGE_PATH, "/c.mp3", false);
    assert_false(is_salted(a, "/a.mp3"));
    assert_true(is_salted(a, "/b.mp3"));
    free_edge(a);
}

static void too_many_become_one_of_everything(void **state)
{
    (void)state;
    char path[32];
    struct purges *a = ready_edge();
    for (int i = 0; i < PURGES_MAX; i++) {
        snprintf(path, sizeof path, "/%d.mp3", i);
        purge(a, PURGE_PATH, path, false);
    }
    assert_true(is_salted(a, "/0.mp3"));
    assert_false(is_salted(a, "/other.mp3"));
    purge(a, PURGE_PATH, "/more.mp3", false);
    assert_true(is_salted(a, "/other.mp3"));
    free_edge(a);
}

int main(void)
{
#define PURGES(test) cmocka_unit_test_setup_teardown(test, begin_purges, end_with_redis)
    const struct CMUnitTest tests[] = {
        PURGES(alone_it_drops_what_is_here),       PURGES(another_edge_is_told),
        PURGES(a_soft_one_leaves_no_salt),         PURGES(who_comes_later_reads_the_log),
        PURGES(a_log_that_was_lost_is_mended),     PURGES(what_has_expired_in_redis_needs_no_salt),
        PURGES(too_many_become_one_of_everything),
    };
    return cmocka_run_group_tests(tests, start_redis_too, stop_redis_too);
}
