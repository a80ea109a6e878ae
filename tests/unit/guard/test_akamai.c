/* edge/guard/akamai: tokens made with Python's hmac, of each digest, in each place. */
#include "edge/guard/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { NOW = 1700000000 };

#define SIGNED "st=1700000000~exp=1700000100~acl=/audio/*"
#define SHA256 SIGNED "~hmac=ef32b35623e567f9c669f116a20459a82528157430df5dc5efd5b3822547537f"
#define SHA1 SIGNED "~hmac=62c7edfbc41a8aaa281774e86006d4df9d55a9b7"
#define MD5 SIGNED "~hmac=a761ef5e0fa5937835ca677147a1ce97"
/* With "~url=/audio/a.mp3~salt=na" behind what is seen. */
#define SALTED "exp=1700000100~hmac=7e00844141bef662d18547c8ca6bf6341f5c81d4"

struct sent {
    const char *name, *value; /* of one field */
};

static bool field(void *arg, struct str name, size_t at, struct str *value)
{
    const struct sent *sent = arg;
    *value = str_of(sent->value);
    return at == 0 && str_ieq(name, str_of(sent->name));
}

static struct keyring *keys_of(const struct key_spec *specs, size_t count)
{
    struct keyring *r = NULL;
    size_t which;
    const char *why;
    assert_int_equal(keyring_new(specs, count, &r, &which, &why), ERR_NONE);
    return r;
}

/* GET /audio/a.mp3?query with a field, of a server with one key. */
static enum deny ask(const char *algorithm, const char *salt, const char *query, struct sent sent)
{
    static const uint8_t client[16];
    const struct key_spec spec = {.id = STR("edge"),
                                  .scheme = SCHEME_AKAMAI,
                                  .secret = STR("52a152a152a1"),
                                  .name = STR("hdnts"),
                                  .salt = str_of(salt),
                                  .algorithm = str_of(algorithm)};
    struct keyring *keys = keys_of(&spec, 1);
    struct policy p;
    struct guard_request r = {.method = STR("GET"),
                              .path = STR("/audio/a.mp3"),
                              .raw = STR("/audio/a.mp3"),
                              .query = str_of(query),
                              .client = client,
                              .now = NOW,
                              .field = field,
                              .arg = &sent};
    enum deny d = guard_check(keys, &r, 0, &p);
    keyring_unref(keys);
    return d;
}

static const struct sent nothing = {"", ""};

static void a_key_takes_the_digest_that_it_was_asked_for_alone(void **state)
{
    (void)state;
    const char *names[] = {"", "sha256", "sha1", "md5"};
    const char *tokens[] = {"hdnts=" SHA256, "hdnts=" SHA256, "hdnts=" SHA1, "hdnts=" MD5};
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++) {
            bool same = str_eq(str_of(tokens[i]), str_of(tokens[j]));
            assert_int_equal(ask(names[i], "", tokens[j], nothing),
                             same ? DENY_NONE : DENY_MALFORMED);
        }
}

static void a_token_of_one_url_has_the_salt_in_it(void **state)
{
    (void)state;
    assert_int_equal(ask("sha1", "na", "hdnts=" SALTED, nothing), DENY_NONE);
    assert_int_equal(ask("sha1", "an", "hdnts=" SALTED, nothing), DENY_BAD_SIGNATURE);
}

static void a_token_may_be_a_cookie_or_a_field(void **state)
{
    (void)state;
    assert_int_equal(ask("", "", "", (struct sent){"Cookie", "a=b; hdnts=" SHA256}), DENY_NONE);
    assert_int_equal(ask("", "", "", (struct sent){"hdnts", SHA256}), DENY_NONE);
    assert_int_equal(ask("", "", "", (struct sent){"other", SHA256}), DENY_MISSING);
    assert_int_equal(ask("", "", "", (struct sent){"Cookie", "hdnts=" SHA256 "; hdnts=" SHA256}),
                     DENY_MALFORMED);
    /* The URL's word counts. */
    assert_int_equal(ask("", "", "hdnts=" SHA1, (struct sent){"hdnts", SHA256}), DENY_MALFORMED);
}

static void each_key_of_a_name_is_tried_with_its_own_digest(void **state)
{
    (void)state;
    static const uint8_t client[16];
    const struct key_spec specs[] = {
        {.id = STR("new"), .scheme = SCHEME_AKAMAI, .secret = STR("52a152a152a1")},
        {.id = STR("old"),
         .scheme = SCHEME_AKAMAI,
         .secret = STR("52a152a152a1"),
         .algorithm = STR("md5")},
    };
    struct keyring *keys = keys_of(specs, 2);
    const struct {
        struct str query;
        size_t key;
    } cases[] = {{STR("__token__=" SHA256), 0}, {STR("__token__=" MD5), 1}};
    for (size_t i = 0; i < 2; i++) {
        struct policy p;
        struct guard_request r = {.method = STR("GET"),
                                  .path = STR("/audio/a.mp3"),
                                  .raw = STR("/audio/a.mp3"),
                                  .query = cases[i].query,
                                  .client = client,
                                  .now = NOW};
        assert_int_equal(guard_check(keys, &r, 0, &p), DENY_NONE);
        assert_ptr_equal(p.key, &keys->keys[cases[i].key]);
    }
    keyring_unref(keys);
}

static void an_algorithm_that_is_none_is_refused(void **state)
{
    (void)state;
    const struct key_spec wrong[] = {
        {.id = STR("k"),
         .scheme = SCHEME_AKAMAI,
         .secret = STR("52a1"),
         .algorithm = STR("SHA256")},
        {.id = STR("k"), .secret = STR("0123456789abcdef"), .algorithm = STR("sha256")},
    };
    struct keyring *r = NULL;
    size_t which;
    const char *why;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(keyring_new(&wrong[i], 1, &r, &which, &why), ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_takes_the_digest_that_it_was_asked_for_alone),
        cmocka_unit_test(a_token_of_one_url_has_the_salt_in_it),
        cmocka_unit_test(a_token_may_be_a_cookie_or_a_field),
        cmocka_unit_test(each_key_of_a_name_is_tried_with_its_own_digest),
        cmocka_unit_test(an_algorithm_that_is_none_is_refused),
    };
    return cmocka_run_group_tests_name("guard/akamai", tests, NULL, NULL);
}
