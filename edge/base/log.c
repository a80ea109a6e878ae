/* Log lines on stderr: "2026-01-02T03:04:05.678Z warn  text". */
#include "edge/base/log.h"

#include "edge/base/clock.h"
#include "edge/base/must.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 2048 };

static atomic_int wanted = LOG_INFO;

void log_set_level(enum log_level level) { atomic_store(&wanted, (int)level); }
bool log_wants(enum log_level level) { return (int)level <= atomic_load(&wanted); }

static size_t stamp(char *line, enum log_level level)
{
    static const char *const names[] = {"error", "warn ", "info ", "debug"};
    uint64_t ns = clock_wall_ns();
    time_t s = (time_t)(ns / CLOCK_SECOND);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(line, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    int m = snprintf(line + n, 32, ".%03uZ %s ", (unsigned)(ns / CLOCK_MS % 1000), names[level]);
    return n + (size_t)m;
}

void log_write(enum log_level level, const char *format, ...)
{
    char line[LINE];
    if (!log_wants(level))
        return;
    size_t n = stamp(line, level);
    va_list args;
    va_start(args, format);
    int m = vsnprintf(line + n, sizeof line - n - 1, format, args);
    va_end(args);
    if (m > 0)
        n += (size_t)m < sizeof line - n - 1 ? (size_t)m : sizeof line - n - 2;
    line[n++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, n);
    (void)written; /* there is nobody left to tell */
}

const char *log_text(char *out, size_t room, struct str s)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    must(room);
    for (size_t i = 0; i < s.n && n + 5 < room; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c <= 0x7e && c != '\\') {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '\\';
        out[n++] = 'x';
        out[n++] = digits[c >> 4];
        out[n++] = digits[c & 15];
    }
    out[n] = '\0';
    return out;
}
