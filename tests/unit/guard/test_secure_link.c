/* edge/guard/secure_link: links as nginx has them. */
#include "edge/guard/scheme.h"

#include "tests/unit/guard/kit.h"

static void nginx_manuals_link_is_taken(void **state)
{
    (void)state;
    assert_int_equal(check(STR("/s/link?md5=x"), NOW), DENY_MALFORMED); /* a token, and a link */
    struct policy p;
    struct keyring *keys = all_keys();
    struct guard_request r = {.method = STR("GET"),
                              .path = STR("/s/link"),
                              .raw = STR("/s/link"),
                              .query = STR("md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647"),
                              .client = client,
                              .now = NOW,
                              .field = no_field};
    assert_int_equal(guard_check(keys, &r, 0, &p), DENY_NONE);
    assert_int_equal(guard_check(keys, &r, 86400, &p), DENY_MALFORMED); /* for too long */
    r.now = 2147483648;
    assert_int_equal(guard_check(keys, &r, 0, &p), DENY_EXPIRED);
    keyring_unref(keys);
}

static void no_mutation_of_a_secure_link_is_taken(void **state)
{
    (void)state;
    struct buf b;
    sign(&b, "free", STR("/audio/a.mp3"), STR(""));
    refuse_mutations(buf_str(&b), NOW, 0);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nginx_manuals_link_is_taken),
        cmocka_unit_test(no_mutation_of_a_secure_link_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
