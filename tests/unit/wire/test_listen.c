/* edge/wire/listen: binding, accepting, and what happens when descriptors run out. */
#include "edge/wire/listen.h"

#include "tests/unit/loop/turn.h"
#include "tests/unit/wire/sockets.h"

#include <netinet/tcp.h>
#include <sys/resource.h>

enum { CLIENTS = 100 };

static struct loop *loop;
static struct timers *timers;
static struct listener *listener;
static uint16_t port;
static int accepted[CLIENTS];
static unsigned accepted_count, pauses, stop_at;

static int open_on(const char *host, const char *service, char bound[ADDRESS_TEXT_MAX + 8])
{
    int fd;
    char why[256];
    enum err e = listen_open(host, service, &fd, bound, why);
    if (e)
        fail_msg("%s", why);
    return fd;
}

static void on_accepted(void *arg, int fd, const struct address *peer)
{
    int on = 0;
    socklen_t n = sizeof on;
    char text[ADDRESS_TEXT_MAX];
    assert_ptr_equal(arg, &accepted);
    assert_string_equal(address_text(peer, text), "127.0.0.1");
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &n), 0);
    assert_int_equal(on, 1);
    accepted[accepted_count++] = fd;
    if (accepted_count == stop_at)
        loop_stop(loop);
}

static void on_paused(void *arg)
{
    assert_ptr_equal(arg, &accepted);
    pauses++;
    if (stop_at == 0)
        loop_stop(loop);
}

static int begin(void **state)
{
    (void)state;
    char bound[ADDRESS_TEXT_MAX + 8];
    loop = turn_loop();
    assert_int_equal(timers_new(loop, &timers), ERR_NONE);
    int fd = open_on("127.0.0.1", "0", bound);
    port = (uint16_t)strtoul(strchr(bound, ':') + 1, NULL, 10);
    struct listen_opts opts = {loop, timers, on_accepted, on_paused, &accepted};
    assert_int_equal(listen_start(fd, &opts, &listener), ERR_NONE);
    accepted_count = pauses = stop_at = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < accepted_count; i++)
        close(accepted[i]);
    listen_free(listener);
    listen_free(NULL);
    timers_free(timers);
    loop_free(loop);
    return 0;
}

static int client(void)
{
    struct sockaddr_in at = sockets_loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* Binding */

static void the_bound_address_is_said_as_it_is_typed(void **state)
{
    static const struct {
        const char *host, *start;
    } cases[] = {{"127.0.0.1", "127.0.0.1:"}, {"localhost", NULL}, {"::1", "[::1]:"}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        int fd;
        char bound[ADDRESS_TEXT_MAX + 8], why[256];
        if (listen_open(cases[i].host, "0", &fd, bound, why))
            continue; /* a machine without IPv6 */
        assert_true(strlen(bound) > 4 && !strstr(bound, ":0:") && bound[strlen(bound) - 1] != ':');
        if (cases[i].start)
            assert_memory_equal(bound, cases[i].start, strlen(cases[i].start));
        close(fd);
    }
}

static void two_colons_are_every_address_of_ipv4_too(void **state)
{
    (void)state;
    int fd;
    char bound[ADDRESS_TEXT_MAX + 8], why[256];
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    if (listen_open("::", "0", &fd, bound, why))
        skip(); /* a machine without IPv6 */
    assert_memory_equal(bound, "[::]:", 5);
    port = (uint16_t)strtoul(bound + 5, NULL, 10);
    close(client());
    at.sin6_port = htons(port);
    int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(six, (struct sockaddr *)&at, sizeof at), 0);
    close(six);
    close(fd);
}

static void workers_share_one_port(void **state)
{
    (void)state;
    char bound[ADDRESS_TEXT_MAX + 8], again[ADDRESS_TEXT_MAX + 8], number[8];
    int a = open_on("127.0.0.1", "0", bound);
    snprintf(number, sizeof number, "%s", strchr(bound, ':') + 1);
    int b = open_on("127.0.0.1", number, again);
    assert_string_equal(bound, again);
    close(a);
    close(b);
}

static void what_cannot_be_had_is_said_with_its_reason(void **state)
{
    (void)state;
    int fd, other = socket(AF_INET, SOCK_STREAM, 0);
    char bound[ADDRESS_TEXT_MAX + 8], why[256], number[8], want[64];
    struct sockaddr_in at = sockets_loopback(0);
    socklen_t n = sizeof at;
    assert_int_equal(bind(other, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(other, 1), 0);
    assert_int_equal(getsockname(other, (struct sockaddr *)&at, &n), 0);
    snprintf(number, sizeof number, "%u", ntohs(at.sin_port));
    assert_int_equal(listen_open("127.0.0.1", number, &fd, bound, why), ERR_CONFIG);
    snprintf(want, sizeof want, "127.0.0.1:%s: Address already in use", number);
    assert_non_null(strstr(why, want));
    assert_int_equal(listen_open("192.0.2.1", "0", &fd, bound, why), ERR_CONFIG);
    assert_int_equal(listen_open("127.0.0.1", "no-such-service", &fd, bound, why), ERR_CONFIG);
    close(other);
}

/* Accepting */

static void every_connection_is_handed_over(void **state)
{
    (void)state;
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = client(); /* more than one turn takes */
    stop_at = CLIENTS;
    loop_run(loop);
    assert_int_equal(accepted_count, CLIENTS);
    assert_int_equal(pauses, 0);
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
}

static void a_turn_takes_a_bounded_number(void **state)
{
    (void)state;
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = client();
    turn_once(loop);
    assert_in_range(accepted_count, 1, CLIENTS - 1);
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
}

static struct rlimit kept;

static void take_descriptors_away(void)
{
    struct rlimit none;
    int next = dup(0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &kept), 0);
    none = kept;
    none.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static void give_descriptors_back(void) { assert_int_equal(setrlimit(RLIMIT_NOFILE, &kept), 0); }

static void without_descriptors_it_pauses_until_one_is_given_back(void **state)
{
    (void)state;
    int c = client();
    take_descriptors_away();
    loop_run(loop); /* stopped by the pause */
    assert_int_equal(pauses, 1);
    for (int i = 0; i < 5; i++)
        turn_once(loop); /* it does not try again at once, which would be spinning */
    assert_int_equal(pauses, 1);
    give_descriptors_back();
    listen_resume(listener);
    listen_resume(listener);
    stop_at = 1;
    loop_run(loop);
    assert_int_equal(accepted_count, 1);
    close(c);
}

static void the_pause_ends_by_itself(void **state)
{
    (void)state;
    int c = client();
    take_descriptors_away();
    loop_run(loop);
    loop_run(loop); /* tries once more after a while, and pauses again */
    assert_int_equal(pauses, 2);
    give_descriptors_back();
    stop_at = 1;
    loop_run(loop);
    assert_int_equal(accepted_count, 1);
    close(c);
}

static void draining_takes_what_waits_and_then_nothing(void **state)
{
    (void)state;
    int a = client(), b = client();
    listen_drain(listener);
    assert_int_equal(accepted_count, 2);
    struct sockaddr_in at = sockets_loopback(port);
    int c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(c, (struct sockaddr *)&at, sizeof at), -1);
    listen_drain(listener);
    listen_resume(listener);
    turn_once(loop);
    assert_int_equal(accepted_count, 2);
    close(a);
    close(b);
    close(c);
}

static void draining_while_paused_ends_too(void **state)
{
    (void)state;
    int c = client();
    take_descriptors_away();
    loop_run(loop);
    listen_drain(listener);
    give_descriptors_back();
    turn_once(loop);
    assert_int_equal(accepted_count, 0);
    close(c);
}

#define LISTENING(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LISTENING(the_bound_address_is_said_as_it_is_typed),
        LISTENING(two_colons_are_every_address_of_ipv4_too),
        LISTENING(workers_share_one_port),
        LISTENING(what_cannot_be_had_is_said_with_its_reason),
        LISTENING(every_connection_is_handed_over),
        LISTENING(a_turn_takes_a_bounded_number),
        LISTENING(without_descriptors_it_pauses_until_one_is_given_back),
        LISTENING(the_pause_ends_by_itself),
        LISTENING(draining_takes_what_waits_and_then_nothing),
        LISTENING(draining_while_paused_ends_too),
    };
    return cmocka_run_group_tests(tests, turn_setup, NULL);
}
