/* edge/serve/route: which row answers a path. */
#include "edge/serve/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct route ROWS[] = {
    {STR("/ping"), true, false, get_ping},
    {STR("/player/list"), true, false, get_library},
    {STR("/player/"), false, false, get_player},
    {STR("/h/"), false, false, get_hls},
    {STR("/h/audio/"), false, false, get_audio},
    {STR("/"), true, false, get_home},
    {{NULL, 0}, false, false, NULL},
};

static void the_first_row_that_fits_answers(void **state)
{
    static const struct {
        const char *path;
        route_fn *run; /* NULL: nobody */
        const char *rest;
    } cases[] = {
        {"/ping", get_ping, ""},
        {"/ping/", NULL, NULL},
        {"/pin", NULL, NULL},
        {"/player/", get_player, ""},
        {"/player", NULL, NULL},
        {"/player/list", get_library, ""},
        {"/player/list2", get_player, "list2"},
        {"/player/a/b", get_player, "a/b"},
        {"/h/", get_hls, ""},
        {"/h/a.mp3/index.m3u8", get_hls, "a.mp3/index.m3u8"},
        {"/h/audio/a", get_hls, "audio/a"}, /* the longer one stands behind it */
        {"/H/a", NULL, NULL},
        {"/", get_home, ""},
        {"/x", NULL, NULL},
        {"", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str rest = STR("untouched");
        const struct route *r = route_find(ROWS, str_of(cases[i].path), &rest);
        if ((r ? r->run : NULL) != cases[i].run)
            fail_msg("%s: another row", cases[i].path);
        if (r)
            assert_true(str_eq(rest, str_of(cases[i].rest)));
    }
}

static void a_prefix_of_one_slash_takes_all_that_is_left(void **state)
{
    static const struct route rows[] = {
        {STR("/ping"), true, false, get_ping},
        {STR("/"), false, false, get_audio},
        {{NULL, 0}, false, false, NULL},
    };
    (void)state;
    struct str rest;
    assert_ptr_equal(route_find(rows, STR("/ping"), &rest)->run, get_ping);
    assert_ptr_equal(route_find(rows, STR("/album/a.mp3"), &rest)->run, get_audio);
    assert_true(str_eq(rest, STR("album/a.mp3")));
}

static void an_empty_table_answers_nothing(void **state)
{
    static const struct route rows[] = {{{NULL, 0}, false, false, NULL}};
    (void)state;
    struct str rest;
    assert_null(route_find(rows, STR("/"), &rest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_row_that_fits_answers),
        cmocka_unit_test(a_prefix_of_one_slash_takes_all_that_is_left),
        cmocka_unit_test(an_empty_table_answers_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
