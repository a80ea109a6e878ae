/* edge/store/redis_words: commands as bytes, and replies out of bytes that anybody may have sent.
 */
#include "edge/store/redis_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void a_command_is_an_array_of_its_words(void **state)
{
    (void)state;
    struct buf b;
    struct str words[3] = {STR("SET"), {"k\0y", 3}, {NULL, 0}};
    static const char expected[] = "*3\r\n$3\r\nSET\r\n$3\r\nk\0y\r\n$0\r\n\r\n";
    buf_init(&b, REDIS_OUT_MAX);
    assert_int_equal(redis_command(&b, words, 3), ERR_NONE);
    assert_int_equal(b.len, sizeof expected - 1);
    assert_memory_equal(b.data, expected, b.len);
    assert_int_equal(redis_command(&b, words, 1), ERR_NONE); /* behind it */
    assert_memory_equal(b.data + sizeof expected - 1, "*1\r\n$3\r\nSET\r\n", 13);
    buf_fini(&b);
}

static void more_than_may_wait_is_not_taken_at_all(void **state)
{
    (void)state;
    struct buf b;
    char *large = calloc(1, REDIS_OUT_MAX);
    struct str words[2] = {STR("SET"), {large, REDIS_OUT_MAX - 100}};
    buf_init(&b, REDIS_OUT_MAX);
    assert_int_equal(redis_command(&b, words, 2), ERR_NONE);
    size_t before = b.len;
    words[1].n = 200;
    assert_int_equal(redis_command(&b, words, 2), ERR_BUSY);
    assert_int_equal(b.len, before);
    assert_int_equal(buf_status(&b), ERR_NONE);
    buf_fini(&b);
    free(large);
}

/* Feeds `bytes` in pieces of `at_once`; the answer is what came of asking after the last one. */
static enum err read_it(struct redis_reader *r, struct str bytes, size_t at_once,
                        struct redis_reply *out)
{
    enum err e = ERR_AGAIN;
    while (bytes.n && e == ERR_AGAIN) {
        size_t n = bytes.n < at_once ? bytes.n : at_once;
        assert_int_equal(redis_reader_feed(r, bytes.p, n), ERR_NONE);
        bytes = str_from(bytes, n);
        e = redis_reader_next(r, out);
    }
    return e;
}

static void replies_are_read_however_they_come(void **state)
{
    static const struct {
        const char *bytes, *value;
        enum redis_kind kind;
    } cases[] = {
        {"+PONG\r\n", "PONG", REDIS_STATUS},
        {"-ERR no\r\n", "ERR no", REDIS_REFUSED},
        {"$5\r\nhello\r\n", "hello", REDIS_BYTES},
        {"$0\r\n\r\n", "", REDIS_BYTES},
        {"$-1\r\n", "", REDIS_NIL},
        {":42\r\n", "", REDIS_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t at_once = 1; at_once < 12; at_once++) {
            struct redis_reader *r = redis_reader_new(false);
            struct redis_reply reply;
            assert_int_equal(read_it(r, str_of(cases[i].bytes), at_once, &reply), ERR_NONE);
            assert_int_equal(reply.kind, cases[i].kind);
            assert_true(str_eq(reply.bytes, str_of(cases[i].value)));
            assert_int_equal(redis_reader_next(r, &reply), ERR_AGAIN);
            redis_reader_free(r);
        }
    redis_reader_free(NULL);
}

static void replies_come_one_after_the_other(void **state)
{
    (void)state;
    struct redis_reader *r = redis_reader_new(false);
    struct redis_reply reply;
    struct str bytes = STR("+a\r\n$1\r\nb\r\n:3\r\n$2\r\nc");
    assert_int_equal(redis_reader_feed(r, bytes.p, bytes.n), ERR_NONE);
    assert_int_equal(redis_reader_next(r, &reply), ERR_NONE);
    assert_true(str_eq(reply.bytes, STR("a")));
    assert_int_equal(redis_reader_next(r, &reply), ERR_NONE);
    assert_true(str_eq(reply.bytes, STR("b")));
    assert_int_equal(redis_reader_next(r, &reply), ERR_NONE);
    assert_int_equal(reply.kind, REDIS_OTHER);
    assert_int_equal(redis_reader_next(r, &reply), ERR_AGAIN);
    assert_int_equal(redis_reader_feed(r, "d\r\n", 3), ERR_NONE);
    assert_int_equal(redis_reader_next(r, &reply), ERR_NONE);
    assert_true(str_eq(reply.bytes, STR("cd")));
    redis_reader_free(r);
}

/* Refused before anything is made of it: an array of 2^31 elements is gigabytes. */
static void what_is_no_answer_of_redis_is_refused(void **state)
{
    static const char *const lies[] = {
        "*2147483647\r\n",
        "*1\r\n$1\r\nx\r\n",
        "HTTP/1.1 400 Bad Request\r\n",
        "%1\r\n+a\r\n+b\r\n",
        "~1\r\n",
        "\r\n",
        "$-2\r\n",
        "\x16\x03\x01",
        "$99999999999999999999\r\n",
        "$x\r\n",
        ":x\r\n",
        "_\r\n",
        "#t\r\n",
        "(1\r\n",
        "=1\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        for (size_t at_once = 1; at_once < 40; at_once += 19) {
            struct redis_reader *r = redis_reader_new(false);
            struct redis_reply reply;
            if (read_it(r, str_of(lies[i]), at_once, &reply) != ERR_SYNTAX)
                fail_msg("taken: %s", lies[i]);
            redis_reader_free(r);
        }
}

static void what_is_too_long_is_not_waited_for(void **state)
{
    (void)state;
    struct redis_reader *r = redis_reader_new(false);
    struct redis_reply reply;
    char *bytes = calloc(1, REDIS_READ);
    enum err e = ERR_AGAIN;
    size_t fed = 0;
    assert_int_equal(redis_reader_feed(r, "$500000000\r\n", 12), ERR_NONE);
    while (e == ERR_AGAIN && fed < 4 * REDIS_REPLY_MAX) {
        assert_int_equal(redis_reader_feed(r, bytes, REDIS_READ), ERR_NONE);
        fed += REDIS_READ;
        e = redis_reader_next(r, &reply);
    }
    assert_int_equal(e, ERR_TOO_BIG);
    assert_true(fed <= REDIS_REPLY_MAX + REDIS_READ);
    free(bytes);
    redis_reader_free(r);
}

static void who_subscribes_hears_messages(void **state)
{
    static const char message[] = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n";
    static const char answer[] = "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n";
    (void)state;
    for (size_t at_once = 1; at_once < 40; at_once++) {
        struct redis_reader *r = redis_reader_new(true);
        struct redis_reply reply;
        assert_int_equal(read_it(r, str_of(answer), at_once, &reply), ERR_NONE);
        assert_int_equal(reply.kind, REDIS_OTHER);
        assert_int_equal(read_it(r, str_of(message), at_once, &reply), ERR_NONE);
        assert_int_equal(reply.kind, REDIS_MESSAGE);
        assert_true(str_eq(reply.bytes, STR("hi")));
        redis_reader_free(r);
    }
    struct redis_reader *r = redis_reader_new(true);
    struct redis_reply reply;
    assert_int_equal(read_it(r, STR("*2147483647\r\n"), 3, &reply), ERR_SYNTAX);
    redis_reader_free(r);
    r = redis_reader_new(false); /* nobody has subscribed */
    assert_int_equal(read_it(r, str_of(message), 100, &reply), ERR_SYNTAX);
    redis_reader_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_an_array_of_its_words),
        cmocka_unit_test(more_than_may_wait_is_not_taken_at_all),
        cmocka_unit_test(replies_are_read_however_they_come),
        cmocka_unit_test(replies_come_one_after_the_other),
        cmocka_unit_test(what_is_no_answer_of_redis_is_refused),
        cmocka_unit_test(what_is_too_long_is_not_waited_for),
        cmocka_unit_test(who_subscribes_hears_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
