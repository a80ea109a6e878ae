/* edge/guard/policy: what a credential allows: networks, globs, paths, times. */
#include "edge/guard/policy.h"

#include "tests/unit/guard/kit.h"

static void networks_are_read_and_compared(void **state)
{
    (void)state;
    uint8_t net[16], ip[16];
    unsigned bits, all;
    assert_true(policy_network(STR("127.0.0.0/8"), net, &bits));
    assert_true(policy_within(client, net, bits));
    assert_true(policy_network(STR("10.0.0.0/8"), net, &bits));
    assert_false(policy_within(client, net, bits));
    assert_true(policy_network(STR("2001:db8::/33"), net, &bits));
    assert_true(policy_network(STR("2001:db8:7fff::1"), ip, &all));
    assert_true(policy_within(ip, net, bits));
    assert_true(policy_network(STR("2001:db8:8000::1"), ip, &all));
    assert_false(policy_within(ip, net, bits));
    assert_true(policy_network(STR("::ffff:127.0.0.1"), ip, &all));
    assert_memory_equal(ip, client, 16);
    assert_true(policy_network(STR("::/0"), net, &bits));
    assert_true(policy_within(client, net, bits));
    const char *wrong[] = {"",         "1.2.3",  "1.2.3.256", "01.2.3.4",          "1.2.3.4/33",
                           ":::",      "1:2",    "::/129",    "1:2:3:4:5:6:7:8:9", "g::",
                           "1.2.3.4x", "1::2::3"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(policy_network(str_of(wrong[i]), net, &bits));
}

static void globs_match_runs_and_single_bytes(void **state)
{
    (void)state;
    assert_true(policy_glob(STR("/a/*"), STR("/a/b/c")));
    assert_true(policy_glob(STR("*.mp3"), STR("/a.mp3.mp3")));
    assert_true(policy_glob(STR("/?/b"), STR("/a/b")));
    assert_false(policy_glob(STR("/a/*b"), STR("/a/bc")));
    assert_false(policy_glob(STR(""), STR("/")));
    assert_true(policy_glob(STR("**"), STR("")));
}

static void prefixes_end_at_components(void **state)
{
    (void)state;
    assert_true(policy_below(STR("/a/b"), STR("/a")));
    assert_true(policy_below(STR("/a/b"), STR("/a/")));
    assert_true(policy_below(STR("/a"), STR("/a")));
    assert_true(policy_below(STR("/a"), STR("/")));
    assert_false(policy_below(STR("/ab"), STR("/a")));
    assert_false(policy_below(STR("/a"), STR("/a/")));
    assert_false(policy_below(STR("/"), STR("/a")));
}

/* One policy, one request that it allows, and each way in which it would not. */

static const struct guard_key key = {
    .prefix_count = 1, .longest = 1000, .prefixes = {{.text = "/audio/", .n = 7}}};

static struct policy a_policy(void)
{
    return (struct policy){.key = &key,
                           .not_before = 100,
                           .expires = 200,
                           .methods = METHOD_BIT_GET,
                           .rule = PATH_EXACT,
                           .path = STR("/audio/a"),
                           .subject = STR("/audio/a")};
}

static enum deny decide(const struct policy *p, int64_t now)
{
    struct policy_asked asked = {
        .path = STR("/audio/a"), .method = METHOD_BIT_GET, .client = client, .now = now};
    return policy_decide(p, &asked);
}

static void a_policy_holds_to_its_times(void **state)
{
    (void)state;
    struct policy p = a_policy();
    assert_int_equal(decide(&p, 99), DENY_NOT_YET);
    assert_int_equal(decide(&p, 100), DENY_NONE);
    assert_int_equal(decide(&p, 200), DENY_NONE);
    assert_int_equal(decide(&p, 201), DENY_EXPIRED);
    p.expires = 1100;
    assert_int_equal(decide(&p, 100), DENY_NONE);
    p.expires = 1101;
    assert_int_equal(decide(&p, 100), DENY_MALFORMED); /* longer than the key may sign for */
    p.own = true;
    assert_int_equal(decide(&p, 100), DENY_NONE);
    struct policy_asked asked = {.path = STR("/audio/a"),
                                 .method = METHOD_BIT_GET,
                                 .client = client,
                                 .now = 100,
                                 .max_expires = 500};
    p.own = false;
    p.expires = 601;
    assert_int_equal(policy_decide(&p, &asked), DENY_MALFORMED);
    p.expires = 600;
    assert_int_equal(policy_decide(&p, &asked), DENY_NONE);
}

static void a_policy_holds_to_its_path_method_and_network(void **state)
{
    (void)state;
    struct policy p = a_policy();
    p.path = STR("/audio/b");
    assert_int_equal(decide(&p, 100), DENY_WRONG_PATH);
    p.rule = PATH_GLOB;
    p.path = STR("/audio/?");
    assert_int_equal(decide(&p, 100), DENY_NONE);
    p.path = STR("/x!/audio/?");
    assert_int_equal(decide(&p, 100), DENY_WRONG_PATH);
    p.list = true;
    assert_int_equal(decide(&p, 100), DENY_NONE);
    p.rule = PATH_PREFIX;
    p.path = STR("/audio");
    assert_int_equal(decide(&p, 100), DENY_NONE);
    p.methods = METHOD_BIT_HEAD;
    assert_int_equal(decide(&p, 100), DENY_WRONG_PATH);
    p = a_policy();
    p.bound = true;
    assert_true(policy_network(STR("127.0.0.0/8"), p.network, &p.bits));
    assert_int_equal(decide(&p, 100), DENY_NONE);
    assert_true(policy_network(STR("10.0.0.0/8"), p.network, &p.bits));
    assert_int_equal(decide(&p, 100), DENY_WRONG_CLIENT);
    struct guard_key other = key;
    memcpy(other.prefixes[0].text, "/other/", 7);
    p = a_policy();
    p.key = &other;
    assert_int_equal(decide(&p, 100), DENY_WRONG_PATH);
}

static void every_denial_has_its_text(void **state)
{
    (void)state;
    for (unsigned d = DENY_NONE + 1; d < DENY_COUNT; d++)
        for (unsigned e = DENY_NONE + 1; e < d; e++)
            assert_string_not_equal(deny_text((enum deny)d), deny_text((enum deny)e));
    assert_string_equal(deny_text(DENY_EXPIRED), "expired");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_read_and_compared),
        cmocka_unit_test(globs_match_runs_and_single_bytes),
        cmocka_unit_test(prefixes_end_at_components),
        cmocka_unit_test(a_policy_holds_to_its_times),
        cmocka_unit_test(a_policy_holds_to_its_path_method_and_network),
        cmocka_unit_test(every_denial_has_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
