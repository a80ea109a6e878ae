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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_read_and_compared),
        cmocka_unit_test(globs_match_runs_and_single_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
