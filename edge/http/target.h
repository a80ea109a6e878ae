/* The four forms of a request target (RFC 9112 3.2). [any thread] Used by the request parser. */
#ifndef EDGE_HTTP_TARGET_H
#define EDGE_HTTP_TARGET_H

#include "edge/http/h1_parse.h"

/* Split r->target, all of whose bytes are OCTET_TARGET, into authority (left empty where the target
 * has none), path and query. Looks at r->method and r->method_text.
 *   ERR_TARGET  none of the forms, or one that the method does not take; r->why says which */
MUST_USE enum err target_parse(struct h1_request *r);

/* Is it host [":" port], with a host that is not empty (RFC 9110 4.2.1)? Percent-encoded names and
 * zones, which no one resolves, are refused; user information is too (RFC 9110 4.2.4). */
bool target_is_authority(struct str s);

#endif
