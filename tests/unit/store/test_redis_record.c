/* edge/store/redis_record: a record says what was put in, and nothing else passes for one. */
#include "edge/store/redis_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SIZE = 2 * RECORD_CHUNK + 1000 };

static unsigned char bytes[SIZE];
static struct buf packed;

static struct key a_key(void)
{
    return key_make(OBJECT_SEGMENT, STR("/album/song.m4a"), 0x123456789abcdef0, CONTAINER_TS, 7);
}

static struct str all(void) { return (struct str){(const char *)bytes, SIZE}; }

static int begin(void **state)
{
    struct key key = a_key();
    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (unsigned char)(i * 31 + (i >> 8) + (i >> 16) * 7);
    buf_init(&packed, RECORD_MAX);
    return record_pack(&key, STR("\"etag\""), all(), &packed);
}

static int end(void **state)
{
    (void)state;
    buf_fini(&packed);
    return 0;
}

static enum err open_as(struct str record, const struct key *key)
{
    struct record r;
    return record_open(record, key, &r);
}

static void it_says_what_was_put_in(void **state)
{
    struct key key = a_key();
    struct record r;
    (void)state;
    assert_int_equal(record_open(buf_str(&packed), &key, &r), ERR_NONE);
    assert_int_equal(r.size, SIZE);
    assert_int_equal(r.chunks, 3);
    assert_true(str_eq(r.etag, STR("\"etag\"")));
    for (uint32_t i = 0; i < 3; i++) {
        size_t from = (size_t)i * RECORD_CHUNK;
        struct str chunk = str_slice(all(), from, from + RECORD_CHUNK);
        assert_int_equal(record_chunk_size(&r, i), chunk.n);
        assert_true(record_chunk_is(&r, i, chunk));
        assert_false(record_chunk_is(&r, (i + 1) % 3, chunk));
        assert_false(record_chunk_is(&r, i, str_slice(chunk, 0, chunk.n - 1)));
        bytes[from + 5] ^= 1;
        assert_false(record_chunk_is(&r, i, chunk));
        bytes[from + 5] ^= 1;
    }
}

static void any_flipped_bit_is_seen(void **state)
{
    struct key key = a_key();
    (void)state;
    for (size_t i = 0; i < packed.len * 8; i++) {
        packed.data[i / 8] ^= (unsigned char)(1u << i % 8);
        assert_int_equal(open_as(buf_str(&packed), &key), ERR_MEDIA);
        packed.data[i / 8] ^= (unsigned char)(1u << i % 8);
    }
    assert_int_equal(open_as(buf_str(&packed), &key), ERR_NONE);
}

static void any_other_length_is_seen(void **state)
{
    struct key key = a_key();
    (void)state;
    for (size_t n = 0; n < packed.len; n++) {
        assert_int_equal(open_as(str_slice(buf_str(&packed), 0, n), &key), ERR_MEDIA);
        assert_int_equal(open_as(str_from(buf_str(&packed), n + 1), &key), ERR_MEDIA);
    }
    buf_addc(&packed, 'x');
    assert_int_equal(open_as(buf_str(&packed), &key), ERR_MEDIA);
}

/* Write a field over and make the hash at the end right again: only its meaning is wrong. */
static void forge(size_t at, unsigned char value)
{
    packed.data[at] = value;
    packed.len -= 16;
    struct hash128 h = hash_stable(buf_str(&packed));
    buf_be64(&packed, h.high);
    buf_be64(&packed, h.low);
}

static void fields_that_contradict_are_seen_behind_a_right_hash(void **state)
{
    static const struct {
        size_t at;
        unsigned char value;
    } cases[] = {
        {0, 'X'},          /* magic */
        {3, '2'},          /* version */
        {4, OBJECT_INDEX}, /* kind */
        {5, 0},            /* container */
        {7, 5},
        {7, 7},
        {6, 1},  /* length of the ETag */
        {11, 8}, /* number */
        {15, 2},
        {15, 4},
        {12, 255}, /* chunks */
        {23, 0},   /* version of the source */
        {24, 1},
        {28, 255},
        {29, 255}, /* size */
        {35, 14},
        {35, 16},
        {32, 255}, /* length of the path */
        {36, 'x'}, /* path */
    };
    struct key key = a_key();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char before = packed.data[cases[i].at];
        forge(cases[i].at, cases[i].value);
        if (open_as(buf_str(&packed), &key) != ERR_MEDIA)
            fail_msg("byte %zu as %u was taken", cases[i].at, cases[i].value);
        forge(cases[i].at, before);
    }
    assert_int_equal(open_as(buf_str(&packed), &key), ERR_NONE);
}

static void another_objects_record_is_none(void **state)
{
    const struct key others[] = {
        key_make(OBJECT_INIT, STR("/album/song.m4a"), 0x123456789abcdef0, CONTAINER_TS, 7),
        key_make(OBJECT_SEGMENT, STR("/album/sonh.m4a"), 0x123456789abcdef0, CONTAINER_TS, 7),
        key_make(OBJECT_SEGMENT, STR("/album/song.m4"), 0x123456789abcdef0, CONTAINER_TS, 7),
        key_make(OBJECT_SEGMENT, STR("/album/song.m4a"), 0x123456789abcdef1, CONTAINER_TS, 7),
        key_make(OBJECT_SEGMENT, STR("/album/song.m4a"), 0x123456789abcdef0, CONTAINER_FMP4, 7),
        key_make(OBJECT_SEGMENT, STR("/album/song.m4a"), 0x123456789abcdef0, CONTAINER_TS, 8),
    };
    struct key key = a_key();
    char mine[RECORD_KEY], other[RECORD_KEY];
    (void)state;
    size_t n = record_key(&key, STR("g"), mine);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(open_as(buf_str(&packed), &others[i]), ERR_MEDIA);
        size_t m = record_key(&others[i], STR("g"), other);
        assert_false(str_eq((struct str){mine, n}, (struct str){other, m}));
    }
}

static void keys_are_the_same_on_every_machine(void **state)
{
    struct key key = a_key();
    char name[RECORD_KEY], chunk[RECORD_KEY];
    (void)state;
    size_t n = record_key(&key, STR("0.1.0/fmp4"), name);
    assert_string_equal(name, "segue:1:segment:448aca378a24d3c3bd56f8e36809a664");
    record_chunk_key((struct str){name, n}, 12, chunk);
    assert_int_equal(strncmp(chunk, name, n), 0);
    assert_string_equal(chunk + n, ":12");
    record_key(&key, STR("0.1.0/ts"), chunk);
    assert_string_not_equal(chunk, name);
}

static void empty_and_largest(void **state)
{
    struct key key = a_key();
    struct record r;
    (void)state;
    buf_reset(&packed);
    assert_int_equal(record_pack(&key, STR(""), STR(""), &packed), ERR_NONE);
    assert_int_equal(record_open(buf_str(&packed), &key, &r), ERR_NONE);
    assert_int_equal(r.chunks, 0);
    buf_reset(&packed);
    struct str most = {calloc(1, RECORD_BYTES_MAX + 1), RECORD_BYTES_MAX};
    assert_non_null(most.p);
    assert_int_equal(record_pack(&key, STR(""), most, &packed), ERR_NONE);
    assert_int_equal(record_open(buf_str(&packed), &key, &r), ERR_NONE);
    buf_reset(&packed);
    most.n++;
    assert_int_equal(record_pack(&key, STR(""), most, &packed), ERR_TOO_BIG);
    free((char *)(uintptr_t)most.p);
}

static void bit_by_bit_it_is_the_same(void **state)
{
    struct key key = a_key();
    struct buf b;
    (void)state;
    buf_init(&b, RECORD_MAX);
    assert_int_equal(record_begin(&key, STR("\"etag\""), SIZE, &b), ERR_NONE);
    for (uint32_t i = 0; i < record_chunks(SIZE); i++)
        record_add_chunk(
            &b, str_slice(all(), (size_t)i * RECORD_CHUNK, ((size_t)i + 1) * RECORD_CHUNK));
    assert_int_equal(record_end(&b), ERR_NONE);
    assert_true(str_eq(buf_str(&b), buf_str(&packed)));
    buf_fini(&b);
}

static void with_a_chunk_too_few_or_too_many_it_is_none(void **state)
{
    struct key key = a_key();
    (void)state;
    for (unsigned n = 0; n < 6; n++) {
        buf_reset(&packed);
        assert_int_equal(record_begin(&key, STR(""), SIZE, &packed), ERR_NONE);
        for (unsigned i = 0; i < n; i++)
            record_add_chunk(&packed, all());
        assert_int_equal(record_end(&packed), ERR_NONE);
        assert_int_equal(open_as(buf_str(&packed), &key), n == 3 ? ERR_NONE : ERR_MEDIA);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_says_what_was_put_in),
        TEST(any_flipped_bit_is_seen),
        TEST(any_other_length_is_seen),
        TEST(fields_that_contradict_are_seen_behind_a_right_hash),
        TEST(another_objects_record_is_none),
        TEST(keys_are_the_same_on_every_machine),
        TEST(empty_and_largest),
        TEST(bit_by_bit_it_is_the_same),
        TEST(with_a_chunk_too_few_or_too_many_it_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
