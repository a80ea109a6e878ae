/* Folders of renditions: what a wish for one waits for. Private to store/: supply.c starts it.
 * [loop]
 */
#ifndef EDGE_STORE_LADDER_H
#define EDGE_STORE_LADDER_H

#include "edge/store/supply.h"

struct ladder;

/* The wish's source is a folder. True: settled, or another step is set, as steps answer. */
bool ladder_start(struct wish *w);
void ladder_free(struct ladder *l); /* NULL is fine */

#endif
