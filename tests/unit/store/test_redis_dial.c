/* edge/store/redis_dial: from a URL to a socket that connects. */
#include "edge/store/redis_dial.h"

#include "tests/unit/wire/sockets.h"

#include <poll.h>
#include <sys/un.h>

static struct redis_url url_of(const char *host, const char *port, const char *path)
{
    struct redis_url url = {.database = 0};
    snprintf(url.host, sizeof url.host, "%s", host);
    snprintf(url.port, sizeof url.port, "%s", port);
    snprintf(url.path, sizeof url.path, "%s", path);
    return url;
}

static void what_needs_no_looking_up_is_known_at_once(void **state)
{
    (void)state;
    struct dial d;
    struct redis_url v4 = url_of("127.0.0.1", "6379", ""), v6 = url_of("::1", "6380", ""),
                     un = url_of("", "", "/run/redis.sock"), name = url_of("localhost", "1", "");
    assert_true(dial_numeric(&v4, &d));
    assert_int_equal(d.count, 1);
    struct sockaddr_in in;
    memcpy(&in, &d.at[0], sizeof in);
    assert_int_equal(in.sin_family, AF_INET);
    assert_int_equal(ntohs(in.sin_port), 6379);
    assert_int_equal(ntohl(in.sin_addr.s_addr), INADDR_LOOPBACK);
    assert_true(dial_numeric(&v6, &d));
    assert_int_equal(d.at[0].ss_family, AF_INET6);
    assert_true(dial_numeric(&un, &d));
    struct sockaddr_un at;
    memcpy(&at, &d.at[0], sizeof at);
    assert_string_equal(at.sun_path, "/run/redis.sock");
    assert_false(dial_numeric(&name, &d));
    assert_int_equal(d.count, 0);
}

static void a_name_is_looked_up(void **state)
{
    (void)state;
    struct dial d;
    struct redis_url name = url_of("localhost", "6379", ""),
                     none = url_of("no-such-name.invalid", "6379", "");
    dial_resolve(&name, &d);
    assert_in_range(d.count, 1, DIAL_ADDRESSES);
    dial_resolve(&none, &d);
    assert_int_equal(d.count, 0);
}

static void connected(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int error = 1;
    socklen_t n = sizeof error;
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n), 0);
    assert_int_equal(error, 0);
    close(fd);
}

static void addresses_are_tried_in_turn(void **state)
{
    (void)state;
    struct dial d = {.count = 2};
    int listeners[2];
    for (int i = 0; i < 2; i++) {
        struct sockaddr_in at = sockets_loopback(0);
        socklen_t n = sizeof at;
        listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(listeners[i], (struct sockaddr *)&at, n), 0);
        assert_int_equal(listen(listeners[i], 4), 0);
        assert_int_equal(getsockname(listeners[i], (struct sockaddr *)&at, &n), 0);
        memcpy(&d.at[i], &at, n);
        d.len[i] = n;
    }
    for (int i = 0; i < 4; i++) {
        connected(dial_connect(&d));
        int fd = accept(listeners[i % 2], NULL, NULL); /* the one whose turn it was */
        assert_true(fd >= 0);
        close(fd);
    }
    close(listeners[0]);
    close(listeners[1]);
}

static void where_nothing_listens_there_is_no_socket(void **state)
{
    (void)state;
    struct dial d;
    struct redis_url un = url_of("", "", "/tmp/segue-there-is-nothing-here");
    assert_true(dial_numeric(&un, &d));
    assert_int_equal(dial_connect(&d), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_needs_no_looking_up_is_known_at_once),
        cmocka_unit_test(a_name_is_looked_up),
        cmocka_unit_test(addresses_are_tried_in_turn),
        cmocka_unit_test(where_nothing_listens_there_is_no_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
