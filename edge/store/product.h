/* What is granted once a wish's source is known to be a file. Private to store/: supply.c starts
 * it. [loop] */
#ifndef EDGE_STORE_PRODUCT_H
#define EDGE_STORE_PRODUCT_H

#include "edge/store/supply.h"

/* The wish's source is a file. True: settled, or another step is set; false: the step waits, as
 * steps answer. */
bool product_start(struct wish *w);
/* The first step of a WISH_INDEX whose source is set. */
void product_start_index(struct wish *w);

#endif
