/* edge/guard/keyring: which keys there may be, and finding one. */
#include "edge/guard/keyring.h"

#include "tests/unit/guard/kit.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_keyring_refuses_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
