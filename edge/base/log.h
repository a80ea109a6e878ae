/* The server's own log: one line an event, on stderr. [any thread]
 * A line is one write, so lines of threads never mix. Text from outside goes in through %s of a
 * str and is escaped by log_text first: no line breaks, no control bytes reach a terminal. */
#ifndef EDGE_BASE_LOG_H
#define EDGE_BASE_LOG_H

#include "edge/base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
bool log_wants(enum log_level level);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* s with every byte outside 0x20..0x7e written \xHH, cut to fit; returns out. */
const char *log_text(char *out, size_t room, struct str s);

#endif
