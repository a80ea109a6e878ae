/* edge/option_value: text into values, of every type, and what is said of text that is none. */
#include "edge/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct conf *conf;

static int begin(void **state)
{
    char why[CONF_WHY_MAX];
    (void)state;
    return conf_parse(STR(""), "t.yaml", &conf, why, sizeof why) != ERR_NONE;
}

static int end(void **state)
{
    (void)state;
    conf_free(conf);
    return 0;
}

static enum err set(const char *path, const char *text, char why_text[CONF_WHY_MAX])
{
    struct why why;
    const struct option *o = option_find(str_of(path));
    assert_non_null(o);
    why_init(&why, why_text, CONF_WHY_MAX);
    return option_set(o, str_of(text), conf, &why);
}

static void taken(const char *path, const char *text)
{
    char why[CONF_WHY_MAX];
    if (set(path, text, why))
        fail_msg("%s: %s", text, why);
}

static void refused(const char *path, const char *text, const char *expected)
{
    char why[CONF_WHY_MAX];
    if (set(path, text, why) != ERR_CONFIG)
        fail_msg("%s takes \"%s\"", path, text);
    if (!strstr(why, expected))
        fail_msg("\"%s\" is not in: %s", expected, why);
}

static void sizes_have_units_of_1024(void **state)
{
    (void)state;
    taken("http.buffer", "8KB");
    assert_int_equal(conf->http.buffer, 8192);
    taken("http.buffer", "2MB");
    assert_int_equal(conf->http.buffer, 2 << 20);
    taken("http.buffer", "5000");
    assert_int_equal(conf->http.buffer, 5000);
    taken("cache.memory.size", "2GB");
    assert_int_equal(conf->cache.memory.size, UINT64_C(2) << 30);
    taken("cache.memory.size", "off");
    assert_int_equal(conf->cache.memory.size, 0);
    refused("http.buffer", "8kb", "\"8kb\" is no size, expected a size from 4KB to 16MB, as 64KB");
    refused("http.buffer", "8 KB", "is no size");
    refused("http.buffer", "KB", "is no size");
    refused("http.buffer", "-1", "is no size");
    refused("http.buffer", "", "is no size");
    refused("http.buffer", "4095", "is too small");
    refused("http.buffer", "17MB", "is too large");
    refused("http.buffer", "18446744073709551616", "is no size");
    refused("http.buffer", "18014398509481985KB", "is no size"); /* 2^64 bytes and 1 KB */
    assert_int_equal(conf->http.buffer, 5000);
}

static void durations_have_units_of_time(void **state)
{
    uint64_t ms;
    (void)state;
    taken("http.idle_timeout", "500ms");
    assert_int_equal(conf->http.idle_timeout_ms, 500);
    taken("http.idle_timeout", "2m");
    assert_int_equal(conf->http.idle_timeout_ms, 120000);
    taken("http.idle_timeout", "1h");
    assert_int_equal(conf->http.idle_timeout_ms, 3600000);
    taken("http.idle_timeout", "1d");
    assert_int_equal(conf->http.idle_timeout_ms, 86400000);
    taken("drain_timeout", "0"); /* nothing needs no unit */
    assert_int_equal(conf->drain_timeout_ms, 0);
    refused("http.idle_timeout", "60", "\"60\" is no duration");
    refused("http.idle_timeout", "1.5s", "is no duration");
    refused("http.idle_timeout", "2d", "is too large");
    assert_true(option_duration(STR("7d"), &ms) && ms == 604800000);
    assert_false(option_duration(STR("7w"), &ms));
    assert_false(option_duration(STR(""), &ms));
}

static void words_are_taken_as_they_are_written(void **state)
{
    (void)state;
    taken("workers", "auto");
    assert_int_equal(conf->workers, 0);
    taken("workers", "7");
    assert_int_equal(conf->workers, 7);
    refused("workers", "80x80",
            "\"80x80\" is no whole number, expected auto or a whole number "
            "from 1 to 1024");
    refused("workers", "0", "is too small");
    taken("hls.container", "packed");
    assert_int_equal(conf->hls.container, CONTAINER_PACKED);
    refused("hls.container", "TS", "\"TS\" is not known, expected fmp4, ts or packed");
    refused("hls.container", "fmp4|ts", "is not known");
    taken("log.level", "debug");
    assert_int_equal(conf->log.level, LOG_DEBUG);
}

static void text_is_printable_and_of_some_length(void **state)
{
    static char long_text[300];
    (void)state;
    memset(long_text, 'a', 257);
    taken("media.cache_control", "no-store");
    assert_string_equal(conf->media.cache_control, "no-store");
    refused("media.cache_control", "a\r\nSet-Cookie: x=1", "is not printable");
    refused("media.cache_control", "caf\xc3\xa9", "is not printable");
    refused("media.cache_control", "", "is too short");
    refused("media.cache_control", long_text, "is too long");
    assert_string_equal(conf->media.cache_control, "no-store");
    taken("log.access", "/var/log/a b.log");
    assert_string_equal(conf->log.access, "/var/log/a b.log");
    refused("log.access", "", "is empty");
    refused("log.access", "a\nb", "is no file name");
}

static void prefixes_are_paths(void **state)
{
    static const char *const wrong[][2] = {
        {"audio/", "does not begin with /"}, {"/audio", "does not end with /"},
        {"", "does not begin with /"},       {"/a//b/", "an empty segment"},
        {"/a/../b/", "a dot segment"},       {"/./", "a dot segment"},
        {"/a%20b/", "does not go into"},     {"/a?b/", "does not go into"},
        {"/a b/", "does not go into"},       {"/player/", "taken by the server"},
        {"/s/", "taken by the server"},      {"/player/x/", "taken by the server"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refused("media.audio_prefix", wrong[i][0], wrong[i][1]);
    taken("media.audio_prefix", "/");
    taken("media.audio_prefix", "/a/b-c.d~e/");
    assert_string_equal(conf->media.audio_prefix, "/a/b-c.d~e/");
    assert_null(option_wrong_prefix(STR("/x/")));
    assert_non_null(option_wrong_prefix(STR("/x")));
    taken("sign.protect", "/a/, /b/");
    assert_int_equal(conf->sign.protect.count, 2);
    assert_string_equal(conf->sign.protect.items[1], "/b/");
    refused("sign.protect", "/c/, d", "does not begin with /");
    assert_int_equal(conf->sign.protect.count, 2); /* what was there stays */
    taken("sign.protect", "[]");
    assert_int_equal(conf->sign.protect.count, 0);
}

static void addresses_are_listed_once(void **state)
{
    (void)state;
    taken("listen", "127.0.0.1:80, [::1]:81 ,localhost:82");
    assert_int_equal(conf->listen.count, 3);
    assert_string_equal(conf->listen.items[1].host, "::1");
    assert_int_equal(conf->listen.items[2].port, 82);
    refused("listen", "127.0.0.1", "is no address");
    refused("listen", "127.0.0.1:80x80", "is no address");
    refused("listen", "h:1,h:1", "is there twice");
    refused("listen", "h:1,H:1", "is there twice");
    refused("listen", "h:1,h:2,h:3,h:4,h:5,h:6,h:7,h:8,h:9,h:10,h:11,h:12,h:13,h:14,h:15,h:16,h:17",
            "too many");
    assert_int_equal(conf->listen.count, 3);
    taken("listen", "h:0,h:0"); /* two free ones */
    taken("admin", "off");
    assert_int_equal(conf->admin.count, 0);
    refused("listen", "off", "is no address");
}

static void rates_have_a_burst(void **state)
{
    static const char *const wrong[] = {"100",     "100/d",   "0/s",       "/s",
                                        "100/s,0", "100/s,x", "1000001/s", "100 /s"};
    (void)state;
    taken("limit.requests", "100/s");
    assert_int_equal(conf->limit.requests.count, 100);
    assert_int_equal(conf->limit.requests.per_ms, 1000);
    assert_int_equal(conf->limit.requests.burst, 100);
    taken("limit.requests", "5/m, 7");
    assert_int_equal(conf->limit.requests.per_ms, 60000);
    assert_int_equal(conf->limit.requests.burst, 7);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refused("limit.requests", wrong[i], "is no rate");
    taken("limit.requests", "off");
    assert_int_equal(conf->limit.requests.count, 0);
}

/* Keys are no text: a secret must not come from where everybody reads, nor be said again. */
static void keys_are_not_taken_from_text(void **state)
{
    char why[CONF_WHY_MAX];
    (void)state;
    taken("sign.keys", "");
    taken("sign.keys", "[]");
    assert_int_equal(set("sign.keys", "very-secret", why), ERR_CONFIG);
    assert_null(strstr(why, "very-secret"));
    assert_non_null(strstr(why, "expected a list of {id, secret or secret_file, style}"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(sizes_have_units_of_1024),
        TEST(durations_have_units_of_time),
        TEST(words_are_taken_as_they_are_written),
        TEST(text_is_printable_and_of_some_length),
        TEST(prefixes_are_paths),
        TEST(addresses_are_listed_once),
        TEST(rates_have_a_burst),
        TEST(keys_are_not_taken_from_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
