/* Packing of access entries: a fixed head, then the texts one after the other: see access_record.h.
 */
#include "edge/watch/access_record.h"

#include <netinet/in.h>
#include <string.h>

enum text { METHOD, TARGET, VERSION, REFERER, AGENT, RANGE, CACHE, DENIED, TEXTS };

static const uint16_t MOST[TEXTS] = {
    [METHOD] = ACCESS_MAX_METHOD,   [TARGET] = ACCESS_MAX_TARGET, [VERSION] = ACCESS_MAX_VERSION,
    [REFERER] = ACCESS_MAX_REFERER, [AGENT] = ACCESS_MAX_AGENT,   [RANGE] = ACCESS_MAX_RANGE,
    [CACHE] = ACCESS_MAX_CACHE,     [DENIED] = ACCESS_MAX_DENIED,
};

struct record {
    uint64_t when_ns;
    uint64_t duration_ns;
    uint64_t wait_ns;
    uint64_t bytes;
    uint16_t length[TEXTS];
    int16_t status;
    uint8_t close;
    bool aborted;
    union {
        struct sockaddr any; /* AF_UNSPEC: there was none that is written */
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } client;
    char text[];
};

static const struct str *text_of(const struct access_entry *e, enum text which)
{
    const struct str *const texts[TEXTS] = {
        [METHOD] = &e->method,   [TARGET] = &e->target,    [VERSION] = &e->version,
        [REFERER] = &e->referer, [AGENT] = &e->user_agent, [RANGE] = &e->range,
        [CACHE] = &e->cache,     [DENIED] = &e->denied,
    };
    return texts[which];
}

static uint16_t kept(const struct access_entry *e, enum text which)
{
    size_t n = text_of(e, which)->n;
    return n < MOST[which] ? (uint16_t)n : MOST[which];
}

size_t access_record_size(const struct access_entry *e)
{
    size_t size = sizeof(struct record);
    for (unsigned i = 0; i < TEXTS; i++)
        size += kept(e, (enum text)i);
    return size;
}

static void pack_client(struct record *r, const struct sockaddr *client)
{
    if (client && client->sa_family == AF_INET)
        memcpy(&r->client.v4, client, sizeof r->client.v4);
    else if (client && client->sa_family == AF_INET6)
        memcpy(&r->client.v6, client, sizeof r->client.v6);
    else
        r->client.any.sa_family = AF_UNSPEC;
}

void access_record_pack(void *to, const struct access_entry *e)
{
    struct record *r = to;
    char *at = r->text;
    r->when_ns = e->when_ns;
    r->duration_ns = e->duration_ns;
    r->wait_ns = e->wait_ns;
    r->bytes = e->bytes;
    r->status = (int16_t)e->status;
    r->close = (uint8_t)e->close;
    r->aborted = e->aborted;
    pack_client(r, e->client);
    for (unsigned i = 0; i < TEXTS; i++) {
        r->length[i] = kept(e, (enum text)i);
        if (r->length[i])
            memcpy(at, text_of(e, (enum text)i)->p, r->length[i]);
        at += r->length[i];
    }
}

static struct str next_text(const char **at, uint16_t n)
{
    struct str s = {*at, n};
    *at += n;
    return s;
}

struct access_entry access_record_unpack(const void *record)
{
    const struct record *r = record;
    const char *at = r->text;
    struct access_entry e = {
        .when_ns = r->when_ns,
        .duration_ns = r->duration_ns,
        .wait_ns = r->wait_ns,
        .bytes = r->bytes,
        .client = r->client.any.sa_family == AF_UNSPEC ? NULL : &r->client.any,
        .status = r->status,
        .close = (enum close_reason)r->close,
        .aborted = r->aborted,
    };
    e.method = next_text(&at, r->length[METHOD]);
    e.target = next_text(&at, r->length[TARGET]);
    e.version = next_text(&at, r->length[VERSION]);
    e.referer = next_text(&at, r->length[REFERER]);
    e.user_agent = next_text(&at, r->length[AGENT]);
    e.range = next_text(&at, r->length[RANGE]);
    e.cache = next_text(&at, r->length[CACHE]);
    e.denied = next_text(&at, r->length[DENIED]);
    return e;
}
