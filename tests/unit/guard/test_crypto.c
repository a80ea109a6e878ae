/* edge/guard/crypto: the vectors of FIPS 180-4, RFC 1321, 2202 and 4231. */
#include "edge/guard/crypto.h"

#include "edge/guard/scheme.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void expect(const unsigned char *digest, size_t n, const char *hex)
{
    struct buf b;
    buf_init(&b, 200);
    put_hex(&b, digest, n);
    assert_true(str_eq(buf_str(&b), str_of(hex)));
    buf_fini(&b);
}

static void digests_are_the_standards(void **state)
{
    (void)state;
    unsigned char out[CRYPTO_DIGEST_MAX];
    expect(out, crypto_digest(DIGEST_SHA256, STR("abc"), out),
           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(out, crypto_digest(DIGEST_SHA256, STR(""), out),
           "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(out, crypto_digest(DIGEST_SHA1, STR("abc"), out),
           "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect(out, crypto_digest(DIGEST_MD5, STR("abc"), out), "900150983cd24fb0d6963f7d28e17f72");
}

static void keyed_digests_are_the_standards(void **state)
{
    (void)state;
    unsigned char out[CRYPTO_DIGEST_MAX];
    const struct str key = STR("Jefe"), text = STR("what do ya want for nothing?");
    expect(out, crypto_hmac(DIGEST_SHA256, key, text, out),
           "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    expect(out, crypto_hmac(DIGEST_SHA1, key, text, out),
           "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    expect(out, crypto_hmac(DIGEST_MD5, key, text, out), "750c783e6ab0b503eaa86e310a5db738");
}

static void sameness_is_of_every_byte(void **state)
{
    (void)state;
    assert_true(crypto_same(STR("abc"), STR("abc")));
    assert_true(crypto_same(STR(""), STR("")));
    assert_false(crypto_same(STR("abc"), STR("abd")));
    assert_false(crypto_same(STR("abc"), STR("xbc")));
    assert_false(crypto_same(STR("abc"), STR("ab")));
    assert_false(crypto_same((struct str){"a\0b", 3}, (struct str){"a\0c", 3}));
}

static void what_is_wiped_is_gone(void **state)
{
    (void)state;
    char secret[8] = "secret!";
    crypto_wipe(secret, 6);
    assert_memory_equal(secret, "\0\0\0\0\0\0!", 8);
    assert_int_equal(crypto_version()[0], '3');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_the_standards),
        cmocka_unit_test(keyed_digests_are_the_standards),
        cmocka_unit_test(sameness_is_of_every_byte),
        cmocka_unit_test(what_is_wiped_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
