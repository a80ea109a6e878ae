/* What one loop needs to serve: its tools, its options and its scratch memory. [loop]
 * A worker owns one for the public listeners; the main thread owns one for the admin listener.
 * Connections point up to it and never outlive it. */
#ifndef EDGE_SERVE_SERVICE_H
#define EDGE_SERVE_SERVICE_H

#include "edge/guard/forwarded.h"
#include "edge/guard/limiter.h"
#include "edge/guard/pace.h"
#include "edge/http/h1_parse.h"
#include "edge/loop/pool.h"
#include "edge/loop/timer.h"
#include "edge/serve/admin.h"
#include "edge/store/supply.h"
#include "edge/watch/access.h"
#include "edge/watch/counters.h"
#include "edge/watch/histogram.h"
#include "edge/wire/address.h"

struct conn;
struct keyring;
struct exchange;
struct route;

enum {
    SERVICE_HEAD = 4096, /* bytes of the longest reply head */
    SERVICE_DATE = 37,   /* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" */
    SERVICE_SPARES = 64, /* exchanges kept for the next requests */
};

/* Checked values of the configuration; immutable, shared by all services. Times in nanoseconds. */
struct service_opts {
    uint64_t header_timeout;
    uint64_t idle_timeout;
    uint64_t write_timeout;
    size_t max_header;      /* bytes of a request head */
    size_t max_connections; /* of all services together */
    size_t buffer;          /* bytes through which a cold file is read for one connection */
    struct str common;      /* fields that every answer carries: nosniff, CORS, Server */
    struct str preflight;   /* fields of a 204 to OPTIONS */
    bool admin;             /* POST is spoken here */
    /* NULL: nothing is signed, and nothing protected. Whoever has these options has a reference. */
    struct keyring *keys;
    struct limiter *buckets; /* shared, of requests by address; NULL: they are not limited */
    struct limiter *counts;  /* shared, of connections by address; NULL: the same */
    struct limiter *debts;   /* shared, of ended connections; NULL: nothing is paced */
    struct pace_terms pace;
    struct limiter_rate requests;
    uint32_t connections;      /* of one address at once */
    struct networks proxies;   /* whose word about the client is taken */
    const struct str *origins; /* that are named to who comes from there; else `common` names one */
    size_t origin_count;
    const struct str *referers; /* beginnings of those that may link to media; none: all may */
    size_t referer_count;
    const struct str *protect; /* prefixes that need a signature */
    size_t protect_count;
    int64_t max_expires;     /* seconds from now, of a signature; 0: any */
    int64_t stream_lifetime; /* seconds, of what playlists hand on, at least */
};

struct service {
    struct loop *loop;
    struct timers *timers;
    struct supply_seat seat;
    struct counters *counters;
    struct histogram *histogram;
    struct access_ring *access; /* NULL: nothing is logged */
    const struct service_opts *opts;
    const struct route *routes;     /* ends with an empty prefix */
    atomic_size_t *open;            /* connections of all services; shared */
    const struct admin_view *admin; /* NULL on public listeners */
    void (*on_close)(void *arg);    /* a connection was closed: its descriptor is free again */
    void *arg;

    struct conn *conns; /* all of them */
    size_t conn_count;
    bool draining;
    struct recall *recall; /* of opts->keys; NULL: nothing signed has been asked for yet */
    struct exchange *spares;
    unsigned spare_count;
    struct h1_request request; /* the head that was read last: see exchange.h */
    uint64_t paced;            /* ns that answers waited and that are no whole second yet */
    uint64_t second_until;     /* monotonic ns: when the date line is of the past */
    int64_t second;            /* of the date line */
    char date[SERVICE_DATE];
    unsigned char *input; /* room for a head and more: what is read first goes here */
    size_t input_room;
    char head[SERVICE_HEAD]; /* the reply head that is being written */
};

/* Fills in what has a beginning: spares, input. The first block is the caller's, filled before.
 * ERR_NOMEM */
MUST_USE enum err service_init(struct service *s);
void service_fini(struct service *s); /* there must be no connection left */

/* A connection was accepted; fd is taken over. `proxied`: it has to begin with a header of the
 * PROXY protocol, and to come from one of opts->proxies. */
void service_accept(struct service *s, int fd, const struct address *peer, bool proxied);
/* Idle connections are closed, the others after their answer. */
void service_drain(struct service *s);
/* End all that is left. */
void service_cut(struct service *s);

/* Options from now on, with their keys, of which a reference is taken over. The old keys', for the
 * caller. */
struct keyring *service_retune(struct service *s, const struct service_opts *opts);

/* The date line of now, formatted once a second. */
struct str service_date(struct service *s);
/* Seconds since 1970 of that line. */
int64_t service_second(struct service *s);

#endif
