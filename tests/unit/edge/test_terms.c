/* edge/terms: what the configuration means to those who answer. */
#include "edge/terms.h"

#include "edge/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct conf *parse(const char *yaml)
{
    struct conf *conf;
    char why[CONF_WHY_MAX];
    if (conf_parse(str_of(yaml), "t.yaml", &conf, why, sizeof why))
        fail_msg("%s", why);
    return conf;
}

static struct terms *terms_of(const char *yaml, bool admin)
{
    struct conf *conf = parse(yaml);
    struct terms *t = terms_new(conf, admin);
    assert_non_null(t);
    conf_free(conf); /* nothing in them is borrowed from it */
    return t;
}

/* Is there a whole line `line` in these fields? */
static bool has(struct str fields, const char *line)
{
    while (fields.n) {
        struct str one = str_cut(&fields, '\n');
        assert_true(str_ends(one, STR("\r")));
        if (str_eq(str_slice(one, 0, one.n - 1), str_of(line)))
            return true;
    }
    return false;
}

static bool mentions(struct str fields, const char *text)
{
    return memmem(fields.p, fields.n, text, strlen(text)) != NULL;
}

static void every_answer_carries_nosniff_and_cors(void **state)
{
    (void)state;
    struct terms *t = terms_of("", false);
    struct str c = t->opts.common;
    assert_true(has(c, "Server: segue"));
    assert_true(has(c, "X-Content-Type-Options: nosniff"));
    assert_true(has(c, "Access-Control-Allow-Origin: *"));
    assert_true(has(c, "Access-Control-Expose-Headers: Content-Length, Content-Range, "
                       "Accept-Ranges, ETag, Date, Age, Cache-Status, Server-Timing"));
    terms_free(t);
}

static void a_preflight_allows_what_players_send_for_a_day(void **state)
{
    (void)state;
    struct terms *t = terms_of("", false);
    struct str p = t->opts.preflight;
    assert_true(has(p, "Allow: GET, HEAD, OPTIONS"));
    assert_true(has(p, "Access-Control-Allow-Methods: GET, HEAD, OPTIONS"));
    assert_true(has(p, "Access-Control-Allow-Headers: Range, If-Range, If-None-Match, "
                       "If-Modified-Since"));
    assert_true(has(p, "Access-Control-Max-Age: 86400"));
    terms_free(t);
}

static void another_origin_is_said_as_it_is_written(void **state)
{
    (void)state;
    struct terms *t = terms_of("http:\n  cors_origin: https://radio.example\n", false);
    assert_true(has(t->opts.common, "Access-Control-Allow-Origin: https://radio.example"));
    terms_free(t);
}

static void the_longest_origin_leaves_the_fields_whole(void **state)
{
    (void)state;
    char yaml[400], want[400];
    char host[240];
    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    snprintf(yaml, sizeof yaml, "http:\n  cors_origin: https://%s\n", host);
    snprintf(want, sizeof want, "Access-Control-Allow-Origin: https://%s", host);
    struct terms *t = terms_of(yaml, false);
    assert_true(has(t->opts.common, want));
    assert_true(str_ends(t->opts.common, STR("Server-Timing\r\n")));
    terms_free(t);
}

static void without_an_origin_there_is_no_cors(void **state)
{
    (void)state;
    struct terms *t = terms_of("http:\n  cors_origin: \"\"\n", false);
    assert_false(mentions(t->opts.common, "Access-Control"));
    assert_false(mentions(t->opts.preflight, "Access-Control"));
    assert_true(has(t->opts.common, "X-Content-Type-Options: nosniff"));
    assert_true(has(t->opts.preflight, "Allow: GET, HEAD, OPTIONS"));
    terms_free(t);
}

static void the_admin_listener_speaks_post(void **state)
{
    (void)state;
    struct terms *t = terms_of("", true);
    assert_true(t->opts.admin);
    assert_true(has(t->opts.preflight, "Allow: GET, HEAD, POST, OPTIONS"));
    terms_free(t);
}

static void times_and_sizes_are_carried_over(void **state)
{
    (void)state;
    struct terms *t = terms_of("http: {header_timeout: 3s, idle_timeout: 4s, write_timeout: 5s, "
                               "max_header: 9KB, max_connections: 77, buffer: 128KB}\n",
                               false);
    assert_true(t->opts.header_timeout == 3 * CLOCK_SECOND);
    assert_true(t->opts.idle_timeout == 4 * CLOCK_SECOND);
    assert_true(t->opts.write_timeout == 5 * CLOCK_SECOND);
    assert_int_equal(t->opts.max_header, 9 * 1024);
    assert_int_equal(t->opts.max_connections, 77);
    assert_int_equal(t->opts.buffer, 128 * 1024);
    assert_false(t->opts.admin);
    terms_free(t);
}

static void older_terms_go_with_the_newer(void **state)
{
    (void)state;
    struct terms *t = terms_of("", false);
    t->older = terms_of("", false);
    t->older->older = terms_of("", false);
    terms_free(t); /* a leak checker sees to the rest */
    terms_free(NULL);
}

static route_fn *answers(const struct route *rows, const char *path)
{
    struct str rest;
    const struct route *r = route_find(rows, str_of(path), &rest);
    return r ? r->run : NULL;
}

static void the_public_routes_are_where_the_configuration_says(void **state)
{
    (void)state;
    struct conf *conf = parse("media: {audio_prefix: /a/, hls_prefix: /h/}\n");
    struct route rows[TERMS_ROUTES];
    terms_public_routes(conf, rows);
    assert_ptr_equal(answers(rows, "/a/x.mp3"), get_audio);
    assert_ptr_equal(answers(rows, "/h/x.mp3/index.m3u8"), get_hls);
    assert_ptr_equal(answers(rows, "/ping"), get_ping);
    assert_ptr_equal(answers(rows, "/player/"), get_player);
    assert_ptr_equal(answers(rows, "/player/library.json"), get_library);
    assert_ptr_equal(answers(rows, "/"), get_home);
    assert_null(answers(rows, "/audio/x.mp3"));
    assert_null(answers(rows, "/metrics"));
    assert_null(answers(rows, "/health"));
    conf_free(conf);
}

static void at_the_root_files_come_after_everything_else(void **state)
{
    (void)state;
    struct conf *conf = parse("media: {audio_prefix: /}\n");
    struct route rows[TERMS_ROUTES];
    terms_public_routes(conf, rows);
    assert_ptr_equal(answers(rows, "/x.mp3"), get_audio);
    assert_ptr_equal(answers(rows, "/hls/x.mp3/index.m3u8"), get_hls);
    assert_ptr_equal(answers(rows, "/ping"), get_ping);
    conf_free(conf);
}

static void the_admin_routes_are_its_own(void **state)
{
    (void)state;
    struct route rows[TERMS_ROUTES];
    terms_admin_routes(rows);
    assert_ptr_equal(answers(rows, "/metrics"), get_metrics);
    assert_ptr_equal(answers(rows, "/health"), get_health);
    assert_ptr_equal(answers(rows, "/ping"), get_ping);
    assert_null(answers(rows, "/audio/x.mp3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_carries_nosniff_and_cors),
        cmocka_unit_test(a_preflight_allows_what_players_send_for_a_day),
        cmocka_unit_test(another_origin_is_said_as_it_is_written),
        cmocka_unit_test(the_longest_origin_leaves_the_fields_whole),
        cmocka_unit_test(without_an_origin_there_is_no_cors),
        cmocka_unit_test(the_admin_listener_speaks_post),
        cmocka_unit_test(times_and_sizes_are_carried_over),
        cmocka_unit_test(older_terms_go_with_the_newer),
        cmocka_unit_test(the_public_routes_are_where_the_configuration_says),
        cmocka_unit_test(at_the_root_files_come_after_everything_else),
        cmocka_unit_test(the_admin_routes_are_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
