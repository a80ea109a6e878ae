/* The reasons a connection can end for; the rows are in close.def. [any thread] */
#ifndef EDGE_WATCH_CLOSE_H
#define EDGE_WATCH_CLOSE_H

enum close_reason {
#define REASON(name, label, text) CLOSE_##name,
#include "edge/watch/close.def"
#undef REASON
    CLOSE_COUNT
};

/* "header_timeout", "a request head took longer than header_timeout": static, never NULL. */
const char *close_name(enum close_reason reason);
const char *close_text(enum close_reason reason);

#endif
