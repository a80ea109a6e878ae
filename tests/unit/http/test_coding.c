/* edge/http/coding: what a client wants a playlist in. */
#include "edge/http/coding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static enum coding choose(const char *fields)
{
    char head[1024];
    struct h1_request r;
    const struct h1_limits limits = {sizeof head, sizeof head};
    size_t searched = 0;
    int n = snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    assert_int_equal(h1_parse((struct str){head, (size_t)n}, &limits, false, &searched, &r),
                     ERR_NONE);
    return coding_choose(&r);
}

static void the_coding_that_weighs_most_is_chosen(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        enum coding wanted;
    } cases[] = {
        {"", CODING_NONE},
        {"Accept-Encoding:\r\n", CODING_NONE},
        {"Accept-Encoding: gzip\r\n", CODING_GZIP},
        {"Accept-Encoding: GZIP\r\n", CODING_GZIP},
        {"Accept-Encoding: x-gzip\r\n", CODING_GZIP},
        {"Accept-Encoding: br\r\n", CODING_BROTLI},
        {"Accept-Encoding: gzip, deflate, br, zstd\r\n", CODING_BROTLI},
        {"Accept-Encoding: gzip;q=1.0, br;q=0.9\r\n", CODING_GZIP},
        {"Accept-Encoding: gzip ; q=0.5 , br;Q=0.501\r\n", CODING_BROTLI},
        {"Accept-Encoding: gzip;q=0, br;q=0.000\r\n", CODING_NONE},
        {"Accept-Encoding: *\r\n", CODING_BROTLI},
        {"Accept-Encoding: *;q=0.5, br;q=0\r\n", CODING_GZIP},
        {"Accept-Encoding: *;q=0\r\n", CODING_NONE},
        {"Accept-Encoding: identity, gzip;q=0.5\r\n", CODING_NONE},
        {"Accept-Encoding: identity;q=0.5, gzip;q=0.5\r\n", CODING_GZIP},
        {"Accept-Encoding: deflate\r\nAccept-Encoding: gzip\r\n", CODING_GZIP},
        /* What cannot be understood counts as unsaid. */
        {"Accept-Encoding: gzip;q=2\r\n", CODING_NONE},
        {"Accept-Encoding: gzip;q=1.5\r\n", CODING_NONE},
        {"Accept-Encoding: gzip;q=0.1234\r\n", CODING_NONE},
        {"Accept-Encoding: gzip;level=9\r\n", CODING_NONE},
        {"Accept-Encoding: gzip br\r\n", CODING_NONE},
        {"Accept-Encoding: ,;,gzipx\r\n", CODING_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (choose(cases[i].fields) != cases[i].wanted)
            fail_msg("%s gives %d", cases[i].fields, (int)choose(cases[i].fields));
}

static void codings_have_their_registered_names(void **state)
{
    (void)state;
    assert_null(coding_name(CODING_NONE));
    assert_string_equal(coding_name(CODING_GZIP), "gzip");
    assert_string_equal(coding_name(CODING_BROTLI), "br");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_coding_that_weighs_most_is_chosen),
        cmocka_unit_test(codings_have_their_registered_names),
    };
    return cmocka_run_group_tests_name("http/coding", tests, NULL, NULL);
}
