/* segments/record.c: what is packed comes back, and nothing else is believed. */
#include "segments/record.h"

#include "edge/base/buf.h"
#include "segments/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct record_reply good_reply(void)
{
    return (struct record_reply){.job = 7, .err = ERR_NONE, .packets = 1000, .payload = 4096};
}

static void request_comes_back(void **state)
{
    (void)state;
    unsigned char bytes[RECORD_REQUEST];
    struct record_request in = {RECORD_INDEX, UINT64_MAX, UINT64_C(1) << 62, 0}, out;
    record_pack_request(&in, bytes);
    assert_int_equal(record_unpack_request(bytes, &out), ERR_NONE);
    assert_int_equal(out.op, RECORD_INDEX);
    assert_true(out.job == UINT64_MAX && out.size == UINT64_C(1) << 62);
}

static void an_order_goes_with_a_request_to_encode(void **state)
{
    (void)state;
    unsigned char bytes[RECORD_REQUEST];
    struct record_request in = {RECORD_ENCODE, 3, 44, ORDER_MAX}, out;
    record_pack_request(&in, bytes);
    assert_int_equal(record_unpack_request(bytes, &out), ERR_NONE);
    assert_true(out.op == RECORD_ENCODE && out.job == 3 && out.size == 44);
    assert_int_equal(out.more, ORDER_MAX);
}

static void request_out_of_limits_is_refused(void **state)
{
    (void)state;
    static const struct record_request BAD[] = {
        {0, 1, 1, 0},
        {3, 1, 1, 0},
        {3, 1, 1, 1},
        {RECORD_INDEX, 0, 1, 0},
        {RECORD_INDEX, 1, (UINT64_C(1) << 62) + 1, 0},
        {RECORD_INDEX, 1, 1, 1},
        {RECORD_ENCODE, 0, 1, 1},
        {RECORD_ENCODE, 1, 1, 0},
        {RECORD_ENCODE, 1, 1, ORDER_MAX + 1},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        unsigned char bytes[RECORD_REQUEST];
        struct record_request out;
        record_pack_request(&BAD[i], bytes);
        assert_int_equal(record_unpack_request(bytes, &out), ERR_SYNTAX);
    }
}

static void other_magic_or_version_is_refused(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 8; at++) {
        unsigned char request[RECORD_REQUEST], reply[RECORD_REPLY];
        struct record_request q;
        struct record_reply a = good_reply();
        record_pack_request(&(struct record_request){RECORD_INDEX, 7, 1, 0}, request);
        record_pack_reply(&a, reply);
        request[at] ^= 1;
        reply[at] ^= 1;
        assert_int_equal(record_unpack_request(request, &q), ERR_SYNTAX);
        assert_int_equal(record_unpack_reply(reply, 7, &a), ERR_SYNTAX);
    }
}

static void each_error_comes_back(void **state)
{
    (void)state;
    static const enum err ERRORS[] = {ERR_MEDIA, ERR_UNSUPPORTED, ERR_CANCELLED, ERR_NOMEM, ERR_IO};
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++) {
        unsigned char bytes[RECORD_REPLY];
        struct record_reply in = {.job = 1, .err = ERRORS[i], .why = "because"}, out;
        record_pack_reply(&in, bytes);
        assert_int_equal(record_unpack_reply(bytes, 1, &out), ERR_NONE);
        assert_int_equal(out.err, ERRORS[i]);
        assert_string_equal(out.why, "because");
    }
}

static void an_error_without_a_number_becomes_system(void **state)
{
    (void)state;
    unsigned char bytes[RECORD_REPLY];
    struct record_reply in = {.job = 1, .err = ERR_RANGE}, out;
    record_pack_reply(&in, bytes);
    assert_int_equal(record_unpack_reply(bytes, 1, &out), ERR_NONE);
    assert_int_equal(out.err, ERR_SYSTEM);
}

static void reply_to_another_job_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[RECORD_REPLY];
    struct record_reply in = good_reply(), out;
    record_pack_reply(&in, bytes);
    assert_int_equal(record_unpack_reply(bytes, 7, &out), ERR_NONE);
    assert_int_equal(record_unpack_reply(bytes, 8, &out), ERR_SYNTAX);
}

static void payload_must_fit_the_outcome(void **state)
{
    (void)state;
    static const struct {
        enum err err;
        uint64_t payload;
        enum err want;
    } CASES[] = {
        {ERR_NONE, 0, ERR_SYNTAX},           {ERR_NONE, 1, ERR_NONE},
        {ERR_NONE, BUF_MAX_INDEX, ERR_NONE}, {ERR_NONE, (uint64_t)BUF_MAX_INDEX + 1, ERR_SYNTAX},
        {ERR_NONE, UINT64_MAX, ERR_SYNTAX},  {ERR_MEDIA, 0, ERR_NONE},
        {ERR_MEDIA, 1, ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        unsigned char bytes[RECORD_REPLY];
        struct record_reply in = {.job = 1, .err = CASES[i].err, .payload = CASES[i].payload}, out;
        record_pack_reply(&in, bytes);
        assert_int_equal(record_unpack_reply(bytes, 1, &out), CASES[i].want);
    }
}

static void reason_longer_than_its_room_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[RECORD_REPLY];
    struct record_reply in = {.job = 1, .err = ERR_MEDIA}, out;
    memset(in.why, 'x', RECORD_WHY);
    record_pack_reply(&in, bytes);
    assert_int_equal(record_unpack_reply(bytes, 1, &out), ERR_NONE);
    assert_int_equal(strlen(out.why), RECORD_WHY);
    bytes[12] = RECORD_WHY + 1;
    assert_int_equal(record_unpack_reply(bytes, 1, &out), ERR_SYNTAX);
}

static void reason_arrives_printable(void **state)
{
    (void)state;
    unsigned char bytes[RECORD_REPLY];
    struct record_reply in = {.job = 1, .err = ERR_MEDIA, .why = "a\r\n\x1b[31m\xc3\xa4"}, out;
    record_pack_reply(&in, bytes);
    assert_int_equal(record_unpack_reply(bytes, 1, &out), ERR_NONE);
    assert_string_equal(out.why, "a???[31m??");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_comes_back),
        cmocka_unit_test(an_order_goes_with_a_request_to_encode),
        cmocka_unit_test(request_out_of_limits_is_refused),
        cmocka_unit_test(other_magic_or_version_is_refused),
        cmocka_unit_test(each_error_comes_back),
        cmocka_unit_test(an_error_without_a_number_becomes_system),
        cmocka_unit_test(reply_to_another_job_is_refused),
        cmocka_unit_test(payload_must_fit_the_outcome),
        cmocka_unit_test(reason_longer_than_its_room_is_refused),
        cmocka_unit_test(reason_arrives_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
