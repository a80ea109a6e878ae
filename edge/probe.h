/* `segue probe [--json] FILE...`: what a media file is, as the server would see it. [main thread]
 */
#ifndef EDGE_PROBE_H
#define EDGE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

/* Ask a media helper for each file and print a table, or a JSON array, on standard output; a file
 * that fails gets one line on standard error. Segments are counted for `segment_ms`.
 * The answer is the exit status: 0, or 1 when any file failed. */
int probe_run(int count, char **files, bool json, uint32_t segment_ms);

#endif
