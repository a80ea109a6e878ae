/* Writing log lines: see sink.h. Stdout is shared with whoever started us, so it must not be made
 * non-blocking. A pipe is therefore opened once more through /proc, which gives a description of
 * our own; a socket is written with MSG_DONTWAIT; a file or a terminal is written as it is. */
#include "edge/watch/sink.h"

#include "edge/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void complain(enum log_level level, const struct sink *s, const char *what, int error)
{
    char name[256];
    log_write(level, "access log %s: %s: %s",
              s->path ? log_text(name, sizeof name, str_of(s->path)) : "stdout", what,
              strerror(error));
}

static void look_at(struct sink *s)
{
    struct stat st;
    s->socket = fstat(s->fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static void open_stdout(struct sink *s)
{
    struct stat st;
    s->fd = STDOUT_FILENO;
    if (fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode)) {
        int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        s->owned = fd >= 0;
        s->fd = fd >= 0 ? fd : STDOUT_FILENO;
    }
    look_at(s);
}

/* O_NONBLOCK: a named pipe without a reader fails instead of waiting for one. */
static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0640);
}

bool sink_open(struct sink *s, const char *where)
{
    *s = (struct sink){.fd = -1};
    if (strcmp(where, "stdout") == 0) {
        open_stdout(s);
        return true;
    }
    s->path = str_dup(str_of(where));
    if (!s->path)
        return false;
    s->fd = open_file(s->path);
    s->owned = s->fd >= 0;
    if (s->fd >= 0)
        return true;
    complain(LOG_ERROR, s, "cannot be opened", errno);
    sink_close(s);
    return false;
}

static ssize_t write_some(const struct sink *s, struct str bytes)
{
    if (s->socket)
        return send(s->fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    return write(s->fd, bytes.p, bytes.n);
}

static bool wait_writable(const struct sink *s, int patience_ms)
{
    struct pollfd p = {.fd = s->fd, .events = POLLOUT};
    return poll(&p, 1, patience_ms) > 0;
}

/* What could not be written; errno says why when that is not empty. */
static struct str write_all(const struct sink *s, struct str bytes, int patience_ms)
{
    while (bytes.n) {
        ssize_t n = write_some(s, bytes);
        if (n >= 0) {
            bytes = str_from(bytes, (size_t)n);
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN || !wait_writable(s, patience_ms))
            break;
    }
    return bytes;
}

static size_t count_lines(struct str s)
{
    size_t lines = 0;
    while (s.n) {
        str_cut(&s, '\n');
        lines++;
    }
    return lines;
}

static void note_outcome(struct sink *s, bool failed, int error)
{
    if (failed && !s->failing)
        complain(LOG_WARN, s, "lines are lost", error ? error : EIO);
    if (!failed && s->failing)
        log_write(LOG_INFO, "access log: lines are written again");
    s->failing = failed;
}

size_t sink_write(struct sink *s, struct str lines, int patience_ms)
{
    int patience = s->failing ? 0 : patience_ms;
    if (lines.n == 0)
        return 0;
    /* a line that broke off last time must not swallow the beginning of this one */
    struct str rest = s->torn ? write_all(s, STR("\n"), patience) : (struct str){0};
    s->torn = rest.n > 0;
    rest = s->torn ? lines : write_all(s, lines, patience);
    int error = errno;
    note_outcome(s, rest.n > 0, error);
    if (rest.n && rest.n < lines.n)
        s->torn = rest.p[-1] != '\n';
    return count_lines(rest);
}

void sink_reopen(struct sink *s)
{
    if (!s->path)
        return;
    int fd = open_file(s->path);
    if (fd < 0) {
        complain(LOG_ERROR, s, "cannot be opened again, the old file is kept", errno);
        return;
    }
    close(s->fd);
    s->fd = fd;
    s->torn = false;
}

void sink_close(struct sink *s)
{
    if (s->owned)
        close(s->fd);
    free(s->path);
    *s = (struct sink){.fd = -1};
}
