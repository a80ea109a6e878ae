/* Loops of tests: with an end, should nobody stop them. */
#ifndef TESTS_UNIT_LOOP_TURN_H
#define TESTS_UNIT_LOOP_TURN_H

#include "edge/loop/mailbox.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* A test that hangs dies of it instead. */
static inline int turn_setup(void **state)
{
    (void)state;
    alarm(120);
    return 0;
}

static inline struct loop *turn_loop(void)
{
    struct loop *l = NULL;
    assert_int_equal(loop_new(&l), ERR_NONE);
    return l;
}

static inline struct mailbox *turn_mailbox(struct loop *l)
{
    struct mailbox *m = NULL;
    assert_int_equal(mailbox_new(l, &m), ERR_NONE);
    return m;
}

struct turn_stop {
    struct loop_task task; /* first */
    struct loop *loop;
};

static inline void turn_stop_now(struct loop_task *task)
{
    loop_stop(((struct turn_stop *)task)->loop);
}

/* Run the loop for one turn: what is ready now, and the tasks that are queued now. */
static inline void turn_once(struct loop *l)
{
    struct turn_stop stop = {{NULL, turn_stop_now, false}, l};
    loop_later(l, &stop.task);
    loop_run(l);
}

#endif
