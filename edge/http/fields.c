/* The table of field names, and the way back from a name to its number.
 * A name's length leaves at most three fields that it can be; the exact spelling is tried first,
 * since nearly all HTTP/1 senders use the RFC's. */
#include "edge/http/fields.h"

#include "edge/base/must.h"

#include <string.h>

static const struct str names[FIELD_COUNT] = {
#define FIELD(id, name) [FIELD_##id] = {name, sizeof(name) - 1},
#define REPLY_FIELD(id, name) [FIELD_##id] = {name, sizeof(name) - 1},
#include "edge/http/fields.def"
#undef FIELD
#undef REPLY_FIELD
};

_Static_assert(FIELD_REQUEST_COUNT <= 64, "a set of request fields is one uint64_t");

/* Which request fields have names of that length. */
struct candidates {
    uint8_t count;
    uint8_t id[3];
};

static const struct candidates by_length[] = {
    [2] = {1, {FIELD_TE}},
    [4] = {1, {FIELD_HOST}},
    [5] = {1, {FIELD_RANGE}},
    [6] = {3, {FIELD_COOKIE, FIELD_ORIGIN, FIELD_EXPECT}},
    [7] = {3, {FIELD_REFERER, FIELD_UPGRADE, FIELD_TRAILER}},
    [8] = {2, {FIELD_IF_RANGE, FIELD_IF_MATCH}},
    [9] = {1, {FIELD_FORWARDED}},
    [10] = {2, {FIELD_CONNECTION, FIELD_USER_AGENT}},
    [13] = {2, {FIELD_IF_NONE_MATCH, FIELD_AUTHORIZATION}},
    [14] = {1, {FIELD_CONTENT_LENGTH}},
    [15] = {2, {FIELD_ACCEPT_ENCODING, FIELD_X_FORWARDED_FOR}},
    [17] = {2, {FIELD_IF_MODIFIED_SINCE, FIELD_TRANSFER_ENCODING}},
    [19] = {1, {FIELD_IF_UNMODIFIED_SINCE}},
    [29] = {1, {FIELD_ACCESS_CONTROL_REQUEST_METHOD}},
    [30] = {1, {FIELD_ACCESS_CONTROL_REQUEST_HEADERS}},
};

/* Both have the same length, which is not 0. */
static bool same(struct str a, struct str b)
{
    if ((a.p[0] ^ b.p[0]) & ~0x20) /* upper and lower case differ in that bit alone */
        return false;
    return memcmp(a.p, b.p, a.n) == 0 || str_ieq(a, b);
}

enum field field_id(struct str name)
{
    if (name.n >= sizeof by_length / sizeof by_length[0])
        return FIELD_OTHER;
    const struct candidates *c = &by_length[name.n];
    for (unsigned i = 0; i < c->count; i++)
        if (same(name, names[c->id[i]]))
            return (enum field)c->id[i];
    return FIELD_OTHER;
}

const char *field_name(enum field f)
{
    must((unsigned)f < FIELD_COUNT);
    return names[f].p;
}
