/* edge/http/fields: names to numbers and back. */
#include "edge/http/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_request_field_is_found_by_its_name(void **state)
{
    (void)state;
    for (unsigned f = 0; f < FIELD_REQUEST_COUNT; f++)
        assert_int_equal(field_id(str_of(field_name((enum field)f))), f);
}

/* RFC 9110 5.1 */
static void names_have_no_case(void **state)
{
    (void)state;
    assert_int_equal(field_id(STR("host")), FIELD_HOST);
    assert_int_equal(field_id(STR("CONTENT-LENGTH")), FIELD_CONTENT_LENGTH);
    assert_int_equal(field_id(STR("iF-nOnE-mAtCh")), FIELD_IF_NONE_MATCH);
}

static void names_that_only_look_alike_are_others(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "H",
        "Hos",
        "Hosts",
        "Rangf",
        "X-Range",
        "Content\rLength",
        "Conte",
        "ETag",
        "If_Range",
        "hOST ",
        "[ost",
        "Date",
        "Accept-Language",
        "A-field-name-that-is-longer-than-every-one-in-the-table",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(field_id(str_of(names[i])), FIELD_OTHER);
}

/* RFC 9110 8.8.3 and 14.4 */
static void names_are_spelled_as_the_rfc_spells_them(void **state)
{
    (void)state;
    assert_string_equal(field_name(FIELD_ETAG), "ETag");
    assert_string_equal(field_name(FIELD_CONTENT_RANGE), "Content-Range");
    assert_string_equal(field_name(FIELD_TE), "TE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_field_is_found_by_its_name),
        cmocka_unit_test(names_have_no_case),
        cmocka_unit_test(names_that_only_look_alike_are_others),
        cmocka_unit_test(names_are_spelled_as_the_rfc_spells_them),
    };
    return cmocka_run_group_tests_name("http/fields", tests, NULL, NULL);
}
