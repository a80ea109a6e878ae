/* edge/guard/keyring: which keys there may be, and finding one. */
#include "edge/guard/keyring.h"

#include "tests/unit/guard/kit.h"

#include <stdio.h>

static void a_keyring_refuses_what_is_wrong(void **state)
{
    (void)state;
    const struct key_spec wrong[] = {
        {.id = STR("a-b"), .secret = STR(SECRET)},
        {.id = STR(""), .secret = STR(SECRET)},
        {.id = STR("k"), .secret = STR("short")},
        {.id = STR("k"), .scheme = SCHEME_AKAMAI, .secret = STR("xyz")},
        {.id = STR("k"), .scheme = SCHEME_S3, .secret = STR("")},
    };
    struct keyring *r = NULL;
    size_t which;
    const char *why;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(keyring_new(&wrong[i], 1, &r, &which, &why), ERR_CONFIG);
    const struct key_spec twice[] = {{.id = STR("k"), .secret = STR(SECRET)},
                                     {.id = STR("k"), .secret = STR(SECRET)}};
    assert_int_equal(keyring_new(twice, 2, &r, &which, &why), ERR_CONFIG);
    assert_int_equal(which, 1);
}

static void a_key_is_found_by_its_name_and_its_style(void **state)
{
    (void)state;
    struct keyring *r = all_keys();
    const struct guard_key *k = keyring_any(r, STR("edge"));
    assert_non_null(k);
    assert_true(str_eq(k->id, STR("edge")));
    assert_ptr_equal(keyring_find(r, SCHEME_AKAMAI, STR("edge")), k);
    assert_null(keyring_find(r, SCHEME_SEGUE, STR("edge")));
    assert_null(keyring_any(r, STR("edg")));
    assert_null(keyring_any(r, STR("")));
    assert_true(r->schemes & 1u << SCHEME_S3);
    keyring_unref(r);
    struct key_spec one = {.id = STR("k"), .secret = STR(SECRET)};
    r = keys_of(&one, 1);
    assert_int_equal(r->schemes, 1u << SCHEME_SEGUE);
    keyring_unref(r);
    keyring_unref(NULL);
}

static void a_key_opens_what_it_is_for(void **state)
{
    (void)state;
    struct keyring *r = all_keys();
    const struct guard_key *all = keyring_any(r, STR("k1")), *some = keyring_any(r, STR("k3"));
    assert_true(guard_key_opens(all, STR("/anything")));
    assert_true(guard_key_opens(some, STR("/audio/album/a.mp3")));
    assert_false(guard_key_opens(some, STR("/audio/other/a.mp3")));
    keyring_unref(r);
}

/* What path tokens of ours are signed with is not what others sign with. */
static void a_secret_of_our_own_is_made_of_the_keys(void **state)
{
    (void)state;
    struct keyring *r = all_keys();
    const struct guard_key *k1 = keyring_any(r, STR("k1")), *edge = keyring_any(r, STR("edge"));
    assert_int_equal(k1->own.n, CRYPTO_SHA256);
    assert_false(str_eq(k1->own, k1->secret));
    assert_false(str_eq(k1->own, edge->own));
    assert_int_equal(edge->secret.n, 6); /* hexadecimal, read */
    assert_memory_equal(edge->secret.p, "\x52\xa1\x52\xa1\x52\xa1", 6);
    keyring_unref(r);
}

static void there_is_a_ceiling(void **state)
{
    (void)state;
    struct key_spec specs[KEYRING_MAX + 1];
    char ids[KEYRING_MAX + 1][8];
    struct keyring *r = NULL;
    size_t which;
    const char *why;
    for (size_t i = 0; i <= KEYRING_MAX; i++) {
        int n = snprintf(ids[i], sizeof ids[i], "k%zu", i);
        specs[i] = (struct key_spec){.id = {ids[i], (size_t)n}, .secret = STR(SECRET)};
    }
    assert_int_equal(keyring_new(specs, KEYRING_MAX + 1, &r, &which, &why), ERR_CONFIG);
    assert_string_equal(why, "more than 64 keys");
    assert_int_equal(keyring_new(specs, KEYRING_MAX, &r, &which, &why), ERR_NONE);
    assert_non_null(keyring_any(r, STR("k63")));
    keyring_unref(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_keyring_refuses_what_is_wrong),
        cmocka_unit_test(a_key_is_found_by_its_name_and_its_style),
        cmocka_unit_test(a_key_opens_what_it_is_for),
        cmocka_unit_test(a_secret_of_our_own_is_made_of_the_keys),
        cmocka_unit_test(there_is_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
