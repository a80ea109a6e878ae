/* edge/store/cache: objects by key, in bounds, shared by threads. */
#include "edge/store/cache.h"

#include "tests/unit/segments/make.h"

#include <pthread.h>
#include <stdio.h>

#define MB ((size_t)1 << 20)

static struct cache *cache;

static void new_cache(size_t bytes, size_t sources)
{
    struct cache_opts opts = {.bytes = bytes, .max_object = MB / 4, .sources = sources};
    assert_int_equal(cache_new(&opts, &cache), ERR_NONE);
}

static struct key key_of(enum object_kind kind, unsigned i, char path[32])
{
    int n = snprintf(path, 32, "/track-%u.m4a", i);
    return key_make(kind, (struct str){path, (size_t)n}, 7, CONTAINER_COUNT, 0);
}

static struct object *object_of(enum object_kind kind, unsigned i, size_t memory)
{
    char path[32];
    struct key key = key_of(kind, i, path);
    struct object *o = object_new(&key);
    assert_non_null(o);
    o->memory = memory;
    return o;
}

/* Put a new one and give up our reference. */
static void put(enum object_kind kind, unsigned i, size_t memory)
{
    struct object *o = object_of(kind, i, memory);
    cache_put(cache, o);
    object_unref(o);
}

static struct object *get(enum object_kind kind, unsigned i)
{
    char path[32];
    struct key key = key_of(kind, i, path);
    return cache_get(cache, &key);
}

static bool holds(enum object_kind kind, unsigned i)
{
    struct object *o = get(kind, i);
    object_unref(o);
    return o != NULL;
}

static void what_was_put_is_found_with_a_reference(void **state)
{
    (void)state;
    new_cache(MB, 10);
    assert_false(holds(OBJECT_BODY, 1));
    struct object *o = object_of(OBJECT_BODY, 1, 100);
    cache_put(cache, o);
    assert_ptr_equal(get(OBJECT_BODY, 1), o);
    assert_int_equal(atomic_load(&o->ref.count), 3); /* ours, the cache's, the finder's */
    object_unref(o);
    object_unref(o);
    assert_int_equal(cache_stats(cache).objects, 1);
    assert_int_equal(cache_stats(cache).bytes, 100);
    cache_free(cache);
}

static void kinds_containers_versions_and_numbers_are_different_keys(void **state)
{
    (void)state;
    new_cache(MB, 10);
    struct key keys[] = {
        key_make(OBJECT_SEGMENT, STR("/a"), 1, CONTAINER_FMP4, 0),
        key_make(OBJECT_SEGMENT, STR("/a"), 1, CONTAINER_FMP4, 1),
        key_make(OBJECT_SEGMENT, STR("/a"), 1, CONTAINER_TS, 0),
        key_make(OBJECT_SEGMENT, STR("/a"), 2, CONTAINER_FMP4, 0),
        key_make(OBJECT_SEGMENT, STR("/b"), 1, CONTAINER_FMP4, 0),
        key_make(OBJECT_PLAYLIST, STR("/a"), 1, CONTAINER_FMP4, 0),
    };
    enum { COUNT = sizeof keys / sizeof keys[0] };
    struct object *o[COUNT];
    for (int i = 0; i < COUNT; i++)
        cache_put(cache, o[i] = object_new(&keys[i]));
    for (int i = 0; i < COUNT; i++) {
        struct object *there = cache_get(cache, &keys[i]);
        assert_ptr_equal(there, o[i]);
        object_unref(there);
        object_unref(o[i]);
    }
    cache_free(cache);
}

static void the_same_key_replaces_and_the_old_one_lives_while_held(void **state)
{
    (void)state;
    new_cache(MB, 10);
    struct object *old = object_of(OBJECT_BODY, 1, 100), *new = object_of(OBJECT_BODY, 1, 300);
    cache_put(cache, old);
    cache_put(cache, new);
    assert_int_equal(cache_stats(cache).objects, 1);
    assert_int_equal(cache_stats(cache).bytes, 300);
    assert_int_equal(cache_stats(cache).gone[CACHE_ROOM], 0);
    assert_int_equal(atomic_load(&old->ref.count), 1);
    struct object *there = get(OBJECT_BODY, 1);
    assert_ptr_equal(there, new);
    object_unref(there);
    object_unref(old);
    object_unref(new);
    cache_free(cache);
}

static void the_same_object_may_be_put_again(void **state)
{
    (void)state;
    new_cache(MB, 10);
    struct object *o = object_of(OBJECT_BODY, 1, 100);
    cache_put(cache, o);
    cache_put(cache, o);
    assert_int_equal(atomic_load(&o->ref.count), 2);
    assert_int_equal(cache_stats(cache).bytes, 100);
    object_unref(o);
    cache_free(cache);
}

static void bytes_are_bounded(void **state)
{
    (void)state;
    static const size_t sizes[] = {MB, 100 * MB, 1000 * MB}; /* one shard, three, all */
    for (size_t i = 0; i < 3; i++) {
        size_t each = sizes[i] / 1000;
        new_cache(sizes[i], 10);
        for (unsigned n = 0; n < 5000; n++) {
            put(OBJECT_BODY, n, each);
            assert_true(cache_stats(cache).bytes <= sizes[i]);
        }
        struct cache_stats stats = cache_stats(cache);
        assert_true(stats.bytes > sizes[i] / 2);
        assert_int_equal(stats.objects, stats.bytes / each);
        assert_int_equal(stats.gone[CACHE_ROOM], 5000 - stats.objects);
        cache_free(cache);
    }
}

static void sources_are_bounded_by_number_and_by_what_they_hold(void **state)
{
    (void)state;
    static const size_t bounds[] = {16, 100, 400};
    for (size_t i = 0; i < 3; i++) {
        size_t bound = bounds[i];
        new_cache(600 * MB, bound);
        for (unsigned n = 0; n < 1000; n++) {
            put(OBJECT_SOURCE, n, MB / 10);
            assert_true(cache_stats(cache).objects <= bound);
        }
        assert_true(cache_stats(cache).objects >= bound / 2);
        assert_int_equal(cache_stats(cache).bytes, cache_stats(cache).objects * (MB / 10));
        cache_free(cache);
    }
    new_cache(MB, 1000);
    for (unsigned n = 0; n < 1000; n++) {
        put(OBJECT_SOURCE, n, 1000);
        assert_true(cache_stats(cache).bytes <= MB / 4);
    }
    assert_true(cache_stats(cache).bytes > MB / 5);
    cache_free(cache);
}

static void a_cache_for_no_source_still_keeps_the_last(void **state)
{
    (void)state;
    new_cache(MB, 0);
    put(OBJECT_SOURCE, 1, 100);
    assert_true(holds(OBJECT_SOURCE, 1));
    cache_free(cache);
}

static void neither_class_drives_out_the_other(void **state)
{
    (void)state;
    new_cache(MB, 2);
    put(OBJECT_BODY, 5000, 100);
    for (unsigned n = 0; n < 100; n++)
        put(OBJECT_SOURCE, n, 100);
    assert_true(holds(OBJECT_BODY, 5000));
    put(OBJECT_SOURCE, 5000, 1);
    for (unsigned n = 0; n < 1000; n++)
        put(OBJECT_BODY, n, MB / 10);
    assert_true(holds(OBJECT_SOURCE, 5000));
    cache_free(cache);
}

static void one_that_is_too_large_is_not_kept_and_its_elder_goes(void **state)
{
    (void)state;
    new_cache(MB, 10);
    put(OBJECT_BODY, 1, 100);
    put(OBJECT_BODY, 2, 100);
    put(OBJECT_BODY, 1, MB + 1); /* what it replaces is not true any more */
    assert_false(holds(OBJECT_BODY, 1));
    assert_true(holds(OBJECT_BODY, 2));
    cache_free(cache);
}

static void a_large_one_pushes_nothing_out_until_it_is_asked_for_again(void **state)
{
    (void)state;
    new_cache(MB, 10);
    put(OBJECT_BODY, 1, MB / 2);
    put(OBJECT_BODY, 2, 100);
    put(OBJECT_BODY, 3, MB);
    assert_false(holds(OBJECT_BODY, 3));
    assert_true(holds(OBJECT_BODY, 1) && holds(OBJECT_BODY, 2));
    put(OBJECT_BODY, 3, MB);
    assert_true(holds(OBJECT_BODY, 3));
    cache_free(cache);
}

/* Purges */

static bool is_odd(const void *arg, const struct object *o)
{
    (void)arg;
    return o->key.path.p[o->key.path.n - 5] % 2 == 1;
}

static void a_purge_drops_what_it_picks_and_counts_it(void **state)
{
    (void)state;
    new_cache(100 * MB, 10);
    for (unsigned n = 0; n < 5000; n++)
        put(OBJECT_BODY, n, 100);
    assert_int_equal(cache_purge(cache, is_odd, NULL, false), 2500);
    for (unsigned n = 0; n < 5000; n++)
        assert_true(holds(OBJECT_BODY, n) == (n % 2 == 0));
    assert_int_equal(cache_stats(cache).gone[CACHE_PURGED], 2500);
    assert_int_equal(cache_stats(cache).bytes, 2500 * 100);
    assert_int_equal(cache_purge(cache, is_odd, NULL, false), 0);
    cache_free(cache);
}

static void what_was_begun_before_a_purge_is_not_kept(void **state)
{
    (void)state;
    new_cache(MB, 10);
    uint32_t turn = cache_turn(cache);
    struct object *o = object_of(OBJECT_BODY, 2, 100);
    assert_true(cache_put_since(cache, o, turn));
    cache_purge(cache, is_odd, NULL, false);
    assert_false(cache_put_since(cache, o, turn));
    assert_false(holds(OBJECT_BODY, 2));
    assert_true(cache_put(cache, o));
    object_unref(o);
    cache_free(cache);
}

static void a_soft_purge_doubts_sources_and_drops_nothing(void **state)
{
    (void)state;
    new_cache(MB, 10);
    struct object *o = object_of(OBJECT_SOURCE, 1, 100);
    o->source = calloc(1, sizeof *o->source);
    o->source->fd = -1;
    atomic_store(&o->source->checked, 77);
    cache_put(cache, o);
    put(OBJECT_BODY, 1, 100);
    put(OBJECT_BODY, 2, 100);
    assert_int_equal(cache_purge(cache, is_odd, NULL, true), 2);
    assert_int_equal(atomic_load(&o->source->checked), 0);
    assert_int_equal(cache_stats(cache).objects, 3);
    object_unref(o);
    cache_free(cache);
}

/* Is one kept with a body of so many bytes? */
static bool is_kept(enum object_kind kind, size_t len, bool index)
{
    struct object *o = object_of(kind, 1, len);
    o->body_len = len;
    o->index = index ? make_aac(1) : NULL;
    cache_put(cache, o);
    object_unref(o);
    return holds(kind, 1);
}

static void bodies_over_max_object_are_not_kept_but_indexes_are(void **state)
{
    (void)state;
    new_cache(MB, 10);
    assert_true(is_kept(OBJECT_SEGMENT, MB / 4, false));
    assert_false(is_kept(OBJECT_SEGMENT, MB / 4 + 1, false));
    assert_true(is_kept(OBJECT_INDEX, MB / 4 + 1, true));
    cache_free(cache);
}

static void a_heavy_one_is_kept_though_the_cache_is_full(void **state)
{
    (void)state;
    new_cache(MB, 10);
    for (unsigned n = 0; n < 100; n++)
        put(OBJECT_BODY, n, MB / 50);
    put(OBJECT_INDEX, 1, MB / 2);
    assert_true(holds(OBJECT_INDEX, 1));
    assert_true(cache_stats(cache).bytes <= MB);
    cache_free(cache);
}

static void an_object_outlives_its_eviction(void **state)
{
    (void)state;
    new_cache(MB, 10);
    struct object *held = object_of(OBJECT_BODY, 1, MB / 50);
    cache_put(cache, held);
    for (unsigned n = 2; n < 300; n++)
        put(OBJECT_BODY, n, MB / 50);
    assert_false(holds(OBJECT_BODY, 1));
    assert_int_equal(atomic_load(&held->ref.count), 1);
    assert_true(str_eq(held->key.path, STR("/track-1.m4a")));
    object_unref(held);
    cache_free(cache);
}

static void what_is_asked_for_stays_through_a_scan(void **state)
{
    (void)state;
    new_cache(MB, 10);
    put(OBJECT_BODY, 1, MB / 100);
    assert_true(holds(OBJECT_BODY, 1));
    for (unsigned n = 2; n < 1000; n++)
        put(OBJECT_BODY, n, MB / 100);
    assert_true(holds(OBJECT_BODY, 1));
    cache_free(cache);
}

static void dropping_takes_this_very_object_and_no_other(void **state)
{
    (void)state;
    new_cache(MB, 10);
    struct object *old = object_of(OBJECT_BODY, 1, 100), *new = object_of(OBJECT_BODY, 1, 100);
    cache_drop(cache, old); /* is not there */
    cache_put(cache, old);
    cache_put(cache, new);
    cache_drop(cache, old);
    assert_true(holds(OBJECT_BODY, 1));
    cache_drop(cache, new);
    assert_false(holds(OBJECT_BODY, 1));
    assert_int_equal(cache_stats(cache).bytes, 0);
    cache_drop(cache, new);
    object_unref(old);
    object_unref(new);
    cache_free(cache);
}

static void a_hundred_thousand_are_all_found(void **state)
{
    enum { COUNT = 100000 }; /* the tables have grown often */
    (void)state;
    new_cache(1000 * MB, 10);
    for (unsigned n = 0; n < COUNT; n++)
        put(OBJECT_BODY, n, 100);
    for (unsigned n = 0; n < COUNT; n++)
        assert_true(holds(OBJECT_BODY, n));
    assert_int_equal(cache_stats(cache).objects, COUNT);
    cache_free(cache);
}

static void *use_at_random(void *arg)
{
    uint32_t seed = *(const uint32_t *)arg;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned n = (seed >> 8) % 300;
        struct object *o = get(OBJECT_BODY, n);
        if (!o) {
            o = object_of(OBJECT_BODY, n, MB / 100);
            cache_put(cache, o);
        } else if (seed >> 29 == 0) {
            cache_drop(cache, o);
        }
        object_unref(o);
    }
    return NULL;
}

static void threads_share_it(void **state)
{
    static uint32_t seeds[4] = {1, 2, 3, 4};
    pthread_t threads[4];
    (void)state;
    new_cache(MB, 10);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_at_random, &seeds[i]), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    struct cache_stats stats = cache_stats(cache);
    assert_true(stats.bytes <= MB);
    assert_int_equal(stats.objects, stats.bytes / (MB / 100));
    cache_free(cache);
    cache_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_with_a_reference),
        cmocka_unit_test(kinds_containers_versions_and_numbers_are_different_keys),
        cmocka_unit_test(the_same_key_replaces_and_the_old_one_lives_while_held),
        cmocka_unit_test(the_same_object_may_be_put_again),
        cmocka_unit_test(bytes_are_bounded),
        cmocka_unit_test(sources_are_bounded_by_number_and_by_what_they_hold),
        cmocka_unit_test(a_cache_for_no_source_still_keeps_the_last),
        cmocka_unit_test(neither_class_drives_out_the_other),
        cmocka_unit_test(one_that_is_too_large_is_not_kept_and_its_elder_goes),
        cmocka_unit_test(a_large_one_pushes_nothing_out_until_it_is_asked_for_again),
        cmocka_unit_test(a_purge_drops_what_it_picks_and_counts_it),
        cmocka_unit_test(what_was_begun_before_a_purge_is_not_kept),
        cmocka_unit_test(a_soft_purge_doubts_sources_and_drops_nothing),

        cmocka_unit_test(bodies_over_max_object_are_not_kept_but_indexes_are),
        cmocka_unit_test(a_heavy_one_is_kept_though_the_cache_is_full),
        cmocka_unit_test(an_object_outlives_its_eviction),
        cmocka_unit_test(what_is_asked_for_stays_through_a_scan),
        cmocka_unit_test(dropping_takes_this_very_object_and_no_other),
        cmocka_unit_test(a_hundred_thousand_are_all_found),
        cmocka_unit_test(threads_share_it),
    };
    hash_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
