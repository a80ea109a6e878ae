/* What the configuration means to edge/serve: checked values and ready-made reply fields.
 * [main thread; what comes out is immutable] */
#ifndef EDGE_TERMS_H
#define EDGE_TERMS_H

#include "edge/config.h"
#include "edge/serve/route.h"
#include "edge/serve/service.h"

enum { TERMS_ROUTES = 10 };

struct terms {
    struct terms *older; /* for the owner's list: those a reload has replaced */
    struct service_opts opts;
    char *common;         /* owned: what opts.common points to */
    char *preflight;      /* the same */
    struct keyring *keys; /* a reference; NULL: none */
    struct str *protect;  /* owned, and what it points to; so are these */
    struct str *origins, *referers;
    struct network *proxies;
};

/* What limits are kept in: by client address, and shared by all workers. */
struct terms_tables {
    struct limiter *buckets, *counts, *debts; /* of requests, of connections, of pace */
};
MUST_USE enum err terms_tables_new(struct terms_tables *out); /* ERR_NOMEM: to be freed as well */
void terms_tables_free(struct terms_tables *tables);

/* Limits, where the configuration has some, by these tables; they are the caller's. */
void terms_limit(struct terms *t, const struct conf *conf, const struct terms_tables *tables);

/* For the public listeners, or the admin listener. NULL: out of memory, or a file of sign.keys
 * cannot be had; the log says so. */
struct terms *terms_new(const struct conf *conf, bool admin);
void terms_free(struct terms *t); /* and the older ones */
/* Others are in force: the keys go when the last worker has them no more. */
void terms_retire(struct terms *t);

/* Fill the table of routes; the prefixes are the configuration's. */
void terms_public_routes(const struct conf *conf, struct route out[TERMS_ROUTES]);
void terms_admin_routes(struct route out[TERMS_ROUTES]);

#endif
