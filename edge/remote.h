/* `segue purge` and `segue warm`: asking a running server through its admin listener. Blocking, one
 * thread. Messages go to stderr; the answers are exit statuses: 0 done, 1 not. */
#ifndef EDGE_REMOTE_H
#define EDGE_REMOTE_H

#include "edge/config.h"

/* `how` is "path", "prefix" or "tag". */
int remote_purge(const struct conf *conf, const char *how, const char *what, bool soft);
/* Returns when all is loaded; shows how far it is on stderr: a bar on a terminal, else lines. */
int remote_warm(const struct conf *conf, const char *prefix);

#endif
