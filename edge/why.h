/* The one sentence that says what is wrong with a configuration, and where. [one thread]
 * A place is set first ("segue.yaml:12: "), then something is said after it; the first thing said
 * stays, since what follows a mistake is mostly its echo. */
#ifndef EDGE_WHY_H
#define EDGE_WHY_H

#include "edge/base/err.h"
#include "edge/base/str.h"

struct why {
    char *text;  /* borrowed; always terminated when room > 0 */
    size_t room; /* bytes, the terminator included */
    size_t used; /* bytes of the place */
    bool said;
};

void why_init(struct why *w, char *text, size_t room);
/* What follows was found here; the text ends with ": ". Without effect once something was said. */
void why_at(struct why *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* ERR_CONFIG, always: so that a check can be left with `return why_say(...)`. */
MUST_USE enum err why_say(struct why *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
MUST_USE enum err why_nomem(struct why *w); /* ERR_NOMEM, always */

enum { WHY_QUOTE_MAX = 96 };
/* Text of the world, escaped, cut to fit, for a message; returns out. */
const char *why_quote(char out[WHY_QUOTE_MAX], struct str s);

#endif
