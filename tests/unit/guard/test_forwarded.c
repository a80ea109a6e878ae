/* Who the client is behind trusted proxies, and that nobody else can say so. */
#include "edge/guard/forwarded.h"

#include "edge/guard/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static struct network network(const char *text)
{
    struct network n;
    assert_true(policy_network(str_of(text), n.address, &n.bits));
    return n;
}

/* The peer is 10.0.0.1, a trusted proxy; so are all of 10/8 and of 2001:db8::/32. */
static void expect(const char *xff, const char *rfc7239, const char *client)
{
    const struct network list[] = {network("10.0.0.0/8"), network("2001:db8::/32")};
    const struct networks trusted = {list, 2};
    struct network peer = network("10.0.0.1"), wanted = network(client);
    struct forwarded f = {.trusted = &trusted};
    memcpy(f.client, peer.address, 16);
    if (xff)
        forwarded_for(&f, str_of(xff));
    if (rfc7239)
        forwarded_rfc7239(&f, str_of(rfc7239));
    assert_memory_equal(f.client, wanted.address, 16);
}

static void the_first_that_is_not_trusted_from_the_right_is_the_client(void **state)
{
    (void)state;
    expect("192.0.2.1", NULL, "192.0.2.1");
    expect("6.6.6.6, 192.0.2.1", NULL, "192.0.2.1");
    expect("6.6.6.6, 192.0.2.1,10.1.1.1 , 10.2.2.2", NULL, "192.0.2.1");
    expect("192.0.2.1, 2001:db8::7", NULL, "192.0.2.1");
    expect("10.3.3.3, 10.2.2.2", NULL, "10.3.3.3");
    expect("192.0.2.1:1234", NULL, "192.0.2.1");
    expect("2001:dead::1", NULL, "2001:dead::1");
    expect("[2001:dead::1]:80", NULL, "2001:dead::1");
}

static void what_cannot_be_read_ends_the_list(void **state)
{
    (void)state;
    expect("", NULL, "10.0.0.1");
    expect("unknown", NULL, "10.0.0.1");
    expect("192.0.2.1, unknown", NULL, "10.0.0.1");
    expect("192.0.2.1, x, 10.2.2.2", NULL, "10.2.2.2");
    expect("192.0.2.0/24", NULL, "10.0.0.1");
    expect("192.0.2.1,", NULL, "10.0.0.1");
    expect("[192.0.2.1", NULL, "10.0.0.1");
    expect("[2001:dead::1]x", NULL, "10.0.0.1");
}

static void the_standard_form_says_the_same(void **state)
{
    (void)state;
    expect(NULL, "for=192.0.2.1", "192.0.2.1");
    expect(NULL, "For=\"[2001:dead::1]:47011\";proto=https", "2001:dead::1");
    expect(NULL, "for=6.6.6.6, for=192.0.2.1;by=10.0.0.1, for=10.2.2.2", "192.0.2.1");
    expect(NULL, "for=_hidden", "10.0.0.1");
    expect(NULL, "by=192.0.2.1", "10.0.0.1");
    expect(NULL, "for=192.0.2.1;for=192.0.2.2", "10.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_is_not_trusted_from_the_right_is_the_client),
        cmocka_unit_test(what_cannot_be_read_ends_the_list),
        cmocka_unit_test(the_standard_form_says_the_same),
    };
    return cmocka_run_group_tests_name("guard/forwarded", tests, NULL, NULL);
}
