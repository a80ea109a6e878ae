/* edge/store/supply and work: wishes on a real loop, with pools, a tree and a media helper. Time is
 * the test's own. */
#include "edge/store/supply.h"

#include "edge/base/clock.h"
#include "edge/base/log.h"
#include "edge/store/media.h"
#include "tests/unit/loop/turn.h"
#include "tests/unit/store/tree.h"

#include <sched.h>
#include <semaphore.h>

enum { SMALL = 64 * 1024, FRAME = 417, FRAMES = 400, THREADS = 2 };

static struct tree tree;
static struct loop *loop;
static struct pool *io, *media_pool;
static struct media *media;
static struct counters *shared; /* what the pools count */
static struct supply_seat seat;
static uint64_t now;
static bool watched;
static unsigned granted_count;

/* Pools that are held: what is submitted meanwhile waits. */

static struct job holders[THREADS];
static sem_t held, let_go, gone;
static bool holding;

static void hold_one(struct job *job)
{
    (void)job;
    sem_post(&held);
    sem_wait(&let_go);
    sem_post(&gone);
}

static void hold(struct pool *pool)
{
    holding = true;
    for (int i = 0; i < THREADS; i++) {
        holders[i] = (struct job){.run = hold_one};
        pool_submit(pool, &holders[i]);
    }
    for (int i = 0; i < THREADS; i++)
        sem_wait(&held);
}

static void release(void)
{
    for (int i = 0; i < THREADS; i++)
        sem_post(&let_go);
    for (int i = 0; i < THREADS; i++)
        sem_wait(&gone);
    holding = false;
}

/* The rig */

static void start_supply(size_t cache_bytes)
{
    struct supply_opts opts = {
        .cache = {.bytes = cache_bytes, .max_object = cache_bytes, .sources = 100},
        .disk = {tree.root, "public, max-age=5", 6000, watched, false, NULL},
        .make = {6000, CONTAINER_FMP4},
        .library = {"/audio/", "/hls/"},
        .small_file = SMALL,
        .ttl = 60 * CLOCK_SECOND,
        .metadata_ttl = 3600 * CLOCK_SECOND,
        .io = io,
        .media_pool = media_pool,
        .media = media,
        .counters = shared,
    };
    assert_int_equal(supply_new(&opts, &seat.supply), ERR_NONE);
}

static int begin(void **state)
{
    (void)state;
    tree_make(&tree);
    loop = turn_loop();
    seat = (struct supply_seat){NULL, turn_mailbox(loop), counters_new(), NULL, NULL};
    shared = counters_new();
    assert_int_equal(pool_new(THREADS, "io", &io), ERR_NONE);
    assert_int_equal(pool_new(THREADS, "media", &media_pool), ERR_NONE);
    start_supply((size_t)16 << 20);
    now = 1000 * CLOCK_SECOND;
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (holding) /* the test has failed */
        release();
    pool_free(io);
    pool_free(media_pool);
    mailbox_settle(seat.mailbox);
    supply_free(seat.supply);
    mailbox_free(seat.mailbox);
    counters_free(seat.counters);
    counters_free(shared);
    loop_free(loop);
    tree_remove(&tree);
    return 0;
}

/* With another cache: of so many bytes. */
static void restart_supply(size_t cache_bytes)
{
    supply_free(seat.supply);
    start_supply(cache_bytes);
}

static uint64_t counted(enum counter which)
{
    return atomic_load(&shared->value[which]) + atomic_load(&seat.counters->value[which]);
}

static void on_granted(struct wish *w)
{
    (void)w;
    granted_count++;
    loop_stop(loop);
}

static struct wish wish_of(enum wish_kind kind, const char *track)
{
    return (struct wish){
        .kind = kind, .container = CONTAINER_COUNT, .track = str_of(track), .granted = on_granted};
}

/* Until it is granted or refused. */
static void get(struct wish *w)
{
    if (!supply_ask(&seat, w, now))
        loop_run(loop);
}

static struct wish got(enum wish_kind kind, const char *track)
{
    struct wish w = wish_of(kind, track);
    get(&w);
    return w;
}

static void expect_err(struct wish w, enum err e)
{
    get(&w);
    if (w.err != e)
        fail_msg("%.*s: %s, not %s", STR_ARG(w.track), err_name(w.err), err_name(e));
    supply_leave(&w);
}

/* Frames of silence in MPEG-1 layer 3: 44100 Hz, mono, 128 kbit/s. */
static void silence(const char *name, size_t frames)
{
    static const unsigned char head[4] = {0xff, 0xfb, 0x90, 0xc4};
    unsigned char *bytes = calloc(frames, FRAME);
    for (size_t i = 0; i < frames; i++)
        memcpy(bytes + i * FRAME, head, sizeof head);
    tree_write(&tree, name, bytes, frames * FRAME);
    free(bytes);
}

static bool body_has(const struct wish *w, const char *text)
{
    return w->object && memmem(w->object->body, w->object->body_len, text, strlen(text));
}

/* Files */

static void a_small_file_is_read_once_and_then_kept(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL);
    for (int i = 0; i < 3; i++) {
        struct wish w = got(WISH_FILE, "/a.mp3");
        assert_int_equal(w.err, ERR_NONE);
        assert_int_equal(w.how, i ? WISH_HIT : WISH_MISS);
        assert_int_equal(w.object->key.kind, OBJECT_BODY);
        assert_int_equal(w.object->body_len, SMALL);
        assert_int_equal(w.object->body[SMALL - 1], tree_byte(SMALL - 1));
        supply_leave(&w);
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), 1);
    assert_int_equal(counted(COUNTER_ORIGIN_READS), 1);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_HIT), 2);
}

static void a_larger_file_is_its_own_source(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    for (int i = 0; i < 2; i++) {
        struct wish w = got(WISH_FILE, "/a.mp3");
        assert_int_equal(w.err, ERR_NONE);
        assert_int_equal(w.how, i ? WISH_HIT : WISH_MISS);
        assert_ptr_equal(w.object, w.source);
        assert_int_equal(w.object->span_count, 1);
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_ORIGIN_READS), 0);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_HIT), 1);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_MISS), 1);
}

static void an_empty_file_is_found_too(void **state)
{
    (void)state;
    tree_text(&tree, "a.mp3", "");
    struct wish w = got(WISH_FILE, "/a.mp3");
    assert_int_equal(w.err, ERR_NONE);
    assert_int_equal(w.object->size, 0);
    supply_leave(&w);
}

static void who_asks_meanwhile_joins(void **state)
{
    (void)state;
    struct wish w[4];
    tree_fill(&tree, "a.mp3", SMALL + 1);
    granted_count = 0;
    hold(io);
    for (int i = 0; i < 4; i++) {
        w[i] = wish_of(WISH_FILE, "/a.mp3");
        assert_false(supply_ask(&seat, &w[i], now));
    }
    release();
    while (granted_count < 4)
        loop_run(loop);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(w[i].err, ERR_NONE);
        assert_int_equal(w[i].how, i ? WISH_JOINED : WISH_MISS);
        assert_ptr_equal(w[i].object, w[0].object);
    }
    for (int i = 0; i < 4; i++)
        supply_leave(&w[i]);
    assert_int_equal(counted(COUNTER_FLIGHTS), 1);
    assert_int_equal(counted(COUNTER_FLIGHTS_JOINED), 3);
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), 1);
}

static void what_is_missing_is_looked_for_once_a_second(void **state)
{
    (void)state;
    struct wish w = wish_of(WISH_FILE, "/a.mp3");
    get(&w);
    assert_int_equal(w.err, ERR_NOT_FOUND);
    assert_int_equal(w.object->failure, ERR_NOT_FOUND);
    supply_leave(&w);
    uint64_t opens = counted(COUNTER_ORIGIN_OPENS);
    tree_fill(&tree, "a.mp3", 10);
    now += CLOCK_SECOND - 1;
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NOT_FOUND);
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), opens);
    now++;
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE);
    tree_folder(&tree, "album");
    expect_err(wish_of(WISH_FILE, "/album"), ERR_NOT_FOUND);
    expect_err(wish_of(WISH_FILE, "/../etc/passwd"), ERR_NOT_FOUND);
    assert_int_equal(supply_stats(seat.supply).objects, 4); /* a.mp3 twice, album, /../etc/passwd */
}

/* Freshness */

/* The look that was begun behind an answer at this time has ended. */
static void wait_for_look(struct source *s)
{
    while (atomic_load(&s->checked) != now || atomic_load(&s->checking))
        sched_yield();
}

static void a_young_source_is_believed(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE);
    now += CLOCK_SECOND / 2;
    struct wish w = wish_of(WISH_FILE, "/a.mp3");
    assert_true(supply_ask(&seat, &w, now));
    supply_leave(&w);
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), 1);
}

static void an_old_one_is_looked_at_before_the_answer(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    struct wish first = got(WISH_FILE, "/a.mp3"), w = wish_of(WISH_FILE, "/a.mp3");
    now += CLOCK_SECOND;
    assert_false(supply_ask(&seat, &w, now));
    loop_run(loop);
    assert_int_equal(w.err, ERR_NONE);
    assert_ptr_equal(w.object, first.object); /* the same file: the same object */
    assert_int_equal(w.how, WISH_MISS);
    assert_int_equal(atomic_load(&w.source->source->checked), now);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_STALE), 1);
    assert_int_equal(counted(COUNTER_ORIGIN_CHECKS), 1);
    supply_leave(&w);
    supply_leave(&first);
}

static void looking_behind_the_answers_keeps_a_busy_file_fresh(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    struct wish first = got(WISH_FILE, "/a.mp3");
    for (int i = 0; i < 20; i++) {
        struct wish w = wish_of(WISH_FILE, "/a.mp3");
        now += CLOCK_SECOND * 3 / 5;
        assert_true(supply_ask(&seat, &w, now)); /* none of them ever waits */
        supply_leave(&w);
        wait_for_look(first.source->source);
    }
    assert_int_equal(counted(COUNTER_ORIGIN_CHECKS), 20);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_STALE), 0);
    supply_leave(&first);
}

static void one_look_behind_is_enough(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    struct wish first = got(WISH_FILE, "/a.mp3");
    now += CLOCK_SECOND * 3 / 4;
    hold(io);
    for (int i = 0; i < 10; i++) {
        struct wish w = wish_of(WISH_FILE, "/a.mp3");
        assert_true(supply_ask(&seat, &w, now));
        supply_leave(&w);
    }
    release();
    wait_for_look(first.source->source);
    assert_int_equal(counted(COUNTER_ORIGIN_CHECKS), 1);
    supply_leave(&first);
}

/* Watched */

static void watch_the_tree(void)
{
    supply_free(seat.supply);
    watched = true;
    start_supply((size_t)16 << 20);
    watched = false;
    uint64_t folders = 0;
    while (!folders) {
        supply_publish(seat.supply);
        folders = atomic_load(&shared->value[COUNTER_ORIGIN_WATCHED]);
    }
}

/* Asked until the answer is another one, at the same time on the clock. */
static void until(const char *track, enum err e)
{
    enum err got_now;
    do {
        struct wish w = got(WISH_FILE, track);
        got_now = w.err;
        supply_leave(&w);
    } while (got_now != e);
}

static void a_watched_source_is_not_looked_at_again(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    watch_the_tree();
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE);
    now += 59 * CLOCK_SECOND;
    struct wish w = wish_of(WISH_FILE, "/a.mp3");
    assert_true(supply_ask(&seat, &w, now));
    assert_false(w.doubted);
    supply_leave(&w);
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS) + counted(COUNTER_ORIGIN_CHECKS), 1);
}

static void past_its_ttl_it_is_served_and_looked_at(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    watch_the_tree();
    struct wish first = got(WISH_FILE, "/a.mp3"), w = wish_of(WISH_FILE, "/a.mp3");
    now += 60 * CLOCK_SECOND;
    assert_true(supply_ask(&seat, &w, now));
    assert_true(w.doubted && w.how == WISH_HIT);
    supply_leave(&w);
    wait_for_look(first.source->source);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_STALE), 1);
    assert_int_equal(counted(COUNTER_ORIGIN_CHECKS), 1);
    struct wish again = got(WISH_FILE, "/a.mp3");
    assert_false(again.doubted);
    supply_leave(&again);
    supply_leave(&first);
}

static void a_playlist_has_a_ttl_of_its_own(void **state)
{
    (void)state;
    silence("a.mp3", FRAMES);
    watch_the_tree();
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_NONE);
    now += 61 * CLOCK_SECOND;
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_NONE);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_STALE), 0);
    now += 3600 * CLOCK_SECOND;
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_NONE);
    assert_int_equal(counted(COUNTER_CACHE_MEMORY_STALE), 1);
}

static void what_inotify_tells_is_looked_at_at_once(void **state)
{
    (void)state;
    watch_the_tree();
    until("/a.mp3", ERR_NOT_FOUND);
    tree_fill(&tree, "a.mp3", 10);
    until("/a.mp3", ERR_NONE);
    assert_int_equal(unlink(tree_path(&tree, "a.mp3")), 0);
    until("/a.mp3", ERR_NOT_FOUND);
    tree_folder(&tree, "new");
    tree_fill(&tree, "new/a.mp3", 10);
    until("/new/a.mp3", ERR_NONE);
}

static void a_missing_file_is_remembered_for_five_seconds(void **state)
{
    (void)state;
    watch_the_tree();
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NOT_FOUND);
    now += 5 * CLOCK_SECOND - 1;
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NOT_FOUND);
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), 1);
    now++;
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NOT_FOUND);
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), 2);
}

static void a_replaced_file_is_a_new_version(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", 1000);
    struct wish old = got(WISH_FILE, "/a.mp3");
    tree_fill(&tree, "a.mp3", 2000);
    struct wish w = got(WISH_FILE, "/a.mp3");
    assert_int_equal(w.object->size, 1000); /* believed for a second */
    supply_leave(&w);
    now += 2 * CLOCK_SECOND;
    w = got(WISH_FILE, "/a.mp3");
    assert_int_equal(w.object->size, 2000);
    assert_int_not_equal(w.source->source->version, old.source->source->version);
    assert_false(str_eq(object_etag(w.object), object_etag(old.object)));
    assert_int_equal(old.object->size, 1000); /* who holds the old one has it whole */
    supply_leave(&w);
    supply_leave(&old);
}

static void a_removed_file_is_gone_a_second_later_and_from_the_cache(void **state)
{
    (void)state;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE);
    assert_int_equal(supply_stats(seat.supply).objects, 1);
    assert_int_equal(unlink(tree_path(&tree, "a.mp3")), 0);
    now += 2 * CLOCK_SECOND;
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NOT_FOUND);
    supply_publish(seat.supply);
    assert_int_equal(counted(COUNTER_CACHE_GONE_CHANGED), 1);
}

/* Leaving */

static void who_left_hears_nothing(void **state)
{
    (void)state;
    struct wish w = wish_of(WISH_FILE, "/a.mp3");
    tree_fill(&tree, "a.mp3", SMALL + 1);
    for (int i = 0; i < 50; i++) { /* before, while or after it is opened: as it comes */
        granted_count = 0;
        now += 2 * CLOCK_SECOND;
        assert_false(supply_ask(&seat, &w, now));
        if (i % 2)
            sched_yield();
        supply_leave(&w);
        supply_leave(&w);
        turn_once(loop);
        assert_int_equal(granted_count, 0);
        assert_null(w.object);
    }
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE);
}

static void the_last_one_to_leave_cancels_and_that_is_counted(void **state)
{
    (void)state;
    struct wish a = wish_of(WISH_FILE, "/a.mp3"), b = a;
    tree_fill(&tree, "a.mp3", SMALL + 1);
    hold(io);
    assert_false(supply_ask(&seat, &a, now));
    assert_false(supply_ask(&seat, &b, now));
    supply_leave(&a);
    assert_int_equal(counted(COUNTER_FLIGHTS_CANCELLED), 0);
    supply_leave(&b);
    assert_int_equal(counted(COUNTER_FLIGHTS_CANCELLED), 1);
    release();
    hold(io); /* so what was submitted before has ended */
    assert_int_equal(counted(COUNTER_ORIGIN_OPENS), 0);
    release();
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE);
}

static void leaving_cancels_an_index_that_waits_for_a_helper(void **state)
{
    (void)state;
    struct wish w = wish_of(WISH_PLAYLIST, "/a.mp3");
    silence("a.mp3", FRAMES);
    hold(media_pool);
    assert_false(supply_ask(&seat, &w, now));
    while (!w.source)
        turn_once(loop);
    supply_leave(&w);
    release();
    assert_int_equal(counted(COUNTER_FLIGHTS_CANCELLED), 1);
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_NONE);
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 1);
}

/* HLS */

static void one_index_serves_playlist_master_and_segments(void **state)
{
    (void)state;
    char uri[64];
    silence("a.mp3", FRAMES);
    struct wish w = got(WISH_PLAYLIST, "/a.mp3");
    assert_int_equal(w.err, ERR_NONE);
    uint64_t version = w.source->source->version;
    snprintf(uri, sizeof uri, "\nv-%016llx/1.mp3\n", (unsigned long long)version);
    assert_true(body_has(&w, uri));
    supply_leave(&w);
    w = got(WISH_MASTER, "/a.mp3");
    assert_true(body_has(&w, "\nindex.m3u8\n"));
    supply_leave(&w);
    for (int i = 0; i < 2; i++) {
        w = wish_of(WISH_SEGMENT, "/a.mp3");
        w.version = version;
        w.container = CONTAINER_PACKED;
        w.number = 1;
        w.ending = STR("mp3");
        get(&w);
        assert_int_equal(w.err, ERR_NONE);
        assert_int_equal(w.object->span_count, 1);
        assert_int_equal(w.object->spans[0].offset + w.object->spans[0].length, FRAMES * FRAME);
        assert_int_equal(w.how, WISH_HIT);
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 1);
    assert_int_equal(counted(COUNTER_INDEX_PACKETS), FRAMES);
}

static struct wish packed_segment(uint64_t version)
{
    struct wish w = wish_of(WISH_SEGMENT, "/a.mp3");
    w.version = version;
    w.container = CONTAINER_PACKED;
    w.number = 1;
    w.ending = STR("mp3");
    return w;
}

/* No copy, however often: a span costs no more than a file does. */
static void a_segment_that_is_a_span_stays_one(void **state)
{
    (void)state;
    silence("a.mp3", FRAMES);
    struct wish w = got(WISH_PLAYLIST, "/a.mp3");
    uint64_t version = w.source->source->version;
    supply_leave(&w);
    for (int i = 0; i < 40; i++) {
        w = packed_segment(version);
        get(&w);
        assert_int_equal(w.object->span_count, 1);
        assert_int_equal(w.object->size, w.object->body_len + w.object->spans[0].length);
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_ORIGIN_READS), 0);
}

/* Until the copy is there, and after it was pushed out, the song is sent from itself: nobody waits.
 */
static void a_song_that_is_asked_for_often_is_copied_into_memory(void **state)
{
    (void)state;
    tree_fill(&tree, "song.mp3", SMALL + 1000);
    struct wish w = got(WISH_FILE, "/song.mp3");
    unsigned times = 1;
    for (bool copied = false; !copied; times++) {
        supply_leave(&w);
        w = wish_of(WISH_FILE, "/song.mp3");
        get(&w);
        copied = w.object != w.source;
        assert_int_equal(w.object->size, SMALL + 1000);
        assert_true(str_eq(object_etag(w.object), object_etag(w.source)));
        assert_true(str_eq(w.object->fields, w.source->fields));
    }
    assert_true(times > 8);
    assert_int_equal(w.object->body_len, SMALL + 1000);
    for (size_t i = 0; i < w.object->body_len; i += 999)
        assert_int_equal(w.object->body[i], tree_byte(i));
    supply_leave(&w);
    assert_int_equal(counted(COUNTER_ORIGIN_READS), 1);
}

static void a_song_that_the_cache_would_not_keep_is_not_copied(void **state)
{
    (void)state;
    restart_supply(SMALL);
    tree_fill(&tree, "song.mp3", SMALL + 1000);
    for (int i = 0; i < 100; i++) {
        struct wish w = wish_of(WISH_FILE, "/song.mp3");
        get(&w);
        assert_ptr_equal(w.object, w.source);
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_ORIGIN_READS), 0);
}

static void a_segment_that_is_built_is_kept(void **state)
{
    (void)state;
    silence("a.mp3", FRAMES);
    struct wish w = got(WISH_FILE, "/a.mp3");
    uint64_t version = w.source->source->version;
    supply_leave(&w);
    for (int i = 0; i < 2; i++) {
        w = wish_of(WISH_SEGMENT, "/a.mp3");
        w.version = version;
        w.container = CONTAINER_TS;
        w.ending = STR("ts");
        get(&w);
        assert_int_equal(w.err, ERR_NONE);
        assert_int_equal(w.how, i ? WISH_HIT : WISH_MISS);
        assert_int_equal(w.object->body[0], 0x47);
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_ORIGIN_READS), 1);
}

static void what_the_cache_would_not_keep_is_served_all_the_same(void **state)
{
    (void)state;
    restart_supply(100);
    silence("a.mp3", 20);
    for (int i = 0; i < 2; i++) {
        struct wish w = got(WISH_FILE, "/a.mp3");
        assert_int_equal(w.err, ERR_NONE);
        assert_int_equal(w.object->body_len, 20 * FRAME);
        supply_leave(&w);
        expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_NONE);
    }
    assert_int_equal(supply_stats(seat.supply).objects, 1); /* the open file */
}

static void segments_of_another_version_are_not_found(void **state)
{
    (void)state;
    silence("a.mp3", FRAMES);
    struct wish w = wish_of(WISH_SEGMENT, "/a.mp3");
    w.version = 12345;
    w.container = CONTAINER_PACKED;
    w.ending = STR("mp3");
    expect_err(w, ERR_NOT_FOUND);
    w.kind = WISH_INIT;
    expect_err(w, ERR_NOT_FOUND);
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 0); /* a made-up URL costs no demuxing */
}

static void what_a_track_cannot_give_says_why(void **state)
{
    (void)state;
    silence("a.mp3", FRAMES);
    struct wish w = wish_of(WISH_PLAYLIST, "/a.mp3");
    w.container = CONTAINER_FMP4;
    get(&w);
    assert_int_equal(w.err, ERR_NOT_ACCEPTABLE);
    assert_true(str_starts(object_why(w.object), STR("mp3 does not go into fmp4")));
    supply_leave(&w);
}

static void two_who_want_the_index_share_it(void **state)
{
    (void)state;
    struct wish a = wish_of(WISH_PLAYLIST, "/a.mp3"), b = wish_of(WISH_MASTER, "/a.mp3");
    silence("a.mp3", FRAMES);
    granted_count = 0;
    hold(media_pool);
    supply_ask(&seat, &a, now);
    supply_ask(&seat, &b, now);
    while (!a.source || !b.source)
        turn_once(loop);
    release();
    while (granted_count < 2)
        loop_run(loop);
    assert_int_equal(a.err, ERR_NONE);
    assert_int_equal(b.err, ERR_NONE);
    assert_true(a.how == WISH_JOINED || b.how == WISH_JOINED);
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 1);
    supply_leave(&a);
    supply_leave(&b);
}

static void a_broken_file_is_remembered_for_a_minute(void **state)
{
    (void)state;
    tree_text(&tree, "a.mp3", "this is no music");
    for (int i = 0; i < 3; i++) {
        struct wish w = got(WISH_PLAYLIST, "/a.mp3");
        assert_int_equal(w.err, ERR_MEDIA);
        assert_true(object_why(w.object).n > 0);
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_INDEX_FAILURES), 1);
    now += 59 * CLOCK_SECOND;
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_MEDIA);
    assert_int_equal(counted(COUNTER_INDEX_FAILURES), 1);
    now += CLOCK_SECOND;
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_MEDIA);
    assert_int_equal(counted(COUNTER_INDEX_FAILURES), 2);
    expect_err(wish_of(WISH_FILE, "/a.mp3"), ERR_NONE); /* the bytes are there all the same */
}

static void a_mended_file_is_indexed_anew(void **state)
{
    (void)state;
    tree_text(&tree, "a.mp3", "this is no music");
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_MEDIA);
    silence("a.mp3", FRAMES);
    now += 2 * CLOCK_SECOND;
    expect_err(wish_of(WISH_PLAYLIST, "/a.mp3"), ERR_NONE);
}

/* Folders of renditions */

static void a_folder_is_a_master_of_what_can_be_used(void **state)
{
    (void)state;
    tree_folder(&tree, "song");
    tree_folder(&tree, "song/folder.mp3");
    silence("song/128.mp3", FRAMES);
    silence("song/64.mp3", FRAMES);
    tree_text(&tree, "song/broken.mp3", "this is no music");
    tree_text(&tree, "song/cover.jpg", "nor is this");
    for (int i = 0; i < 2; i++) {
        struct wish w = got(WISH_MASTER, "/song");
        assert_int_equal(w.err, ERR_NONE);
        assert_true(body_has(&w, "\n128.mp3/index.m3u8\n"));
        assert_true(body_has(&w, "\n64.mp3/index.m3u8\n"));
        assert_false(body_has(&w, "broken"));
        assert_false(body_has(&w, "folder"));
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 2);
    silence("song/64.mp3", FRAMES / 2); /* any file makes another master */
    now += 2 * CLOCK_SECOND;
    struct wish again = got(WISH_MASTER, "/song");
    assert_int_equal(again.err, ERR_NONE);
    supply_leave(&again);
    assert_int_equal(counted(COUNTER_INDEX_BUILDS), 3);
}

static void a_folder_without_a_rendition_is_not_found_or_says_why(void **state)
{
    (void)state;
    tree_folder(&tree, "empty");
    tree_folder(&tree, "broken");
    tree_text(&tree, "broken/a.mp3", "this is no music");
    expect_err(wish_of(WISH_MASTER, "/empty"), ERR_NOT_FOUND);
    expect_err(wish_of(WISH_MASTER, "/broken"), ERR_MEDIA);
    expect_err(wish_of(WISH_PLAYLIST, "/broken"), ERR_NOT_FOUND);
    expect_err(wish_of(WISH_MASTER, "/nothing"), ERR_NOT_FOUND);
}

static void leaving_a_ladder_half_way_up_gives_all_back(void **state)
{
    (void)state;
    tree_folder(&tree, "song");
    silence("song/1.mp3", FRAMES);
    silence("song/2.mp3", FRAMES);
    expect_err(wish_of(WISH_PLAYLIST, "/song/1.mp3"), ERR_NONE); /* the first is known already */
    struct wish w = wish_of(WISH_MASTER, "/song");
    granted_count = 0;
    assert_false(supply_ask(&seat, &w, now));
    while (!w.ladder)
        turn_once(loop);
    supply_leave(&w);
    turn_once(loop);
    assert_int_equal(granted_count, 0);
    expect_err(wish_of(WISH_MASTER, "/song"), ERR_NONE);
}

/* The list, and figures */

static void the_list_of_tracks_is_kept_for_a_second(void **state)
{
    (void)state;
    tree_text(&tree, "a.mp3", "x");
    struct wish w = got(WISH_LIBRARY, "/");
    assert_true(body_has(&w, "\"a.mp3\""));
    assert_int_equal(w.how, WISH_MISS);
    supply_leave(&w);
    tree_text(&tree, "b.mp3", "x");
    now += CLOCK_SECOND - 1;
    w = got(WISH_LIBRARY, "/");
    assert_int_equal(w.how, WISH_HIT);
    assert_false(body_has(&w, "\"b.mp3\""));
    supply_leave(&w);
    now += 1;
    w = got(WISH_LIBRARY, "/");
    assert_true(body_has(&w, "\"b.mp3\""));
    supply_leave(&w);
}

static void what_is_counted_elsewhere_is_published(void **state)
{
    (void)state;
    restart_supply(40000);
    for (int i = 0; i < 60; i++) {
        char name[16];
        snprintf(name, sizeof name, "/%d.mp3", i);
        tree_fill(&tree, name + 1, 1000);
        expect_err(wish_of(WISH_FILE, name), ERR_NONE);
    }
    supply_publish(seat.supply);
    assert_true(counted(COUNTER_HELPER_STARTS) >= 1);
    assert_int_equal(counted(COUNTER_HELPER_DEATHS), media_deaths(media));
    assert_true(counted(COUNTER_CACHE_GONE_ROOM) >= 2);
}

static void a_root_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct supply *s = NULL;
    struct supply_opts opts = {.cache = {.bytes = 1000},
                               .disk = {"/nonexistent/root", "", 6000, false, false, NULL}};
    assert_int_equal(supply_new(&opts, &s), ERR_CONFIG);
    supply_free(NULL);
}

static int start_helpers(void **state)
{
    static char program[512];
    const char *build = getenv("SEGUE_BUILD");
    snprintf(program, sizeof program, "%s/segue-media", build ? build : "build");
    struct media_opts opts = {program, 2, (size_t)256 << 20, 30000};
    sem_init(&held, 0, 0);
    sem_init(&let_go, 0, 0);
    sem_init(&gone, 0, 0);
    log_set_level(LOG_ERROR);
    hash_seed();
    return turn_setup(state) || media_new(&opts, &media);
}

static int stop_helpers(void **state)
{
    (void)state;
    media_free(media);
    return 0;
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(a_small_file_is_read_once_and_then_kept),
        WITH_RIG(a_larger_file_is_its_own_source),
        WITH_RIG(an_empty_file_is_found_too),
        WITH_RIG(who_asks_meanwhile_joins),
        WITH_RIG(a_watched_source_is_not_looked_at_again),
        WITH_RIG(past_its_ttl_it_is_served_and_looked_at),
        WITH_RIG(a_playlist_has_a_ttl_of_its_own),
        WITH_RIG(what_inotify_tells_is_looked_at_at_once),
        WITH_RIG(a_missing_file_is_remembered_for_five_seconds),
        WITH_RIG(what_is_missing_is_looked_for_once_a_second),
        WITH_RIG(a_young_source_is_believed),
        WITH_RIG(an_old_one_is_looked_at_before_the_answer),
        WITH_RIG(looking_behind_the_answers_keeps_a_busy_file_fresh),
        WITH_RIG(one_look_behind_is_enough),
        WITH_RIG(a_replaced_file_is_a_new_version),
        WITH_RIG(a_removed_file_is_gone_a_second_later_and_from_the_cache),
        WITH_RIG(who_left_hears_nothing),
        WITH_RIG(the_last_one_to_leave_cancels_and_that_is_counted),
        WITH_RIG(leaving_cancels_an_index_that_waits_for_a_helper),
        WITH_RIG(one_index_serves_playlist_master_and_segments),
        WITH_RIG(a_segment_that_is_a_span_stays_one),
        WITH_RIG(a_song_that_is_asked_for_often_is_copied_into_memory),
        WITH_RIG(a_song_that_the_cache_would_not_keep_is_not_copied),
        WITH_RIG(a_segment_that_is_built_is_kept),
        WITH_RIG(what_the_cache_would_not_keep_is_served_all_the_same),
        WITH_RIG(segments_of_another_version_are_not_found),
        WITH_RIG(what_a_track_cannot_give_says_why),
        WITH_RIG(two_who_want_the_index_share_it),
        WITH_RIG(a_broken_file_is_remembered_for_a_minute),
        WITH_RIG(a_mended_file_is_indexed_anew),
        WITH_RIG(a_folder_is_a_master_of_what_can_be_used),
        WITH_RIG(a_folder_without_a_rendition_is_not_found_or_says_why),
        WITH_RIG(leaving_a_ladder_half_way_up_gives_all_back),
        WITH_RIG(the_list_of_tracks_is_kept_for_a_second),
        WITH_RIG(what_is_counted_elsewhere_is_published),
        WITH_RIG(a_root_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, start_helpers, stop_helpers);
}
