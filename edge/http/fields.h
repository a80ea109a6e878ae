/* Field names as numbers. [any thread]
 * Ids below FIELD_REQUEST_COUNT are the fields that we read from requests; there are at most 64 of
 * them, so that a set of them is one word. */
#ifndef EDGE_HTTP_FIELDS_H
#define EDGE_HTTP_FIELDS_H

#include "edge/base/str.h"

enum field {
#define FIELD(id, name) FIELD_##id,
#define REPLY_FIELD(id, name)
#include "edge/http/fields.def"
#undef FIELD
#undef REPLY_FIELD
    FIELD_REQUEST_COUNT,
    FIELD_BEFORE_REPLY = FIELD_REQUEST_COUNT - 1,
#define FIELD(id, name)
#define REPLY_FIELD(id, name) FIELD_##id,
#include "edge/http/fields.def"
#undef FIELD
#undef REPLY_FIELD
    FIELD_COUNT,
    FIELD_OTHER, /* none that we read */
};

/* The request field of that name, without regard to case (RFC 9110 5.1), or FIELD_OTHER. */
enum field field_id(struct str name);

/* As the RFC spells it; static. must(f < FIELD_COUNT). */
const char *field_name(enum field f);

#endif
