/* What the server and a media helper say to each other: values only. [any thread]
 *
 * The server sends a request of RECORD_REQUEST bytes with the media file's descriptor beside it
 * (SCM_RIGHTS), and behind it the order, where there is one; the helper answers RECORD_REPLY bytes
 * and, after ERR_NONE, `payload` bytes: the index record, or frames. Both are little-endian with a
 * magic number and a version in front. They also share one page of memory: that is how a job is
 * stopped while the helper computes, and how far it came is known even when it had to be killed.
 * The helper reads hostile files, so the server believes nothing it sends: unpacking checks each
 * field, and the index record is checked once more by index_open. */
#ifndef SEGMENTS_RECORD_H
#define SEGMENTS_RECORD_H

#include "edge/base/err.h"

#include <stdatomic.h>
#include <stdint.h>

enum {
    RECORD_VERSION = 1,
    RECORD_REQUEST = 32, /* bytes of a packed request */
    RECORD_REPLY = 256,  /* bytes of a packed reply */
    RECORD_WHY = 200,    /* bytes of a reason, at most */
    RECORD_SOCKET = 3,   /* the helper's descriptor of its socket */
    RECORD_MEMORY = 4,   /* the helper's descriptor of the shared page */
    RECORD_INDEX = 1,    /* op: make an index of the file */
    RECORD_ENCODE = 2,   /* op: encode frames of it, as the order behind the request says */
};

/* The shared page. Only numbers, each read on its own: a helper that lies in it gains nothing. */
struct record_page {
    _Atomic uint64_t stop;     /* the number of the job that is to stop; 0: none [server writes] */
    _Atomic uint64_t taken;    /* the job whose request was read last [helper writes] */
    _Atomic uint64_t packets;  /* packets of this job that were read so far [helper writes] */
    _Atomic uint64_t expected; /* how many the file will have, estimated [helper writes] */
};

struct record_request {
    uint32_t op;   /* RECORD_INDEX or RECORD_ENCODE */
    uint64_t job;  /* not 0; the reply repeats it, record_page.stop names it */
    uint64_t size; /* bytes of the media file, not over 2^62 */
    uint32_t more; /* bytes of an order (order.h) that follow: 1..ORDER_MAX to encode, else 0 */
};

struct record_reply {
    uint64_t job;
    enum err err;             /* ERR_NONE, MEDIA, UNSUPPORTED, CANCELLED, NOMEM, IO, SYSTEM */
    uint64_t packets;         /* that were read */
    uint64_t payload;         /* bytes that follow: 1..BUF_MAX_INDEX after ERR_NONE, else 0 */
    char why[RECORD_WHY + 1]; /* terminated; empty after ERR_NONE */
};

void record_pack_request(const struct record_request *request, unsigned char out[RECORD_REQUEST]);
/* ERR_SYNTAX: not a request of this version, or a field is out of its limits. */
MUST_USE enum err record_unpack_request(const unsigned char in[RECORD_REQUEST],
                                        struct record_request *out);

void record_pack_reply(const struct record_reply *reply, unsigned char out[RECORD_REPLY]);
/* ERR_SYNTAX: not a reply of this version to `job`, or a field is out of its limits. Bytes of the
 * reason that are not printable ASCII arrive as '?'. */
MUST_USE enum err record_unpack_reply(const unsigned char in[RECORD_REPLY], uint64_t job,
                                      struct record_reply *out);

#endif
