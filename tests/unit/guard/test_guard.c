/* edge/guard/guard: whichever scheme a request has, what it opens and until when. */
#include "edge/guard/guard.h"

#include "tests/unit/guard/kit.h"

static void no_mutation_of_an_akamai_token_is_taken(void **state)
{
    (void)state;
    struct buf b;
    sign(&b, "edge", STR("/audio/a.mp3"), STR(""));
    refuse_mutations(buf_str(&b), NOW, 0);
    buf_fini(&b);
}

/* ---- what they open, and when ---- */

static void expiry_is_to_the_second(void **state)
{
    (void)state;
    struct buf b;
    sign(&b, "k1", STR("/audio/a.mp3"), STR(""));
    assert_int_equal(check(buf_str(&b), NOW + 100), DENY_NONE);
    assert_int_equal(check(buf_str(&b), NOW + 101), DENY_EXPIRED);
    buf_fini(&b);
    sign(&b, "edge", STR("/audio/a.mp3"), STR(""));
    assert_int_equal(check(buf_str(&b), NOW - 1), DENY_NOT_YET);
    assert_int_equal(check(buf_str(&b), NOW), DENY_NONE);
    assert_int_equal(check(buf_str(&b), NOW + 100), DENY_NONE);
    assert_int_equal(check(buf_str(&b), NOW + 101), DENY_EXPIRED);
    buf_fini(&b);
}

static enum deny elsewhere(struct buf *b, const char *path)
{
    struct buf other;
    struct str query = buf_str(b);
    str_cut(&query, '?');
    buf_init(&other, GUARD_TEXT_MAX);
    buf_addf(&other, "%s?%.*s", path, STR_ARG(query));
    enum deny d = check(buf_str(&other), NOW);
    buf_fini(&other);
    buf_fini(b);
    return d;
}

static void a_scope_opens_what_lies_below(void **state)
{
    (void)state;
    struct buf b;
    sign(&b, "k1", STR("/audio/x"), STR("/audio/album"));
    assert_int_equal(elsewhere(&b, "/audio/album/a.mp3"), DENY_NONE);
    sign(&b, "k1", STR("/audio/x"), STR("/audio/album"));
    assert_int_equal(elsewhere(&b, "/audio/albums/a.mp3"), DENY_WRONG_PATH);
    sign(&b, "edge", STR("/audio/x"), STR("/audio/album/"));
    assert_int_equal(elsewhere(&b, "/audio/album/a.mp3"), DENY_NONE);
    sign(&b, "edge", STR("/audio/x"), STR("/audio/album/"));
    assert_int_equal(elsewhere(&b, "/audio/other/a.mp3"), DENY_WRONG_PATH);
    sign(&b, "k1", STR("/audio/x"), STR(""));
    assert_int_equal(elsewhere(&b, "/audio/y"), DENY_BAD_SIGNATURE);
}

static void keys_hold_to_their_limits(void **state)
{
    (void)state;
    struct buf b;
    sign(&b, "k2", STR("/audio/a.mp3"), STR(""));
    assert_int_equal(check(buf_str(&b), NOW + 39), DENY_MALFORMED);
    assert_int_equal(check(buf_str(&b), NOW + 40), DENY_NONE);
    buf_fini(&b);
    sign(&b, "k3", STR("/audio/a.mp3"), STR(""));
    assert_int_equal(check(buf_str(&b), NOW), DENY_WRONG_PATH);
    buf_fini(&b);
    sign(&b, "k3", STR("/audio/album/a.mp3"), STR(""));
    assert_int_equal(check(buf_str(&b), NOW), DENY_NONE);
    buf_fini(&b);
}

static void each_fault_has_its_name(void **state)
{
    (void)state;
    const struct {
        const char *url;
        enum deny deny;
    } cases[] = {
        {"/audio/a.mp3", DENY_MISSING},
        {"/audio/a.mp3?x=1", DENY_MISSING},
        {"/audio/a.mp3?expires=1&key=k1", DENY_MALFORMED},
        {"/audio/a.mp3?expires=1&key=k1&signature=short", DENY_MALFORMED},
        {"/audio/a.mp3?expires=01&key=k1&signature=" SECRET "01234567890", DENY_MALFORMED},
        {"/audio/a.mp3?expires=1&expires=1&key=k1&signature=" SECRET "01234567890", DENY_MALFORMED},
        {"/audio/a.mp3?expires=1&key=k1&signature=" SECRET "01234567890", DENY_BAD_SIGNATURE},
        {"/audio/a.mp3?expires=1&key=k9&signature=" SECRET "01234567890", DENY_UNKNOWN_KEY},
        {"/audio/a.mp3?expires=1&key=edge&signature=" SECRET "01234567890", DENY_UNKNOWN_KEY},
        {"/audio/a.mp3?expires=1&key=k1&signature=x&md5=y", DENY_MALFORMED},
        {"/s/k1-1-2-" SECRET "01234567890/audio/a.mp3", DENY_BAD_SIGNATURE},
        {"/s/k1-1-3-" SECRET "01234567890/audio/a.mp3", DENY_WRONG_PATH},
        {"/s/k1-1-0-" SECRET "01234567890/audio/a.mp3", DENY_MALFORMED},
        {"/s/k1/audio/a.mp3", DENY_MALFORMED},
        {"/audio/a.mp3?__token__=exp=1~hmac=1", DENY_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(check(str_of(cases[i].url), NOW), cases[i].deny);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_mutation_of_an_akamai_token_is_taken),
        cmocka_unit_test(expiry_is_to_the_second),
        cmocka_unit_test(a_scope_opens_what_lies_below),
        cmocka_unit_test(keys_hold_to_their_limits),
        cmocka_unit_test(each_fault_has_its_name),
    };
    return cmocka_run_group_tests_name("guard/guard", tests, NULL, NULL);
}
