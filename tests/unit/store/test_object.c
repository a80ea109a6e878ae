/* edge/store/object: keys, references, what a reply says of an object. */
#include "edge/store/object.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct key some_key(void)
{
    return key_make(OBJECT_SEGMENT, STR("/album/song.m4a"), 5, CONTAINER_TS, 9);
}

static void equal_parts_make_equal_keys_wherever_the_path_stands(void **state)
{
    (void)state;
    char elsewhere[] = "/album/song.m4a";
    struct key a = some_key();
    struct key b = key_make(OBJECT_SEGMENT, str_of(elsewhere), 5, CONTAINER_TS, 9);
    assert_true(key_eq(&a, &b));
    assert_int_equal(a.hash, b.hash);
}

static void any_other_part_makes_another_key(void **state)
{
    (void)state;
    struct key a = some_key();
    struct key others[] = {
        key_make(OBJECT_INIT, STR("/album/song.m4a"), 5, CONTAINER_TS, 9),
        key_make(OBJECT_SEGMENT, STR("/album/song.m4b"), 5, CONTAINER_TS, 9),
        key_make(OBJECT_SEGMENT, STR("/album/song.m4"), 5, CONTAINER_TS, 9),
        key_make(OBJECT_SEGMENT, STR("/album/song.m4a"), 6, CONTAINER_TS, 9),
        key_make(OBJECT_SEGMENT, STR("/album/song.m4a"), 5, CONTAINER_FMP4, 9),
        key_make(OBJECT_SEGMENT, STR("/album/song.m4a"), 5, CONTAINER_TS, 8),
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(key_eq(&a, &others[i]));
        assert_int_not_equal(a.hash, others[i].hash);
        others[i].hash = a.hash; /* a collision makes them no more equal */
        assert_false(key_eq(&a, &others[i]));
    }
}

static void segments_of_one_track_spread_over_low_and_high_bits(void **state)
{
    (void)state;
    unsigned low[16] = {0}, high[16] = {0};
    for (uint32_t i = 0; i < 1600; i++) {
        struct key k = key_make(OBJECT_SEGMENT, STR("/a"), 5, CONTAINER_FMP4, i);
        low[k.hash & 15]++;
        high[k.hash >> 60]++;
    }
    for (int i = 0; i < 16; i++) {
        assert_in_range(low[i], 30, 300);
        assert_in_range(high[i], 30, 300);
    }
}

static void an_object_has_its_own_copy_of_the_path(void **state)
{
    (void)state;
    char path[] = "/a.mp3";
    struct key key = key_make(OBJECT_BODY, str_of(path), 0, CONTAINER_COUNT, 0);
    struct object *o = object_new(&key);
    memset(path, 'x', sizeof path);
    assert_true(str_eq(o->key.path, STR("/a.mp3")));
    assert_true(o->memory >= sizeof *o + 6);
    object_unref(o);
    struct key none = key_make(OBJECT_BODY, (struct str){NULL, 0}, 0, CONTAINER_COUNT, 0);
    object_unref(object_new(&none));
    object_unref(NULL);
}

static void the_last_reference_closes_the_file(void **state)
{
    (void)state;
    struct key key = some_key();
    struct object *o = object_new(&key);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    o->source = calloc(1, sizeof *o->source);
    o->source->fd = fd;
    object_ref(o);
    object_unref(o);
    assert_true(fcntl(fd, F_GETFD) >= 0);
    object_unref(o);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void bytes_are_taken_over_and_counted(void **state)
{
    (void)state;
    struct key key = some_key();
    unsigned char *bytes = malloc(1000);
    struct object *o = object_of_bytes(&key, bytes, 1000);
    assert_ptr_equal(o->body, bytes);
    assert_int_equal(o->body_len, 1000);
    assert_int_equal(o->size, 1000);
    assert_true(o->memory >= sizeof *o + 1000);
    assert_int_equal(o->failure, ERR_NONE);
    assert_int_equal(object_etag(o).n, 0);
    object_unref(o);
}

static void a_failure_says_why(void **state)
{
    (void)state;
    struct key key = some_key();
    char why[] = "it is broken";
    struct object *o = object_of_failure(&key, ERR_MEDIA, str_of(why));
    memset(why, 'x', sizeof why);
    assert_int_equal(o->failure, ERR_MEDIA);
    assert_true(str_eq(object_why(o), STR("it is broken")));
    object_unref(o);
}

static const struct hash128 SOME = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};

static void an_etag_is_32_digits_in_quotes(void **state)
{
    (void)state;
    struct key key = some_key();
    struct object *o = object_new(&key);
    object_set_etag(o, SOME);
    assert_true(str_eq(object_etag(o), STR("\"0123456789abcdeffedcba9876543210\"")));
    object_unref(o);
}

static void expect_fields(struct object *o, const char *type, const char *control, const char *want)
{
    assert_int_equal(object_describe(o, type, control), ERR_NONE);
    assert_int_equal(o->fields.n, strlen(want));
    assert_memory_equal(o->fields.p, want, o->fields.n);
}

static void fields_for_a_304_come_first(void **state)
{
    (void)state;
    struct key key = some_key();
    struct object *o = object_new(&key);
    object_set_etag(o, SOME);
    o->modified = 784111777;
    o->size = 12345;
    expect_fields(o, "audio/mp4", "public, max-age=5",
                  "ETag: \"0123456789abcdeffedcba9876543210\"\r\n"
                  "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                  "Cache-Control: public, max-age=5\r\n"
                  "Content-Type: audio/mp4\r\n"
                  "Accept-Ranges: bytes\r\n"
                  "Content-Length: 12345\r\n"
                  "Content-Range: bytes 0-12344/12345\r\n");
    assert_true(str_ends(str_slice(o->fields, 0, o->fields_304), STR("max-age=5\r\n")));
    assert_true(str_ends(str_slice(o->fields, 0, o->fields_part), STR("Ranges: bytes\r\n")));
    assert_true(str_ends(str_slice(o->fields, 0, o->fields_200), STR(" 12345\r\n")));
    object_unref(o);
}

static void what_is_not_known_is_not_said(void **state)
{
    (void)state;
    struct key key = some_key();
    struct object *o = object_new(&key);
    expect_fields(o, "text/plain", NULL, "Content-Type: text/plain\r\nContent-Length: 0\r\n");
    assert_int_equal(o->fields_304, 0);
    assert_int_equal(o->fields_200, o->fields.n); /* nothing has no range */
    expect_fields(o, NULL, "no-store",            /* in place of the first */
                  "Cache-Control: no-store\r\nContent-Length: 0\r\n");
    expect_fields(o, "", "", "Content-Length: 0\r\n");
    object_unref(o);
}

static void fields_have_a_ceiling(void **state)
{
    (void)state;
    struct key key = some_key();
    struct object *o = object_new(&key);
    char much[OBJECT_FIELDS + 1];
    memset(much, 'x', sizeof much - 1);
    much[sizeof much - 1] = '\0';
    assert_int_equal(object_describe(o, much, NULL), ERR_TOO_BIG);
    assert_int_equal(o->fields.n, 0);
    object_unref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_parts_make_equal_keys_wherever_the_path_stands),
        cmocka_unit_test(any_other_part_makes_another_key),
        cmocka_unit_test(segments_of_one_track_spread_over_low_and_high_bits),
        cmocka_unit_test(an_object_has_its_own_copy_of_the_path),
        cmocka_unit_test(the_last_reference_closes_the_file),
        cmocka_unit_test(bytes_are_taken_over_and_counted),
        cmocka_unit_test(a_failure_says_why),
        cmocka_unit_test(an_etag_is_32_digits_in_quotes),
        cmocka_unit_test(fields_for_a_304_come_first),
        cmocka_unit_test(what_is_not_known_is_not_said),
        cmocka_unit_test(fields_have_a_ceiling),
    };
    hash_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
