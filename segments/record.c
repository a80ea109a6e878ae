/* Requests and replies between the server and a media helper.
 * Nothing here allocates and nothing is kept: each function turns a struct into bytes or bytes into
 * a checked struct. Errors travel as numbers of their own, not as enum err's values, so that a
 * helper and a server of different builds never mistake one for another. */
#include "segments/record.h"

#include "edge/base/buf.h"
#include "segments/order.h"

#include <string.h>

#define REQUEST_MAGIC UINT32_C(0x71676573) /* "segq" */
#define REPLY_MAGIC UINT32_C(0x72676573)   /* "segr" */
#define SIZE_MAX_FILE (UINT64_C(1) << 62)

/* The wire's number of an error is its place here. */
static const enum err WIRE_ERR[] = {ERR_NONE,  ERR_MEDIA, ERR_UNSUPPORTED, ERR_CANCELLED,
                                    ERR_NOMEM, ERR_IO,    ERR_SYSTEM};
#define WIRE_ERRS (sizeof WIRE_ERR / sizeof *WIRE_ERR)
#define WIRE_SYSTEM (WIRE_ERRS - 1)

static void put_le(unsigned char *p, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_le(const unsigned char *p, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static uint32_t wire_of(enum err e)
{
    for (uint32_t i = 0; i < WIRE_ERRS; i++) {
        if (WIRE_ERR[i] == e)
            return i;
    }
    return WIRE_SYSTEM;
}

void record_pack_request(const struct record_request *request, unsigned char out[RECORD_REQUEST])
{
    memset(out, 0, RECORD_REQUEST);
    put_le(out, REQUEST_MAGIC, 4);
    put_le(out + 4, RECORD_VERSION, 4);
    put_le(out + 8, request->op, 4);
    put_le(out + 12, request->more, 4);
    put_le(out + 16, request->job, 8);
    put_le(out + 24, request->size, 8);
}

enum err record_unpack_request(const unsigned char in[RECORD_REQUEST], struct record_request *out)
{
    *out = (struct record_request){0};
    if (get_le(in, 4) != REQUEST_MAGIC || get_le(in + 4, 4) != RECORD_VERSION)
        return ERR_SYNTAX;
    out->op = (uint32_t)get_le(in + 8, 4);
    out->job = get_le(in + 16, 8);
    out->size = get_le(in + 24, 8);
    out->more = (uint32_t)get_le(in + 12, 4);
    bool more = out->op == RECORD_ENCODE;
    if ((out->op != RECORD_INDEX && !more) || out->more > ORDER_MAX || more != (out->more > 0))
        return ERR_SYNTAX;
    if (out->job == 0 || out->size > SIZE_MAX_FILE)
        return ERR_SYNTAX;
    return ERR_NONE;
}

void record_pack_reply(const struct record_reply *reply, unsigned char out[RECORD_REPLY])
{
    size_t why = strnlen(reply->why, RECORD_WHY);
    memset(out, 0, RECORD_REPLY);
    put_le(out, REPLY_MAGIC, 4);
    put_le(out + 4, RECORD_VERSION, 4);
    put_le(out + 8, wire_of(reply->err), 4);
    put_le(out + 12, why, 4);
    put_le(out + 16, reply->job, 8);
    put_le(out + 24, reply->packets, 8);
    put_le(out + 32, reply->payload, 8);
    memcpy(out + 40, reply->why, why);
}

/* A reason ends in a log and in an answer to a client: plain text, whatever the helper sent. */
static void copy_why(char *out, const unsigned char *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = in[i] >= 0x20 && in[i] <= 0x7e ? (char)in[i] : '?';
    out[n] = '\0';
}

static bool payload_fits(const struct record_reply *reply)
{
    if (reply->err != ERR_NONE)
        return reply->payload == 0;
    return reply->payload > 0 && reply->payload <= BUF_MAX_INDEX;
}

enum err record_unpack_reply(const unsigned char in[RECORD_REPLY], uint64_t job,
                             struct record_reply *out)
{
    *out = (struct record_reply){.err = ERR_SYSTEM};
    uint64_t wire = get_le(in + 8, 4);
    uint64_t why = get_le(in + 12, 4);
    if (get_le(in, 4) != REPLY_MAGIC || get_le(in + 4, 4) != RECORD_VERSION)
        return ERR_SYNTAX;
    if (wire >= WIRE_ERRS || why > RECORD_WHY || get_le(in + 16, 8) != job)
        return ERR_SYNTAX;
    out->job = job;
    out->err = WIRE_ERR[wire];
    out->packets = get_le(in + 24, 8);
    out->payload = get_le(in + 32, 8);
    copy_why(out->why, in + 40, (size_t)why);
    return payload_fits(out) ? ERR_NONE : ERR_SYNTAX;
}
