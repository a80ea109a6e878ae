/* The table itself: every row of options.def is sound, and what is printed of it loads again. */
#include "edge/options.h"

#include "edge/option_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct conf *parse(struct str yaml)
{
    struct conf *conf;
    char why[CONF_WHY_MAX];
    if (conf_parse(yaml, "t.yaml", &conf, why, sizeof why))
        fail_msg("%s", why);
    return conf;
}

static void same_addresses(const struct conf_listens *a, const struct conf_listens *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        assert_string_equal(a->items[i].address, b->items[i].address);
}

static size_t size_of_number(const struct option *o)
{
    return o->type == OPTION_SIZE ? sizeof(uint64_t) : sizeof(uint32_t);
}

static void same_field(const struct option *o, struct conf *a, struct conf *b)
{
    const char *in_a = (const char *)a + o->offset, *in_b = (const char *)b + o->offset;
    if (o->type == OPTION_ADDRESS || o->type == OPTION_ADDRESSES)
        same_addresses(option_addresses(o, a), option_addresses(o, b));
    else if (o->type == OPTION_PREFIXES)
        assert_int_equal(option_texts(o, a)->count, option_texts(o, b)->count);
    else if (o->type == OPTION_RATE)
        assert_memory_equal(in_a, in_b, sizeof(struct conf_rate));
    else if (o->type == OPTION_BANDWIDTH)
        assert_memory_equal(in_a, in_b, sizeof(struct conf_bandwidth));
    else if (o->type == OPTION_KEYS)
        assert_int_equal(a->sign.keys.count, b->sign.keys.count);
    else if (o->type < OPTION_TEXT)
        assert_memory_equal(in_a, in_b, size_of_number(o));
    else
        assert_string_equal(*(char *const *)(const void *)in_a, *(char *const *)(const void *)in_b);
}

static void same_conf(struct conf *a, struct conf *b)
{
    for (size_t i = 0; i < option_count(); i++)
        if (!option_at(i)->later)
            same_field(option_at(i), a, b);
}

static void the_printed_yaml_loads_as_the_defaults(void **state)
{
    (void)state;
    struct buf yaml;
    buf_init(&yaml, BUF_MAX_CONFIG);
    option_print_yaml(&yaml);
    assert_int_equal(buf_status(&yaml), ERR_NONE);
    struct conf *printed = parse(buf_str(&yaml)), *empty = parse(STR(""));
    same_conf(printed, empty);
    char where[64];
    for (size_t i = 0; i < option_count(); i++) /* every key is there, not just none wrong */
        assert_int_equal(
            strncmp(conf_where(printed, option_at(i)->path, where, sizeof where), "t.yaml:", 7), 0);
    conf_free(printed);
    conf_free(empty);
    buf_fini(&yaml);
}

/* One key of the table as a YAML line: "{http: {buffer: "64KB"}}". */
static void write_key(struct buf *out, const struct option *o)
{
    struct str path = str_of(o->path);
    int depth = 0;
    while (path.n) {
        struct str word = str_cut(&path, '.');
        buf_addf(out, "{%.*s: ", STR_ARG(word));
        depth++;
    }
    buf_addf(out, o->type == OPTION_PREFIXES || o->type == OPTION_KEYS ? "%s" : "\"%s\"",
             o->standard);
    while (depth--)
        buf_addc(out, '}');
}

static void every_key_alone_takes_its_default(void **state)
{
    (void)state;
    struct conf *empty = parse(STR(""));
    for (size_t i = 0; i < option_count(); i++) {
        struct buf yaml;
        buf_init(&yaml, 1024);
        write_key(&yaml, option_at(i));
        struct conf *one = parse(buf_str(&yaml));
        same_conf(one, empty);
        conf_free(one);
        buf_fini(&yaml);
    }
    conf_free(empty);
}

static void every_key_takes_its_default_from_its_variable(void **state)
{
    (void)state;
    struct conf *empty = parse(STR(""));
    for (size_t i = 0; i < option_count(); i++) {
        char variable[256], name[OPTION_PATH_MAX], why[CONF_WHY_MAX], where[64];
        const struct option *o = option_at(i);
        snprintf(variable, sizeof variable, "%s=%s", option_environment(o, name), o->standard);
        char *const environment[] = {variable, NULL};
        struct conf_source from = {.environment = environment};
        struct conf *one;
        assert_int_equal(conf_load(&from, &one, why, sizeof why), ERR_NONE);
        same_conf(one, empty);
        if (o->standard[0])
            assert_string_equal(conf_where(one, o->path, where, sizeof where), name);
        conf_free(one);
    }
    conf_free(empty);
}

static void names_of_variables_are_unique(void **state)
{
    (void)state;
    char a[OPTION_PATH_MAX], b[OPTION_PATH_MAX];
    assert_string_equal(option_environment(option_find(STR("cache.redis.url")), a),
                        "SEGUE_CACHE_REDIS_URL");
    for (size_t i = 0; i < option_count(); i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(option_environment(option_at(i), a),
                                    option_environment(option_at(k), b));
}

static bool is_number(const struct option *o)
{
    return o->type == OPTION_SIZE || o->type == OPTION_DURATION || o->type == OPTION_INTEGER;
}

/* A number in the smallest unit of its type. */
static enum err set_number(const struct option *o, uint64_t value, struct conf *conf)
{
    char text[32], why_text[CONF_WHY_MAX];
    struct why why;
    why_init(&why, why_text, sizeof why_text);
    snprintf(text, sizeof text, "%llu%s", (unsigned long long)value,
             o->type == OPTION_DURATION ? "ms" : "");
    return option_set(o, str_of(text), conf, &why);
}

static void numbers_are_taken_up_to_their_limits_and_no_further(void **state)
{
    (void)state;
    struct conf *conf = parse(STR(""));
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        if (!is_number(o) || o->later)
            continue;
        assert_true(o->minimum < o->maximum);
        assert_int_equal(set_number(o, o->minimum, conf), ERR_NONE);
        assert_int_equal(set_number(o, o->maximum, conf), ERR_NONE);
        assert_int_equal(set_number(o, o->maximum + 1, conf), ERR_CONFIG);
        if (o->minimum)
            assert_int_equal(set_number(o, o->minimum - 1, conf), ERR_CONFIG);
    }
    conf_free(conf);
}

static void a_refused_value_leaves_the_old_one(void **state)
{
    (void)state;
    struct conf *conf = parse(STR("")), *empty = parse(STR(""));
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        char text[CONF_WHY_MAX];
        struct why why;
        why_init(&why, text, sizeof text);
        assert_int_equal(option_set(o, STR("\x01"), conf, &why), ERR_CONFIG);
        assert_int_equal(strncmp(text, o->path, strlen(o->path)), 0);
        assert_non_null(strstr(text, ", expected "));
        same_conf(conf, empty);
    }
    conf_free(conf);
    conf_free(empty);
}

static void what_is_expected_fits_its_room(void **state)
{
    (void)state;
    char out[OPTION_EXPECTED_MAX];
    for (size_t i = 0; i < option_count(); i++) {
        option_expected(option_at(i), out);
        assert_in_range(strlen(out), 1, sizeof out - 2);
    }
}

static void sections_are_found_and_nothing_else_is(void **state)
{
    (void)state;
    assert_true(option_is_section(STR("cache.memory")));
    assert_true(option_is_section(STR("http")));
    assert_false(option_is_section(STR("http.buffer")));
    assert_false(option_is_section(STR("htt")));
    assert_false(option_is_section(STR("")));
}

static void a_slip_of_the_pen_finds_its_key(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"wokers", "workers"},
        {"http.headr_timeout", "http.header_timeout"},
        {"cache.memroy.ttl", ""}, /* never asked: the section is refused first */
        {"cache.memroy", "cache.memory"},
        {"buffer", "http.buffer"},
        {"xyzzy", ""},
        {"", ""},
        {"media.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str near = option_nearest(str_of(cases[i][0]));
        if (cases[i][1][0] || i != 2)
            assert_true(str_eq(near, str_of(cases[i][1])));
    }
    assert_string_equal(option_nearest_variable(STR("SEGUE_WORKRS"))->path, "workers");
    assert_null(option_nearest_variable(STR("SEGUE_BUILD")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_printed_yaml_loads_as_the_defaults),
        cmocka_unit_test(every_key_alone_takes_its_default),
        cmocka_unit_test(every_key_takes_its_default_from_its_variable),
        cmocka_unit_test(names_of_variables_are_unique),
        cmocka_unit_test(numbers_are_taken_up_to_their_limits_and_no_further),
        cmocka_unit_test(a_refused_value_leaves_the_old_one),
        cmocka_unit_test(what_is_expected_fits_its_room),
        cmocka_unit_test(sections_are_found_and_nothing_else_is),
        cmocka_unit_test(a_slip_of_the_pen_finds_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
