/* edge/watch/expose: the structure of the Prometheus text. */
#include "edge/watch/expose.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

struct fixture {
    struct counters *counters[2];
    struct histogram *histograms[2];
    struct histogram *redis[2];
    struct expose_in in;
    struct buf out;
};

static int set_up(void **state)
{
    static struct fixture f;
    for (int i = 0; i < 2; i++) {
        f.counters[i] = counters_new();
        f.histograms[i] = histogram_new();
        f.redis[i] = histogram_new();
    }
    f.in =
        (struct expose_in){f.counters, f.histograms, f.redis, 2, "0.1.0", 0, 0, false, {0, 0}, 1};
    buf_init(&f.out, BUF_MAX_METRICS);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        counters_free(f->counters[i]);
        histogram_free(f->histograms[i]);
        histogram_free(f->redis[i]);
    }
    buf_fini(&f->out);
    return 0;
}

static struct str expose(struct fixture *f)
{
    buf_reset(&f->out);
    expose_metrics(&f->out, &f->in);
    assert_int_equal(buf_status(&f->out), ERR_NONE);
    return buf_str(&f->out);
}

static bool has_line(struct str text, const char *line)
{
    while (text.n) {
        if (str_eq(str_cut(&text, '\n'), str_of(line)))
            return true;
    }
    return false;
}

static void expect_line(struct str text, const char *line)
{
    if (!has_line(text, line))
        fail_msg("no line %s", line);
}

/* The names that INTERFACE.md promises. */
static void every_promised_series_is_there_and_starts_at_zero(void **state)
{
    static const char *const lines[] = {
        "segue_requests_total{code=\"200\"} 0",
        "segue_requests_total{code=\"206\"} 0",
        "segue_requests_total{code=\"other\"} 0",
        "segue_request_duration_seconds_count 0",
        "segue_request_duration_seconds_sum 0.000000000",
        "segue_request_duration_seconds_bucket{le=\"+Inf\"} 0",
        "segue_response_bytes_total 0",
        "segue_connections 0",
        "segue_aborts_total 0",
        "segue_index_builds_total 0",
        "segue_origin_opens_total 0",
        "segue_cache_requests_total{tier=\"memory\",result=\"hit\"} 0",
        "segue_cache_requests_total{tier=\"memory\",result=\"miss\"} 0",
        "segue_cache_requests_total{tier=\"memory\",result=\"stale\"} 0",
        "segue_cache_requests_total{tier=\"memory\",result=\"error\"} 0",
        "segue_cache_requests_total{tier=\"redis\",result=\"hit\"} 0",
        "segue_cache_requests_total{tier=\"redis\",result=\"error\"} 0",
        "segue_cache_bytes 0",
        "segue_flights_joined_total 0",
        "segue_flights_cancelled_total 0",
        "segue_redis_breaker_open 0",
        "segue_denied_total{reason=\"expired\"} 0",
        "segue_connections_closed_total{reason=\"idle\"} 0",
        "segue_access_log_dropped_total 0",
        "segue_build_info{version=\"0.1.0\"} 1",
    };
    struct str text = expose(*state);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        expect_line(text, lines[i]);
}

/* "segue_x_bucket{...} 1" of a histogram belongs to segue_x. */
static struct str family_of(struct str line)
{
    struct str name = line;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '{' || line.p[i] == ' ')
            name = str_slice(line, 0, i);
        if (name.n < line.n)
            break;
    }
    const struct str ends[] = {STR("_bucket"), STR("_sum"), STR("_count")};
    for (int i = 0; i < 3; i++) {
        if (str_ends(name, ends[i]))
            return str_slice(name, 0, name.n - ends[i].n);
    }
    return name;
}

static struct str second_word(struct str line, const char *first)
{
    assert_true(str_starts(line, str_of(first)));
    struct str rest = str_from(line, strlen(first));
    return str_cut(&rest, ' ');
}

static void expect_series(struct str line, struct str family)
{
    size_t space = str_rfind(line, ' ');
    assert_true(str_eq(family_of(line), family));
    assert_true(space + 1 < line.n);
    for (size_t i = space + 1; i < line.n; i++)
        assert_true(isdigit((unsigned char)line.p[i]) || line.p[i] == '.');
}

static void each_family_is_help_then_type_then_its_series_once(void **state)
{
    struct str text = expose(*state);
    struct str seen[COUNTER_COUNT + 2];
    size_t families = 0;
    while (text.n) {
        struct str help = str_cut(&text, '\n');
        struct str name = second_word(help, "# HELP ");
        struct str type = str_cut(&text, '\n');
        assert_true(str_eq(second_word(type, "# TYPE "), name));
        for (size_t i = 0; i < families; i++)
            assert_false(str_eq(seen[i], name));
        seen[families++] = name;
        assert_false(text.n == 0 || text.p[0] == '#');
        while (text.n && text.p[0] != '#')
            expect_series(str_cut(&text, '\n'), name);
    }
    assert_true(families > 20);
    assert_true(str_ends(buf_str(&((struct fixture *)*state)->out), STR("\n")));
}

static void values_are_summed_and_given_values_appear(void **state)
{
    struct fixture *f = *state;
    counters_add(f->counters[0], COUNTER_CODE_206, 2);
    counters_add(f->counters[1], COUNTER_CODE_206, 40);
    f->in.cache_bytes = 123456789012;
    f->in.cache_objects = 7;
    f->in.redis_breaker_open = true;
    f->in.access = (struct access_stats){.dropped = 5, .lost = 6};
    struct str text = expose(f);
    expect_line(text, "segue_requests_total{code=\"206\"} 42");
    expect_line(text, "segue_cache_bytes 123456789012");
    expect_line(text, "segue_cache_objects 7");
    expect_line(text, "segue_redis_breaker_open 1");
    expect_line(text, "segue_access_log_dropped_total 5");
    expect_line(text, "segue_access_log_lost_total 6");
    expect_line(text, "# TYPE segue_requests_total counter");
    expect_line(text, "# TYPE segue_connections gauge");
}

static void buckets_are_cumulative_and_end_with_the_count(void **state)
{
    struct fixture *f = *state;
    histogram_add(f->histograms[0], MS / 2);
    histogram_add(f->histograms[1], 2 * MS);
    histogram_add(f->histograms[1], 60000 * MS);
    struct str text = expose(f);
    expect_line(text, "# TYPE segue_request_duration_seconds histogram");
    expect_line(text, "segue_request_duration_seconds_bucket{le=\"0.0005\"} 1");
    expect_line(text, "segue_request_duration_seconds_bucket{le=\"0.001\"} 1");
    expect_line(text, "segue_request_duration_seconds_bucket{le=\"0.0025\"} 2");
    expect_line(text, "segue_request_duration_seconds_bucket{le=\"10\"} 2");
    expect_line(text, "segue_request_duration_seconds_bucket{le=\"+Inf\"} 3");
    expect_line(text, "segue_request_duration_seconds_count 3");
    expect_line(text, "segue_request_duration_seconds_sum 60.002500000");
    expect_line(text, "segue_redis_duration_seconds_count 0");
}

static void redis_answers_have_a_histogram_of_their_own(void **state)
{
    struct fixture *f = *state;
    histogram_add(f->redis[0], 2 * MS);
    histogram_add(f->redis[1], 3 * MS);
    struct str text = expose(f);
    expect_line(text, "# TYPE segue_redis_duration_seconds histogram");
    expect_line(text, "segue_redis_duration_seconds_bucket{le=\"0.0025\"} 1");
    expect_line(text, "segue_redis_duration_seconds_count 2");
    expect_line(text, "segue_request_duration_seconds_count 0");
    f->in.redis = NULL;
    expect_line(expose(f), "segue_redis_duration_seconds_count 0");
}

static void workers_are_told_apart_but_the_pools_are_none(void **state)
{
    struct fixture *f = *state;
    counters_add(f->counters[0], COUNTER_CONNECTIONS, 3);
    counters_add(f->counters[1], COUNTER_CONNECTIONS, 2);
    struct str text = expose(f);
    expect_line(text, "segue_worker_connections{worker=\"0\"} 3");
    assert_false(has_line(text, "segue_worker_connections{worker=\"1\"} 2"));
    expect_line(text, "segue_connections 5");
}

static void a_label_from_outside_is_escaped(void **state)
{
    struct fixture *f = *state;
    f->in.version = "1\"2\\3\n4";
    expect_line(expose(f), "segue_build_info{version=\"1\\\"2\\\\3\\n4\"} 1");
}

static void too_small_a_buffer_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct buf small;
    buf_init(&small, 1000);
    expose_metrics(&small, &f->in);
    assert_int_equal(buf_status(&small), ERR_TOO_BIG);
    buf_fini(&small);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_promised_series_is_there_and_starts_at_zero),
        TEST(each_family_is_help_then_type_then_its_series_once),
        TEST(values_are_summed_and_given_values_appear),
        TEST(buckets_are_cumulative_and_end_with_the_count),
        TEST(workers_are_told_apart_but_the_pools_are_none),
        TEST(a_label_from_outside_is_escaped),
        TEST(redis_answers_have_a_histogram_of_their_own),
        TEST(too_small_a_buffer_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
