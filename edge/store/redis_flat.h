/* What a channel of Redis tells comes as arrays, and a reader of arrays can be told of ones with
 * two thousand million elements, in as many levels as it takes. This looks first. [any thread] */
#ifndef EDGE_STORE_REDIS_FLAT_H
#define EDGE_STORE_REDIS_FLAT_H

#include "edge/base/err.h"
#include "edge/base/str.h"

enum { FLAT_STRING = 64 * 1024 }; /* bytes of the longest string in one */

/* Do the bytes begin with a whole array of two or three strings or numbers?
 *   ERR_AGAIN  with more bytes they may   ERR_SYNTAX  they never will */
MUST_USE enum err flat_array(struct str bytes);

#endif
