/* edge/loop/pool: jobs run on its threads and come home to their loop. */
#include "edge/loop/pool.h"

#include "tests/unit/loop/turn.h"

#include <semaphore.h>

enum { MANY = 500 };

static struct loop *loop;
static struct mailbox *mailbox;
static atomic_uint ran;
static unsigned done;
static unsigned total; /* after so many ends the loop stops */

struct task {
    struct job job; /* first */
    unsigned number;
    pthread_t thread; /* that ran it */
    bool over;        /* plain: what run wrote, done sees */
    char name[16];
};

static int new_home(void **state)
{
    (void)state;
    loop = turn_loop();
    mailbox = turn_mailbox(loop);
    atomic_store(&ran, 0);
    done = 0;
    return 0;
}

static int free_home(void **state)
{
    (void)state;
    mailbox_free(mailbox);
    loop_free(loop);
    return 0;
}

static struct pool *new_pool(unsigned threads)
{
    struct pool *p = NULL;
    assert_int_equal(pool_new(threads, "test-pool", &p), ERR_NONE);
    return p;
}

static void run(struct job *job)
{
    struct task *t = (struct task *)job;
    t->thread = pthread_self();
    pthread_getname_np(t->thread, t->name, sizeof t->name);
    t->number = atomic_fetch_add(&ran, 1);
    t->over = true;
}

static void on_done(struct job *job)
{
    struct task *t = (struct task *)job;
    assert_true(t->over);
    assert_false(pthread_equal(t->thread, pthread_self()));
    if (++done == total)
        loop_stop(loop);
}

static void done_is_called_on_the_loop_after_run_on_a_thread(void **state)
{
    (void)state;
    struct pool *p = new_pool(2);
    struct task t = {.job = {.run = run, .done = on_done, .home = mailbox}};
    total = 1;
    pool_submit(p, &t.job);
    loop_run(loop);
    assert_int_equal(done, 1);
    assert_string_equal(t.name, "test-pool");
    pool_free(p);
}

static void jobs_of_one_thread_run_in_order(void **state)
{
    (void)state;
    static struct task tasks[MANY];
    struct pool *p = new_pool(1);
    total = MANY;
    for (unsigned i = 0; i < MANY; i++) {
        tasks[i] = (struct task){.job = {.run = run, .done = on_done, .home = mailbox}};
        pool_submit(p, &tasks[i].job);
    }
    loop_run(loop);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(tasks[i].number, i);
    pool_free(p);
}

/* Two jobs that wait for each other: neither ends if they are not run side by side. */
static sem_t here[2];

static void meet(struct job *job)
{
    struct task *t = (struct task *)job;
    sem_post(&here[t->number]);
    sem_wait(&here[1 - t->number]);
    run(job);
}

static void jobs_run_side_by_side(void **state)
{
    (void)state;
    struct pool *p = new_pool(2);
    struct task t[2];
    total = 2;
    for (unsigned i = 0; i < 2; i++)
        sem_init(&here[i], 0, 0);
    for (unsigned i = 0; i < 2; i++) {
        t[i] = (struct task){.job = {.run = meet, .done = on_done, .home = mailbox}, .number = i};
        pool_submit(p, &t[i].job);
    }
    loop_run(loop);
    assert_int_equal(done, 2);
    pool_free(p);
}

static void run_and_free(struct job *job)
{
    atomic_fetch_add(&ran, 1);
    free(job);
}

static void without_done_run_is_the_last_to_touch_it(void **state)
{
    (void)state;
    struct pool *p = new_pool(2);
    for (unsigned i = 0; i < MANY; i++) {
        struct task *t = calloc(1, sizeof *t);
        t->job.run = run_and_free;
        pool_submit(p, &t->job);
    }
    pool_free(p);
    assert_int_equal(atomic_load(&ran), MANY);
}

static sem_t started, go_on;

static void run_until_cancelled(struct job *job)
{
    sem_post(&started);
    while (!job_is_cancelled(job))
        ;
    run(job);
}

static void cancelling_shows_within_run(void **state)
{
    (void)state;
    struct pool *p = new_pool(1);
    struct task t = {.job = {.run = run_until_cancelled, .done = on_done, .home = mailbox}};
    total = 1;
    sem_init(&started, 0, 0);
    pool_submit(p, &t.job);
    sem_wait(&started);
    assert_false(job_is_cancelled(&t.job));
    job_cancel(&t.job);
    loop_run(loop);
    assert_true(t.over);
    pool_free(p);
}

static void wait_for_word(struct job *job)
{
    sem_post(&started);
    sem_wait(&go_on);
    run(job);
}

enum { TURNS = 5 };

/* Takes TURNS turns, and notes when its last was. */
static void run_in_turns(struct job *job)
{
    struct task *t = (struct task *)job;
    unsigned turn = atomic_fetch_add(&ran, 1);
    assert_false(t->over);
    if (t->number++ == 0) {
        sem_post(&started);
        sem_wait(&go_on);
    }
    if (t->number < TURNS) {
        pool_again();
        return;
    }
    t->over = true;
    t->thread = pthread_self();
    t->number = turn;
}

static void a_job_that_is_run_again_lets_others_go_first(void **state)
{
    (void)state;
    struct pool *p = new_pool(1);
    struct task slow = {.job = {.run = run_in_turns, .done = on_done, .home = mailbox}};
    struct task other = {.job = {.run = run, .done = on_done, .home = mailbox}};
    total = 2;
    sem_init(&started, 0, 0);
    sem_init(&go_on, 0, 0);
    pool_submit(p, &slow.job);
    sem_wait(&started);
    pool_submit(p, &other.job);
    sem_post(&go_on);
    loop_run(loop);
    assert_int_equal(other.number, 1);    /* behind the first turn */
    assert_int_equal(slow.number, TURNS); /* and it was done once, at its end */
    assert_int_equal(done, 2);
    pool_free(p);
}

static void a_job_takes_all_its_turns_while_the_pool_ends(void **state)
{
    (void)state;
    struct pool *p = new_pool(1);
    struct task slow = {.job = {.run = run_in_turns}};
    sem_init(&started, 0, 0);
    sem_init(&go_on, 0, 1);
    pool_submit(p, &slow.job);
    sem_wait(&started);
    pool_free(p);
    assert_true(slow.over);
}

static void *let_go(void *arg)
{
    (void)arg;
    sem_post(&go_on);
    return NULL;
}

static void freeing_the_pool_runs_what_is_queued(void **state)
{
    (void)state;
    static struct task tasks[10];
    pthread_t thread;
    struct pool *p = new_pool(1);
    sem_init(&started, 0, 0);
    sem_init(&go_on, 0, 0);
    for (unsigned i = 0; i < 10; i++) {
        tasks[i] = (struct task){.job = {.run = i ? run : wait_for_word}};
        pool_submit(p, &tasks[i].job);
    }
    sem_wait(&started); /* the first is at work, the others wait */
    assert_int_equal(atomic_load(&ran), 0);
    assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
    pool_free(p);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&ran), 10);
}

static void what_came_home_after_the_loop_is_settled(void **state)
{
    (void)state;
    struct pool *p = new_pool(1);
    struct task t = {.job = {.run = run, .done = on_done, .home = mailbox}};
    total = 2; /* never */
    pool_submit(p, &t.job);
    pool_free(p);
    assert_int_equal(done, 0);
    mailbox_settle(mailbox);
    assert_int_equal(done, 1);
    pool_free(NULL);
}

struct again {
    struct job job; /* first */
    struct pool *pool;
};

static void run_nothing(struct job *job) { (void)job; }

static void submit_again(struct job *job)
{
    if (++done < 10)
        pool_submit(((struct again *)job)->pool, job);
    else
        loop_stop(loop);
}

static void a_job_may_be_submitted_again_from_done(void **state)
{
    (void)state;
    struct again a = {.job = {.run = run_nothing, .done = submit_again, .home = mailbox}};
    a.pool = new_pool(2);
    pool_submit(a.pool, &a.job);
    loop_run(loop);
    assert_int_equal(done, 10);
    pool_free(a.pool);
}

#define WITH_HOME(test) cmocka_unit_test_setup_teardown(test, new_home, free_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HOME(done_is_called_on_the_loop_after_run_on_a_thread),
        WITH_HOME(jobs_of_one_thread_run_in_order),
        WITH_HOME(jobs_run_side_by_side),
        WITH_HOME(without_done_run_is_the_last_to_touch_it),
        WITH_HOME(cancelling_shows_within_run),
        WITH_HOME(a_job_that_is_run_again_lets_others_go_first),
        WITH_HOME(a_job_takes_all_its_turns_while_the_pool_ends),
        WITH_HOME(freeing_the_pool_runs_what_is_queued),
        WITH_HOME(what_came_home_after_the_loop_is_settled),
        WITH_HOME(a_job_may_be_submitted_again_from_done),
    };
    return cmocka_run_group_tests(tests, turn_setup, NULL);
}
