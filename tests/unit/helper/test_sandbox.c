/* segments/helper/sandbox: a helper that a file has taken over can do nothing but die. Each case
 * runs in a process of its own that locks itself in, then tries; the kernel has to end it with
 * SIGSYS, or refuse the memory. */
#include "segments/helper/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(SEGUE_AUDIT)
enum { SANITIZED = 1 }; /* these builds may open files, and have no ceiling of memory */
#else
enum { SANITIZED = 0 };
#endif

enum { MEMORY = 32 * 1024 * 1024, LET = 42, REFUSED = 43, NO_SANDBOX = 44 };

static int spare = -1; /* a descriptor of the parent's: not the helper's socket */

static int try_open(void) { return open("/etc/passwd", O_RDONLY) < 0 ? REFUSED : LET; }

static int try_exec(void)
{
    char *const words[] = {(char *)(uintptr_t) "/bin/true", NULL};
    execv("/bin/true", words);
    return REFUSED;
}

static int try_fork(void) { return fork() < 0 ? REFUSED : LET; }

static void *nothing(void *argument) { return argument; }

static int try_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, nothing, NULL) ? REFUSED : LET;
}

static int try_socket(void) { return socket(AF_INET, SOCK_STREAM, 0) < 0 ? REFUSED : LET; }

static int try_connect(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(spare, (struct sockaddr *)&to, sizeof to) ? REFUSED : LET;
}

static int try_send_elsewhere(void) { return send(spare, "x", 1, 0) < 0 ? REFUSED : LET; }

static int try_kill(void) { return kill(getppid(), 0) ? REFUSED : LET; }

static int try_code(void)
{
    void *at =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? REFUSED : LET;
}

/* Many times what it may have, and touched. */
static int try_allocate(void)
{
    for (int i = 0; i < 64; i++) {
        volatile char *at = malloc(MEMORY / 4);
        if (!at)
            return REFUSED;
        at[0] = at[MEMORY / 4 - 1] = 1;
    }
    return LET;
}

/* What demuxing does has to work in there. */
static int try_work(void)
{
    char bytes[16];
    void *at = malloc(1024 * 1024);
    bool good = at && pread(0, bytes, sizeof bytes, 0) >= 0;
    free(at);
    return good ? LET : REFUSED;
}

/* How a child that locks itself in and then tries ends, as waitpid says it. */
static int status_of(int (*attempt)(void))
{
    const char *what = "";
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int file = open("/proc/self/exe", O_RDONLY);
        if (file < 0 || dup2(file, 0) < 0 || sandbox_enter(MEMORY, &what))
            _exit(NO_SANDBOX);
        _exit(attempt());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void killed_for(int (*attempt)(void))
{
    int status = status_of(attempt);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
        fail_msg("it ended with %x", (unsigned)status);
}

static void work_is_allowed(void **state)
{
    (void)state;
    int status = status_of(try_work);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), LET);
}

static void starting_a_program_kills(void **state)
{
    (void)state;
    killed_for(try_exec);
}

static void opening_a_file_kills(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    killed_for(try_open);
}

static void starting_a_process_or_thread_kills(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    killed_for(try_fork);
    killed_for(try_thread);
}

static void the_network_kills(void **state)
{
    (void)state;
    killed_for(try_socket);
    killed_for(try_connect);
    killed_for(try_send_elsewhere);
}

static void signalling_others_kills(void **state)
{
    (void)state;
    killed_for(try_kill);
}

static void memory_that_may_be_run_kills(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    killed_for(try_code);
}

static void more_memory_than_it_may_have_is_refused(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    int status = status_of(try_allocate);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), REFUSED);
}

static int set_up(void **state)
{
    int pair[2];
    (void)state;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
        return -1;
    spare = fcntl(pair[0], F_DUPFD, 100); /* a number that is no descriptor of a helper's */
    return spare < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_allowed),
        cmocka_unit_test(starting_a_program_kills),
        cmocka_unit_test(opening_a_file_kills),
        cmocka_unit_test(starting_a_process_or_thread_kills),
        cmocka_unit_test(the_network_kills),
        cmocka_unit_test(signalling_others_kills),
        cmocka_unit_test(memory_that_may_be_run_kills),
        cmocka_unit_test(more_memory_than_it_may_have_is_refused),
    };
    return cmocka_run_group_tests_name("helper/sandbox", tests, set_up, NULL);
}
