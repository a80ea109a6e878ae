/* edge/guard/recall: what was right is known again, and nothing beside it; guard: each fault is
 * still found in what is remembered. */
#include "edge/guard/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

enum { NOW = 1700000000 };

static void what_was_noted_is_known_and_nothing_else(void **state)
{
    (void)state;
    struct recall *r;
    const struct str noted[] = {STR("k1"), STR("17"), STR("")}, moved[] = {STR("k11"), STR("7")};
    const struct str other[] = {STR("k1"), STR("18"), STR("")};
    assert_int_equal(recall_new(&r), ERR_NONE);
    assert_false(recall_has(r, noted, 3));
    recall_note(r, noted, 3);
    assert_true(recall_has(r, noted, 3));
    assert_false(recall_has(r, other, 3));
    assert_false(recall_has(r, moved, 2)); /* the same bytes, parted elsewhere */
    assert_false(recall_has(r, noted, 2));
    recall_clear(r);
    assert_false(recall_has(r, noted, 3));
    assert_false(recall_has(NULL, noted, 3));
    recall_note(NULL, noted, 3);
    recall_free(r);
}

static void an_empty_table_knows_nothing(void **state)
{
    (void)state;
    struct recall *r;
    assert_int_equal(recall_new(&r), ERR_NONE);
    assert_false(recall_has(r, NULL, 0));
    recall_note(r, NULL, 0);
    assert_false(recall_has(r, NULL, 0));
    recall_free(r);
}

static void what_is_too_long_is_not_kept(void **state)
{
    (void)state;
    char text[RECALL_TEXT];
    struct recall *r;
    memset(text, 'x', sizeof text);
    const struct str fits = {text, RECALL_TEXT - 2}, over = {text, RECALL_TEXT - 1};
    assert_int_equal(recall_new(&r), ERR_NONE);
    recall_note(r, &fits, 1);
    recall_note(r, &over, 1);
    assert_true(recall_has(r, &fits, 1));
    assert_false(recall_has(r, &over, 1));
    recall_free(r);
}

static void more_than_there_is_room_for_push_each_other_out(void **state)
{
    (void)state;
    struct recall *r;
    unsigned known = 0;
    assert_int_equal(recall_new(&r), ERR_NONE);
    for (uint32_t i = 0; i < 4 * RECALL_ENTRIES; i++) {
        const struct str part = {(const char *)&i, sizeof i};
        recall_note(r, &part, 1);
        assert_true(recall_has(r, &part, 1));
    }
    for (uint32_t i = 0; i < 4 * RECALL_ENTRIES; i++) {
        const struct str part = {(const char *)&i, sizeof i};
        known += recall_has(r, &part, 1);
    }
    assert_in_range(known, RECALL_ENTRIES / 2, RECALL_ENTRIES);
    recall_free(r);
}

static struct keyring *ring(const char *secret)
{
    const struct key_spec spec = {.id = STR("k1"), .secret = str_of(secret)};
    struct keyring *keys = NULL;
    size_t which;
    const char *why;
    assert_int_equal(keyring_new(&spec, 1, &keys, &which, &why), ERR_NONE);
    return keys;
}

static enum deny ask(const struct keyring *keys, struct recall *r, struct str token,
                     const char *path, int64_t now)
{
    static const uint8_t client[16];
    struct policy p;
    struct guard_request q = {.method = STR("GET"),
                              .path = str_of(path),
                              .raw = str_of(path),
                              .token = token,
                              .client = client,
                              .now = now,
                              .recall = r};
    return guard_check(keys, &q, 0, &p);
}

static void what_is_remembered_is_still_held_to_its_path_and_time(void **state)
{
    (void)state;
    struct keyring *keys = ring("0123456789abcdef");
    struct recall *r;
    struct buf token;
    buf_init(&token, GUARD_TEXT_MAX);
    assert_int_equal(recall_new(&r), ERR_NONE);
    assert_int_equal(
        guard_sign_path(&keys->keys[0], STR("/hls/a.mp3"), 2, NOW + 100, false, &token), ERR_NONE);
    struct str t = buf_str(&token);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(keys, r, t, "/hls/a.mp3/1.ts", NOW + 100), DENY_NONE);
        assert_int_equal(ask(keys, r, t, "/hls/a.mp3/1.ts", NOW + 101), DENY_EXPIRED);
        assert_int_equal(ask(keys, r, t, "/hls/b.mp3/1.ts", NOW), DENY_BAD_SIGNATURE);
        assert_int_equal(ask(keys, r, t, "/hls/a.mp3x/1.ts", NOW), DENY_BAD_SIGNATURE);
    }
    token.data[token.len - 1] ^= 1;
    assert_int_equal(ask(keys, r, t, "/hls/a.mp3/1.ts", NOW), DENY_BAD_SIGNATURE);
    token.data[token.len - 1] ^= 1;
    struct keyring *other = ring("fedcba9876543210");
    recall_clear(r);
    assert_int_equal(ask(other, r, t, "/hls/a.mp3/1.ts", NOW), DENY_BAD_SIGNATURE);
    recall_free(r);
    buf_fini(&token);
    keyring_unref(keys);
    keyring_unref(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_noted_is_known_and_nothing_else),
        cmocka_unit_test(an_empty_table_knows_nothing),
        cmocka_unit_test(what_is_too_long_is_not_kept),
        cmocka_unit_test(more_than_there_is_room_for_push_each_other_out),
        cmocka_unit_test(what_is_remembered_is_still_held_to_its_path_and_time),
    };
    return cmocka_run_group_tests_name("guard/recall", tests, NULL, NULL);
}
