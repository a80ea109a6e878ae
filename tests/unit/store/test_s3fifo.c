/* edge/store/s3fifo: who leaves first. */
#include "edge/store/s3fifo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { GHOSTS = 1024, NODES = 64 };

static struct s3fifo p;
static uint32_t ghosts[GHOSTS];
static struct s3fifo_node nodes[NODES];

static void begin(size_t capacity)
{
    memset(ghosts, 0, sizeof ghosts);
    memset(nodes, 0, sizeof nodes);
    s3fifo_init(&p, capacity, ghosts, GHOSTS);
}

/* Node i is known by a hash of its own, with its own place among the ghosts. */
static uint64_t hash_of(unsigned i) { return (uint64_t)(i + 1) << 40 | i; }

static void insert(unsigned i, size_t weight) { s3fifo_insert(&p, &nodes[i], hash_of(i), weight); }

static void insert_run(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        insert(i, 1);
}

/* The number of the node that goes now, or -1. */
static int evicted(void)
{
    struct s3fifo_node *n = s3fifo_evict(&p, 0);
    return n ? (int)(n - nodes) : -1;
}

static void all_that_fits_stays(void **state)
{
    (void)state;
    begin(10);
    insert_run(0, 10);
    assert_int_equal(s3fifo_weight(&p), 10);
    assert_int_equal(evicted(), -1);
}

static void what_nobody_asked_for_leaves_in_order_of_coming(void **state)
{
    (void)state;
    begin(10);
    insert_run(0, 15);
    for (int i = 0; i < 5; i++)
        assert_int_equal(evicted(), i);
    assert_int_equal(evicted(), -1);
    assert_int_equal(nodes[0].queue, 0); /* taken out already: it may be put in again */
}

static void a_hit_lifts_it_out_of_the_small_queue(void **state)
{
    (void)state;
    begin(10);
    insert_run(0, 10);
    s3fifo_hit(&nodes[0]);
    insert_run(10, 12);
    assert_int_equal(evicted(), 1);
    assert_int_equal(evicted(), 2);
    assert_int_equal(p.main.weight, 1);
}

static void what_comes_back_after_it_left_goes_to_the_main_queue(void **state)
{
    (void)state;
    begin(10);
    insert_run(0, 11);
    assert_int_equal(evicted(), 0);
    insert(0, 1);
    assert_int_equal(p.main.weight, 1);
    assert_int_equal(evicted(), 1); /* it stays, though nobody asked for it since */
    s3fifo_remove(&p, &nodes[0]);
    insert(0, 1); /* its ghost is used up */
    assert_int_equal(p.main.weight, 0);
}

static void what_was_removed_leaves_no_ghost(void **state)
{
    (void)state;
    begin(10);
    insert(0, 1);
    s3fifo_remove(&p, &nodes[0]);
    assert_int_equal(s3fifo_weight(&p), 0);
    insert(0, 1);
    assert_int_equal(p.main.weight, 0);
}

/* Fill the main queue alone: with nodes that come back. */
static void fill_main(unsigned count)
{
    begin(count);
    for (unsigned i = 0; i < count; i++) {
        insert(i, 1);
        p.capacity = 0;
        assert_int_equal(evicted(), i);
        p.capacity = count;
    }
    for (unsigned i = 0; i < count; i++)
        insert(i, 1);
    assert_int_equal(p.main.weight, count);
}

static void each_hit_in_the_main_queue_is_another_round(void **state)
{
    (void)state;
    fill_main(8);
    s3fifo_hit(&nodes[0]);
    s3fifo_hit(&nodes[0]);
    s3fifo_hit(&nodes[1]);
    p.capacity = 0;
    static const int order[] = {2, 3, 4, 5, 6, 7, 1, 0};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(evicted(), order[i]);
    assert_int_equal(evicted(), -1);
}

static void hits_beyond_three_count_no_more(void **state)
{
    (void)state;
    begin(10);
    insert(0, 1);
    for (int i = 0; i < 1000; i++)
        s3fifo_hit(&nodes[0]);
    assert_int_equal(nodes[0].hits, 3);
}

static void weights_are_what_is_bounded(void **state)
{
    (void)state;
    begin(100);
    insert(0, 60);
    insert(1, 30);
    insert(2, 10);
    assert_int_equal(evicted(), -1);
    insert(3, 1);
    assert_int_equal(evicted(), 0); /* one heavy one makes the room */
    assert_int_equal(s3fifo_weight(&p), 41);
    assert_int_equal(evicted(), -1);
}

static void the_small_queue_gives_way_while_it_is_over_a_tenth(void **state)
{
    (void)state;
    fill_main(20);
    insert(20, 1);
    insert(21, 1); /* two of twenty: a tenth */
    assert_int_equal(evicted(), 0);
    assert_int_equal(evicted(), 1);
    insert_run(22, 24);
    assert_int_equal(evicted(), 20);
}

static void evicting_ends_when_everything_was_asked_for(void **state)
{
    (void)state;
    begin(NODES);
    insert_run(0, NODES);
    for (int i = 0; i < NODES; i++)
        for (int j = 0; j < 5; j++)
            s3fifo_hit(&nodes[i]);
    p.capacity = 0;
    for (int i = 0; i < NODES; i++)
        assert_true(evicted() >= 0);
    assert_int_equal(evicted(), -1);
    assert_int_equal(s3fifo_weight(&p), 0);
}

static void room_is_made_for_what_comes_before_it_is_there(void **state)
{
    (void)state;
    begin(100);
    insert(0, 30);
    insert(1, 30);
    assert_null(s3fifo_evict(&p, 40));
    assert_ptr_equal(s3fifo_evict(&p, 41), &nodes[0]);
    assert_null(s3fifo_evict(&p, 41));
    assert_ptr_equal(s3fifo_evict(&p, 1000), &nodes[1]);
    assert_null(s3fifo_evict(&p, 1000)); /* there is nothing left to let go */
}

static void a_node_may_leave_from_anywhere(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        begin(3);
        insert_run(0, 3);
        s3fifo_remove(&p, &nodes[i]);
        p.capacity = 0;
        for (unsigned j = 0; j < 3; j++)
            if (j != i)
                assert_int_equal(evicted(), j);
        assert_int_equal(evicted(), -1);
    }
}

/* Against a plain LRU, on a trace like a music library's: Zipf(0.9) with a scan now and then */

enum { KEYS = 20000, ROOM = 1000, REQUESTS = 400000, SCAN_EVERY = 20000, SCAN = 2000 };

static double below[KEYS]; /* the share of requests for keys up to this one */

/* i^0.9 without libm: the positive root of x^10 = i^9, by Newton's way from the one before it. */
static double to_the_nine_tenths(double i, double x)
{
    for (int round = 0; round < 30; round++) {
        double x3 = x * x * x, ratio = i * i * i / x3;
        x = (9 * x + ratio * ratio * ratio) / 10;
    }
    return x;
}

static void make_zipf(void)
{
    double sum = 0, power = 1;
    for (int i = 0; i < KEYS; i++) {
        power = to_the_nine_tenths(i + 1, power);
        below[i] = sum += 1 / power;
    }
    for (int i = 0; i < KEYS; i++)
        below[i] /= sum;
}

static uint64_t seed;

static double next_random(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(seed >> 11) / 9007199254740992.0;
}

static unsigned zipf_key(void)
{
    double r = next_random();
    unsigned from = 0, to = KEYS - 1;
    while (from < to) {
        unsigned middle = (from + to) / 2;
        if (below[middle] < r)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* The keys of a scan are new ones, over the others. */
static unsigned trace_key(unsigned request)
{
    unsigned scan = request / SCAN_EVERY, at = request % SCAN_EVERY;
    return at < SCAN ? KEYS + scan * SCAN + at : zipf_key();
}

enum { ALL_KEYS = KEYS + (REQUESTS / SCAN_EVERY + 1) * SCAN };

static unsigned hits_of_s3fifo(void)
{
    static struct s3fifo_node all[ALL_KEYS];
    static uint32_t traces[4096];
    struct s3fifo cache;
    unsigned hits = 0;
    seed = 42;
    s3fifo_init(&cache, ROOM, traces, 4096);
    for (unsigned i = 0; i < REQUESTS; i++) {
        unsigned key = trace_key(i);
        if (all[key].queue) {
            hits++;
            s3fifo_hit(&all[key]);
            continue;
        }
        while (s3fifo_evict(&cache, 1))
            ;
        s3fifo_insert(&cache, &all[key], (key + 1) * UINT64_C(0x9e3779b97f4a7c15), 1);
        assert_true(s3fifo_weight(&cache) <= ROOM);
    }
    return hits;
}

/* A ring of the cached keys, from the one used last. */
static unsigned newer[ALL_KEYS + 1], older[ALL_KEYS + 1];
static bool cached[ALL_KEYS];

static void lru_take(unsigned key)
{
    newer[older[key]] = newer[key];
    older[newer[key]] = older[key];
}

static void lru_push(unsigned key)
{
    older[key] = older[ALL_KEYS];
    newer[key] = ALL_KEYS;
    newer[older[key]] = key;
    older[ALL_KEYS] = key;
}

static unsigned hits_of_lru(void)
{
    unsigned hits = 0, count = 0;
    seed = 42;
    newer[ALL_KEYS] = older[ALL_KEYS] = ALL_KEYS;
    for (unsigned i = 0; i < REQUESTS; i++) {
        unsigned key = trace_key(i);
        if (cached[key]) {
            hits++;
            lru_take(key);
        } else if (count == ROOM) {
            unsigned gone = newer[ALL_KEYS];
            lru_take(gone);
            cached[gone] = false;
        } else {
            count++;
        }
        cached[key] = true;
        lru_push(key);
    }
    return hits;
}

static void on_a_zipf_trace_with_scans_it_beats_lru(void **state)
{
    (void)state;
    make_zipf();
    unsigned ours = hits_of_s3fifo(), plain = hits_of_lru();
    print_message("hits of %u: s3fifo %u, lru %u\n", REQUESTS, ours, plain);
    assert_true(ours > plain + plain / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_fits_stays),
        cmocka_unit_test(what_nobody_asked_for_leaves_in_order_of_coming),
        cmocka_unit_test(a_hit_lifts_it_out_of_the_small_queue),
        cmocka_unit_test(what_comes_back_after_it_left_goes_to_the_main_queue),
        cmocka_unit_test(what_was_removed_leaves_no_ghost),
        cmocka_unit_test(each_hit_in_the_main_queue_is_another_round),
        cmocka_unit_test(hits_beyond_three_count_no_more),
        cmocka_unit_test(weights_are_what_is_bounded),
        cmocka_unit_test(the_small_queue_gives_way_while_it_is_over_a_tenth),
        cmocka_unit_test(evicting_ends_when_everything_was_asked_for),
        cmocka_unit_test(room_is_made_for_what_comes_before_it_is_there),
        cmocka_unit_test(a_node_may_leave_from_anywhere),
        cmocka_unit_test(on_a_zipf_trace_with_scans_it_beats_lru),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
