/* edge/config_keys: sign.keys from the configuration into a keyring; no message has a secret. */
#include "edge/config_keys.h"

#include "edge/guard/pubkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET "0123456789abcdef-very-secret"

static struct conf_keys keys;
static struct why why;
static char said[CONF_WHY_MAX];
static char file[] = "/tmp/segue-keys-XXXXXX";

static int begin(void **state)
{
    (void)state;
    memcpy(file, "/tmp/segue-keys-XXXXXX", sizeof file);
    int fd = mkstemp(file);
    close(fd);
    keys = (struct conf_keys){NULL, 0};
    why_init(&why, said, sizeof said);
    return fd < 0;
}

static int end(void **state)
{
    (void)state;
    conf_keys_free(&keys);
    assert_null(keys.items);
    return unlink(file);
}

static struct conf_key *more(void)
{
    struct conf_key *k = NULL;
    assert_int_equal(conf_keys_more(&keys, &k, &why), ERR_NONE);
    return k;
}

static void set(struct conf_key *k, const char *field, const char *value)
{
    if (conf_key_set(k, str_of(field), str_of(value), &why))
        fail_msg("%s", said);
}

static void refused(struct conf_key *k, const char *field, const char *value, const char *expected)
{
    why_init(&why, said, sizeof said);
    assert_int_equal(conf_key_set(k, str_of(field), str_of(value), &why), ERR_CONFIG);
    if (!strstr(said, expected))
        fail_msg("\"%s\" is not in: %s", expected, said);
    assert_null(strstr(said, SECRET));
}

static void write_secret(const char *bytes, size_t n)
{
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static enum err open_keys(struct keyring **ring)
{
    struct conf conf = {.sign = {.keys = keys}};
    why_init(&why, said, sizeof said);
    return conf_keys_open(&conf, ring, &why);
}

static void every_field_is_kept(void **state)
{
    (void)state;
    struct conf_key *k = more();
    set(k, "id", "k1");
    set(k, "secret", SECRET);
    set(k, "style", "akamai");
    set(k, "max_expires", "1h");
    set(k, "name", "token");
    set(k, "salt", "s");
    assert_int_equal(conf_key_add(k, STR("prefixes"), STR("/a/"), &why), ERR_NONE);
    assert_int_equal(conf_key_add(k, STR("prefixes"), STR("/b/"), &why), ERR_NONE);
    assert_string_equal(k->id, "k1");
    assert_string_equal(k->secret, SECRET);
    assert_int_equal(k->style, SCHEME_AKAMAI);
    assert_int_equal(k->max_expires_ms, 3600000);
    assert_string_equal(k->name, "token");
    assert_string_equal(k->salt, "s");
    assert_int_equal(k->prefixes.count, 2);
    assert_string_equal(k->prefixes.items[1], "/b/");
    assert_int_equal(conf_key_check(&keys, k, &why), ERR_NONE);
}

static void what_is_wrong_is_told_without_the_secret(void **state)
{
    (void)state;
    struct conf_key *k = more();
    set(k, "id", "k1");
    set(k, "secret", SECRET);
    set(k, "style", "segue");
    set(k, "max_expires", "1h");
    refused(k, "secret", SECRET "2", "secret is here for the second time");
    refused(k, "id", "k2", "id is here for the second time");
    refused(k, "style", "s3", "expected segue, s3");
    refused(k, "max_expires", "2h", "max_expires is no duration");
    refused(k, "name", "", "name is empty");
    refused(k, "nonsense", SECRET, "unknown key \"nonsense\", expected id, secret");
    struct conf_key *other = more();
    refused(other, "style", "rsa", "style \"rsa\" is not known");
    refused(other, "max_expires", "soon", "max_expires is no duration");
    refused(other, "max_expires", "1ms", "max_expires is no duration");
    why_init(&why, said, sizeof said);
    assert_int_equal(conf_key_add(other, STR("secret"), STR(SECRET), &why), ERR_CONFIG);
    assert_null(strstr(said, SECRET));
    why_init(&why, said, sizeof said);
    assert_int_equal(conf_key_add(other, STR("prefixes"), STR("/a"), &why), ERR_CONFIG);
    assert_non_null(strstr(said, "\"/a\" is no prefix"));
}

static void a_key_is_whole_or_refused(void **state)
{
    (void)state;
    struct conf_key *k = more();
    assert_int_equal(conf_key_check(&keys, k, &why), ERR_CONFIG);
    assert_non_null(strstr(said, "a key without id"));
    set(k, "id", "k1");
    why_init(&why, said, sizeof said);
    assert_int_equal(conf_key_check(&keys, k, &why), ERR_CONFIG);
    assert_non_null(strstr(said, "expected either secret or secret_file"));
    set(k, "secret", SECRET);
    assert_int_equal(conf_key_check(&keys, k, &why), ERR_NONE);
    set(k, "secret_file", file);
    why_init(&why, said, sizeof said);
    assert_int_equal(conf_key_check(&keys, k, &why), ERR_CONFIG);
    assert_non_null(strstr(said, "expected either secret or secret_file"));
    struct conf_key *twin = more();
    set(twin, "id", "k1");
    set(twin, "secret", SECRET);
    why_init(&why, said, sizeof said);
    assert_int_equal(conf_key_check(&keys, twin, &why), ERR_CONFIG);
    assert_non_null(strstr(said, "is there twice"));
}

static void there_are_not_more_than_a_keyring_has(void **state)
{
    (void)state;
    struct conf_key *k;
    for (int i = 0; i < KEYRING_MAX; i++)
        (void)more();
    assert_int_equal(conf_keys_more(&keys, &k, &why), ERR_CONFIG);
    assert_non_null(strstr(said, "too many, expected at most 64"));
    k = &keys.items[0];
    for (int i = 0; i < KEY_PREFIXES; i++)
        assert_int_equal(conf_key_add(k, STR("prefixes"), STR("/a/"), &why), ERR_NONE);
    assert_int_equal(conf_key_add(k, STR("prefixes"), STR("/a/"), &why), ERR_CONFIG);
}

static void a_keyring_is_made_of_them(void **state)
{
    (void)state;
    struct keyring *ring = (struct keyring *)1;
    assert_int_equal(open_keys(&ring), ERR_NONE);
    assert_null(ring); /* there are none */
    struct conf_key *k = more();
    set(k, "id", "k1");
    set(k, "secret_file", file);
    set(k, "max_expires", "90s");
    assert_int_equal(conf_key_add(k, STR("prefixes"), STR("/a/"), &why), ERR_NONE);
    write_secret(SECRET "\n", sizeof SECRET); /* as editors leave it */
    assert_int_equal(open_keys(&ring), ERR_NONE);
    const struct guard_key *made = keyring_find(ring, SCHEME_SEGUE, STR("k1"));
    assert_non_null(made);
    assert_true(str_eq(made->secret, STR(SECRET)));
    assert_int_equal(made->longest, 90);
    assert_true(guard_key_opens(made, STR("/a/b")));
    assert_false(guard_key_opens(made, STR("/b")));
    keyring_unref(ring);
}

static void a_file_that_is_no_secret_is_refused(void **state)
{
    static char long_text[PUBKEY_PEM_MAX + 2], words[40];
    (void)state;
    struct keyring *ring;
    struct conf_key *k = more();
    set(k, "id", "k1");
    set(k, "secret_file", file);
    write_secret("short", 5);
    assert_int_equal(open_keys(&ring), ERR_CONFIG);
    assert_non_null(strstr(said, "key \"k1\": "));
    assert_null(strstr(said, "short secret"));
    memset(long_text, 'x', sizeof long_text);
    write_secret(long_text, sizeof long_text);
    assert_int_equal(open_keys(&ring), ERR_CONFIG);
    snprintf(words, sizeof words, "is over %d bytes", PUBKEY_PEM_MAX + 1);
    assert_non_null(strstr(said, words));
    free(k->secret_file);
    k->secret_file = strdup("/nonexistent/secret");
    assert_int_equal(open_keys(&ring), ERR_CONFIG);
    assert_non_null(strstr(said, "cannot be opened (No such file or directory)"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(every_field_is_kept),       TEST(what_is_wrong_is_told_without_the_secret),
        TEST(a_key_is_whole_or_refused), TEST(there_are_not_more_than_a_keyring_has),
        TEST(a_keyring_is_made_of_them), TEST(a_file_that_is_no_secret_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
