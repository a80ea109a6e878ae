/* edge/store/media_helper.c and media_spawn.c: whatever happens to a helper, the next job is
 * served. This program is also the helper that misbehaves: media.c starts it as one, and the first
 * byte of the file it is handed says how it is to fail. */
#include "edge/store/media_helper.h"

#include "segments/record.h"
#include "tests/unit/store/media_kit.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* The helper that misbehaves */

static int take_descriptor(unsigned char request[RECORD_REQUEST])
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec io = {request, RECORD_REQUEST};
    struct msghdr m = {.msg_iov = &io,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof control.room};
    int fd;
    if (recvmsg(RECORD_SOCKET, &m, 0) != RECORD_REQUEST)
        _exit(0);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    return fd;
}

static void answer(struct record_reply reply, size_t really)
{
    static unsigned char junk[4096];
    unsigned char head[RECORD_REPLY];
    record_pack_reply(&reply, head);
    (void)!write(RECORD_SOCKET, head, sizeof head);
    (void)!write(RECORD_SOCKET, junk, really);
}

static void misbehave(struct record_page *page, char how, uint64_t job)
{
    switch (how) {
    case 'a':
        raise(SIGABRT);
        break;
    case 'e':
        _exit(3);
    case 'h': /* hangs, having read 5 packets of 50 */
        atomic_store(&page->packets, 5);
        atomic_store(&page->expected, 50);
        for (;;)
            pause();
    case 'o': /* goes round and round, and looks at nothing */
        for (;;)
            __asm__ volatile("");
    case 's': /* sees the wish to stop */
        while (atomic_load(&page->stop) != job)
            sched_yield();
        answer((struct record_reply){.job = job, .err = ERR_CANCELLED}, 0);
        return;
    case 'w': /* the same, but reads 7 packets more before it does */
        atomic_store(&page->packets, 5);
        while (atomic_load(&page->stop) != job)
            sched_yield();
        atomic_store(&page->packets, 12);
        answer((struct record_reply){.job = job, .err = ERR_CANCELLED}, 0);
        return;
    case 'j':
        answer((struct record_reply){.job = job + 1, .err = ERR_MEDIA}, 0);
        return;
    case 'l': /* promises more than it sends */
        answer((struct record_reply){.job = job, .payload = 8192}, 4096);
        _exit(0);
    case 'c': /* was never told to stop */
        answer((struct record_reply){.job = job, .err = ERR_CANCELLED}, 0);
        return;
    case 'm': /* has outgrown what it may have */
        answer((struct record_reply){.job = job, .err = ERR_NOMEM, .why = "it wants more"}, 0);
        return;
    case 't': /* would have the server die of SIGBUS */
        if (ftruncate(RECORD_MEMORY, 0) == 0)
            _exit(9);
        break;
    case 'f': /* what else of the server's did it get? */
        for (int fd = 5; fd < 256; fd++) {
            if (fcntl(fd, F_GETFD) >= 0 && fd != 5) /* 5 is the file of the job */
                _exit(7);
        }
        break;
    default:
        break;
    }
    answer((struct record_reply){.job = job, .payload = 10}, 10);
    if (how == 'x')
        _exit(0);
}

static int be_a_helper(void)
{
    unsigned char bytes[RECORD_REQUEST];
    struct record_page *page =
        mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, RECORD_MEMORY, 0);
    for (;;) {
        char how = 0;
        int fd = take_descriptor(bytes);
        struct record_request request;
        if (record_unpack_request(bytes, &request) || pread(fd, &how, 1, 0) != 1)
            return 1;
        atomic_store(&page->taken, request.job);
        misbehave(page, how, request.job);
        close(fd);
    }
}

/* Helpers that misbehave */

static struct media *bad_media(unsigned deadline_ms)
{
    return new_media("/proc/self/exe", deadline_ms);
}

static void next_job_is_served(struct media *m)
{
    struct media_result result;
    assert_int_equal(ask(m, write_file("good", "g", 1), &result), ERR_NONE);
    assert_int_equal(result.len, 10);
    free(result.record);
}

/* Orders are longer than a socket holds, so these wait for a helper to read. */

static enum err ask_encode(struct media *m, struct media_task *task, const char *how,
                           struct media_result *out)
{
    static char zeros[4 * MB];
    int fd = open(write_file("how", how, 1), O_RDONLY | O_CLOEXEC);
    media_task_init(task);
    enum err rc =
        media_encode(m, task, fd, 1, (struct str){zeros, sizeof zeros}, STR("a file"), out);
    close(fd);
    return rc;
}

static void an_order_that_is_not_read_meets_the_deadline(void **state)
{
    (void)state;
    struct media *m = bad_media(50);
    struct media_task task;
    struct media_result result;
    assert_int_equal(ask_encode(m, &task, "h", &result), ERR_DEADLINE);
    assert_null(result.record);
    assert_int_equal(media_deaths(m), 1);
    next_job_is_served(m);
    media_free(m);
}

static void a_helper_that_dies_over_an_order_is_replaced(void **state)
{
    (void)state;
    struct media *m = bad_media(60000);
    struct media_task task;
    struct media_result result;
    assert_int_equal(ask_encode(m, &task, "a", &result), ERR_MEDIA);
    assert_string_equal(result.why, "the media helper died (signal 6)");
    assert_int_equal(media_deaths(m), 1);
    next_job_is_served(m);
    media_free(m);
}

static void helper_that_goes_wrong_is_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *how;
        enum err want;
        const char *why;
    } CASES[] = {
        {"a", ERR_MEDIA, "the media helper died (signal 6)"},
        {"e", ERR_SYSTEM, "the media helper ended (status 3)"},
        {"j", ERR_MEDIA, "the media helper answered nonsense"},
        {"c", ERR_MEDIA, "the media helper answered nonsense"},
        {"l", ERR_SYSTEM, "the media helper ended (status 0)"},
        {"m", ERR_MEDIA, "it wants more"},
    };
    struct media *m = bad_media(10000);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct media_result result;
        print_message("  %s\n", CASES[i].why);
        assert_int_equal(ask(m, write_file("bad", CASES[i].how, 1), &result), CASES[i].want);
        assert_string_equal(result.why, CASES[i].why);
        assert_null(result.record);
        assert_int_equal(media_deaths(m), i + 1);
        assert_int_equal(media_starts(m), i + 2);
        next_job_is_served(m);
    }
    media_free(m);
}

static void helper_that_hangs_past_the_deadline_is_killed(void **state)
{
    (void)state;
    struct media_result result;
    struct media *m = bad_media(50);
    assert_int_equal(ask(m, write_file("bad", "h", 1), &result), ERR_DEADLINE);
    assert_int_equal(result.packets, 5);
    assert_int_equal(result.packets_left, 45);
    assert_int_equal(media_deaths(m), 1);
    next_job_is_served(m);
    media_free(m);
}

static void helper_that_spins_past_the_deadline_is_killed(void **state)
{
    (void)state;
    struct media_result result;
    struct media *m = bad_media(50);
    assert_int_equal(ask(m, write_file("bad", "o", 1), &result), ERR_DEADLINE);
    assert_int_equal(media_deaths(m), 1);
    next_job_is_served(m);
    media_free(m);
}

static void helper_that_stops_at_the_deadline_lives(void **state)
{
    (void)state;
    struct media_result result;
    struct media *m = bad_media(50);
    assert_int_equal(ask(m, write_file("bad", "s", 1), &result), ERR_DEADLINE);
    assert_int_equal(media_deaths(m), 0);
    next_job_is_served(m);
    media_free(m);
}

static void helper_cannot_cut_the_shared_page(void **state)
{
    (void)state;
    struct media_result result;
    struct media *m = bad_media(10000);
    assert_int_equal(ask(m, write_file("bad", "t", 1), &result), ERR_NONE);
    free(result.record);
    media_free(m);
}

static void helper_gets_no_other_descriptor(void **state)
{
    (void)state;
    int leaks[3] = {open("/dev/null", O_RDONLY), open("/dev/null", O_RDONLY),
                    open("/dev/null", O_RDONLY)};
    struct media_result result;
    struct media *m = bad_media(10000);
    assert_int_equal(ask(m, write_file("bad", "f", 1), &result), ERR_NONE);
    free(result.record);
    media_free(m);
    for (int i = 0; i < 3; i++)
        close(leaks[i]);
}

struct waiting {
    struct media *media;
    struct media_task task;
    struct media_result result;
    int fd;
    enum err rc;
};

static void *wait_for_it(void *argument)
{
    struct waiting *w = argument;
    w->rc = ask_fd(w->media, &w->task, w->fd, &w->result);
    return NULL;
}

/* Cancels once the job has a helper that has read so many packets. */
static void cancel_after(struct waiting *w, const char *how, uint64_t packets)
{
    pthread_t thread;
    w->media = bad_media(60000);
    w->fd = open(write_file("bad", how, 1), O_RDONLY | O_CLOEXEC);
    media_task_init(&w->task);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_it, w), 0);
    while (!atomic_load(&w->task.helper))
        sched_yield();
    while (atomic_load(&atomic_load(&w->task.helper)->page->packets) < packets)
        sched_yield();
    media_cancel(&w->task);
    pthread_join(thread, NULL);
    close(w->fd);
}

static void cancel_running(struct waiting *w, const char *how) { cancel_after(w, how, 0); }

static void cancelled_job_stops_and_its_helper_lives(void **state)
{
    (void)state;
    struct waiting w;
    cancel_running(&w, "s");
    assert_int_equal(w.rc, ERR_CANCELLED);
    assert_int_equal(media_deaths(w.media), 0);
    next_job_is_served(w.media);
    media_free(w.media);
}

static void helper_that_spins_on_when_cancelled_is_killed(void **state)
{
    (void)state;
    struct waiting w;
    cancel_running(&w, "o");
    assert_int_equal(w.rc, ERR_CANCELLED);
    assert_int_equal(media_deaths(w.media), 1);
    next_job_is_served(w.media);
    media_free(w.media);
}

static void packets_read_after_the_cancelling_are_counted(void **state)
{
    (void)state;
    struct waiting w;
    cancel_after(&w, "w", 5);
    assert_int_equal(w.rc, ERR_CANCELLED);
    assert_int_equal(w.result.packets, 12);
    assert_int_equal(w.result.packets_late, 7);
    media_free(w.media);
}

/* What the job before it read is not its own. */
static void job_cancelled_before_it_begins_has_no_packets(void **state)
{
    (void)state;
    struct waiting w;
    struct media_result result;
    struct media_task task;
    cancel_after(&w, "w", 5);
    int fd = open(write_file("bad", "h", 1), O_RDONLY | O_CLOEXEC);
    media_task_init(&task);
    media_cancel(&task);
    assert_int_equal(ask_fd(w.media, &task, fd, &result), ERR_CANCELLED);
    assert_int_equal(result.packets, 0);
    assert_int_equal(result.packets_late, 0);
    close(fd);
    media_free(w.media);
}

static void helper_that_does_not_stop_is_killed(void **state)
{
    (void)state;
    struct waiting w;
    cancel_running(&w, "h");
    assert_int_equal(w.rc, ERR_CANCELLED);
    assert_int_equal(media_deaths(w.media), 1);
    next_job_is_served(w.media);
    media_free(w.media);
}

static void job_cancelled_before_it_begins_reads_nothing(void **state)
{
    (void)state;
    struct media_task task;
    struct media_result result;
    media_task_init(&task);
    media_cancel(&task);
    struct media *m = bad_media(60000);
    int fd = open(write_file("bad", "h", 1), O_RDONLY | O_CLOEXEC);
    assert_int_equal(ask_fd(m, &task, fd, &result), ERR_CANCELLED);
    assert_int_equal(result.packets, 0);
    assert_int_equal(media_deaths(m), 0);
    close(fd);
    media_free(m);
}

/* A helper that died while nobody used it costs the next file nothing: this one answers, then ends.
 */
static void helper_that_died_idle_is_not_the_next_files_fault(void **state)
{
    (void)state;
    struct media_result result;
    struct media *m = bad_media(10000);
    assert_int_equal(ask(m, write_file("bad", "x", 1), &result), ERR_NONE);
    free(result.record);
    next_job_is_served(m);
    media_free(m);
}

static void missing_program_is_an_error(void **state)
{
    (void)state;
    struct media *m;
    struct media_opts opts = {"/nonexistent/segue-media", 1, 256 * MB, 1000};
    assert_int_equal(media_new(&opts, &m), ERR_SYSTEM);
}

static void has_status(pid_t pid, const char *line)
{
    char path[64], text[8192];
    (void)snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    if (!strstr(text, line))
        fail_msg("not in the helper's status: %s", line);
}

/* After a job, so that it has entered its sandbox. */
static void helper_is_locked_in(void **state)
{
    (void)state;
    struct media_helper h;
    struct media_result result = {0};
    struct media_task task;
    struct media_opts opts = {kit_helper, 1, 256 * MB, 10000};
    assert_int_equal(media_helper_init(&h, &opts), ERR_NONE);
    int fd = open(write_file("text", "text", 4), O_RDONLY | O_CLOEXEC);
    media_task_init(&task);
    assert_int_equal(
        media_helper_run(&h, &task, &(struct media_ask){RECORD_INDEX, fd, 4, {NULL, 0}}, &result),
        ERR_MEDIA);
    has_status(h.pid, "NoNewPrivs:\t1\n");
    has_status(h.pid, "Seccomp:\t2\n");
    if (geteuid() == 0)
        has_status(h.pid, "Uid:\t65534\t65534\t65534\t65534\n");
    close(fd);
    media_helper_fini(&h);
}

/* By hand it says what it is, and ends with status 2. */
static void by_hand_it_does_nothing(void **state)
{
    (void)state;
    char command[PATH_MAX + 64];
    (void)snprintf(command, sizeof command, "%s/segue-media 2>/dev/null 3<&-", kit_build);
    assert_int_equal(WEXITSTATUS(system(command)), 2);
}

static int set_up(void **state)
{
    (void)state;
    return kit_set_up("helper");
}

static int tear_down(void **state)
{
    (void)state;
    return kit_tear_down();
}

int main(int argc, char **argv)
{
    struct stat st;
    (void)argv;
    if (argc == 2 && fstat(RECORD_SOCKET, &st) == 0 && S_ISSOCK(st.st_mode))
        return be_a_helper();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_that_is_not_read_meets_the_deadline),
        cmocka_unit_test(a_helper_that_dies_over_an_order_is_replaced),
        cmocka_unit_test(helper_that_goes_wrong_is_replaced),
        cmocka_unit_test(helper_that_hangs_past_the_deadline_is_killed),
        cmocka_unit_test(helper_that_spins_past_the_deadline_is_killed),
        cmocka_unit_test(helper_that_stops_at_the_deadline_lives),
        cmocka_unit_test(helper_cannot_cut_the_shared_page),
        cmocka_unit_test(helper_gets_no_other_descriptor),
        cmocka_unit_test(cancelled_job_stops_and_its_helper_lives),
        cmocka_unit_test(helper_that_spins_on_when_cancelled_is_killed),
        cmocka_unit_test(packets_read_after_the_cancelling_are_counted),
        cmocka_unit_test(job_cancelled_before_it_begins_has_no_packets),
        cmocka_unit_test(helper_that_does_not_stop_is_killed),
        cmocka_unit_test(job_cancelled_before_it_begins_reads_nothing),
        cmocka_unit_test(helper_that_died_idle_is_not_the_next_files_fault),
        cmocka_unit_test(missing_program_is_an_error),
        cmocka_unit_test(helper_is_locked_in),
        cmocka_unit_test(by_hand_it_does_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
