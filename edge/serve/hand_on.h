/* Playlists hand on the right to listen. [loop]
 * One that was opened by a query or a cookie is rewritten for each listener, from the cached one:
 * its children are named below "s/TOKEN/", with a token of ours for the track alone. One that was
 * opened by a token in the path is sent as it is, since relative URIs inherit that; but not a
 * playlist of byte ranges, whose children are the file itself, which lies outside of what such a
 * token names. */
#ifndef EDGE_SERVE_HAND_ON_H
#define EDGE_SERVE_HAND_ON_H

#include "edge/serve/admit.h"

/* Could it be a playlist that hands on? A first look, by its name alone. */
ADMIT_APART bool hand_on_may(struct str path, bool inherits);
/* With x->heir, once x->wish says what is asked for: does the answer hand on? Else x->heir is given
 * up. */
ADMIT_APART bool hand_on_settle(struct exchange *x);
/* Give up x->heir and x->keys. */
ADMIT_APART void hand_on_leave(struct exchange *x);

/* x->reply.object is a playlist that hands on: put the rewritten one in its place.
 *   ERR_NOMEM, ERR_TOO_BIG, ERR_CONFIG (a path of too many components) */
ADMIT_APART MUST_USE enum err hand_on(struct exchange *x);

#endif
