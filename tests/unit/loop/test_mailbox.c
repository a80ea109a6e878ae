/* edge/loop/mailbox: letters arrive once, in order, on the loop's thread. */
#include "edge/loop/mailbox.h"

#include "tests/unit/loop/turn.h"

#include <stdatomic.h>

enum { MANY = 5000, SENDERS = 2 };

struct note {
    struct letter letter; /* first */
    unsigned sender;
    unsigned number;
};

static struct loop *loop;
static struct mailbox *mailbox;
static pthread_t reader;
static unsigned came[SENDERS]; /* letters of each that were delivered; the next one's number */
static unsigned total;         /* after so many the loop stops */

static int new_mailbox(void **state)
{
    (void)state;
    loop = turn_loop();
    mailbox = turn_mailbox(loop);
    reader = pthread_self();
    memset(came, 0, sizeof came);
    total = 0;
    return 0;
}

static int free_mailbox(void **state)
{
    (void)state;
    mailbox_free(mailbox);
    loop_free(loop);
    return 0;
}

static void deliver(struct letter *letter)
{
    struct note *note = (struct note *)letter;
    assert_true(pthread_equal(pthread_self(), reader));
    assert_int_equal(note->number, came[note->sender]);
    came[note->sender]++;
    free(note);
    if (came[0] + came[1] == total)
        loop_stop(loop);
}

static void post(unsigned sender, unsigned number)
{
    struct note *note = malloc(sizeof *note);
    *note = (struct note){{NULL, deliver}, sender, number};
    mailbox_post(mailbox, &note->letter);
}

static void letters_arrive_once_and_in_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        post(0, i);
    total = 10;
    assert_int_equal(came[0], 0); /* not before the loop's turn */
    loop_run(loop);
    assert_int_equal(came[0], 10);
    turn_once(loop);
    assert_int_equal(came[0], 10);
}

static void *send_many(void *arg)
{
    const unsigned *sender = arg;
    for (unsigned i = 0; i < MANY; i++)
        post(*sender, i);
    return NULL;
}

static void two_threads_post_and_each_keeps_its_order(void **state)
{
    (void)state;
    static unsigned names[SENDERS] = {0, 1};
    pthread_t threads[SENDERS];
    total = SENDERS * MANY;
    for (unsigned i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, &names[i]), 0);
    loop_run(loop);
    for (unsigned i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(came[0], MANY);
    assert_int_equal(came[1], MANY);
}

struct again {
    struct letter letter; /* first */
    unsigned left;
};

static void deliver_again(struct letter *letter)
{
    struct again *again = (struct again *)letter;
    if (--again->left)
        mailbox_post(mailbox, letter);
    else
        loop_stop(loop);
}

static void a_letter_may_be_posted_again_from_its_delivery(void **state)
{
    (void)state;
    struct again again = {{NULL, deliver_again}, 100};
    post(0, 0); /* one before it, one behind it */
    mailbox_post(mailbox, &again.letter);
    post(0, 1);
    loop_run(loop);
    assert_int_equal(again.left, 0);
    assert_int_equal(came[0], 2);
}

static void settling_delivers_what_is_there_without_the_loop(void **state)
{
    (void)state;
    mailbox_settle(mailbox);
    for (unsigned i = 0; i < 3; i++)
        post(1, i);
    mailbox_settle(mailbox);
    assert_int_equal(came[1], 3);
    post(1, 3); /* the box works on */
    total = 4;
    loop_run(loop);
    assert_int_equal(came[1], 4);
}

static void must_not_come(struct letter *letter)
{
    (void)letter;
    fail_msg("delivered after its mailbox was freed");
}

static void what_is_still_in_it_is_dropped_with_it(void **state)
{
    (void)state;
    struct letter letter = {NULL, must_not_come};
    struct mailbox *other = turn_mailbox(loop);
    mailbox_post(other, &letter);
    mailbox_free(other);
    mailbox_free(NULL);
    turn_once(loop);
}

#define WITH_MAILBOX(test) cmocka_unit_test_setup_teardown(test, new_mailbox, free_mailbox)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MAILBOX(letters_arrive_once_and_in_order),
        WITH_MAILBOX(two_threads_post_and_each_keeps_its_order),
        WITH_MAILBOX(a_letter_may_be_posted_again_from_its_delivery),
        WITH_MAILBOX(settling_delivers_what_is_there_without_the_loop),
        WITH_MAILBOX(what_is_still_in_it_is_dropped_with_it),
    };
    return cmocka_run_group_tests(tests, turn_setup, NULL);
}
