/* edge/store/media_spawn: what a helper is given, and that it ends. This program is also the child:
 * it says what it finds in its hands. */
#include "edge/store/media_spawn.h"

#include "segments/record.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define MARK "the shared page"

/* ---- the child ---- */

static int is_null(int fd)
{
    struct stat st, null;
    return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev;
}

static int blocked_signals(void)
{
    sigset_t set;
    int n = 0;
    sigprocmask(SIG_BLOCK, NULL, &set);
    for (int s = 1; s < 32; s++)
        n += sigismember(&set, s) == 1;
    return n;
}

static int ignored_signals(void)
{
    struct sigaction a;
    int n = 0;
    for (int s = 1; s < 32; s++)
        n += sigaction(s, NULL, &a) == 0 && a.sa_handler == SIG_IGN;
    return n;
}

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static _Noreturn void child(const char *ceiling)
{
    char text[512], page[32] = "";
    ssize_t got = pread(RECORD_MEMORY, page, sizeof page - 1, 0);
    int n = snprintf(text, sizeof text,
                     "ceiling %s; null %d%d; open %d; page %s %zd; env %d; blocked %d; "
                     "ignored %d; group %d\n",
                     ceiling, is_null(0), is_null(1), open_descriptors(), page, got,
                     environ && *environ ? 1 : 0, blocked_signals(), ignored_signals(),
                     getpgrp() == getpid());
    (void)!write(RECORD_SOCKET, text, (size_t)n);
    for (;;)
        pause();
}

/* ---- the parent ---- */

static char program[PATH_MAX];
static int memfd;

static int begin(void **state)
{
    (void)state;
    alarm(60);
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    memfd = memfd_create("page", MFD_CLOEXEC);
    return n < 0 || write(memfd, MARK, sizeof MARK - 1) != sizeof MARK - 1;
}

static int end(void **state)
{
    (void)state;
    return close(memfd);
}

static void a_helper_is_given_its_socket_and_its_page_alone(void **state)
{
    (void)state;
    char text[512] = "";
    pid_t pid;
    int socket, secret = open("/etc/passwd", O_RDONLY), others[40];
    sigset_t set, old;
    for (int i = 0; i < 40; i++)
        others[i] = dup(secret); /* without O_CLOEXEC */
    assert_int_equal(setenv("SECRET", "x", 1), 0);
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &old);
    assert_int_equal(media_spawn(program, 12345678, memfd, &pid, &socket), ERR_NONE);
    sigprocmask(SIG_SETMASK, &old, NULL);
    assert_true(recv(socket, text, sizeof text - 1, 0) > 0);
    assert_string_equal(text, "ceiling 12345678; null 11; open 5; page " MARK " 15; env 0; "
                              "blocked 0; ignored 0; group 1\n");
    assert_true(fcntl(socket, F_GETFD) & FD_CLOEXEC);
    int status = media_reap(pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(recv(socket, text, sizeof text, 0), 0); /* nobody else has the other end */
    close(socket);
    for (int i = 0; i < 40; i++)
        close(others[i]);
    close(secret);
}

static void one_that_has_died_is_reaped_with_its_reason(void **state)
{
    (void)state;
    char text[512];
    pid_t pid;
    int socket;
    assert_int_equal(media_spawn(program, 1, memfd, &pid, &socket), ERR_NONE);
    assert_true(recv(socket, text, sizeof text, 0) > 0);
    kill(pid, SIGABRT);
    assert_int_equal(recv(socket, text, sizeof text, 0), 0);
    int status = media_reap(pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_int_equal(media_reap(pid), -1); /* there is no such child any more */
    close(socket);
}

static int descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void a_program_that_is_not_there_costs_nothing(void **state)
{
    (void)state;
    pid_t pid;
    int socket, before = descriptors();
    assert_int_equal(media_spawn("/nonexistent/segue-media", 1, memfd, &pid, &socket), ERR_SYSTEM);
    assert_int_equal(descriptors(), before);
    /* Beside this program there is no segue-media either. */
    assert_int_equal(media_spawn(NULL, 1, memfd, &pid, &socket), ERR_SYSTEM);
    assert_int_equal(descriptors(), before);
}

int main(int argc, char **argv)
{
    if (argc == 2)
        child(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_helper_is_given_its_socket_and_its_page_alone),
        cmocka_unit_test(one_that_has_died_is_reaped_with_its_reason),
        cmocka_unit_test(a_program_that_is_not_there_costs_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
