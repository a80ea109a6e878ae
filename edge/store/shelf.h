/* Bytes in a file that is in memory only (memfd_create(2)), each run of them on pages of its own.
 * sendfile hands such pages to the socket where a write from memory copies them, so what it costs
 * to send them does not depend on what else is in the processor's caches. [any thread]
 *
 * A place is taken once and never again: the file has room for more than will ever be put there,
 * and what was dropped leaves a hole, so nothing that is still under way to a client is written
 * over. The system counts its pages as shared memory (a control group as its own), not as resident
 * memory of the process, which does not map them. */
#ifndef EDGE_STORE_SHELF_H
#define EDGE_STORE_SHELF_H

#include "edge/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct shelf;

MUST_USE enum err shelf_new(struct shelf **out); /* ERR_NOMEM, ERR_SYSTEM */
void shelf_free(struct shelf *s);                /* all was dropped; NULL is fine */
int shelf_fd(const struct shelf *s);             /* to send from; the shelf's own */

/* Copy n bytes there; *at is their offset in the file.   ERR_NOMEM: the kernel has no pages left */
MUST_USE enum err shelf_put(struct shelf *s, const unsigned char *bytes, size_t n, uint64_t *at);
/* What was put there: its pages go when the last packet that holds them has gone. */
void shelf_drop(struct shelf *s, uint64_t at, size_t n);
/* The memory that n bytes take there. */
size_t shelf_room(const struct shelf *s, size_t n);

#endif
