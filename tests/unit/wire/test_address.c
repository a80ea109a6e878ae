/* edge/wire/address: 18 bytes, text, and back. */
#include "edge/wire/address.h"

#include "tests/unit/wire/sockets.h"

static struct address parse(const char *text, uint16_t port)
{
    struct sockaddr_storage ss = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&ss;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        ss.ss_family = AF_INET;
        in->sin_port = htons(port);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
        ss.ss_family = AF_INET6;
        in6->sin6_port = htons(port);
    }
    return address_of((struct sockaddr *)&ss);
}

static void addresses_are_written_as_people_write_them(void **state)
{
    static const struct {
        const char *in, *out;
        bool v4;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"0.0.0.0", "0.0.0.0", true},
        {"2001:db8:0:0::1", "2001:db8::1", false},
        {"::1", "::1", false},
        {"::", "::", false},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[ADDRESS_TEXT_MAX];
        struct address a = parse(cases[i].in, 8080);
        assert_string_equal(address_text(&a, text), cases[i].out);
        assert_int_equal(address_is_v4(&a), cases[i].v4);
        assert_int_equal(a.port, 8080);
    }
}

static void back_as_a_socket_address_it_is_the_same(void **state)
{
    static const char *const cases[] = {"192.0.2.1", "2001:db8::1", "::1"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct sockaddr_storage ss;
        struct address a = parse(cases[i], 65535);
        address_sockaddr(&a, &ss);
        assert_int_equal(ss.ss_family, i ? AF_INET6 : AF_INET);
        struct address b = address_of((struct sockaddr *)&ss);
        assert_memory_equal(a.ip, b.ip, sizeof a.ip);
        assert_int_equal(b.port, 65535);
    }
}

static void another_family_is_nobody(void **state)
{
    (void)state;
    struct sockaddr sa = {.sa_family = AF_UNIX};
    struct address a = address_of(&sa);
    char text[ADDRESS_TEXT_MAX];
    assert_string_equal(address_text(&a, text), "::");
    assert_int_equal(a.port, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_written_as_people_write_them),
        cmocka_unit_test(back_as_a_socket_address_it_is_the_same),
        cmocka_unit_test(another_family_is_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
