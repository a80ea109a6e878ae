/* The fences around the code that reads hostile files, from the outside in: own namespaces and an
 * unprivileged user where we are root, limits, and last the list of system calls. The order counts:
 * changing the user clears the parent-death signal and the dumpable flag, so these come after it;
 * the filter comes last, since it forbids all of the others.
 *
 * Namespaces and the change of user are extra fences: where the system does not let us (an
 * unprivileged server, a container) the filter alone still leaves nothing but reading descriptors
 * that were handed over and answering on the socket. Limits and the filter are not optional. */
#include "segments/helper/sandbox.h"

#include "segments/record.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* A sanitizer maps terabytes, re-opens files to print and starts a thread to look for leaks: its
 * builds have the same filter with these calls added, no ceiling of memory, and may write reports.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(SEGUE_AUDIT)
enum { SANITIZED = 1 };
static const int CALLS_SANITIZER[] = {
    SCMP_SYS(openat),       SCMP_SYS(open),
    SCMP_SYS(readlink),     SCMP_SYS(readlinkat),
    SCMP_SYS(write),        SCMP_SYS(writev),
    SCMP_SYS(getpid),       SCMP_SYS(gettid),
    SCMP_SYS(tgkill),       SCMP_SYS(sigaltstack),
    SCMP_SYS(clone),        SCMP_SYS(prctl),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(getrlimit),    SCMP_SYS(prlimit64),
    SCMP_SYS(mmap),         SCMP_SYS(mprotect),
    SCMP_SYS(uname),        SCMP_SYS(ioctl),
    SCMP_SYS(wait4),        SCMP_SYS(process_vm_readv),
};
#else
enum { SANITIZED = 0 };
static const int CALLS_SANITIZER[1] = {SCMP_SYS(exit_group)};
#endif

static const int CALLS[] = {
    SCMP_SYS(read),
    SCMP_SYS(pread64),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(restart_syscall),
};

/* These may touch the socket alone. */
static const int SOCKET_CALLS[] = {SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg),
                                   SCMP_SYS(recvfrom)};

/* Memory may be mapped and protected, never made executable. */
static const int MEMORY_CALLS[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};

enum { NOBODY = 65534, DESCRIPTORS = 8 };

#define COUNT(table) (sizeof(table) / sizeof *(table))

static int allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return rc;
}

static int allow_on(scmp_filter_ctx filter, const int *calls, size_t count,
                    struct scmp_arg_cmp condition)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, calls[i], 1, &condition);
    return rc;
}

static int add_rules(scmp_filter_ctx filter)
{
    struct scmp_arg_cmp on_socket = SCMP_A0(SCMP_CMP_EQ, RECORD_SOCKET);
    struct scmp_arg_cmp not_executable = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    /* glibc's fstat is newfstatat with an empty path; with any other it would reach the tree. */
    struct scmp_arg_cmp by_descriptor[] = {SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH)};
    int rc = allow(filter, CALLS, COUNT(CALLS));
    if (rc == 0 && SANITIZED)
        rc = allow(filter, CALLS_SANITIZER, COUNT(CALLS_SANITIZER));
    if (rc == 0)
        rc = allow_on(filter, SOCKET_CALLS, COUNT(SOCKET_CALLS), on_socket);
    if (rc == 0 && !SANITIZED)
        rc = allow_on(filter, MEMORY_CALLS, COUNT(MEMORY_CALLS), not_executable);
    if (rc == 0)
        rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, by_descriptor);
    return rc;
}

static enum err load_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return ERR_SYSTEM;
    int rc = add_rules(filter);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc == 0 ? ERR_NONE : ERR_SYSTEM;
}

/* Bytes of address space in use: libav's libraries alone map some 200 MB before any work. */
static size_t mapped_now(void)
{
    size_t pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (!statm)
        return 0;
    if (fscanf(statm, "%zu", &pages) != 1)
        pages = 0;
    fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static enum err limit(int what, size_t value)
{
    struct rlimit both = {value, value};
    return setrlimit((__rlimit_resource_t)what, &both) ? ERR_SYSTEM : ERR_NONE;
}

static enum err limit_all(size_t memory)
{
    size_t mapped = mapped_now();
    if (mapped == 0)
        return ERR_SYSTEM;
    TRY(limit(RLIMIT_CORE, 0));
    TRY(limit(RLIMIT_NOFILE, DESCRIPTORS));
    if (SANITIZED)
        return ERR_NONE;
    TRY(limit(RLIMIT_FSIZE, 0));
    return limit(RLIMIT_AS, mapped + memory);
}

/* Best effort: see the top of the file. The user is changed only where that can be done whole. */
static enum err drop_root(void)
{
    if (geteuid() != 0)
        return ERR_NONE;
    (void)unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS);
    if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY))
        return errno == EPERM || errno == EINVAL ? ERR_NONE : ERR_SYSTEM;
    if (setresuid(NOBODY, NOBODY, NOBODY) && errno != EPERM && errno != EINVAL)
        return ERR_SYSTEM;
    return ERR_NONE;
}

static enum err set_flags(void)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return ERR_SYSTEM;
    return prctl(PR_SET_DUMPABLE, 0) ? ERR_SYSTEM : ERR_NONE;
}

enum err sandbox_enter(size_t memory, const char **what)
{
    *what = "the unprivileged user";
    TRY(drop_root());
    *what = "limits";
    TRY(limit_all(memory));
    *what = "process flags";
    TRY(set_flags());
    *what = "the filter of system calls";
    return load_filter();
}
