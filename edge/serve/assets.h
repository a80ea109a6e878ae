/* The player page's files, embedded in the program at build time. [any thread: never changes]
 * tools/embed writes the table (build/gen/player_assets.c) from edge/serve/player/ and the pinned
 * hls.js; `make NO_UI=1` builds an empty one, so that the player answers 404. */
#ifndef EDGE_SERVE_ASSETS_H
#define EDGE_SERVE_ASSETS_H

#include <stddef.h>

struct asset {
    const char *path; /* below /player/, without a leading slash: "index.html", "hls.min.js" */
    const char *type; /* media type, with its charset where it is text */
    const unsigned char *bytes; /* static; not terminated */
    size_t size;                /* bytes; may be 0 */
};

extern const struct asset player_assets[]; /* sorted by path; read no further than the count */
extern const size_t player_asset_count;    /* 0 in a build without the player */

#endif
