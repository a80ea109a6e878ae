/* edge/guard/crypto: digests as others make them; and that every MAC is compared by OpenSSL's
 * CRYPTO_memcmp, whose time does not depend on what it finds. This program has one of its own,
 * which counts: a program's symbols win over those of a shared library. */
#include "edge/guard/guard.h"
#include "edge/guard/scheme.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static unsigned compared;
static size_t lengths;

int CRYPTO_memcmp(const void *a, const void *b, size_t n);

int CRYPTO_memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    unsigned char differ = 0;
    compared++;
    lengths += n;
    for (size_t i = 0; i < n; i++)
        differ |= x[i] ^ y[i];
    return differ;
}

static void what_is_compared_is_compared_to_its_end(void **state)
{
    (void)state;
    compared = 0;
    lengths = 0;
    assert_true(crypto_same(STR("abc"), STR("abc")));
    assert_false(crypto_same(STR("abc"), STR("xbc")));
    assert_false(crypto_same(STR("abc"), STR("abx")));
    assert_int_equal(compared, 3);
    assert_int_equal(lengths, 9);
    assert_false(crypto_same(STR("abc"), STR("ab"))); /* a length is no secret */
    assert_int_equal(compared, 3);
}

static struct keyring *all_keys(void)
{
    const struct key_spec specs[] = {
        {.id = STR("k1"), .secret = STR("0123456789abcdef0123456789abcdef")},
        {.id = STR("A"), .scheme = SCHEME_S3, .secret = STR("secret of an s3 key")},
        {.id = STR("edge"), .scheme = SCHEME_AKAMAI, .secret = STR("52a152a152a1")},
        {.id = STR("link"),
         .scheme = SCHEME_SECURE_LINK,
         .secret = STR("secret"),
         .name = STR("$secure_link_expires$uri $secret")},
    };
    struct keyring *r = NULL;
    size_t which;
    const char *why;
    assert_int_equal(keyring_new(specs, 4, &r, &which, &why), ERR_NONE);
    return r;
}

/* The URL, with the byte `back` from its end changed to another that may be there. */
static void is_refused_in_one_time(const struct keyring *keys, struct buf *url, size_t back,
                                   size_t length)
{
    static const uint8_t client[16];
    struct policy p;
    char *at = (char *)url->data + url->len - 1 - back, was = *at;
    *at = was == '0' ? '1' : '0';
    struct str query = buf_str(url), path = str_cut(&query, '?');
    struct guard_request r = {.method = STR("GET"),
                              .path = path,
                              .raw = path,
                              .query = query,
                              .host = STR("edge.example"),
                              .client = client,
                              .now = 1700000000};
    compared = 0;
    lengths = 0;
    assert_int_equal(guard_check(keys, &r, 0, &p), DENY_BAD_SIGNATURE);
    assert_int_equal(compared, 1);
    assert_int_equal(lengths, length);
    *at = was;
}

static void every_mac_is_compared_in_one_time(void **state)
{
    (void)state;
    static const size_t size[] = {43, 64, 64, 22};
    struct keyring *keys = all_keys();
    for (size_t i = 0; i < 4; i++) {
        struct buf url;
        struct guard_wish w = {.method = STR("GET"),
                               .scheme = STR("https"),
                               .host = STR("edge.example"),
                               .path = STR("/audio/a.mp3"),
                               .raw = STR("/audio/a.mp3"),
                               .now = 1700000000,
                               .expires = 1700000100};
        buf_init(&url, GUARD_TEXT_MAX);
        assert_int_equal(guard_sign(&keys->keys[i], &w, &url), ERR_NONE);
        is_refused_in_one_time(keys, &url, 0, size[i]);
        is_refused_in_one_time(keys, &url, size[i] - 1, size[i]);
        buf_fini(&url);
    }
    keyring_unref(keys);
}

static void a_path_token_is_too(void **state)
{
    (void)state;
    static const uint8_t client[16];
    struct keyring *keys = all_keys();
    for (int own = 0; own < 2; own++) {
        struct buf token;
        struct policy p;
        buf_init(&token, GUARD_TEXT_MAX);
        assert_int_equal(
            guard_sign_path(&keys->keys[0], STR("/hls/a.mp3"), 2, 1700000100, own, &token),
            ERR_NONE);
        token.data[token.len - 43] ^= 1;
        struct guard_request r = {.method = STR("GET"),
                                  .path = STR("/hls/a.mp3/1.ts"),
                                  .raw = STR("/hls/a.mp3/1.ts"),
                                  .token = buf_str(&token),
                                  .client = client,
                                  .now = 1700000000};
        compared = 0;
        lengths = 0;
        assert_int_equal(guard_check(keys, &r, 0, &p), DENY_BAD_SIGNATURE);
        assert_int_equal(compared, 1);
        assert_int_equal(lengths, 43);
        buf_fini(&token);
    }
    keyring_unref(keys);
}

/* RFC 4231 4.3, RFC 2202 2 and 3 (case 2), RFC 1321 A.5, FIPS 180's "abc". */
static void digests_are_what_others_make(void **state)
{
    (void)state;
    static const struct {
        enum digest digest;
        const char *plain, *mac;
    } cases[] = {
        {DIGEST_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {DIGEST_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d",
         "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {DIGEST_MD5, "900150983cd24fb0d6963f7d28e17f72", "750c783e6ab0b503eaa86e310a5db738"},
    };
    unsigned char out[CRYPTO_DIGEST_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf hex;
        buf_init(&hex, CRYPTO_HEX_MAX);
        put_hex(&hex, out, crypto_digest(cases[i].digest, STR("abc"), out));
        assert_true(str_eq(buf_str(&hex), str_of(cases[i].plain)));
        buf_reset(&hex);
        put_hex(
            &hex, out,
            crypto_hmac(cases[i].digest, STR("Jefe"), STR("what do ya want for nothing?"), out));
        assert_true(str_eq(buf_str(&hex), str_of(cases[i].mac)));
        buf_fini(&hex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_compared_is_compared_to_its_end),
        cmocka_unit_test(every_mac_is_compared_in_one_time),
        cmocka_unit_test(a_path_token_is_too),
        cmocka_unit_test(digests_are_what_others_make),
    };
    return cmocka_run_group_tests_name("guard/crypto", tests, NULL, NULL);
}
