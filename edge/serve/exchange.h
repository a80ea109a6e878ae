/* One request and its answer. [loop]
 * It goes through the stages in exchange.c, each a name and a function that answers ON, PARK or
 * END. What it needs beside this struct comes from its arena and goes with it. */
#ifndef EDGE_SERVE_EXCHANGE_H
#define EDGE_SERVE_EXCHANGE_H

#include "edge/base/arena.h"
#include "edge/http/h1_parse.h"
#include "edge/http/range.h"
#include "edge/serve/conn.h"
#include "edge/store/piece.h"

enum { EXCHANGE_SPANS = 6, EXCHANGE_MEMORY = 1024 * 1024 };

enum step { STEP_ON, STEP_PARK, STEP_END };

/* A run of the answer: memory, or, where that is NULL, bytes of the source file. */
struct span {
    const unsigned char *memory; /* borrowed from object, arena or program; NULL: of a file */
    uint64_t offset;
    uint64_t length;
    bool shelved; /* the file is the shelf, else the source */
};

struct waiter; /* for a cold read: body.c */
struct pace;

/* What is being sent: the head and then the body. */
struct body {
    struct span *spans;
    unsigned count;
    unsigned at;   /* the first that is not wholly sent */
    uint64_t left; /* bytes, head included */
    uint64_t sent;
    uint64_t warm_from, warm_to; /* of the source: what is or was read into memory for us */
    struct waiter *warming;
    unsigned
        guard; /* the span that is sent from memory, once its file was seen to be whole; 0: none */
    struct piece piece; /* of a cold file: what of it is in memory, or comes */
    bool resumed;       /* it has been parked: the source is looked at before more is sent */
};

/* What the access log wants of a request whose bytes are gone. */
struct spoken {
    struct str method;
    struct str target;
    struct str referer;
    struct str user_agent;
    struct str range;
};

struct reply {
    int status;
    bool head_only;           /* HEAD, 204, 304 */
    struct object *object;    /* a reference; what is sent */
    struct object *source;    /* a reference, or NULL: the file of its spans */
    struct near_entry *held;  /* not NULL: this holds the two instead */
    struct range_set *ranges; /* in the arena; NULL: the whole */
    struct str extra;         /* more fields, each with CRLF; borrowed or in the arena */
    struct str cache;         /* Cache-Status and Age; static or in the arena */
    bool hit;                 /* that is what they say */
    uint64_t length;          /* of the body, bytes */
};

struct exchange {
    struct exchange *next; /* of the spares */
    struct arena arena;
    /* From here on it is zero when a request begins. */
    struct conn *conn;
    struct service *service;
    struct h1_request *request; /* service->request while it runs straight through; in the arena
                                   once it parked for a look-up; NULL once it parked sending */
    struct spoken *spoken;      /* then this is set, in the arena */
    struct wish wish;
    struct reply reply;
    struct body body;
    struct pace *pace;      /* in the arena; NULL: the body goes as fast as it can */
    uint64_t started;       /* first byte of the request, monotonic ns */
    uint64_t answered;      /* when the first byte of the answer went; 0: not yet */
    uint64_t head_bytes;    /* of the reply head */
    struct str path;        /* decoded, without a token, in the arena */
    struct address *client; /* whom a proxy speaks for, in the arena; NULL: it is the peer */
    struct str override;    /* fields that take the object's place, as its own; in the arena */
    const char *denied;     /* why it was refused: static; NULL: it was not */
    const struct guard_key *heir; /* what playlists hand on is signed with; NULL: they are sent as
                                     they are */
    struct keyring *keys;         /* a reference, with heir: whose it is */
    bool inherits;                /* with heir: it was opened by a token in the path */
    uint8_t stage;
    uint8_t minor; /* of HTTP/1.x */
    bool kept;     /* what is needed of the request is in the arena */
    bool keep_alive;
    bool asks;                /* the route wants wish looked up */
    bool looks;               /* its handler has parked, and will be called again */
    bool probed;              /* a 100 was sent to see whether anybody is there */
    bool gone;                /* the client went, or the source broke off */
    enum close_reason reason; /* with gone, or without keep_alive */
    /* Up to here. */
    struct span few[EXCHANGE_SPANS]; /* body.spans, when they are enough */
};

/* Begin with service->request, whose bytes stay until this returns. Afterwards conn->exchange says
 * whether it goes on; the connection may have ended. */
void exchange_start(struct conn *c, uint64_t started);
/* Answer bytes that are no request (service->request has its `why`); as above. */
void exchange_refuse(struct conn *c, enum err e, uint64_t started);
/* Something it may have parked for has happened, or its connection changed: go on if possible. */
void exchange_go(struct exchange *x);
/* The connection is ending: give up all that is under way, record, free. */
void exchange_abort(struct exchange *x, enum close_reason reason);
/* Free the spares of a service. */
void exchange_free_spares(struct service *s);

/* Who asks: the peer, or whom a trusted proxy speaks for. */
const struct address *exchange_client(const struct exchange *x);

/* For routes: settle the answer; the answer stage follows. */
enum step exchange_fail(struct exchange *x, enum err e, struct str detail);
enum step exchange_fail_status(struct exchange *x, int status, struct str detail, struct str extra);
/* With an object of which the reference is taken; NULL is out of memory. */
enum step exchange_give(struct exchange *x, int status, struct object *object);

#endif
