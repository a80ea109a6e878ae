/* Commands and replies, with hiredis' formatter and reader. A reply lives in the reader until the
 * next one is asked for. */
#include "edge/store/redis_words.h"

#include "edge/base/must.h"
#include "edge/store/redis_flat.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

struct redis_reader {
    redisReader *reader;
    redisReply *reply; /* the last one given out */
    bool messages;
};

enum err redis_command(struct buf *out, const struct str *words, unsigned count)
{
    const char *at[REDIS_WORDS_MAX];
    size_t length[REDIS_WORDS_MAX];
    char *command = NULL;
    must(count <= REDIS_WORDS_MAX);
    for (unsigned i = 0; i < count; i++) {
        at[i] = words[i].p ? words[i].p : "";
        length[i] = words[i].n;
    }
    int n = (int)redisFormatCommandArgv(&command, (int)count, at, length);
    enum err e = n < 0 ? ERR_NOMEM : out->len + (size_t)n > REDIS_OUT_MAX ? ERR_BUSY : ERR_NONE;
    if (!e) {
        buf_add(out, command, (size_t)n);
        e = buf_status(out);
    }
    if (command)
        redisFreeCommand(command);
    return e;
}

struct redis_reader *redis_reader_new(bool messages)
{
    struct redis_reader *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->messages = messages;
    r->reader = redisReaderCreate();
    if (!r->reader) {
        free(r);
        return NULL;
    }
    r->reader->maxbuf = REDIS_READ;
    return r;
}

static void forget(struct redis_reader *r)
{
    if (r->reply)
        freeReplyObject(r->reply);
    r->reply = NULL;
}

void redis_reader_free(struct redis_reader *r)
{
    if (!r)
        return;
    forget(r);
    redisReaderFree(r->reader);
    free(r);
}

enum err redis_reader_feed(struct redis_reader *r, const void *bytes, size_t n)
{
    return redisReaderFeed(r->reader, bytes, n) == REDIS_OK ? ERR_NONE : ERR_NOMEM;
}

static enum redis_kind kind_of(int type)
{
    switch (type) {
    case REDIS_REPLY_NIL:
        return REDIS_NIL;
    case REDIS_REPLY_STRING:
        return REDIS_BYTES;
    case REDIS_REPLY_STATUS:
        return REDIS_STATUS;
    case REDIS_REPLY_ERROR:
        return REDIS_REFUSED;
    default:
        return REDIS_OTHER;
    }
}

/* ["message", channel, payload]: nobody asked for it. */
static bool is_message(const struct redis_reader *r, const redisReply *reply)
{
    if (!r->messages || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (reply->element[i]->type != REDIS_REPLY_STRING)
            return false;
    return str_eq((struct str){reply->element[0]->str, (size_t)reply->element[0]->len},
                  STR("message"));
}

/* What it begins like; ERR_AGAIN: that cannot be seen yet. */
static enum err look_at_type(const struct redis_reader *r)
{
    const redisReader *reader = r->reader;
    struct str bytes = {reader->buf + reader->pos, reader->len - reader->pos};
    if (bytes.n == 0)
        return ERR_AGAIN;
    if (reader->ridx >= 0 || memchr("+-:$", bytes.p[0], 4))
        return ERR_NONE;
    return r->messages ? flat_array(bytes) : ERR_SYNTAX;
}

static struct redis_reply reply_of(const struct redis_reader *r, const redisReply *from)
{
    struct redis_reply reply = {kind_of(from->type), {0}};
    if (is_message(r, from)) {
        const redisReply *payload = from->element[2];
        return (struct redis_reply){REDIS_MESSAGE, {payload->str, (size_t)payload->len}};
    }
    if (reply.kind == REDIS_BYTES || reply.kind == REDIS_STATUS || reply.kind == REDIS_REFUSED)
        reply.bytes = (struct str){from->str, (size_t)from->len};
    return reply;
}

/* An array of 2^31 elements costs hiredis' reader seconds: so what begins like one is looked at
 * first. It is never asked without a byte, since it would begin a reply then, whose first byte
 * nobody would see. */
enum err redis_reader_next(struct redis_reader *r, struct redis_reply *out)
{
    void *reply = NULL;
    forget(r);
    TRY(look_at_type(r));
    if (redisReaderGetReply(r->reader, &reply) != REDIS_OK)
        return ERR_SYNTAX;
    r->reply = reply;
    if (!reply)
        return r->reader->len - r->reader->pos > REDIS_REPLY_MAX ? ERR_TOO_BIG : ERR_AGAIN;
    *out = reply_of(r, reply);
    return ERR_NONE;
}
