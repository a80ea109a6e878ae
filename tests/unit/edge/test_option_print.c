/* edge/option_print: the table for people. (That what is printed loads again: test_options.c.) */
#include "edge/option_print.h"

#include "edge/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void help_lists_what_is_built(void **state)
{
    (void)state;
    struct buf help;
    buf_init(&help, 64 * 1024);
    option_print_help(&help);
    buf_addc(&help, '\0');
    assert_int_equal(buf_status(&help), ERR_NONE);
    assert_non_null(strstr((char *)help.data, "  http.buffer: 64KB   [SEGUE_HTTP_BUFFER]\n      "
                                              "Streaming buffer of one connection.\n"));
    assert_non_null(strstr((char *)help.data, "cache.redis.url"));
    assert_non_null(strstr((char *)help.data, "limit.bandwidth: off"));
    buf_fini(&help);
}

static struct str printed(struct buf *out)
{
    buf_init(out, BUF_MAX_CONFIG);
    option_print_yaml(out);
    assert_int_equal(buf_status(out), ERR_NONE);
    return buf_str(out);
}

static void lines_are_short_and_clean(void **state)
{
    (void)state;
    struct buf b;
    struct str text = printed(&b);
    assert_int_equal(text.p[text.n - 1], '\n');
    while (text.n) {
        struct str line = str_cut(&text, '\n');
        assert_true(line.n <= 100);
        assert_true(line.n == 0 || line.p[line.n - 1] != ' ');
    }
    buf_fini(&b);
}

/* A section is opened once, and what lies in it is indented below it. */
static void sections_are_opened_once(void **state)
{
    (void)state;
    struct buf b;
    unsigned sections = 0, nested = 0, keys = 0;
    struct str text = printed(&b);
    while (text.n) {
        struct str line = str_cut(&text, '\n'), bare = str_trim(line);
        if (!bare.n || bare.p[0] == '#')
            continue;
        size_t depth = (size_t)(bare.p - line.p) / 2;
        bool opens = bare.p[bare.n - 1] == ':';
        sections += opens && depth == 0;
        nested += opens && depth == 1;
        keys += !opens;
    }
    assert_int_equal(keys, option_count());
    struct str before = {NULL, 0};
    for (size_t i = 0; i < option_count(); i++) {
        struct str rest = str_of(option_at(i)->path), first = str_cut(&rest, '.');
        if (rest.n && !str_eq(first, before))
            sections--;
        before = first;
    }
    assert_int_equal(sections, 0);
    assert_true(nested > 0);
    buf_fini(&b);
}

static void every_row_has_its_variable_and_what_is_expected(void **state)
{
    (void)state;
    struct buf b;
    char name[OPTION_PATH_MAX];
    struct str text = printed(&b);
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        const char *marker = o->later ? o->later : option_environment(o, name);
        if (!memmem(text.p, text.n, marker, strlen(marker)))
            fail_msg("%s: no \"%s\"", o->path, marker);
    }
    assert_non_null(memmem(text.p, text.n, "  # (SEGUE_HTTP_BUFFER: a size from 4KB to 16MB", 47));
    assert_non_null(memmem(text.p, text.n, "\n  buffer: 64KB\n", 16));
    assert_non_null(memmem(text.p, text.n, "\n  cors_origin: \"*\"\n", 20));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_lists_what_is_built),
        cmocka_unit_test(lines_are_short_and_clean),
        cmocka_unit_test(sections_are_opened_once),
        cmocka_unit_test(every_row_has_its_variable_and_what_is_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
