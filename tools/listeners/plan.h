/* What a listener fetches, in order: made from a playlist, or from the size of a file. [one thread]
 * Ten thousand listeners fetch the same few playlists, each for itself; the plans that follow from
 * them are shared. A plan lives as long as the table that made it, and never changes. */
#ifndef TOOLS_LISTENERS_PLAN_H
#define TOOLS_LISTENERS_PLAN_H

#include "edge/base/buf.h"

enum {
    PLAN_PIECES_MAX = 200 * 1000, /* of one plan: two weeks of 6 s segments */
    PLAN_TABLE_MAX = 64 * 1024,   /* plans together */
};

struct piece {
    struct str path;   /* request target */
    uint64_t from, to; /* byte range, `to` exclusive; 0, 0: all of it */
    uint64_t lasts;    /* nanoseconds of sound; 0 in an init segment */
};

struct plan {
    struct str media; /* of a master playlist: the media playlist to fetch; else empty */
    struct piece *pieces;
    size_t count;
};

struct plan_table;

struct plan_table *plan_table_new(uint64_t max_bandwidth); /* bits/s; NULL when out of memory */
void plan_table_free(struct plan_table *t);

/* The plan of a playlist (RFC 8216) that came from `path` of `authority`. Of a master it is the
 * variant of the highest bandwidth up to the table's, or the lowest there is. ERR_SYNTAX no
 * playlist, or one whose tags cannot be read, or without a segment ERR_TARGET              a URI
 * that leads away (url.h) ERR_TOO_BIG, ERR_NOMEM  a ceiling is passed; no memory */
MUST_USE enum err plan_playlist(struct plan_table *t, struct str authority, struct str path,
                                struct str text, const struct plan **out);

struct plan_file {
    uint64_t size;  /* bytes of the file */
    uint64_t chunk; /* bytes of a range */
    uint64_t rate;  /* bits of a second of sound */
};

/* The plan of a file that is played by ranges. Errors as above, without ERR_TARGET. */
MUST_USE enum err plan_ranges(struct plan_table *t, struct str path, const struct plan_file *file,
                              const struct plan **out);

#endif
