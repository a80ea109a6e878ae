/* Credentials of every scheme: the public vectors, every mutation of one character, and time to the
 * second. */
#include "edge/guard/guard.h"

#include "edge/base/must.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { NOW = 1700000000 };

#define SECRET "0123456789abcdef0123456789abcdef"

static const uint8_t client[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};

static const struct str albums[] = {{"/audio/album/", 13}};

static struct keyring *keys_of(const struct key_spec *specs, size_t count)
{
    struct keyring *r = NULL;
    size_t which;
    const char *why;
    assert_int_equal(keyring_new(specs, count, &r, &which, &why), ERR_NONE);
    return r;
}

static struct keyring *all_keys(void)
{
    const struct key_spec specs[] = {
        {.id = STR("k1"), .scheme = SCHEME_SEGUE, .secret = STR(SECRET)},
        {.id = STR("k2"), .scheme = SCHEME_SEGUE, .secret = STR(SECRET), .longest = 60},
        {.id = STR("k3"),
         .scheme = SCHEME_SEGUE,
         .secret = STR(SECRET),
         .prefixes = albums,
         .prefix_count = 1},
        {.id = STR("AKIAIOSFODNN7EXAMPLE"),
         .scheme = SCHEME_S3,
         .secret = STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")},
        {.id = STR("edge"), .scheme = SCHEME_AKAMAI, .secret = STR("52a152a152a1")},
        {.id = STR("link"), .scheme = SCHEME_SECURE_LINK, .secret = STR("secret")},
        {.id = STR("free"),
         .scheme = SCHEME_SECURE_LINK,
         .secret = STR("other"),
         .name = STR("$secure_link_expires$uri $secret")},
    };
    return keys_of(specs, sizeof specs / sizeof *specs);
}

static bool no_field(void *arg, struct str name, size_t at, struct str *value)
{
    (void)name;
    if (!arg || at)
        return false;
    *value = str_of(arg);
    return str_eq(name, STR("Cookie"));
}

/* A GET of "/path?query", with a token or a cookie perhaps. */
static enum deny ask(const struct keyring *keys, struct str url, int64_t now, struct policy *p)
{
    struct str query = url, raw = str_cut(&query, '?'), path = raw;
    struct guard_request r = {.method = STR("GET"),
                              .host = STR("examplebucket.s3.amazonaws.com"),
                              .client = client,
                              .now = now,
                              .field = no_field};
    if (str_starts(raw, STR("/s/"))) {
        r.token = str_from(raw, 3);
        path = raw = str_from(r.token, str_find(r.token, '/'));
        r.token = str_slice(r.token, 0, str_find(r.token, '/'));
    }
    r.path = path;
    r.raw = raw;
    r.query = query;
    return guard_check(keys, &r, 0, p);
}

static enum deny check(struct str url, int64_t now)
{
    struct policy p;
    struct keyring *keys = all_keys();
    enum deny d = ask(keys, url, now, &p);
    keyring_unref(keys);
    return d;
}

/* Signed by a key of ours, until NOW + 100. */
static void sign(struct buf *out, const char *id, struct str path, struct str scope)
{
    struct keyring *keys = all_keys();
    struct guard_wish w = {.method = STR("GET"),
                           .host = STR("examplebucket.s3.amazonaws.com"),
                           .path = path,
                           .raw = path,
                           .scope = scope,
                           .now = NOW,
                           .expires = NOW + 100};
    buf_init(out, GUARD_TEXT_MAX);
    assert_int_equal(guard_sign(keyring_any(keys, str_of(id)), &w, out), ERR_NONE);
    keyring_unref(keys);
}

static void sign_path(struct buf *out, struct str path, unsigned depth, bool own)
{
    struct keyring *keys = all_keys();
    buf_init(out, GUARD_TEXT_MAX);
    buf_adds(out, STR("/s/"));
    assert_int_equal(
        guard_sign_path(keyring_any(keys, STR("k1")), path, depth, NOW + 100, own, out), ERR_NONE);
    buf_adds(out, path);
    keyring_unref(keys);
}

/* ---- vectors ---- */

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

/* ---- one character ---- */

/* Every character of the URL from `from` on, by every other one that a URL may have there. */
static void refuse_mutations(struct str url, int64_t now, size_t from)
{
    static const char others[] = "abcXYZ019-_.~%/!+=&A";
    struct keyring *keys = all_keys();
    char *text = str_dup(url);
    struct policy p;
    assert_int_equal(ask(keys, url, now, &p), DENY_NONE);
    for (size_t i = from; i < url.n; i++) {
        char was = text[i];
        for (const char *c = others; *c; c++) {
            text[i] = *c;
            if (*c != was && ask(keys, (struct str){text, url.n}, now, &p) == DENY_NONE)
                fail_msg("taken with '%c' at %zu: %s", *c, i, text);
        }
        text[i] = was;
    }
    free(text);
    keyring_unref(keys);
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

static void no_mutation_of_a_presigned_url_is_taken(void **state)
{
    (void)state;
    refuse_mutations(STR(S3_PUBLIC), S3_TIME, 0);
}

static void no_mutation_of_an_akamai_token_is_taken(void **state)
{
    (void)state;
    struct buf b;
    sign(&b, "edge", STR("/audio/a.mp3"), STR(""));
    refuse_mutations(buf_str(&b), NOW, 0);
    buf_fini(&b);
}

static void no_mutation_of_a_secure_link_is_taken(void **state)
{
    (void)state;
    struct buf b;
    sign(&b, "free", STR("/audio/a.mp3"), STR(""));
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

static void networks_are_read_and_compared(void **state)
{
    (void)state;
    uint8_t net[16], ip[16];
    unsigned bits, all;
    assert_true(policy_network(STR("127.0.0.0/8"), net, &bits));
    assert_true(policy_within(client, net, bits));
    assert_true(policy_network(STR("10.0.0.0/8"), net, &bits));
    assert_false(policy_within(client, net, bits));
    assert_true(policy_network(STR("2001:db8::/33"), net, &bits));
    assert_true(policy_network(STR("2001:db8:7fff::1"), ip, &all));
    assert_true(policy_within(ip, net, bits));
    assert_true(policy_network(STR("2001:db8:8000::1"), ip, &all));
    assert_false(policy_within(ip, net, bits));
    assert_true(policy_network(STR("::ffff:127.0.0.1"), ip, &all));
    assert_memory_equal(ip, client, 16);
    assert_true(policy_network(STR("::/0"), net, &bits));
    assert_true(policy_within(client, net, bits));
    const char *wrong[] = {"",         "1.2.3",  "1.2.3.256", "01.2.3.4",          "1.2.3.4/33",
                           ":::",      "1:2",    "::/129",    "1:2:3:4:5:6:7:8:9", "g::",
                           "1.2.3.4x", "1::2::3"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(policy_network(str_of(wrong[i]), net, &bits));
}

static void globs_match_runs_and_single_bytes(void **state)
{
    (void)state;
    assert_true(policy_glob(STR("/a/*"), STR("/a/b/c")));
    assert_true(policy_glob(STR("*.mp3"), STR("/a.mp3.mp3")));
    assert_true(policy_glob(STR("/?/b"), STR("/a/b")));
    assert_false(policy_glob(STR("/a/*b"), STR("/a/bc")));
    assert_false(policy_glob(STR(""), STR("/")));
    assert_true(policy_glob(STR("**"), STR("")));
}

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
        cmocka_unit_test(amazons_vector_is_taken_for_its_day),
        cmocka_unit_test(amazons_vector_is_what_we_make),
        cmocka_unit_test(nginx_manuals_link_is_taken),
        cmocka_unit_test(our_own_vectors_hold),
        cmocka_unit_test(no_mutation_of_a_segue_url_is_taken),
        cmocka_unit_test(no_mutation_of_a_path_token_is_taken),
        cmocka_unit_test(no_mutation_of_a_presigned_url_is_taken),
        cmocka_unit_test(no_mutation_of_an_akamai_token_is_taken),
        cmocka_unit_test(no_mutation_of_a_secure_link_is_taken),
        cmocka_unit_test(expiry_is_to_the_second),
        cmocka_unit_test(a_scope_opens_what_lies_below),
        cmocka_unit_test(a_path_token_opens_what_lies_below),
        cmocka_unit_test(keys_hold_to_their_limits),
        cmocka_unit_test(each_fault_has_its_name),
        cmocka_unit_test(networks_are_read_and_compared),
        cmocka_unit_test(globs_match_runs_and_single_bytes),
        cmocka_unit_test(a_keyring_refuses_what_is_wrong),
    };
    return cmocka_run_group_tests_name("guard/guard", tests, NULL, NULL);
}
