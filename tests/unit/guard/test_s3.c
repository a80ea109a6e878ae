/* edge/guard/s3: presigned URLs: the public vector, and every mutation of one character. */
#include "edge/guard/scheme.h"

#include "tests/unit/guard/kit.h"

#define S3_PUBLIC                                                                         \
    "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F" \
    "20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=" \
    "86400&X-Amz-SignedHeaders=host&X-Amz-Signature="                                     \
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
enum { S3_TIME = 1369353600 };

static void amazons_vector_is_taken_for_its_day(void **state)
{
    (void)state;
    assert_int_equal(check(STR(S3_PUBLIC), S3_TIME), DENY_NONE);
    assert_int_equal(check(STR(S3_PUBLIC), S3_TIME + 86400), DENY_NONE);
    assert_int_equal(check(STR(S3_PUBLIC), S3_TIME + 86401), DENY_EXPIRED);
    assert_int_equal(check(STR(S3_PUBLIC), S3_TIME - 900), DENY_NONE);
    assert_int_equal(check(STR(S3_PUBLIC), S3_TIME - 901), DENY_NOT_YET);
}

static void amazons_vector_is_what_we_make(void **state)
{
    (void)state;
    struct buf b;
    struct keyring *keys = all_keys();
    struct guard_wish w = {.method = STR("GET"),
                           .host = STR("examplebucket.s3.amazonaws.com"),
                           .path = STR("/test.txt"),
                           .raw = STR("/test.txt"),
                           .now = S3_TIME,
                           .expires = S3_TIME + 86400};
    buf_init(&b, GUARD_TEXT_MAX);
    assert_int_equal(guard_sign(keyring_any(keys, STR("AKIAIOSFODNN7EXAMPLE")), &w, &b), ERR_NONE);
    assert_true(str_eq(buf_str(&b), STR(S3_PUBLIC)));
    buf_fini(&b);
    keyring_unref(keys);
}

static void no_mutation_of_a_presigned_url_is_taken(void **state)
{
    (void)state;
    refuse_mutations(STR(S3_PUBLIC), S3_TIME, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amazons_vector_is_taken_for_its_day),
        cmocka_unit_test(amazons_vector_is_what_we_make),
        cmocka_unit_test(no_mutation_of_a_presigned_url_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
