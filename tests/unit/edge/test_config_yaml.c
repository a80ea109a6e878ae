/* Mistakes in a YAML document, and the sentence that each of them gets. */
#include "edge/config.h"

#include "edge/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct conf *parse(const char *yaml)
{
    struct conf *conf;
    char why[CONF_WHY_MAX];
    enum err e = conf_parse(str_of(yaml), "t.yaml", &conf, why, sizeof why);
    if (e)
        fail_msg("%s", why);
    return conf;
}

struct mistake {
    const char *yaml;
    const char *why;
};

static void check_mistakes(const struct mistake *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct conf *conf;
        char why[CONF_WHY_MAX];
        enum err e = conf_parse(str_of(cases[i].yaml), "t.yaml", &conf, why, sizeof why);
        conf_free(conf);
        assert_string_equal(why, cases[i].why);
        assert_int_equal(e, ERR_CONFIG);
        assert_null(conf);
    }
}
#define CHECK_MISTAKES(cases) check_mistakes(cases, sizeof(cases) / sizeof *(cases))

#define ADDRESSES "expected HOST:PORT, as 127.0.0.1:8080, or a list of them"
#define TOP                                                                                  \
    "expected one of listen, admin, workers, drain_timeout, media, http, cache, hls, sign, " \
    "limit or log"

static void unknown_keys_name_the_nearest_one(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {"http:\n  bufer: 4KB\n", "t.yaml:2: http.bufer: unknown key, expected http.buffer"},
        {"htp: {buffer: 4KB}\n", "t.yaml:1: htp: unknown key, expected http"},
        {"\n\nroot: x\n", "t.yaml:3: root: unknown key, expected media.root"},
        {"port: 80x80\n", "t.yaml:1: port: unknown key, " TOP},
        {"cache:\n  memory:\n    foo: 1\n",
         "t.yaml:3: cache.memory.foo: unknown key, expected one of size, max_object or ttl"},
        {"http.buffer: 4KB\n",
         "t.yaml:1: http.buffer: unknown key, expected one word a level, without dots"},
        {"? [a]\n: b\n", "t.yaml:1: a key that is no word, expected the name of an option"},
        {"\"\": 1\n", "t.yaml:1: : unknown key, " TOP},
        {"listen:\n  - {address: 1.2.3.4:80, tsl: x}\n",
         "t.yaml:2: listen: unknown or repeated key, expected address, tls or proxy_protocol"},
    };
    CHECK_MISTAKES(cases);
}

static void repeated_keys_are_refused_at_the_second(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {"workers: 1\nworkers: 2\n",
         "t.yaml:2: workers: here for the second time, expected it once"},
        {"http: {buffer: 4KB}\nlog:\nhttp: {max_header: 4KB}\n",
         "t.yaml:3: http: here for the second time, expected it once"},
        {"listen:\n - 1.2.3.4:80\n - 1.2.3.4:80\n",
         "t.yaml:3: listen: \"1.2.3.4:80\" is there twice, " ADDRESSES},
        {"listen: {address: 1.2.3.4:80, address: 1.2.3.4:81}\n",
         "t.yaml:1: listen: unknown or repeated key, expected address, tls or proxy_protocol"},
    };
    CHECK_MISTAKES(cases);
}

static void values_of_the_wrong_type_say_what_was_expected(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {"listen: 127.0.0.1:80x80\n",
         "t.yaml:1: listen: \"127.0.0.1:80x80\" is no address, " ADDRESSES},
        {"admin: 8081\n", "t.yaml:1: admin: \"8081\" is no address, expected HOST:PORT, as "
                          "127.0.0.1:8081, or off"},
        {"workers: many\n", "t.yaml:1: workers: \"many\" is no whole number, expected auto or a "
                            "whole number from 1 to 1024"},
        {"http:\n  buffer: 64kb\n", "t.yaml:2: http.buffer: \"64kb\" is no size, expected a size "
                                    "from 4KB to 16MB, as 64KB"},
        {"http: {idle_timeout: 60}\n", "t.yaml:1: http.idle_timeout: \"60\" is no duration, "
                                       "expected a duration from 10ms to 1d, as 60s"},
        {"hls: {container: mkv}\n",
         "t.yaml:1: hls.container: \"mkv\" is not known, expected fmp4, ts or packed"},
        {"http: {buffer: 99999999999999999999GB}\n",
         "t.yaml:1: http.buffer: \"99999999999999999999GB\" is no size, expected a size from 4KB "
         "to 16MB, as 64KB"},
        {"http: {buffer: 18014398509481985KB}\n",
         "t.yaml:1: http.buffer: \"18014398509481985KB\" is no size, expected a size from 4KB to "
         "16MB, as 64KB"},
        {"workers: -1\n", "t.yaml:1: workers: \"-1\" is no whole number, expected auto or a whole "
                          "number from 1 to 1024"},
    };
    CHECK_MISTAKES(cases);
}

static void values_past_their_limits_are_refused(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {"workers: 0\n", "t.yaml:1: workers: \"0\" is too small, expected auto or a whole number "
                         "from 1 to 1024"},
        {"workers: 1025\n", "t.yaml:1: workers: \"1025\" is too large, expected auto or a whole "
                            "number from 1 to 1024"},
        {"http: {max_header: 1023}\n", "t.yaml:1: http.max_header: \"1023\" is too small, "
                                       "expected a size from 1KB to 1MB, as 16KB"},
        {"hls: {segment_duration: 61s}\n", "t.yaml:1: hls.segment_duration: \"61s\" is too large, "
                                           "expected a duration from 500ms to 1m, as 6s"},
        {"log: {slow: 0}\n",
         "t.yaml:1: log.slow: \"0\" is too small, expected off or a duration from 1ms to 1d"},
    };
    CHECK_MISTAKES(cases);
}

static void strings_that_would_do_harm_are_refused(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {"http: {cors_origin: \"a\\r\\nb\"}\n",
         "t.yaml:1: http.cors_origin: \"a\\x0d\\x0ab\" is not printable, expected a list, or at "
         "most 4096 printable ASCII characters"},
        {"media: {cache_control: \"\"}\n",
         "t.yaml:1: media.cache_control: \"\" is too short, expected 1 to 256 printable ASCII "
         "characters"},
        {"media: {root: \"a\\nb\"}\n",
         "t.yaml:1: media.root: \"a\\x0ab\" is no file name: it has a control character, expected "
         "a directory, as ./media"},
        {"media: {root: \"a\\0b\"}\n",
         "t.yaml:1: a NUL is not taken here, expected the value itself"},
        {"log: {access: \"\"}\n",
         "t.yaml:1: log.access: \"\" is empty, expected stdout, off or the name of a file"},
    };
    CHECK_MISTAKES(cases);
}

static void prefixes_begin_and_end_with_a_slash(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"", "no prefix: it does not begin with /"},
        {"audio/", "no prefix: it does not begin with /"},
        {"/audio", "no prefix: it does not end with /"},
        {"/a//b/", "no path: it has an empty segment"},
        {"/a/../b/", "no path: it has a dot segment"},
        {"/./", "no path: it has a dot segment"},
        {"/a%2f/", "no prefix: a character in it does not go into a path"},
        {"/a?/", "no prefix: a character in it does not go into a path"},
        {"/player/", "taken by the server itself"},
        {"/s/x/", "taken by the server itself"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char yaml[128], why[CONF_WHY_MAX];
        snprintf(yaml, sizeof yaml, "media: {audio_prefix: \"%s\"}", wrong[i][0]);
        snprintf(why, sizeof why,
                 "t.yaml:1: media.audio_prefix: \"%s\" is %s, expected a path that begins and ends "
                 "with /, as /audio/",
                 wrong[i][0], wrong[i][1]);
        check_mistakes(&(struct mistake){yaml, why}, 1);
    }
}

static void the_root_may_be_a_prefix(void **state)
{
    (void)state;
    struct conf *c = parse("media: {audio_prefix: /, hls_prefix: /a-b/~c/}");
    assert_string_equal(c->media.audio_prefix, "/");
    assert_string_equal(c->media.hls_prefix, "/a-b/~c/");
    conf_free(c);
}

static void shapes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {"media:\n  root:\n", "t.yaml:2: media.root: no value, expected a directory, as ./media"},
        {"workers: ~\n", "t.yaml:1: workers: no value, expected auto or a whole number from 1 to "
                         "1024"},
        {"workers: [1]\n",
         "t.yaml:1: workers: a list, expected auto or a whole number from 1 to 1024"},
        {"workers: {a: 1}\n",
         "t.yaml:1: workers: a mapping, expected auto or a whole number from 1 to 1024"},
        {"hls: fmp4\n",
         "t.yaml:1: hls: no mapping, expected segment_duration, container, fast_start, encryption, "
         "encryption_secret or encryption_secret_file below it"},
        {"- a\n", "t.yaml:1: no mapping, expected KEY: VALUE lines"},
        {"words\n", "t.yaml:1: no mapping, expected KEY: VALUE lines"},
        {"listen: []\n", "t.yaml:1: listen: an empty list, " ADDRESSES},
        {"listen: [[1.2.3.4:80]]\n", "t.yaml:1: listen: no address, " ADDRESSES},
        {"listen: {}\n", "t.yaml:1: listen: no address, expected {address: HOST:PORT}"},
        {"listen: {address: [1.2.3.4:80]}\n", "t.yaml:1: listen.address, expected one value"},
    };
    CHECK_MISTAKES(cases);
}

static void broken_yaml_says_the_line(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {"workers: 1\nmedia: {root: a\nhls:\n",
         "t.yaml:3: not YAML: did not find expected ',' or '}' while parsing a flow mapping"},
        {"workers: 1\n\tadmin: off\n",
         "t.yaml:2: not YAML: found a tab character that violates indentation while scanning a "
         "plain scalar"},
        {"workers: 1\nlog: {access: \"\x01\"}\n",
         "t.yaml:2: not YAML: control characters are not allowed"},
        {"workers: 1\n\n# \xff\n", "t.yaml:3: not YAML: invalid leading UTF-8 octet"},
        {"workers: 1\n---\nworkers: 2\n", "t.yaml:2: a second document, expected one"},
        {"workers: &n 2\nmedia: {helpers: *n}\n",
         "t.yaml:2: an alias is not taken here, expected the value itself"},
        {"workers: !!int 3\n", "t.yaml:1: a tag is not taken here, expected the value itself"},
    };
    CHECK_MISTAKES(cases);
}

static void rates_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        struct conf_rate rate;
    } cases[] = {
        {"limit: {requests: {rate: 100/s, burst: 200}}", {100, 1000, 200}},
        {"limit: {requests: {rate: 5/m}}", {5, 60000, 5}},
        {"limit: {requests: 7/h}", {7, 3600000, 7}},
        {"limit: {requests: \"7/h,9\"}", {7, 3600000, 9}},
        {"limit: {requests: off}", {0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf *conf;
        char why[CONF_WHY_MAX];
        assert_int_equal(conf_parse(str_of(cases[i].yaml), "t.yaml", &conf, why, sizeof why),
                         ERR_NONE);
        assert_memory_equal(&conf->limit.requests, &cases[i].rate, sizeof cases[i].rate);
        conf_free(conf);
    }
    static const struct mistake wrong[] = {
        {"limit: {requests: {rate: 0/s}}", "t.yaml:1: limit.requests: \"0/s,\" is no rate, "
                                           "expected off or {rate: 100/s, burst: 200}"},
        {"limit: {requests: {speed: 1/s}}", "t.yaml:1: limit.requests: an unknown or repeated key, "
                                            "expected off or {rate: 100/s, burst: "
                                            "200}"},
    };
    CHECK_MISTAKES(wrong);
}

static void paces_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        struct conf_bandwidth pace;
    } cases[] = {
        {"limit: {bandwidth: {rate: 1.5x, after: 10s}}", {0, 1500, 10000}},
        {"limit: {bandwidth: {rate: 1x}}", {0, 1000, 30000}},
        {"limit: {bandwidth: {after: 0s, rate: 2.125x}}", {0, 2125, 0}},
        {"limit: {bandwidth: 1000x}", {0, 1000000, 30000}},
        {"limit: {bandwidth: \"256KB,5s\"}", {262144, 0, 5000}},
        {"limit: {bandwidth: {rate: 1000000, after: 2m}}", {1000000, 0, 120000}},
        {"limit: {bandwidth: off}", {0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf *conf;
        char why[CONF_WHY_MAX];
        assert_int_equal(conf_parse(str_of(cases[i].yaml), "t.yaml", &conf, why, sizeof why),
                         ERR_NONE);
        assert_memory_equal(&conf->limit.bandwidth, &cases[i].pace, sizeof cases[i].pace);
        conf_free(conf);
    }
}

static void paces_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"0.999x", "1.5",     "1.5y",     "1.x",       "1.0001x",
                                        "1001x",  "1000.1x", "1023",     "256KB/s",   "x",
                                        "-2x",    "1e3x",    "1.5x,25h", "1.5x,soon", "1.5x,1s,2s"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct conf *conf;
        char why[CONF_WHY_MAX], yaml[64], expected[CONF_WHY_MAX];
        snprintf(yaml, sizeof yaml, "limit: {bandwidth: \"%s\"}", wrong[i]);
        snprintf(expected, sizeof expected,
                 "t.yaml:1: limit.bandwidth: \"%s\" is no pace, expected off or {rate: 1.5x, "
                 "after: 30s}, a rate from 1x to 1000x or from 1KB",
                 wrong[i]);
        assert_int_equal(conf_parse(str_of(yaml), "t.yaml", &conf, why, sizeof why), ERR_CONFIG);
        assert_string_equal(why, expected);
    }
    static const struct mistake mistakes[] = {
        {"limit: {bandwidth: {rate: 2x, burst: 1}}",
         "t.yaml:1: limit.bandwidth: an unknown or repeated key, expected off or {rate: 1.5x, "
         "after: 30s}, a rate from 1x to 1000x or from 1KB"},
    };
    CHECK_MISTAKES(mistakes);
}

static void keys_are_read(void **state)
{
    (void)state;
    struct conf *conf;
    char why[CONF_WHY_MAX];
    struct str yaml = STR("sign:\n  protect: [/audio/, /hls/]\n  keys:\n"
                          "    - {id: k1, secret: 0123456789abcdef, style: segue}\n"
                          "    - {id: A, secret_file: f, style: s3, prefixes: [/audio/x/],"
                          " max_expires: 1h}\n");
    assert_int_equal(conf_parse(yaml, "t.yaml", &conf, why, sizeof why), ERR_NONE);
    assert_int_equal(conf->sign.protect.count, 2);
    assert_string_equal(conf->sign.protect.items[1], "/hls/");
    assert_int_equal(conf->sign.keys.count, 2);
    assert_string_equal(conf->sign.keys.items[0].secret, "0123456789abcdef");
    assert_int_equal(conf->sign.keys.items[1].style, SCHEME_S3);
    assert_string_equal(conf->sign.keys.items[1].prefixes.items[0], "/audio/x/");
    assert_int_equal(conf->sign.keys.items[1].max_expires_ms, 3600000);
    conf_free(conf);
}

static void mistakes_in_keys_are_told_without_the_secret(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {"sign:\n  protect: [/audio/]\n",
         "t.yaml:2: sign.protect: nothing could be opened, expected sign.keys as well"},
        {"sign:\n  protect: [audio]\n", "t.yaml:2: sign.protect: \"audio\" is no prefix: it does "
                                        "not begin with /, expected a list "
                                        "of paths that begin and end with /"},
        {"http: {trusted_proxies: [10.0.0.0/8, 10.0.0.0/33]}\n",
         "t.yaml:1: http.trusted_proxies: \"10.0.0.0/33\" is no network, expected one as "
         "10.0.0.0/8"},
        {"sign:\n  keys: [k1]\n",
         "t.yaml:2: sign.keys: no mapping, expected a list of {id, secret or secret_file, style}"},
        {"sign:\n  keys: k1:secret\n",
         "t.yaml:2: sign.keys: a word, which may hold a secret, expected a list of {id, secret or "
         "secret_file, style}"},
        {"sign:\n  keys:\n  - {id: k1}\n",
         "t.yaml:3: sign.keys: key \"k1\", expected either secret or secret_file"},
        {"sign:\n  keys:\n  - {id: k, secret: a}\n  - {id: k, secret: b}\n",
         "t.yaml:4: sign.keys: key \"k\" is there twice, expected it once"},
        {"sign:\n  keys:\n  - {id: k, style: fastly}\n",
         "t.yaml:3: sign.keys: style \"fastly\" is not known, expected segue, s3, cloudfront, "
         "akamai or secure_link, once"},
        {"sign:\n  keys:\n  - {id: k, colour: red}\n",
         "t.yaml:3: sign.keys: unknown key \"colour\", expected id, secret, secret_file, style, "
         "prefixes, max_expires, name, salt or algorithm"},
        {"sign:\n  keys:\n  - {id: k, prefixes: [x]}\n",
         "t.yaml:3: sign.keys: \"x\" is no prefix, expected at most 16 paths that begin and end "
         "with /"},
    };
    CHECK_MISTAKES(cases);
}

static void features_that_are_not_built_are_refused(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {"listen:\n  - address: 1.2.3.4:443\n    tls: {certificate: c, key: k}\n",
         "t.yaml:2: listen.tls: this build has no TLS yet, expected an address without it"},
    };
    CHECK_MISTAKES(cases);
}

static void incomplete_tls_is_refused(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {"listen:\n  - address: 1.2.3.4:443\n    tls: {certificate: c}\n",
         "t.yaml:3: listen.tls: incomplete, expected both certificate and key"},
        {"listen: {tls: on}\n",
         "t.yaml:1: listen.tls: no mapping, expected {certificate: FILE, key: FILE}"},
        {"listen: {tls: {cert: c}}\n",
         "t.yaml:1: listen.tls: unknown key, expected certificate or key"},
        {"listen: {tls: {key: a, key: b}}\n",
         "t.yaml:1: listen.tls.key: here for the second time, expected it once"},
        {"listen: {tls: {key: \"\"}}\n",
         "t.yaml:1: listen.tls.key: empty, expected the name of a file"},
    };
    CHECK_MISTAKES(cases);
}

static void features_that_are_not_built_may_be_off(void **state)
{
    (void)state;
    conf_free(parse("sign: {protect: [], keys: [], max_expires: 168h}\n"
                    "limit: {requests: off, connections: off, bandwidth: off}\n"));
}

static void where_redis_is_has_to_be_understood(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {"cache:\n  redis:\n    url: http://secret@localhost\n",
         "t.yaml:3: cache.redis.url: not understood, expected redis://HOST:PORT/DATABASE, "
         "rediss:// "
         "the same, or "
         "unix://PATH"},
        {"cache: {redis: {ttl: 10ms}}\n", "t.yaml:1: cache.redis.ttl: \"10ms\" is too small, "
                                          "expected a duration from 1s to 30d, as 1h"},
    };
    CHECK_MISTAKES(cases);
    struct conf *c = parse("cache: {redis: {url: redis://u:p@r:1/2, ttl: 2h, timeout: 5ms}}\n");
    assert_string_equal(c->cache.redis.url, "redis://u:p@r:1/2");
    assert_int_equal(c->cache.redis.ttl_ms, 7200000);
    assert_int_equal(c->cache.redis.timeout_ms, 5);
    assert_int_equal(c->cache.redis.max_object, 10 << 20);
    conf_free(c);
}

static void values_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {"media:\n  audio_prefix: /\n  hls_prefix: /\n",
         "t.yaml:3: media.hls_prefix: \"/\" is media.audio_prefix too, expected another"},
        {"media:\n  audio_prefix: /hls/\n",
         "default: media.hls_prefix: \"/hls/\" is media.audio_prefix too, expected another"},
        {"admin: 127.0.0.1:8080\n",
         "t.yaml:1: admin: \"127.0.0.1:8080\" is in listen too, expected another address"},
        {"cache:\n  memory:\n    size: 1MB\n    max_object: 2MB\n",
         "t.yaml:4: cache.memory.max_object: 2097152 bytes are too large, expected at most "
         "cache.memory.size, 1048576"},
    };
    CHECK_MISTAKES(cases);
}

static void a_wrong_proxy_protocol_is_refused(void **state)
{
    (void)state;
    static const struct mistake cases[] = {
        {"listen: {address: 1.2.3.4:80, proxy_protocol: maybe}\n",
         "t.yaml:1: listen.proxy_protocol: no switch, expected true or false"},
        {"listen: {address: 1.2.3.4:80, proxy_protocol: true, proxy_protocol: true}\n",
         "t.yaml:1: listen: unknown or repeated key, expected address, tls or proxy_protocol"},
        {"listen: {address: 1.2.3.4:80, proxy_protocol: true}\n",
         "t.yaml:1: listen: \"1.2.3.4:80\" has proxy_protocol and no proxy is trusted, expected "
         "http.trusted_proxies as well"},
    };
    CHECK_MISTAKES(cases);
}

static void an_address_may_speak_the_proxy_protocol(void **state)
{
    (void)state;
    struct conf *conf = parse("http: {trusted_proxies: 10.0.0.0/8}\nlisten:\n- 1.2.3.4:80\n"
                              "- {proxy_protocol: true, address: 1.2.3.4:81}\n"
                              "- {address: 1.2.3.4:82, proxy_protocol: off}\n");
    assert_int_equal(conf->listen.count, 3);
    assert_false(conf->listen.items[0].proxy_protocol);
    assert_true(conf->listen.items[1].proxy_protocol);
    assert_false(conf->listen.items[2].proxy_protocol);
    conf_free(conf);
}

static void both_listeners_may_take_free_ports(void **state)
{
    (void)state;
    conf_free(parse("listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n"));
}

static void more_than_sixteen_addresses_are_refused(void **state)
{
    (void)state;
    char yaml[1024] = "listen: [1.1.1.1:1";
    size_t used = strlen(yaml);
    for (int i = 2; i <= CONF_LISTEN_MAX + 1; i++)
        used += (size_t)snprintf(yaml + used, sizeof yaml - used, ", 1.1.1.1:%d", i);
    snprintf(yaml + used, sizeof yaml - used, "]");
    check_mistakes(
        &(struct mistake){yaml, "t.yaml:1: listen: too many addresses, expected at most 16"}, 1);
}

static void a_document_past_the_ceiling_is_refused(void **state)
{
    (void)state;
    struct conf *conf;
    char why[CONF_WHY_MAX];
    char *yaml = malloc(BUF_MAX_CONFIG + 1);
    assert_non_null(yaml);
    memset(yaml, '\n', BUF_MAX_CONFIG + 1);
    struct str s = {yaml, BUF_MAX_CONFIG + 1};
    assert_int_equal(conf_parse(s, "t.yaml", &conf, why, sizeof why), ERR_CONFIG);
    assert_string_equal(why, "t.yaml:1: too large, expected at most 1048576 bytes");
    s.n--;
    assert_int_equal(conf_parse(s, "t.yaml", &conf, why, sizeof why), ERR_NONE);
    conf_free(conf);
    free(yaml);
}

static void deep_nesting_is_refused_where_it_starts(void **state)
{
    (void)state;
    enum { DEPTH = 100000 };
    struct conf *conf;
    char why[CONF_WHY_MAX];
    char *yaml = malloc(DEPTH);
    assert_non_null(yaml);
    memset(yaml, '[', DEPTH);
    memcpy(yaml, "cache: ", 7);
    assert_int_equal(conf_parse((struct str){yaml, DEPTH}, "t.yaml", &conf, why, sizeof why),
                     ERR_CONFIG);
    assert_string_equal(why,
                        "t.yaml:1: cache: no mapping, expected memory, redis or metadata below it");
    free(yaml);
}

static void a_message_is_cut_to_its_room(void **state)
{
    (void)state;
    struct conf *conf;
    char why[12];
    assert_int_equal(conf_parse(STR("foo: 1"), "t.yaml", &conf, why, sizeof why), ERR_CONFIG);
    assert_string_equal(why, "t.yaml:1: f");
    assert_int_equal(conf_parse(STR("foo: 1"), "t.yaml", &conf, why, 0), ERR_CONFIG);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_keys_name_the_nearest_one),
        cmocka_unit_test(repeated_keys_are_refused_at_the_second),
        cmocka_unit_test(values_of_the_wrong_type_say_what_was_expected),
        cmocka_unit_test(values_past_their_limits_are_refused),
        cmocka_unit_test(strings_that_would_do_harm_are_refused),
        cmocka_unit_test(prefixes_begin_and_end_with_a_slash),
        cmocka_unit_test(the_root_may_be_a_prefix),
        cmocka_unit_test(shapes_that_do_not_fit_are_refused),
        cmocka_unit_test(broken_yaml_says_the_line),
        cmocka_unit_test(rates_are_read),
        cmocka_unit_test(paces_are_read),
        cmocka_unit_test(paces_that_are_none_are_refused),
        cmocka_unit_test(keys_are_read),
        cmocka_unit_test(mistakes_in_keys_are_told_without_the_secret),
        cmocka_unit_test(features_that_are_not_built_are_refused),
        cmocka_unit_test(incomplete_tls_is_refused),
        cmocka_unit_test(features_that_are_not_built_may_be_off),
        cmocka_unit_test(where_redis_is_has_to_be_understood),
        cmocka_unit_test(values_that_contradict_each_other_are_refused),
        cmocka_unit_test(a_wrong_proxy_protocol_is_refused),
        cmocka_unit_test(an_address_may_speak_the_proxy_protocol),
        cmocka_unit_test(both_listeners_may_take_free_ports),
        cmocka_unit_test(more_than_sixteen_addresses_are_refused),
        cmocka_unit_test(a_document_past_the_ceiling_is_refused),
        cmocka_unit_test(deep_nesting_is_refused_where_it_starts),
        cmocka_unit_test(a_message_is_cut_to_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
