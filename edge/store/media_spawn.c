/* posix_spawn of segue-media. The child gets /dev/null as its input and output, our standard error
 * (to say that it cannot lock itself in), the socket and the shared page; every other descriptor is
 * closed, the environment is empty, signals are at their defaults. It is in a process group of its
 * own, so that a Ctrl-C in the server's terminal lets it finish the job that drain waits for. */
#include "edge/store/media_spawn.h"

#include "segments/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REAP_MS = 1000, CLEAR_OF = 16 /* above every number that the child's table fills */ };

/* segue-media in the folder of the program that runs now. */
static enum err beside_us(char out[PATH_MAX])
{
    static const char NAME[] = "segue-media";
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX);
    if (n <= 0 || n >= PATH_MAX)
        return ERR_SYSTEM;
    while (n > 0 && out[n - 1] != '/')
        n--;
    if ((size_t)n + sizeof NAME > PATH_MAX)
        return ERR_SYSTEM;
    memcpy(out + n, NAME, sizeof NAME);
    return ERR_NONE;
}

/* `from` must be out of the way of the numbers that others are put on. */
static int describe_files(posix_spawn_file_actions_t *a, int socket, int memfd)
{
    int rc = posix_spawn_file_actions_addopen(a, 0, "/dev/null", O_RDWR, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(a, 0, 1);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(a, socket, RECORD_SOCKET);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(a, memfd, RECORD_MEMORY);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(a, RECORD_MEMORY + 1);
    return rc;
}

static int describe_process(posix_spawnattr_t *a)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int rc = posix_spawnattr_setsigmask(a, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(a, &all);
    if (rc == 0)
        rc = posix_spawnattr_setpgroup(a, 0);
    if (rc == 0)
        rc = posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                             POSIX_SPAWN_SETPGROUP);
    return rc;
}

static int spawn(const char *program, size_t memory, int socket, int memfd, pid_t *pid)
{
    char ceiling[32];
    (void)snprintf(ceiling, sizeof ceiling, "%zu", memory);
    char *argv[] = {(char *)program, ceiling, NULL};
    char *envp[] = {NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t process;
    if (posix_spawn_file_actions_init(&files))
        return ENOMEM;
    if (posix_spawnattr_init(&process)) {
        posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    int rc = describe_files(&files, socket, memfd);
    if (rc == 0)
        rc = describe_process(&process);
    if (rc == 0)
        rc = posix_spawn(pid, program, &files, &process, argv, envp);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&process);
    return rc;
}

enum err media_spawn(const char *program, size_t memory, int memfd, pid_t *pid, int *socket)
{
    char path[PATH_MAX];
    int pair[2];
    if (!program)
        TRY(beside_us(path));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return ERR_SYSTEM;
    int theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, CLEAR_OF);
    int page = fcntl(memfd, F_DUPFD_CLOEXEC, CLEAR_OF);
    int rc = theirs < 0 || page < 0 ? EMFILE
                                    : spawn(program ? program : path, memory, theirs, page, pid);
    close(pair[1]);
    if (theirs >= 0)
        close(theirs);
    if (page >= 0)
        close(page);
    if (rc) {
        close(pair[0]);
        return ERR_SYSTEM;
    }
    *socket = pair[0];
    return ERR_NONE;
}

int media_reap(pid_t pid)
{
    int status = -1;
    struct pollfd p = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    (void)kill(pid, SIGKILL);
    if (p.fd >= 0) {
        while (poll(&p, 1, REAP_MS) < 0 && errno == EINTR)
            continue;
        close(p.fd);
    }
    pid_t got = waitpid(pid, &status, WNOHANG);
    return got == pid ? status : -1;
}
