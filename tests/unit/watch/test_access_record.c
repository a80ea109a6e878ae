/* edge/watch/access_record: an entry comes out as it went in, cut to its ceilings. */
#include "edge/watch/access_record.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In memory of exactly its size, so that a sanitizer sees a byte too many. The caller frees. */
static void *packed(const struct access_entry *e)
{
    void *record = malloc(access_record_size(e));
    assert_non_null(record);
    access_record_pack(record, e);
    return record;
}

static void expect_str(struct str a, struct str b) { assert_true(str_eq(a, b)); }

static void an_entry_comes_out_as_it_went_in(void **state)
{
    (void)state;
    struct sockaddr_in client = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    struct access_entry in = {
        .when_ns = 1,
        .duration_ns = UINT64_MAX,
        .wait_ns = 3,
        .bytes = 1ULL << 40,
        .client = (const struct sockaddr *)&client,
        .method = STR("GET"),
        .target = STR("/a"),
        .version = STR("HTTP/1.1"),
        .referer = STR("r"),
        .user_agent = STR("mpv"),
        .range = STR("bytes=0-"),
        .cache = STR("hit"),
        .status = 206,
        .close = CLOSE_HANGUP,
        .aborted = true,
    };
    void *record = packed(&in);
    struct access_entry out = access_record_unpack(record);
    assert_int_equal(out.when_ns, in.when_ns);
    assert_int_equal(out.duration_ns, in.duration_ns);
    assert_int_equal(out.wait_ns, in.wait_ns);
    assert_int_equal(out.bytes, in.bytes);
    assert_int_equal(out.status, 206);
    assert_int_equal(out.close, CLOSE_HANGUP);
    assert_true(out.aborted);
    assert_memory_equal(out.client, &client, sizeof client);
    expect_str(out.method, in.method);
    expect_str(out.target, in.target);
    expect_str(out.version, in.version);
    expect_str(out.referer, in.referer);
    expect_str(out.user_agent, in.user_agent);
    expect_str(out.range, in.range);
    expect_str(out.cache, in.cache);
    free(record);
}

static void what_is_not_there_stays_away(void **state)
{
    (void)state;
    struct access_entry in = {.status = 400, .close = CLOSE_COUNT};
    void *record = packed(&in);
    struct access_entry out = access_record_unpack(record);
    assert_null(out.client);
    assert_int_equal(out.close, CLOSE_COUNT);
    assert_int_equal(out.method.n + out.target.n + out.version.n + out.referer.n, 0);
    assert_int_equal(out.user_agent.n + out.range.n + out.cache.n, 0);
    free(record);
}

static void an_ipv6_client_is_kept_and_a_local_one_is_none(void **state)
{
    (void)state;
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr local = {.sa_family = AF_UNIX};
    struct access_entry in = {.client = (const struct sockaddr *)&v6};
    void *record = packed(&in);
    assert_memory_equal(access_record_unpack(record).client, &v6, sizeof v6);
    free(record);
    in.client = &local;
    record = packed(&in);
    assert_null(access_record_unpack(record).client);
    free(record);
}

static void a_long_field_is_cut_and_the_next_is_not_touched(void **state)
{
    (void)state;
    static char a[100000];
    memset(a, 'a', sizeof a);
    struct str all = {a, sizeof a};
    struct access_entry in = {.method = all,
                              .target = all,
                              .version = all,
                              .referer = all,
                              .user_agent = all,
                              .range = all,
                              .cache = STR("miss")};
    void *record = packed(&in);
    struct access_entry out = access_record_unpack(record);
    assert_int_equal(out.method.n, ACCESS_MAX_METHOD);
    assert_int_equal(out.target.n, ACCESS_MAX_TARGET);
    assert_int_equal(out.version.n, ACCESS_MAX_VERSION);
    assert_int_equal(out.referer.n, ACCESS_MAX_REFERER);
    assert_int_equal(out.user_agent.n, ACCESS_MAX_AGENT);
    assert_int_equal(out.range.n, ACCESS_MAX_RANGE);
    expect_str(out.cache, STR("miss"));
    free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_comes_out_as_it_went_in),
        cmocka_unit_test(what_is_not_there_stays_away),
        cmocka_unit_test(an_ipv6_client_is_kept_and_a_local_one_is_none),
        cmocka_unit_test(a_long_field_is_cut_and_the_next_is_not_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
