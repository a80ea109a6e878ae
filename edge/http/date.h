/* HTTP dates (RFC 9110 5.6.7), by our own arithmetic: no locale, no time zone. [any thread] */
#ifndef EDGE_HTTP_DATE_H
#define EDGE_HTTP_DATE_H

#include "edge/base/err.h"
#include "edge/base/str.h"

enum { DATE_LENGTH = 29 };

/* "Sun, 06 Nov 1994 08:49:37 GMT", no terminator. Times outside the years 1 to 9999 are written as
 * the nearest that is inside. */
void date_format(int64_t unix_seconds, char out[DATE_LENGTH]);

/* Any of the three forms: IMF-fixdate, RFC 850 (its two-digit year is the latest that is not more
 * than 50 years after `now`), asctime. Seconds since 1970.   ERR_SYNTAX: none of them */
MUST_USE enum err date_parse(struct str s, int64_t now, int64_t *out);

#endif
