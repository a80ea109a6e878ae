/* edge/guard/segue: our own style, in the query and in the path. */
#include "edge/guard/scheme.h"

#include "tests/unit/guard/kit.h"

/* conf/SIGNING.md has these; they were made with `openssl dgst`. */
static void our_own_vectors_hold(void **state)
{
    (void)state;
    struct buf b;
    sign(&b, "k1", STR("/audio/a.mp3"), STR(""));
    assert_true(str_eq(buf_str(&b), STR("/audio/a.mp3?expires=1700000100&key=k1&signature="
                                        "P9ULWuFM8i54Oz9Xs_6MKNe35EfuaYer7g-_lEzFsMs")));
    buf_fini(&b);
    sign(&b, "k1", STR("/audio/album/a.mp3"), STR("/audio/album/"));
    assert_true(str_eq(buf_str(&b), STR("/audio/album/a.mp3?expires=1700000100&key=k1&scope="
                                        "/audio/album/&signature="
                                        "J_7YV-8A9R0CygGF6pCYvADg9Mssa-lLD0lSEGzM35s")));
    buf_fini(&b);
    sign_path(&b, STR("/hls/a.mp3/index.m3u8"), 2, false);
    assert_true(str_eq(buf_str(&b), STR("/s/k1-1700000100-2-"
                                        "D9x4iYGSf9AOOCQjK0oB5xHBUkSa3tApuk4uRbYl2U0"
                                        "/hls/a.mp3/index.m3u8")));
    buf_fini(&b);
}

static void no_mutation_of_a_segue_url_is_taken(void **state)
{
    (void)state;
    struct buf b;
    sign(&b, "k1", STR("/audio/album/a.mp3"), STR(""));
    refuse_mutations(buf_str(&b), NOW, 0);
    buf_fini(&b);
    sign(&b, "k1", STR("/audio/album/a.mp3"), STR("/audio/album/a.mp3"));
    refuse_mutations(buf_str(&b), NOW, 0);
    buf_fini(&b);
}

static void no_mutation_of_a_path_token_is_taken(void **state)
{
    (void)state;
    struct buf b;
    for (int own = 0; own < 2; own++) {
        sign_path(&b, STR("/hls/album/a.mp3"), 3, own);
        refuse_mutations(buf_str(&b), NOW, 3);
        buf_fini(&b);
    }
}

static void a_path_token_opens_what_lies_below(void **state)
{
    (void)state;
    struct buf b;
    sign_path(&b, STR("/hls/a.mp3/index.m3u8"), 2, true);
    assert_int_equal(check(buf_str(&b), NOW), DENY_NONE);
    b.len -= strlen("index.m3u8");
    buf_adds(&b, STR("v-1/1.m4s"));
    assert_int_equal(check(buf_str(&b), NOW), DENY_NONE);
    b.len -= strlen("a.mp3/v-1/1.m4s");
    buf_adds(&b, STR("b.mp3/v-1/1.m4s"));
    assert_int_equal(check(buf_str(&b), NOW), DENY_BAD_SIGNATURE);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_vectors_hold),
        cmocka_unit_test(no_mutation_of_a_segue_url_is_taken),
        cmocka_unit_test(no_mutation_of_a_path_token_is_taken),
        cmocka_unit_test(a_path_token_opens_what_lies_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
