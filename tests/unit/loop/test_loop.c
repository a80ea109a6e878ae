/* edge/loop/loop: descriptors and what is to be done later in the turn. */
#include "edge/loop/loop.h"

#include "edge/base/clock.h"
#include "tests/unit/loop/turn.h"

#include <fcntl.h>
#include <sys/socket.h>

static struct loop *loop;
static int pair[2]; /* a socket pair: 0 is watched */

static int new_loop(void **state)
{
    (void)state;
    loop = turn_loop();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    return 0;
}

static int free_loop(void **state)
{
    (void)state;
    loop_free(loop);
    loop_free(NULL);
    close(pair[0]);
    close(pair[1]);
    return 0;
}

/* Tasks */

static char order[16]; /* names of the tasks that ran */
static size_t ran;

struct step {
    struct loop_task task; /* first */
    char name;
    struct step *cancels;
    struct step *queues;
    int again; /* how often it queues itself */
};

static void run_step(struct loop_task *task)
{
    struct step *s = (struct step *)task;
    if (ran < sizeof order - 1) {
        order[ran] = s->name;
        order[ran + 1] = '\0';
    }
    ran++;
    if (s->cancels)
        loop_later_cancel(loop, &s->cancels->task);
    if (s->queues)
        loop_later(loop, &s->queues->task);
    if (s->again-- > 0)
        loop_later(loop, task);
}

static void make_steps(struct step steps[3])
{
    ran = 0;
    order[0] = '\0';
    for (int i = 0; i < 3; i++)
        steps[i] = (struct step){.task = {.run = run_step}, .name = (char)('a' + i)};
}

static void queue_all(struct step steps[3])
{
    for (int i = 0; i < 3; i++)
        loop_later(loop, &steps[i].task);
}

static void tasks_run_once_and_in_order_however_often_queued(void **state)
{
    (void)state;
    struct step s[3];
    make_steps(s);
    queue_all(s);
    queue_all(s);
    loop_later(loop, &s[0].task);
    assert_int_equal(ran, 0);
    turn_once(loop);
    assert_string_equal(order, "abc");
    turn_once(loop);
    assert_int_equal(ran, 3);
}

static void a_task_that_was_cancelled_does_not_run(void **state)
{
    (void)state;
    static const char *const left[] = {"bc", "ac", "ab"};
    for (int i = 0; i < 3; i++) {
        struct step s[3];
        make_steps(s);
        queue_all(s);
        loop_later_cancel(loop, &s[i].task);
        loop_later_cancel(loop, &s[i].task);
        turn_once(loop);
        assert_string_equal(order, left[i]);
    }
}

static void cancelling_the_last_leaves_the_queue_whole(void **state)
{
    (void)state;
    struct step s[3];
    make_steps(s);
    queue_all(s);
    loop_later_cancel(loop, &s[2].task);
    loop_later_cancel(loop, &s[1].task);
    loop_later(loop, &s[2].task);
    turn_once(loop);
    assert_string_equal(order, "ac");
}

static void a_task_may_cancel_another_while_they_run(void **state)
{
    (void)state;
    for (int i = 1; i < 3; i++) {
        struct step s[3];
        make_steps(s);
        s[0].cancels = &s[i];
        queue_all(s);
        turn_once(loop);
        assert_string_equal(order, i == 1 ? "ac" : "ab");
        assert_false(s[i].task.queued);
    }
}

static void a_task_that_is_queued_by_another_has_the_next_turn(void **state)
{
    (void)state;
    struct step s[3];
    make_steps(s);
    s[0].queues = &s[2];
    loop_later(loop, &s[0].task);
    loop_later(loop, &s[1].task);
    turn_once(loop); /* the turn's own end stands behind b, before c */
    assert_string_equal(order, "ab");
    turn_once(loop);
    assert_string_equal(order, "abc");
}

static void free_task(struct loop_task *task)
{
    ran++;
    free(task);
}

static void a_task_may_be_freed_when_it_runs(void **state)
{
    (void)state;
    struct loop_task *task = calloc(1, sizeof *task);
    ran = 0;
    task->run = free_task;
    loop_later(loop, task);
    turn_once(loop);
    assert_int_equal(ran, 1);
}

static void settling_runs_all_that_is_queued_and_what_that_queues(void **state)
{
    (void)state;
    struct step s[3];
    make_steps(s);
    s[1].again = 5;
    s[0].queues = &s[2];
    loop_later(loop, &s[0].task);
    loop_later(loop, &s[1].task);
    loop_settle(loop);
    assert_string_equal(order, "abcbbbbb");
}

/* Descriptors */

struct seen {
    struct loop_io io; /* first */
    unsigned what;
    unsigned times;
    uint64_t now;
    bool stops;
    bool reads;
};

static void on_io(struct loop_io *io, unsigned what)
{
    struct seen *s = (struct seen *)io;
    char bytes[64];
    s->what |= what;
    s->times++;
    s->now = loop_now(loop);
    if (s->reads)
        while (read(pair[0], bytes, sizeof bytes) > 0)
            ;
    if (s->stops)
        loop_stop(loop);
}

static void run_for_ever(struct loop_task *task)
{
    ran++;
    loop_later(loop, task);
}

static void a_task_that_queues_itself_starves_no_descriptor(void **state)
{
    (void)state;
    struct seen seen = {.stops = true};
    struct loop_task task = {.run = run_for_ever};
    ran = 0;
    loop_later(loop, &task);
    assert_int_equal(write(pair[1], "x", 1), 1);
    assert_int_equal(loop_watch_level(loop, &seen.io, pair[0], on_io), ERR_NONE);
    loop_run(loop);
    assert_int_equal(seen.times, 1);
    assert_true(ran < 10);
    loop_later_cancel(loop, &task);
    loop_unwatch(&seen.io);
}

static void edges_are_told_once(void **state)
{
    (void)state;
    struct seen seen = {.stops = false};
    assert_int_equal(loop_watch(loop, &seen.io, pair[0], on_io), ERR_NONE);
    turn_once(loop);
    assert_int_equal(seen.what, LOOP_WRITE);
    seen = (struct seen){seen.io, 0, 0, 0, false, false};
    assert_int_equal(write(pair[1], "x", 1), 1);
    turn_once(loop);
    assert_true(seen.what & LOOP_READ);
    assert_false(seen.what & LOOP_CLOSED);
    unsigned times = seen.times;
    turn_once(loop); /* the byte is still there */
    assert_int_equal(seen.times, times);
    assert_int_equal(write(pair[1], "y", 1), 1);
    turn_once(loop); /* a new one is told */
    assert_int_equal(seen.times, times + 1);
    loop_unwatch(&seen.io);
}

static void a_peer_that_sends_no_more_is_told(void **state)
{
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        struct seen seen = {.stops = false};
        assert_int_equal(loop_watch(loop, &seen.io, pair[0], on_io), ERR_NONE);
        turn_once(loop);
        seen.what = 0;
        assert_int_equal(whole ? close(pair[1]) : shutdown(pair[1], SHUT_WR), 0);
        turn_once(loop);
        assert_true(seen.what & LOOP_CLOSED);
        loop_unwatch(&seen.io);
    }
    pair[1] = -1;
}

static void levels_are_told_until_they_are_read(void **state)
{
    (void)state;
    struct seen seen = {.reads = false};
    assert_int_equal(loop_watch_level(loop, &seen.io, pair[0], on_io), ERR_NONE);
    turn_once(loop);
    assert_int_equal(seen.times, 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    turn_once(loop);
    turn_once(loop);
    assert_int_equal(seen.times, 2);
    assert_int_equal(seen.what, LOOP_READ);
    seen.reads = true;
    turn_once(loop);
    turn_once(loop);
    assert_int_equal(seen.times, 3);
    loop_unwatch(&seen.io);
}

static void unwatched_it_is_silent_and_that_may_be_repeated(void **state)
{
    (void)state;
    struct seen seen = {.stops = true}, never = {.stops = true};
    assert_int_equal(loop_watch(loop, &seen.io, pair[0], on_io), ERR_NONE);
    loop_unwatch(&seen.io);
    loop_unwatch(&seen.io);
    loop_unwatch(&never.io); /* was never watched */
    assert_int_equal(write(pair[1], "x", 1), 1);
    turn_once(loop);
    assert_int_equal(seen.times, 0);
}

static void what_cannot_be_watched_is_an_error(void **state)
{
    (void)state;
    struct seen seen = {.stops = true};
    int closed = fcntl(pair[0], F_DUPFD, 500);
    close(closed);
    assert_int_equal(loop_watch(loop, &seen.io, closed, on_io), ERR_SYSTEM);
}

static void a_callback_sees_the_time_of_its_turn(void **state)
{
    (void)state;
    struct seen seen = {.stops = true};
    uint64_t before = clock_mono();
    assert_int_equal(write(pair[1], "x", 1), 1);
    assert_int_equal(loop_watch_level(loop, &seen.io, pair[0], on_io), ERR_NONE);
    loop_run(loop);
    assert_true(seen.now >= before && seen.now <= clock_mono());
    loop_unwatch(&seen.io);
}

static void the_backend_is_named_and_new_enough(void **state)
{
    (void)state;
    assert_int_equal(strncmp(loop_backend_version(), "2.", 2), 0);
    assert_false(loop_backend_is_old());
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, new_loop, free_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_LOOP(tasks_run_once_and_in_order_however_often_queued),
        ON_LOOP(a_task_that_was_cancelled_does_not_run),
        ON_LOOP(cancelling_the_last_leaves_the_queue_whole),
        ON_LOOP(a_task_may_cancel_another_while_they_run),
        ON_LOOP(a_task_that_is_queued_by_another_has_the_next_turn),
        ON_LOOP(a_task_may_be_freed_when_it_runs),
        ON_LOOP(settling_runs_all_that_is_queued_and_what_that_queues),
        ON_LOOP(a_task_that_queues_itself_starves_no_descriptor),
        ON_LOOP(edges_are_told_once),
        ON_LOOP(a_peer_that_sends_no_more_is_told),
        ON_LOOP(levels_are_told_until_they_are_read),
        ON_LOOP(unwatched_it_is_silent_and_that_may_be_repeated),
        ON_LOOP(what_cannot_be_watched_is_an_error),
        ON_LOOP(a_callback_sees_the_time_of_its_turn),
        ON_LOOP(the_backend_is_named_and_new_enough),
    };
    return cmocka_run_group_tests(tests, turn_setup, NULL);
}
