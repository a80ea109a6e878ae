/* The two clocks. [any thread]
 * Only serve/, loop/, watch/ and the top call these; everything below takes time as an argument. */
#ifndef EDGE_BASE_CLOCK_H
#define EDGE_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_SECOND UINT64_C(1000000000) /* in nanoseconds */
#define CLOCK_MS UINT64_C(1000000)

uint64_t clock_mono(void); /* nanoseconds, never goes back */
int64_t clock_wall(void);  /* seconds since 1970-01-01T00:00:00Z */
uint64_t clock_wall_ns(void);

#endif
