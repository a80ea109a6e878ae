/* edge/store/redis_url: every part, and every part gone wrong. */
#include "edge/store/redis_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct good {
    const char *text;
    struct redis_url is;
    const char *name;
};

static void parts_are_taken_apart(void **state)
{
    static const struct good cases[] = {
        {"redis://localhost", {.host = "localhost", .port = "6379"}, "localhost:6379"},
        {"REDIS://10.0.0.1:7000/", {.host = "10.0.0.1", .port = "7000"}, "10.0.0.1:7000"},
        {"redis://h/15", {.host = "h", .port = "6379", .database = 15}, "h:6379"},
        {"redis://[::1]:1/2", {.host = "::1", .port = "1", .database = 2}, "[::1]:1"},
        {"redis://:pw@h", {.host = "h", .port = "6379", .password = "pw"}, "h:6379"},
        {"rediss://me:p%40%3a/w@h:65535/3", {true, 3, "", "h", "65535", "me", "p@:/w"}, "h:65535"},
        {"redis://u:a@b:c@h",
         {.host = "h", .port = "6379", .user = "u", .password = "a@b:c"},
         "h:6379"},
        {"unix:///run/redis.sock", {.path = "/run/redis.sock"}, "/run/redis.sock"},
        {"unix://redis.sock?db=4", {.path = "redis.sock", .database = 4}, "redis.sock"},
        {"unix://:pw@/run/r", {.path = "/run/r", .password = "pw"}, "/run/r"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct redis_url url;
        const char *why = NULL;
        char name[300];
        if (redis_url_parse(str_of(cases[i].text), &url, &why))
            fail_msg("%s: expected %s", cases[i].text, why);
        assert_int_equal(url.tls, cases[i].is.tls);
        assert_int_equal(url.database, cases[i].is.database);
        assert_string_equal(url.path, cases[i].is.path);
        assert_string_equal(url.host, cases[i].is.host);
        assert_string_equal(url.port, cases[i].is.port);
        assert_string_equal(url.user, cases[i].is.user);
        assert_string_equal(url.password, cases[i].is.password);
        assert_string_equal(redis_url_name(&url, name, sizeof name), cases[i].name);
    }
}

static void what_is_wrong_is_refused_without_a_word_of_it(void **state)
{
    static const char *const cases[] = {
        "",
        "redis",
        "http://sec",
        "redis://",
        "redis://sec@h",
        "redis://u:@h",
        "redis://sec:%4@h",
        "redis://sec:%00@h",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:x",
        "redis://h:",
        "redis://h/x",
        "redis://h/65536",
        "redis://h/1/2",
        "redis://[::1",
        "redis://[::1]x",
        "unix://",
        "unix://?db=1",
        "unix:///r?x=1",
        "unix:///r?db=",
        "redis:///1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct redis_url url;
        const char *why = NULL;
        if (redis_url_parse(str_of(cases[i]), &url, &why) != ERR_SYNTAX)
            fail_msg("%s was taken", cases[i]);
        assert_non_null(why);
        assert_null(strstr(why, "sec"));
    }
}

/* "redis://" and so many bytes of one part. */
static enum err with_long(const char *before, size_t n, const char *after)
{
    static char text[2048];
    struct redis_url url;
    const char *why;
    size_t begin = strlen(before);
    memcpy(text, before, begin);
    memset(text + begin, 'x', n);
    memcpy(text + begin + n, after, strlen(after) + 1);
    return redis_url_parse(str_of(text), &url, &why);
}

static void every_part_has_its_ceiling(void **state)
{
    (void)state;
    assert_int_equal(with_long("redis://", 255, ""), ERR_NONE);
    assert_int_equal(with_long("redis://", 256, ""), ERR_SYNTAX);
    assert_int_equal(with_long("redis://", 127, ":p@h"), ERR_NONE);
    assert_int_equal(with_long("redis://", 128, ":p@h"), ERR_SYNTAX);
    assert_int_equal(with_long("redis://:", 511, "@h"), ERR_NONE);
    assert_int_equal(with_long("redis://:", 512, "@h"), ERR_SYNTAX);
    assert_int_equal(with_long("unix:///", 106, ""), ERR_NONE);
    assert_int_equal(with_long("unix:///", 107, ""), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_taken_apart),
        cmocka_unit_test(what_is_wrong_is_refused_without_a_word_of_it),
        cmocka_unit_test(every_part_has_its_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
