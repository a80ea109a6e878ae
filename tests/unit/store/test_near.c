/* edge/store/near: what is found at hand, and what no longer is. Time is the test's own; nobody
 * watches the tree, so a file is believed for half a second after it was looked at. */
#include "edge/store/near.h"

#include "tests/unit/loop/turn.h"
#include "tests/unit/store/tree.h"

#include <sched.h>
#include <stdio.h>

enum { SMALL = 64 * 1024, THREADS = 2, MANY = 300 };

static struct tree tree;
static struct loop *loop;
static struct timers *timers;
static struct pool *io;
static struct counters *shared;
static struct supply_seat seat;
static uint64_t now;

static int begin(void **state)
{
    (void)state;
    tree_make(&tree);
    loop = turn_loop();
    assert_int_equal(timers_new(loop, &timers), ERR_NONE);
    seat = (struct supply_seat){NULL, turn_mailbox(loop), counters_new(), NULL, NULL};
    shared = counters_new();
    assert_int_equal(near_new(loop, timers, &seat.near), ERR_NONE);
    assert_int_equal(pool_new(THREADS, "io", &io), ERR_NONE);
    struct supply_opts opts = {
        .cache = {.bytes = 16 << 20, .max_object = 16 << 20, .sources = 2 * MANY},
        .disk = {tree.root, "public, max-age=5", 6000, false, false, NULL},
        .small_file = SMALL,
        .ttl = 60 * CLOCK_SECOND,
        .metadata_ttl = 3600 * CLOCK_SECOND,
        .io = io,
        .counters = shared,
    };
    assert_int_equal(supply_new(&opts, &seat.supply), ERR_NONE);
    now = 1000 * CLOCK_SECOND;
    return 0;
}

static int end(void **state)
{
    (void)state;
    pool_free(io);
    near_free(seat.near);
    mailbox_settle(seat.mailbox);
    supply_free(seat.supply);
    mailbox_free(seat.mailbox);
    counters_free(seat.counters);
    counters_free(shared);
    timers_free(timers);
    loop_free(loop);
    tree_remove(&tree);
    return 0;
}

static void on_granted(struct wish *w)
{
    (void)w;
    loop_stop(loop);
}

static struct wish ask(const char *track)
{
    struct wish w = {.kind = WISH_FILE,
                     .container = CONTAINER_COUNT,
                     .track = str_of(track),
                     .granted = on_granted};
    if (!supply_ask(&seat, &w, now))
        loop_run(loop);
    assert_int_equal(w.err, ERR_NONE);
    return w;
}

static bool is_at_hand(const char *track)
{
    struct wish w = ask(track);
    bool at_hand = w.held;
    if (at_hand)
        assert_int_equal(w.how, WISH_HIT);
    supply_leave(&w);
    return at_hand;
}

/* Made, found in the cache once, and once more: from now on it is at hand. */
static void bring_near(const char *track)
{
    for (int i = 0; i < 3; i++)
        assert_false(is_at_hand(track));
}

static int holders_of(const char *track)
{
    struct near *near = seat.near;
    seat.near = NULL; /* as the cache sees it */
    struct wish w = ask(track);
    int count = w.object->ref.count - 1;
    supply_leave(&w);
    seat.near = near;
    return count;
}

static void what_the_cache_had_twice_is_at_hand(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", 1000);
    bring_near("/a.mp3");
    struct wish w = ask("/a.mp3");
    assert_non_null(w.held);
    assert_true(w.object->body_len == 1000 && w.object->body[999] == tree_byte(999));
    assert_true(w.source->source->id.size == 1000);
    assert_int_equal(atomic_load(&seat.counters->value[COUNTER_CACHE_MEMORY_HIT]), 3);
    supply_leave(&w);
    assert_null(w.held);
    assert_true(is_at_hand("/a.mp3"));
}

static void what_is_sent_from_the_file_is_not(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    for (int i = 0; i < 6; i++)
        assert_false(is_at_hand("/a.mp3"));
}

static void the_cache_is_asked_again_now_and_then(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", 1000);
    bring_near("/a.mp3");
    now += NEAR_TRUST - 1;
    assert_true(is_at_hand("/a.mp3"));
    now += 1;
    assert_false(is_at_hand("/a.mp3"));
    assert_true(is_at_hand("/a.mp3"));
}

static void what_was_purged_is_not_at_hand_but_stays_whole(void **state)
{
    (void)state;
    struct purge all = {.kind = PURGE_PREFIX, .path = STR("/")};
    tree_fill(&tree, "a.mp3", 1000);
    bring_near("/a.mp3");
    struct wish sending = ask("/a.mp3");
    assert_non_null(sending.held);
    assert_int_equal(supply_purge(seat.supply, &all), 2);
    struct wish w = ask("/a.mp3");
    assert_null(w.held);
    assert_ptr_not_equal(w.object, sending.object);
    supply_leave(&w);
    for (int i = 0; i < 2; i++) /* it takes the slot of what is still being sent */
        assert_false(is_at_hand("/a.mp3"));
    assert_true(is_at_hand("/a.mp3"));
    assert_int_equal(sending.object->body[999], tree_byte(999));
    supply_leave(&sending);
}

static void what_was_softly_purged_is_doubted(void **state)
{
    (void)state;
    struct purge all = {.kind = PURGE_PREFIX, .path = STR("/"), .soft = true};
    tree_fill(&tree, "a.mp3", 1000);
    bring_near("/a.mp3");
    supply_purge(seat.supply, &all);
    assert_false(is_at_hand("/a.mp3"));
}

static void a_file_that_has_to_be_looked_at_is_not_at_hand(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", 1000);
    bring_near("/a.mp3");
    now += NEAR_TRUST;
    assert_false(is_at_hand("/a.mp3"));
    assert_true(is_at_hand("/a.mp3"));
    struct wish w = ask("/a.mp3");
    atomic_store(&w.source->source->checked, now - CLOCK_SECOND * 3 / 4);
    supply_leave(&w);
    assert_false(is_at_hand("/a.mp3"));
}

static void it_is_given_back_when_nobody_asks(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", 1000);
    bring_near("/a.mp3");
    while (holders_of("/a.mp3") != 2) /* the cache, and this; whoever read it lets go of it soon */
        sched_yield();
    timers_advance(timers, now + CLOCK_SECOND + TIMER_TICK);
    assert_int_equal(holders_of("/a.mp3"), 2); /* it was asked for in the second before */
    timers_advance(timers, loop_now(loop) + 2 * CLOCK_SECOND + TIMER_TICK);
    assert_int_equal(holders_of("/a.mp3"), 1);
    assert_false(is_at_hand("/a.mp3"));
}

/* More than there are slots: each answer is of its own file. */
static void many_are_not_mixed_up(void **state)
{
    (void)state;
    char name[16];
    unsigned near = 0;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "%zu.mp3", i);
        tree_fill(&tree, name, i + 1);
    }
    for (size_t i = 0; i < (size_t)MANY * 5; i++) {
        snprintf(name, sizeof name, "/%zu.mp3", i / 5);
        struct wish w = ask(name);
        near += w.held != NULL;
        assert_int_equal(w.object->body_len, i / 5 + 1);
        assert_int_equal(w.source->source->id.size, i / 5 + 1);
        supply_leave(&w);
    }
    assert_int_equal(near, 2 * MANY);
}

#define NEAR(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NEAR(what_the_cache_had_twice_is_at_hand),
        NEAR(what_is_sent_from_the_file_is_not),
        NEAR(the_cache_is_asked_again_now_and_then),
        NEAR(what_was_purged_is_not_at_hand_but_stays_whole),
        NEAR(what_was_softly_purged_is_doubted),
        NEAR(a_file_that_has_to_be_looked_at_is_not_at_hand),
        NEAR(it_is_given_back_when_nobody_asks),
        NEAR(many_are_not_mixed_up),
    };
    hash_seed();
    return cmocka_run_group_tests(tests, turn_setup, NULL);
}
