/* edge/why: one sentence, and where. */
#include "edge/why.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static void a_place_stands_before_what_is_said(void **state)
{
    (void)state;
    char text[100];
    struct why w;
    why_init(&w, text, sizeof text);
    assert_string_equal(text, "");
    why_at(&w, "%s:%d: ", "segue.yaml", 12);
    assert_string_equal(text, "segue.yaml:12: ");
    why_at(&w, "%s: ", "SEGUE_LISTEN"); /* another place takes its room */
    assert_int_equal(why_say(&w, "no %s", "address"), ERR_CONFIG);
    assert_string_equal(text, "SEGUE_LISTEN: no address");
}

/* What follows a mistake is mostly its echo. */
static void the_first_thing_said_stays(void **state)
{
    (void)state;
    char text[100];
    struct why w;
    why_init(&w, text, sizeof text);
    assert_int_equal(why_say(&w, "first"), ERR_CONFIG);
    why_at(&w, "elsewhere: ");
    assert_int_equal(why_say(&w, "second"), ERR_CONFIG);
    assert_int_equal(why_nomem(&w), ERR_NOMEM);
    assert_string_equal(text, "first");
}

static void it_is_cut_to_its_room(void **state)
{
    (void)state;
    char text[12] = "xxxxxxxxxxx";
    struct why w;
    why_init(&w, text, 8);
    why_at(&w, "a long place: ");
    assert_int_equal(why_say(&w, "and more"), ERR_CONFIG);
    assert_memory_equal(text, "a long \0xxx", 11);
    why_init(&w, NULL, 0);
    assert_int_equal(why_say(&w, "nowhere"), ERR_CONFIG);
    assert_true(w.said);
}

static void without_memory_it_says_so(void **state)
{
    (void)state;
    char text[100];
    struct why w;
    why_init(&w, text, sizeof text);
    assert_int_equal(why_nomem(&w), ERR_NOMEM);
    assert_string_equal(text, err_text(ERR_NOMEM));
}

static void a_quote_is_printable_and_short(void **state)
{
    (void)state;
    char out[WHY_QUOTE_MAX], long_text[500];
    memset(long_text, 'a', sizeof long_text);
    assert_string_equal(why_quote(out, STR("plain")), "plain");
    assert_ptr_equal(why_quote(out, (struct str){long_text, sizeof long_text}), out);
    assert_true(strlen(out) < WHY_QUOTE_MAX);
    why_quote(out, STR("a\x01\x1b[2J"));
    for (const char *p = out; *p; p++)
        assert_true(*p >= 0x20 && *p < 0x7f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_stands_before_what_is_said),
        cmocka_unit_test(the_first_thing_said_stays),
        cmocka_unit_test(it_is_cut_to_its_room),
        cmocka_unit_test(without_memory_it_says_so),
        cmocka_unit_test(a_quote_is_printable_and_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
