/* edge/store/product: what a file is granted as, and what is copied into memory. */
#include "edge/store/product.h"

#include "tests/unit/store/supply_kit.h"

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

static uint64_t version_of(const char *track)
{
    struct wish w = got(WISH_FILE, track);
    uint64_t version = w.source->source->version;
    supply_leave(&w);
    return version;
}

static struct wish ts_segment(uint64_t version, uint32_t number)
{
    struct wish w = wish_of(WISH_SEGMENT, "/a.mp3");
    w.version = version;
    w.container = CONTAINER_TS;
    w.number = number;
    w.ending = STR("ts");
    return w;
}

static void a_segment_that_is_built_is_kept(void **state)
{
    (void)state;
    silence("a.mp3", FRAMES);
    struct wish w;
    uint64_t version = version_of("/a.mp3");
    for (int i = 0; i < 2; i++) {
        w = ts_segment(version, 0);
        get(&w);
        assert_int_equal(w.err, ERR_NONE);
        assert_int_equal(w.how, i ? WISH_HIT : WISH_MISS);
        assert_int_equal(w.object->body[0], 0x47);
        supply_leave(&w);
    }
    assert_int_equal(counted(COUNTER_ORIGIN_READS), 1);
}

/* Same bytes, same ETag, as long to be heard; only where they are sent from is another place. */
static void a_built_segment_that_is_asked_for_often_goes_on_the_shelf(void **state)
{
    (void)state;
    silence("a.mp3", FRAMES);
    struct wish w;
    uint64_t version = version_of("/a.mp3");
    struct wish first = ts_segment(version, 0);
    get(&first);
    assert_null(first.object->shelf);
    unsigned times = 1;
    for (bool shelved = false; !shelved; times++) {
        w = ts_segment(version, 0);
        get(&w);
        assert_int_equal(w.err, ERR_NONE);
        shelved = w.object->shelf;
        if (shelved) {
            const struct object *o = w.object, *was = first.object;
            unsigned char *bytes = malloc(was->body_len);
            assert_null(o->body);
            assert_int_equal(o->size, was->body_len);
            assert_int_equal(pread(shelf_fd(o->shelf), bytes, o->size, (off_t)o->shelf_at),
                             o->size);
            assert_memory_equal(bytes, was->body, was->body_len);
            assert_true(str_eq(object_etag(o), object_etag(was)));
            assert_true(str_eq(o->fields, was->fields));
            assert_int_equal(o->sound_ms, was->sound_ms);
            assert_in_range(o->memory, o->size, was->memory + 4096);
            free(bytes);
        }
        supply_leave(&w);
    }
    assert_true(times > 8);
    supply_leave(&first);
    assert_int_equal(counted(COUNTER_ORIGIN_READS), 1);
}

static void a_short_segment_stays_in_memory(void **state)
{
    (void)state;
    silence("a.mp3", FRAMES);
    struct wish w;
    uint64_t version = version_of("/a.mp3");
    for (int i = 0; i < 40; i++) {
        w = ts_segment(version, 1); /* what is left after the first: less than 80 KB */
        get(&w);
        assert_int_equal(w.err, ERR_NONE);
        assert_null(w.object->shelf);
        assert_non_null(w.object->body);
        supply_leave(&w);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(one_index_serves_playlist_master_and_segments),
        WITH_RIG(a_segment_that_is_a_span_stays_one),
        WITH_RIG(a_song_that_is_asked_for_often_is_copied_into_memory),
        WITH_RIG(a_song_that_the_cache_would_not_keep_is_not_copied),
        WITH_RIG(a_segment_that_is_built_is_kept),
        WITH_RIG(a_built_segment_that_is_asked_for_often_goes_on_the_shelf),
        WITH_RIG(a_short_segment_stays_in_memory),
        WITH_RIG(segments_of_another_version_are_not_found),
        WITH_RIG(what_a_track_cannot_give_says_why),
    };
    return cmocka_run_group_tests(tests, start_helpers, stop_helpers);
}
