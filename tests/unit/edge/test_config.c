/* Configurations as an operator may write them: values, sources, and what check looks at. */
#include "edge/config.h"

#include "edge/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
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

/* Values */

static void an_empty_document_has_every_default(void **state)
{
    (void)state;
    struct conf *c = parse("");
    assert_int_equal(c->listen.count, 1);
    assert_string_equal(c->listen.items[0].address, "127.0.0.1:8080");
    assert_string_equal(c->listen.items[0].host, "127.0.0.1");
    assert_int_equal(c->listen.items[0].port, 8080);
    assert_null(c->listen.items[0].tls_certificate);
    assert_int_equal(c->admin.items[0].port, 8081);
    assert_int_equal(c->workers, 0);
    assert_int_equal(c->drain_timeout_ms, 30000);
    assert_string_equal(c->media.root, "./media");
    assert_string_equal(c->media.audio_prefix, "/audio/");
    assert_string_equal(c->media.hls_prefix, "/hls/");
    assert_string_equal(c->media.cache_control, "public, max-age=3600");
    assert_int_equal(c->media.helpers, 2);
    assert_int_equal(c->media.helper_memory, 256 << 20);
    assert_int_equal(c->media.helper_deadline_ms, 10000);
    conf_free(c);
}

static void the_other_sections_have_their_defaults(void **state)
{
    (void)state;
    struct conf *c = parse("# nothing\n");
    assert_int_equal(c->http.buffer, 64 << 10);
    assert_int_equal(c->http.header_timeout_ms, 10000);
    assert_int_equal(c->http.idle_timeout_ms, 60000);
    assert_int_equal(c->http.write_timeout_ms, 30000);
    assert_int_equal(c->http.max_header, 16 << 10);
    assert_int_equal(c->http.max_connections, 16384);
    assert_string_equal(c->http.cors_origin, "*");
    assert_int_equal(c->cache.memory.size, 256 << 20);
    assert_int_equal(c->cache.memory.max_object, 10 << 20);
    assert_int_equal(c->hls.segment_duration_ms, 6000);
    assert_int_equal(c->hls.container, CONTAINER_FMP4);
    assert_string_equal(c->log.access, "stdout");
    assert_int_equal(c->log.format, CONF_FORMAT_COMBINED);
    assert_int_equal(c->log.level, LOG_INFO);
    assert_int_equal(c->log.slow_ms, 2000);
    conf_free(c);
}

static void values_are_read_in_every_style_of_yaml(void **state)
{
    (void)state;
    struct conf *c = parse("---\n"
                           "http: {buffer: \"128KB\", max_header: 2048, cors_origin: \"\"}\n"
                           "workers: '3'\n"
                           "hls:\n"
                           "  container: packed\n"
                           "  segment_duration: 5760ms\n"
                           "log: {level: debug, format: json, slow: off, access: /var/log/a b}\n"
                           "cache:\n"
                           "admin: off\n");
    assert_int_equal(c->http.buffer, 128 << 10);
    assert_int_equal(c->http.max_header, 2048);
    assert_string_equal(c->http.cors_origin, "");
    assert_int_equal(c->workers, 3);
    assert_int_equal(c->hls.container, CONTAINER_PACKED);
    assert_int_equal(c->hls.segment_duration_ms, 5760);
    assert_int_equal(c->log.level, LOG_DEBUG);
    assert_int_equal(c->log.format, CONF_FORMAT_JSON);
    assert_int_equal(c->log.slow_ms, 0);
    assert_string_equal(c->log.access, "/var/log/a b");
    assert_int_equal(c->admin.count, 0);
    conf_free(c);
}

static void units_are_binary_for_sizes_and_milliseconds_for_durations(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        uint64_t size;
        uint32_t idle_ms;
    } cases[] = {
        {"cache: {memory: {size: 1048576, max_object: 1KB}}", 1 << 20, 60000},
        {"cache: {memory: {size: 2048KB, max_object: 1KB}}\nhttp: {idle_timeout: 70ms}", 2 << 20,
         70},
        {"cache: {memory: {size: 3MB, max_object: 1KB}}\nhttp: {idle_timeout: 7s}", 3 << 20, 7000},
        {"cache: {memory: {size: 4GB}}\nhttp: {idle_timeout: 7m}", UINT64_C(4) << 30, 420000},
        {"cache: {memory: {size: 1024GB}}\nhttp: {idle_timeout: 7h}", UINT64_C(1) << 40, 25200000},
        {"cache: {memory: {size: off}}\nhttp: {idle_timeout: 1d}", 0, 86400000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf *c = parse(cases[i].yaml);
        assert_true(c->cache.memory.size == cases[i].size);
        assert_int_equal(c->http.idle_timeout_ms, cases[i].idle_ms);
        conf_free(c);
    }
}

static void listen_takes_addresses_in_a_list(void **state)
{
    (void)state;
    struct conf *c = parse("listen:\n"
                           "  - 0.0.0.0:80\n"
                           "  - {address: \"[2001:db8::1]:8080\"}\n"
                           "  - localhost:0\n");
    assert_int_equal(c->listen.count, 3);
    assert_string_equal(c->listen.items[0].host, "0.0.0.0");
    assert_string_equal(c->listen.items[1].address, "[2001:db8::1]:8080");
    assert_string_equal(c->listen.items[1].host, "2001:db8::1");
    assert_int_equal(c->listen.items[1].port, 8080);
    assert_string_equal(c->listen.items[2].host, "localhost");
    assert_int_equal(c->listen.items[2].port, 0);
    conf_free(c);
}

static void the_example_of_the_contract_loads(void **state)
{
    (void)state;
    conf_free(parse("listen: 127.0.0.1:8080          # or a list\n"
                    "admin: 127.0.0.1:8081\n"
                    "workers: auto\n"
                    "drain_timeout: 30s\n"
                    "media:\n  root: ./media\n  audio_prefix: /audio/\n  hls_prefix: /hls/\n"
                    "http:\n  buffer: 64KB\n  header_timeout: 10s\n  idle_timeout: 60s\n"
                    "  write_timeout: 30s\n  max_header: 16KB\n  max_connections: 16384\n"
                    "  cors_origin: \"*\"\n"
                    "cache:\n  memory:   {size: 256MB, max_object: 10MB, ttl: 60s}\n"
                    "  redis:    {url: \"\", max_object: 10MB, ttl: 1h, timeout: 50ms}\n"
                    "  metadata: {ttl: 1h}\n"
                    "hls:\n  segment_duration: 6s\n  container: fmp4\n"
                    "sign:\n  protect: []\n  keys: []\n  max_expires: 7d\n"
                    "limit:\n  requests: off\n  connections: off\n  bandwidth: off\n"
                    "log:\n  access: stdout\n  format: combined\n  level: info\n  slow: 2s\n"));
}

static void addresses_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        int port; /* -1: malformed */
    } cases[] = {
        {"127.0.0.1:8080", "127.0.0.1", 8080},
        {"[::1]:8080", "::1", 8080},
        {"[::ffff:1.2.3.4]:1", "::ffff:1.2.3.4", 1},
        {"edge-1.example.org:65535", "edge-1.example.org", 65535},
        {"0.0.0.0:0", "0.0.0.0", 0},
        {"127.0.0.1:80x80", "", -1},
        {"127.0.0.1:65536", "", -1},
        {"127.0.0.1:000080", "", -1},
        {"127.0.0.1:", "", -1},
        {"127.0.0.1:-1", "", -1},
        {"127.0.0.1: 80", "", -1},
        {"127.0.0.1", "", -1},
        {"8080", "", -1},
        {":8080", "", -1},
        {"*:8080", "", -1},
        {"::1:8080", "", -1},
        {"[::1:8080", "", -1},
        {"::1]:8080", "", -1},
        {"[127.0.0.1]:80", "", -1},
        {"[]:80", "", -1},
        {"300.0.0.1:80", "", -1},
        {"1.2.3:80", "", -1},
        {"a b:80", "", -1},
        {"", "", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str host;
        uint16_t port;
        bool ok = conf_address(str_of(cases[i].text), &host, &port);
        assert_int_equal(ok ? port : -1, cases[i].port);
        if (ok)
            assert_true(str_eq(host, str_of(cases[i].host)));
    }
}

/* Sources */

#define ADDRESSES "expected HOST:PORT, as 127.0.0.1:8080, or a list of them"

static enum err load(const struct conf_source *from, struct conf **out, char *why)
{
    return conf_load(from, out, why, CONF_WHY_MAX);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void later_sources_win(void **state)
{
    char *const environment[] = {"HOME=/",
                                 "SEGUE_WORKERS=3",
                                 "SEGUE_HTTP_BUFFER=8KB",
                                 "SEGUE_LISTEN=1.1.1.1:1",
                                 "SEGUE_MEDIA_ROOT=/b",
                                 NULL};
    struct conf_source from = {
        .path = *state, .environment = environment, .listen = "[::1]:9", .root = "/c"};
    struct conf *c;
    char why[CONF_WHY_MAX], where[64];
    write_file(*state, "workers: 2\n\nhttp: {max_header: 2KB}\nmedia: {root: /a}\n");
    assert_int_equal(load(&from, &c, why), ERR_NONE);
    assert_int_equal(c->workers, 3);
    assert_int_equal(c->http.buffer, 8192);
    assert_int_equal(c->http.max_header, 2048);
    assert_string_equal(c->listen.items[0].host, "::1");
    assert_string_equal(c->media.root, "/c");
    assert_string_equal(conf_where(c, "workers", where, sizeof where), "SEGUE_WORKERS");
    assert_string_equal(conf_where(c, "listen", where, sizeof where), "-l");
    assert_string_equal(conf_where(c, "admin", where, sizeof where), "default");
    conf_where(c, "http.max_header", where, sizeof where);
    assert_string_equal(where + strlen(where) - 2, ":3");
    conf_free(c);
}

static void a_variable_is_checked_as_the_file_is(void **state)
{
    static const struct mistake cases[] = {
        {"SEGUE_WORKERS=x", "SEGUE_WORKERS: workers: \"x\" is no whole number, expected auto or a "
                            "whole number from 1 to 1024"},
        {"SEGUE_CACHE_REDIS_URL=redis://", "SEGUE_CACHE_REDIS_URL: cache.redis.url: not "
                                           "understood, expected a host, of at most 255 bytes"},
        {"SEGUE_LISTEN=1.2.3.4:1,x", "SEGUE_LISTEN: listen: \"x\" is no address, " ADDRESSES},
        {"SEGUE_MEDIA_AUDIO_PREFIX=/hls/", "default: media.hls_prefix: \"/hls/\" is "
                                           "media.audio_prefix too, expected another"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char variable[64];
        snprintf(variable, sizeof variable, "%s", cases[i].yaml);
        char *const environment[] = {variable, NULL};
        struct conf_source from = {.environment = environment};
        struct conf *c;
        char why[CONF_WHY_MAX];
        assert_int_equal(load(&from, &c, why), ERR_CONFIG);
        assert_string_equal(why, cases[i].why);
    }
}

static void a_list_in_a_variable_is_parted_by_commas(void **state)
{
    (void)state;
    char *const environment[] = {"SEGUE_LISTEN=1.2.3.4:1, [::1]:2", NULL};
    struct conf_source from = {.environment = environment};
    struct conf *c;
    char why[CONF_WHY_MAX];
    assert_int_equal(load(&from, &c, why), ERR_NONE);
    assert_int_equal(c->listen.count, 2);
    assert_string_equal(c->listen.items[1].address, "[::1]:2");
    conf_free(c);
}

static void variables_that_are_empty_or_not_ours_are_passed_over(void **state)
{
    (void)state;
    char *const environment[] = {"SEGUE_WORKERS=",  "SEGUE_PORT=tcp://10.0.0.1:80",
                                 "SEGUE_BUILD=/b",  "SEGUE_",
                                 "segue_workers=7", NULL};
    struct conf_source from = {.environment = environment};
    struct conf *c;
    char why[CONF_WHY_MAX];
    assert_int_equal(load(&from, &c, why), ERR_NONE);
    assert_int_equal(c->workers, 0);
    conf_free(c);
}

static void arguments_are_checked(void **state)
{
    (void)state;
    struct conf *c;
    char why[CONF_WHY_MAX];
    struct conf_source listen = {.listen = "8080"}, root = {.root = ""};
    assert_int_equal(load(&listen, &c, why), ERR_CONFIG);
    assert_string_equal(why, "-l: listen: \"8080\" is no address, " ADDRESSES);
    assert_int_equal(load(&root, &c, why), ERR_CONFIG);
    assert_string_equal(why, "-r: media.root: \"\" is empty, expected a directory, as ./media");
}

static void a_file_that_cannot_be_read_says_why(void **state)
{
    (void)state;
    struct conf *c;
    char why[CONF_WHY_MAX];
    struct conf_source missing = {.path = "/nonexistent/segue.yaml"}, directory = {.path = "/"};
    assert_int_equal(load(&missing, &c, why), ERR_CONFIG);
    assert_string_equal(why, "/nonexistent/segue.yaml:1: cannot be opened (No such file or "
                             "directory), expected a YAML file");
    assert_int_equal(load(&directory, &c, why), ERR_CONFIG);
    assert_string_equal(why, "/:1: cannot be read (Is a directory), expected a YAML file");
}

static void a_reload_reads_the_same_sources(void **state)
{
    struct conf_source from = {.path = *state, .root = "/c"};
    struct conf *old, *new;
    char why[CONF_WHY_MAX];
    write_file(*state, "workers: 2\n");
    assert_int_equal(load(&from, &old, why), ERR_NONE);
    write_file(*state, "workers: 5\nmedia: {root: /x}\n");
    assert_int_equal(conf_reload(old, &new, why, sizeof why), ERR_NONE);
    assert_int_equal(old->workers, 2);
    assert_int_equal(new->workers, 5);
    assert_string_equal(new->media.root, "/c");
    conf_free(new);
    write_file(*state, "workers: x\n");
    assert_int_equal(conf_reload(old, &new, why, sizeof why), ERR_CONFIG);
    assert_null(new);
    conf_free(old);
}

static void the_file_system_is_looked_at_by_check(void **state)
{
    static const struct mistake cases[] = {
        {"media: {root: /}", ""},
        {"media: {root: /}\nlog: {access: off}", ""},
        {"media: {root: /}\nlog: {access: /segue-access.log}", ""},
        {"media: {root: /}\nlog: {access: access.log}", ""},
        {"media: {root: /nonexistent}", "t.yaml:1: media.root: \"/nonexistent\" cannot be reached "
                                        "(No such file or directory), expected a directory"},
        {"media: {root: /dev/null}",
         "t.yaml:1: media.root: \"/dev/null\" is no directory, expected one"},
        {"media: {root: /}\nlog: {access: /nonexistent/a}",
         "t.yaml:2: log.access: \"/nonexistent\" cannot be reached (No such file or directory), "
         "expected a directory"},
        {"media: {root: /}\nlog: {access: /tmp}",
         "t.yaml:2: log.access: a directory, expected the name of a file"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char why[CONF_WHY_MAX];
        struct conf *c = parse(cases[i].yaml);
        enum err e = conf_check(c, why, sizeof why);
        assert_int_equal(e, cases[i].why[0] ? ERR_CONFIG : ERR_NONE);
        if (e)
            assert_string_equal(why, cases[i].why);
        conf_free(c);
    }
}

static int make_file(void **state)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/segue-config-XXXXXX");
    int fd = mkstemp(path);
    *state = path;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state) { return unlink(*state); }

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, make_file, remove_file)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_document_has_every_default),
        cmocka_unit_test(the_other_sections_have_their_defaults),
        cmocka_unit_test(values_are_read_in_every_style_of_yaml),
        cmocka_unit_test(units_are_binary_for_sizes_and_milliseconds_for_durations),
        cmocka_unit_test(listen_takes_addresses_in_a_list),
        cmocka_unit_test(the_example_of_the_contract_loads),
        cmocka_unit_test(addresses_are_taken_apart),
        WITH_FILE(later_sources_win),
        cmocka_unit_test(a_variable_is_checked_as_the_file_is),
        cmocka_unit_test(a_list_in_a_variable_is_parted_by_commas),
        cmocka_unit_test(variables_that_are_empty_or_not_ours_are_passed_over),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(a_file_that_cannot_be_read_says_why),
        WITH_FILE(a_reload_reads_the_same_sources),
        cmocka_unit_test(the_file_system_is_looked_at_by_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
