/* Where log lines go: stdout or a file that is appended to. [one thread: the writer] Writing never
 * takes longer than its patience: a pipe or socket whose reader is stuck, a reader that went, a
 * full disk cost the lines at hand, are reported once, and are tried again with the next. */
#ifndef EDGE_WATCH_SINK_H
#define EDGE_WATCH_SINK_H

#include "edge/base/str.h"

struct sink {
    char *path; /* owned; NULL for stdout */
    int fd;     /* -1 when there is none */
    bool owned; /* fd is ours to close */
    bool socket;
    bool torn;    /* the last byte that went out was not the end of a line */
    bool failing; /* the last write failed: no patience until one succeeds */
};

/* `where`: "stdout" or the name of a file. False when it cannot be opened; the log says why. */
bool sink_open(struct sink *s, const char *where);

/* Writes lines, the last with its line feed too; waits up to `patience_ms` for a reader that does
 * not read. Returns how many lines did not go out whole. */
size_t sink_write(struct sink *s, struct str lines, int patience_ms);

/* Opens the file anew (another may have moved it away); keeps the old one, and logs why, when that
 * fails. Stdout stays as it is. */
void sink_reopen(struct sink *s);

void sink_close(struct sink *s);

#endif
