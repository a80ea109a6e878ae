/* The whole server: builds everything from the configuration, owns all lifetimes. [main thread] */
#ifndef EDGE_SERVER_H
#define EDGE_SERVER_H

#include "edge/config.h"

/* Serve until SIGTERM or SIGINT, then drain. The answer is the exit status: 0 after a drain, 1 when
 * the server could not start (stderr says why). `started`: when the program began, monotonic ns.
 * Takes SIGTERM, SIGINT, SIGHUP and SIGUSR1 over. */
int server_run(struct conf *conf, uint64_t started);

#endif
