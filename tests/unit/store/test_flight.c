/* edge/store/flight: one work a key, joined and left. Landing is done by hand here, and by threads
 * in the last test. */
#include "edge/store/flight.h"

#include "tests/unit/loop/turn.h"

#include <stdio.h>

static struct flights *flights;
static struct loop *loop;
static struct mailbox *mailbox;
static unsigned abandoned;

struct asker {
    unsigned came;
    struct object *result; /* a reference */
};

static int begin(void **state)
{
    (void)state;
    assert_int_equal(flights_new(&flights), ERR_NONE);
    loop = turn_loop();
    mailbox = turn_mailbox(loop);
    abandoned = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    mailbox_free(mailbox);
    loop_free(loop);
    flights_free(flights); /* it checks that nothing is listed */
    flights_free(NULL);
    return 0;
}

static void landed(void *owner, struct object *result)
{
    struct asker *a = owner;
    a->came++;
    a->result = result;
}

static struct waiter *waiter_for(struct asker *a)
{
    struct waiter *w = calloc(1, sizeof *w);
    *w = (struct waiter){.home = mailbox, .owner = a, .landed = landed};
    return w;
}

static struct key key_of(const char *path)
{
    return key_make(OBJECT_SOURCE, str_of(path), 0, CONTAINER_COUNT, 0);
}

static void on_abandon(struct flight *f)
{
    (void)f;
    abandoned++;
}

static struct flight flight_of(const char *path)
{
    return (struct flight){.key = key_of(path), .on_abandon = on_abandon};
}

static struct object *result_of(const struct flight *f)
{
    struct object *o = object_new(&f->key);
    assert_non_null(o);
    return o;
}

/* Land it with a result of which only those who wait keep references. */
static struct object *land(struct flight *f)
{
    struct object *o = result_of(f);
    flight_land(flights, f, o);
    object_unref(o);
    return o;
}

static void who_asks_first_starts_and_gets_the_result(void **state)
{
    (void)state;
    struct asker a = {0};
    struct flight f = flight_of("/a");
    struct waiter *w = waiter_for(&a);
    assert_false(flight_join(flights, &f.key, w));
    assert_true(flight_start(flights, &f, w));
    struct object *o = land(&f);
    assert_int_equal(a.came, 0); /* not before the loop's turn */
    mailbox_settle(mailbox);
    assert_int_equal(a.came, 1);
    assert_ptr_equal(a.result, o);
    object_unref(a.result);
}

static void who_comes_later_joins_and_all_get_the_same(void **state)
{
    (void)state;
    struct asker a[5] = {{0}};
    struct flight f = flight_of("/a"), other = flight_of("/a");
    assert_true(flight_start(flights, &f, waiter_for(&a[0])));
    for (int i = 1; i < 4; i++)
        assert_true(flight_join(flights, &f.key, waiter_for(&a[i])));
    assert_false(
        flight_start(flights, &other, waiter_for(&a[4]))); /* was too late: it has joined */
    struct object *o = land(&f);
    assert_int_equal(atomic_load(&o->ref.count), 5);
    mailbox_settle(mailbox);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(a[i].came, 1);
        assert_ptr_equal(a[i].result, o);
        object_unref(a[i].result);
    }
}

static void other_keys_are_other_flights(void **state)
{
    (void)state;
    enum { COUNT = 600 }; /* more than there are chains */
    static struct flight f[COUNT];
    static char paths[COUNT][16];
    struct asker a[COUNT];
    memset(a, 0, sizeof a);
    for (int i = 0; i < COUNT; i++) {
        snprintf(paths[i], sizeof paths[i], "/%d", i);
        f[i] = flight_of(paths[i]);
        assert_true(flight_start(flights, &f[i], waiter_for(&a[i])));
    }
    for (int i = COUNT; i-- > 0;) {
        struct object *o = land(&f[i]);
        mailbox_settle(mailbox);
        assert_ptr_equal(a[i].result, o);
        assert_true(i == 0 || a[i - 1].came == 0);
        object_unref(o);
    }
}

static void landing_with_nothing_tells_that(void **state)
{
    (void)state;
    struct asker a = {0};
    struct flight f = flight_of("/a");
    assert_true(flight_start(flights, &f, waiter_for(&a)));
    flight_land(flights, &f, NULL);
    mailbox_settle(mailbox);
    assert_int_equal(a.came, 1);
    assert_null(a.result);
}

static void who_leaves_hears_nothing_and_the_others_go_on(void **state)
{
    (void)state;
    for (int leaver = 0; leaver < 3; leaver++) {
        struct asker a[3] = {{0}};
        struct waiter *w[3];
        struct flight f = flight_of("/a");
        for (int i = 0; i < 3; i++)
            w[i] = waiter_for(&a[i]);
        assert_true(flight_start(flights, &f, w[0]));
        assert_true(flight_join(flights, &f.key, w[1]));
        assert_true(flight_join(flights, &f.key, w[2]));
        assert_false(flight_leave(flights, w[leaver]));
        assert_int_equal(abandoned, 0);
        assert_false(job_is_cancelled(&f.job));
        struct object *o = land(&f);
        mailbox_settle(mailbox);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(a[i].came, i != leaver);
            if (i != leaver)
                object_unref(o);
        }
    }
}

static void when_the_last_one_leaves_the_work_is_cancelled_and_unlisted(void **state)
{
    (void)state;
    struct asker a[3] = {{0}};
    struct flight f = flight_of("/a"), next = flight_of("/a");
    struct waiter *w[2] = {waiter_for(&a[0]), waiter_for(&a[1])};
    assert_true(flight_start(flights, &f, w[0]));
    assert_true(flight_join(flights, &f.key, w[1]));
    assert_false(flight_leave(flights, w[0]));
    assert_true(flight_leave(flights, w[1]));
    assert_int_equal(abandoned, 1);
    assert_true(job_is_cancelled(&f.job));
    struct waiter *fresh = waiter_for(&a[2]);
    assert_false(flight_join(flights, &next.key, fresh)); /* nobody joins what is given up */
    assert_true(flight_start(flights, &next, fresh));
    land(&f); /* finds nobody, and does not unlist its successor */
    assert_true(flight_join(flights, &next.key, waiter_for(&a[0])));
    struct object *o = land(&next);
    mailbox_settle(mailbox);
    assert_int_equal(a[0].came + a[2].came, 2);
    assert_int_equal(a[1].came, 0);
    object_unref(o);
    object_unref(o);
}

static void leaving_while_the_letter_is_under_way_drops_it(void **state)
{
    (void)state;
    struct asker a[2] = {{0}};
    struct waiter *w = waiter_for(&a[0]);
    struct flight f = flight_of("/a");
    assert_true(flight_start(flights, &f, w));
    assert_true(flight_join(flights, &f.key, waiter_for(&a[1])));
    struct object *o = land(&f);
    assert_false(flight_leave(flights, w)); /* nothing is left to cancel */
    assert_int_equal(abandoned, 0);
    mailbox_settle(mailbox);
    assert_int_equal(a[0].came, 0);
    assert_int_equal(a[1].came, 1);
    assert_int_equal(atomic_load(&o->ref.count), 1); /* the leaver's was given back */
    object_unref(o);
}

static void leaving_after_landing_with_nothing_is_fine_too(void **state)
{
    (void)state;
    struct asker a = {0};
    struct waiter *w = waiter_for(&a);
    struct flight f = flight_of("/a");
    assert_true(flight_start(flights, &f, w));
    flight_land(flights, &f, NULL);
    assert_false(flight_leave(flights, w));
    mailbox_settle(mailbox);
    assert_int_equal(a.came, 0);
}

static void a_kept_flight_goes_on_without_waiters(void **state)
{
    (void)state;
    struct asker a = {0};
    struct flight f = flight_of("/a"), other = flight_of("/a");
    f.kept = other.kept = true;
    assert_true(flight_start(flights, &f, NULL));
    assert_false(flight_start(flights, &other, NULL));
    struct waiter *w = waiter_for(&a);
    assert_true(flight_join(flights, &f.key, w));
    assert_false(flight_leave(flights, w));
    assert_int_equal(abandoned, 0);
    assert_false(job_is_cancelled(&f.job));
    assert_true(flight_join(flights, &f.key, waiter_for(&a)));
    struct object *o = land(&f);
    mailbox_settle(mailbox);
    assert_int_equal(a.came, 1);
    object_unref(o);
}

static void without_on_abandon_the_flag_is_all(void **state)
{
    (void)state;
    struct asker a = {0};
    struct flight f = flight_of("/a");
    struct waiter *w = waiter_for(&a);
    f.on_abandon = NULL;
    assert_true(flight_start(flights, &f, w));
    assert_true(flight_leave(flights, w));
    assert_true(job_is_cancelled(&f.job));
    flight_land(flights, &f, NULL);
}

/* With threads: who asks either hears or has left, whenever the landing happens */

enum { ROUNDS = 3000, KEYS = 3 };

struct work {
    struct flight flight; /* first */
};

static void run_work(struct job *job)
{
    struct work *w = (struct work *)job;
    struct object *o = job_is_cancelled(job) ? NULL : result_of(&w->flight);
    flight_land(flights, &w->flight, o);
    object_unref(o);
    free(w);
}

static void start_work(struct pool *pool, unsigned which, struct waiter *waiter)
{
    static const char *const paths[KEYS] = {"/a", "/b", "/c"};
    struct key key = key_of(paths[which]);
    if (flight_join(flights, &key, waiter))
        return;
    struct work *w = calloc(1, sizeof *w);
    w->flight = flight_of(paths[which]);
    w->flight.on_abandon = NULL;
    w->flight.job.run = run_work;
    if (flight_start(flights, &w->flight, waiter))
        pool_submit(pool, &w->flight.job);
    else
        free(w);
}

struct side {
    pthread_t thread;
    struct loop *loop;
    struct mailbox *mailbox;
    struct pool *pool;
    uint32_t seed;
};

static void ask_once(struct side *side)
{
    struct asker a = {0};
    struct waiter *w = waiter_for(&a);
    w->home = side->mailbox;
    side->seed = side->seed * 1664525u + 1013904223u;
    start_work(side->pool, (side->seed >> 8) % KEYS, w);
    if (side->seed >> 31) {
        flight_leave(flights, w);
        mailbox_settle(side->mailbox);
        assert_int_equal(a.came, 0);
        return;
    }
    while (!a.came)
        mailbox_settle(side->mailbox);
    assert_int_equal(a.came, 1);
    assert_non_null(a.result);
    object_unref(a.result);
}

static void *ask_often(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        ask_once(arg);
    return NULL;
}

static void threads_that_ask_and_leave_hear_once_or_not(void **state)
{
    (void)state;
    struct pool *pool;
    struct side sides[2];
    assert_int_equal(pool_new(2, "land", &pool), ERR_NONE);
    for (uint32_t i = 0; i < 2; i++) {
        struct side *s = &sides[i];
        struct loop *l = turn_loop();
        *s = (struct side){.loop = l, .mailbox = turn_mailbox(l), .pool = pool, .seed = i};
        assert_int_equal(pthread_create(&s->thread, NULL, ask_often, s), 0);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(sides[i].thread, NULL), 0);
    pool_free(pool);
    for (int i = 0; i < 2; i++) {
        mailbox_settle(sides[i].mailbox);
        mailbox_free(sides[i].mailbox);
        loop_free(sides[i].loop);
    }
}

#define IN_THE_AIR(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_THE_AIR(who_asks_first_starts_and_gets_the_result),
        IN_THE_AIR(who_comes_later_joins_and_all_get_the_same),
        IN_THE_AIR(other_keys_are_other_flights),
        IN_THE_AIR(landing_with_nothing_tells_that),
        IN_THE_AIR(who_leaves_hears_nothing_and_the_others_go_on),
        IN_THE_AIR(when_the_last_one_leaves_the_work_is_cancelled_and_unlisted),
        IN_THE_AIR(leaving_while_the_letter_is_under_way_drops_it),
        IN_THE_AIR(leaving_after_landing_with_nothing_is_fine_too),
        IN_THE_AIR(a_kept_flight_goes_on_without_waiters),
        IN_THE_AIR(without_on_abandon_the_flag_is_all),
        IN_THE_AIR(threads_that_ask_and_leave_hear_once_or_not),
    };
    hash_seed();
    return cmocka_run_group_tests(tests, turn_setup, NULL);
}
