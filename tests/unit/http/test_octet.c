/* edge/http/octet: the table says what the grammars say. */
#include "edge/http/octet.h"

#include "edge/base/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool in(int c, const char *set) { return c > 0 && c < 0x80 && strchr(set, c); }

static bool is_alnum(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void expect_class(unsigned class, bool (*grammar)(int c))
{
    for (int c = 0; c < 256; c++)
        assert_int_equal(octet_is((char)c, class), grammar(c));
}

static bool tchar(int c) { return is_alnum(c) || in(c, "!#$%&'*+-.^_`|~"); }
static bool field_vchar(int c) { return c == '\t' || (c >= 0x20 && c != 0x7f); }
static bool target(int c) { return c > 0x20 && c != 0x7f && c != '#'; }
static bool host(int c) { return is_alnum(c) || in(c, "-._~!$&'()*+,;="); }
static bool path(int c) { return host(c) || in(c, ":@/"); }
static bool etagc(int c) { return c == 0x21 || (c >= 0x23 && c != 0x7f); }

/* RFC 9110 5.6.2 */
static void tokens_are_letters_digits_and_fifteen_marks(void **state)
{
    (void)state;
    expect_class(OCTET_TOKEN, tchar);
    for (int c = 0; c < 256; c++)
        assert_int_equal(scan_is_tchar((unsigned char)c), tchar(c));
}

/* RFC 9110 5.5 */
static void values_are_all_but_control_bytes(void **state)
{
    (void)state;
    expect_class(OCTET_VALUE, field_vchar);
}

static void targets_have_no_space_and_no_fragment(void **state)
{
    (void)state;
    expect_class(OCTET_TARGET, target);
}

/* RFC 3986 3.2.2 and 3.3 */
static void hosts_and_paths_are_as_in_rfc_3986(void **state)
{
    (void)state;
    expect_class(OCTET_HOST, host);
    expect_class(OCTET_PATH, path);
}

/* RFC 9110 8.8.3 */
static void entity_tags_hold_all_but_quotes_and_blanks(void **state)
{
    (void)state;
    expect_class(OCTET_ETAG, etagc);
}

static void the_end_of_a_value_is_found_at_every_place_and_for_every_byte(void **state)
{
    (void)state;
    char bytes[32];
    for (size_t at = 0; at < sizeof bytes; at++) {
        for (int c = 0; c < 256; c++) {
            memset(bytes, 'x', sizeof bytes);
            bytes[at] = (char)c;
            const char *end = octet_value_end(bytes, bytes + sizeof bytes);
            assert_int_equal(end - bytes, field_vchar(c) ? sizeof bytes : at);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_letters_digits_and_fifteen_marks),
        cmocka_unit_test(values_are_all_but_control_bytes),
        cmocka_unit_test(targets_have_no_space_and_no_fragment),
        cmocka_unit_test(hosts_and_paths_are_as_in_rfc_3986),
        cmocka_unit_test(entity_tags_hold_all_but_quotes_and_blanks),
        cmocka_unit_test(the_end_of_a_value_is_found_at_every_place_and_for_every_byte),
    };
    return cmocka_run_group_tests_name("http/octet", tests, NULL, NULL);
}
