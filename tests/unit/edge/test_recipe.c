/* edge/recipe: how segments are made, and the number that tells one way from another. */
#include "edge/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_OF_SECRET "/tmp/segue-recipe-test-secret"

static struct conf *conf_of(const char *yaml)
{
    struct conf *conf;
    char why[CONF_WHY_MAX];
    if (conf_parse(str_of(yaml), "t.yaml", &conf, why, sizeof why))
        fail_msg("%s", why);
    return conf;
}

/* The number alone. */
static uint32_t number_of(const char *yaml)
{
    struct recipe r;
    struct conf *conf = conf_of(yaml);
    assert_int_equal(recipe_init(&r, conf), ERR_NONE);
    conf_free(conf);
    return r.number;
}

static void it_is_what_the_configuration_says(void **state)
{
    (void)state;
    struct recipe r;
    struct conf *conf = conf_of("media: {audio_prefix: /a/, hls_prefix: /h/}\n"
                                "hls: {segment_duration: 4s, container: ts, fast_start: 'on'}\n");
    assert_int_equal(recipe_init(&r, conf), ERR_NONE);
    assert_int_equal(r.make.segment_ms, 4000);
    assert_int_equal(r.make.container, CONTAINER_TS);
    assert_true(r.make.fast_start);
    assert_true(str_eq(r.make.audio_prefix, STR("/a/")));
    assert_true(str_eq(r.make.hls_prefix, STR("/h/")));
    assert_int_equal(r.make.secret.n, 0);
    conf_free(conf);
}

/* It goes into the version in URLs: what makes other segments has another one. */
static void other_segments_have_another_number(void **state)
{
    static const char *const ways[] = {
        "",
        "hls: {segment_duration: 4s}",
        "hls: {fast_start: 'on'}",
        "hls: {encryption: aes-128, encryption_secret: 0123456789abcdef}",
        "hls: {encryption: aes-128, encryption_secret: 0123456789abcdeg}",
        "hls: {encryption: aes-128, encryption_secret: 0123456789abcdef, segment_duration: 4s}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        assert_int_equal(number_of(ways[i]), number_of(ways[i]));
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(number_of(ways[i]), number_of(ways[j]));
    }
    assert_int_equal(number_of("hls: {container: ts}"), number_of("")); /* is in the URL */
}

static void write_secret(const char *text)
{
    FILE *f = fopen(FILE_OF_SECRET, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
}

static enum err from_file(struct recipe *r)
{
    struct conf *conf =
        conf_of("hls: {encryption: aes-128, encryption_secret_file: " FILE_OF_SECRET "}");
    enum err e = recipe_init(r, conf);
    conf_free(conf);
    return e;
}

static void a_secret_may_lie_in_a_file(void **state)
{
    (void)state;
    static char long_text[CRYPT_SECRET_MAX + 1];
    struct recipe r;
    write_secret("0123456789abcdef\r\n"); /* as editors leave it */
    assert_int_equal(from_file(&r), ERR_NONE);
    assert_true(str_eq(r.make.secret, STR("0123456789abcdef")));
    assert_int_equal(r.number,
                     number_of("hls: {encryption: aes-128, encryption_secret: 0123456789abcdef}"));
    write_secret("0123456789abcde\n");
    assert_int_equal(from_file(&r), ERR_CONFIG);
    memset(long_text, 'x', CRYPT_SECRET_MAX);
    write_secret(long_text);
    assert_int_equal(from_file(&r), ERR_CONFIG);
    long_text[CRYPT_SECRET_MAX - 1] = '\0';
    write_secret(long_text);
    assert_int_equal(from_file(&r), ERR_NONE);
    assert_int_equal(unlink(FILE_OF_SECRET), 0);
    assert_int_equal(from_file(&r), ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_the_configuration_says),
        cmocka_unit_test(other_segments_have_another_number),
        cmocka_unit_test(a_secret_may_lie_in_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
