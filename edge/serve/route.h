/* Which handler answers a path. [loop] */
#ifndef EDGE_SERVE_ROUTE_H
#define EDGE_SERVE_ROUTE_H

#include "edge/serve/exchange.h"

/* `rest` is the path after the prefix. A handler fills x->wish and sets x->asks (STEP_ON: it is
 * looked up), or settles the answer with exchange_give or exchange_fail. One that parks is called
 * again by exchange_go. */
typedef enum step route_fn(struct exchange *x, struct str rest);

struct route {
    struct str prefix; /* "/audio/"; ends the table when empty */
    bool exact;        /* the path is the prefix, nothing follows */
    bool posts;        /* takes POST, and nothing else; another row may take the rest */
    route_fn *run;
};

/* The first whose prefix fits, or NULL. *rest is what follows it. */
const struct route *route_find(const struct route *table, struct str path, struct str *rest);

enum step get_audio(struct exchange *x, struct str rest);
enum step get_hls(struct exchange *x, struct str rest);
enum step get_ping(struct exchange *x, struct str rest);
enum step get_home(struct exchange *x, struct str rest);
enum step get_player(struct exchange *x, struct str rest);
enum step get_library(struct exchange *x, struct str rest);
enum step get_metrics(struct exchange *x, struct str rest);
enum step get_status(struct exchange *x, struct str rest);
enum step get_status_json(struct exchange *x, struct str rest);
enum step post_purge(struct exchange *x, struct str rest);
enum step post_warm(struct exchange *x, struct str rest);
enum step get_warm(struct exchange *x, struct str rest);
enum step get_health(struct exchange *x, struct str rest);

#endif
