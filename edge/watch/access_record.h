/* An access_entry as one run of bytes, as it lies in a ring. [any thread]
 * For this process only: the numbers are as the machine has them, and a pointer into the record is
 * given out when it is read. Fields longer than their ACCESS_MAX_ are cut. */
#ifndef EDGE_WATCH_ACCESS_RECORD_H
#define EDGE_WATCH_ACCESS_RECORD_H

#include "edge/watch/access_entry.h"

size_t access_record_size(const struct access_entry *e);
/* Writes access_record_size(e) bytes; `to` is aligned to 8. */
void access_record_pack(void *to, const struct access_entry *e);
/* The entry of a record that access_record_pack wrote; its slices and client point into the record.
 */
struct access_entry access_record_unpack(const void *record);

#endif
