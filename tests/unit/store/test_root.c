/* edge/store/root: whether the tree is there, while a pool thread looks. */
#include "edge/store/root.h"

#include "tests/unit/loop/turn.h"
#include "tests/unit/store/hold.h"
#include "tests/unit/store/tree.h"

static struct tree tree;
static struct loop *loop;
static struct timers *timers;
static struct mailbox *mailbox;
static struct pool *io;
static struct root *root;
static unsigned told;

static int begin(void **state)
{
    (void)state;
    alarm(60);
    tree_make(&tree);
    loop = turn_loop();
    mailbox = turn_mailbox(loop);
    assert_int_equal(timers_new(loop, &timers), ERR_NONE);
    assert_int_equal(pool_new(1, "io", &io), ERR_NONE);
    struct root_opts opts = {tree.root, loop, timers, mailbox, io};
    assert_int_equal(root_new(&opts, &root), ERR_NONE);
    told = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    hold_release();
    root_stop(root);
    pool_free(io);
    mailbox_settle(mailbox);
    root_free(root);
    mailbox_free(mailbox);
    timers_free(timers);
    loop_free(loop);
    tree_remove(&tree);
    return 0;
}

static void looked(void *arg)
{
    (void)arg;
    told++;
    loop_stop(loop);
}

/* Ask as of now, and wait for the word. */
static enum root_is look(void)
{
    uint64_t since = loop_refresh(loop);
    enum root_is is = root_look(root, since, looked, NULL);
    if (is != ROOT_ASKED)
        return is;
    loop_run(loop);
    return root_look(root, since, looked, NULL);
}

static void it_is_there_until_it_goes(void **state)
{
    (void)state;
    assert_int_equal(look(), ROOT_THERE);
    tree_remove(&tree);
    assert_int_equal(look(), ROOT_GONE);
    assert_int_equal(mkdir(tree.root, 0755), 0);
    assert_int_equal(look(), ROOT_THERE);
    assert_int_equal(told, 3);
}

static void a_file_is_no_tree(void **state)
{
    (void)state;
    tree_remove(&tree);
    FILE *f = fopen(tree.root, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(look(), ROOT_GONE);
}

/* What was seen before the question does not answer it; what was seen after it does, at once. */
static void an_old_look_does_not_count(void **state)
{
    (void)state;
    uint64_t since = loop_refresh(loop);
    assert_int_equal(look(), ROOT_THERE);
    assert_int_equal(root_look(root, since, looked, NULL), ROOT_THERE);
    uint64_t later = loop_refresh(loop);
    assert_int_equal(root_look(root, later, looked, NULL), ROOT_ASKED);
    loop_run(loop);
}

static void all_wait_for_one_look(void **state)
{
    (void)state;
    hold_pool(io, 1);
    uint64_t since = loop_refresh(loop);
    for (int i = 0; i < 3; i++)
        assert_int_equal(root_look(root, since, looked, NULL), ROOT_ASKED);
    hold_release();
    loop_run(loop);
    assert_int_equal(told, 1);
    assert_int_equal(root_look(root, since, looked, NULL), ROOT_THERE);
}

/* As with a network file system that has gone: those who wait are told, others at once. */
static void a_look_that_hangs_is_told_of(void **state)
{
    (void)state;
    hold_pool(io, 1);
    uint64_t since = loop_refresh(loop);
    assert_int_equal(root_look(root, since, looked, NULL), ROOT_ASKED);
    loop_run(loop); /* until the timer says so: two seconds */
    assert_int_equal(told, 1);
    assert_int_equal(root_look(root, since, looked, NULL), ROOT_HANGS);
    assert_int_equal(root_look(root, loop_refresh(loop), looked, NULL), ROOT_HANGS);
    hold_release();
    loop_run(loop);
    assert_int_equal(told, 2);
    assert_int_equal(look(), ROOT_THERE);
}

static void nobody_is_told_after_the_end(void **state)
{
    (void)state;
    hold_pool(io, 1);
    assert_int_equal(root_look(root, loop_refresh(loop), looked, NULL), ROOT_ASKED);
    root_stop(root);
    hold_release();
    pool_free(io);
    mailbox_settle(mailbox);
    assert_int_equal(told, 0);
    assert_int_equal(root_look(root, loop_refresh(loop), looked, NULL), ROOT_HANGS);
    assert_int_equal(pool_new(1, "io", &io), ERR_NONE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(it_is_there_until_it_goes),    TEST(a_file_is_no_tree),
        TEST(an_old_look_does_not_count),   TEST(all_wait_for_one_look),
        TEST(a_look_that_hangs_is_told_of), TEST(nobody_is_told_after_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
