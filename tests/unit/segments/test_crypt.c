/* segments/crypt: keys from a secret, and segments that decrypt to what they were. */
#include "segments/crypt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>

static const struct str SECRET = {"0123456789abcdef", 16};

static void a_key_belongs_to_one_track_in_one_version(void **state)
{
    (void)state;
    unsigned char keys[6][CRYPT_KEY];
    assert_int_equal(crypt_key(SECRET, STR("/a.m4a"), 1, keys[0]), ERR_NONE);
    assert_int_equal(crypt_key(SECRET, STR("/b.m4a"), 1, keys[1]), ERR_NONE);
    assert_int_equal(crypt_key(SECRET, STR("/a.m4a"), 2, keys[2]), ERR_NONE);
    assert_int_equal(crypt_key(STR("0123456789abcdeg"), STR("/a.m4a"), 1, keys[3]), ERR_NONE);
    assert_int_equal(crypt_key(SECRET, STR(""), 1, keys[4]), ERR_NONE);
    assert_int_equal(crypt_key(SECRET, STR("/a.m4a"), 1, keys[5]), ERR_NONE);
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(keys[i], keys[k], CRYPT_KEY);
    assert_memory_equal(keys[0], keys[5], CRYPT_KEY);
}

/* Computed with Python's hmac by RFC 5869: every edge, and every version of this program, has to
 * come to the same. */
static void a_key_never_changes(void **state)
{
    (void)state;
    static const unsigned char wanted[CRYPT_KEY] = {0xf2, 0xe3, 0x40, 0xe3, 0x35, 0xe2, 0xbe, 0xbb,
                                                    0x65, 0x8d, 0x24, 0x94, 0x2b, 0xae, 0x80, 0x46};
    unsigned char key[CRYPT_KEY];
    assert_int_equal(crypt_key(SECRET, STR("/a.m4a"), UINT64_C(0x00ab54a98ceb1f0a), key), ERR_NONE);
    assert_memory_equal(key, wanted, CRYPT_KEY);
}

static size_t decrypt(const unsigned char *key, uint32_t number, struct buf *in, unsigned char *to)
{
    unsigned char iv[CRYPT_BLOCK];
    int n, more;
    crypt_iv(number, iv);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_DecryptInit_ex2(c, EVP_aes_128_cbc(), key, iv, NULL), 1);
    assert_int_equal(EVP_DecryptUpdate(c, to, &n, in->data, (int)in->len), 1);
    assert_int_equal(EVP_DecryptFinal_ex(c, to + n, &more), 1);
    EVP_CIPHER_CTX_free(c);
    return (size_t)n + (size_t)more;
}

static void a_segment_decrypts_to_what_it_was(void **state)
{
    (void)state;
    static const unsigned char key[CRYPT_KEY] = "kkkkkkkkkkkkkkk";
    static unsigned char plain[1000], back[1100];
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (unsigned char)(i * 7);
    static const size_t lengths[] = {0, 1, 15, 16, 17, 999, 1000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct buf out;
        buf_init(&out, BUF_MAX_SEGMENT);
        struct str text = {(const char *)plain, lengths[i]};
        assert_int_equal(crypt_segment(key, 258, text, &out), ERR_NONE);
        assert_int_equal(out.len, crypt_size(lengths[i]));
        assert_int_equal(decrypt(key, 258, &out, back), lengths[i]);
        assert_memory_equal(back, plain, lengths[i]);
        buf_fini(&out);
    }
}

static void the_vector_is_the_sequence_number(void **state)
{
    (void)state;
    unsigned char iv[CRYPT_BLOCK];
    crypt_iv(0x01020304, iv);
    assert_memory_equal(iv, "\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02\x03\x04", CRYPT_BLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_belongs_to_one_track_in_one_version),
        cmocka_unit_test(a_key_never_changes),
        cmocka_unit_test(a_segment_decrypts_to_what_it_was),
        cmocka_unit_test(the_vector_is_the_sequence_number),
    };
    return cmocka_run_group_tests_name("segments/crypt", tests, NULL, NULL);
}
