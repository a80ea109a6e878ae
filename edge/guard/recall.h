/* Signatures that were right a moment ago, so that who sends one with every request has it made
 * anew once: a table of fixed size, one for each loop. [one thread] It remembers of a text that it
 * was signed, and nothing of what that allows or how long. Another keyring needs an empty one. */
#ifndef EDGE_GUARD_RECALL_H
#define EDGE_GUARD_RECALL_H

#include "edge/base/err.h"
#include "edge/base/str.h"

enum { RECALL_ENTRIES = 256, RECALL_TEXT = 1022 /* bytes of one; longer ones are not kept */ };

struct recall;

MUST_USE enum err recall_new(struct recall **out); /* ERR_NOMEM */
void recall_clear(struct recall *r);               /* NULL is fine */
void recall_free(struct recall *r);                /* the same */

/* Have these `count` strings, the signature among them, been noted together?  r may be NULL: no. */
bool recall_has(const struct recall *r, const struct str *parts, size_t count);
void recall_note(struct recall *r, const struct str *parts, size_t count);

#endif
