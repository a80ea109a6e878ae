/* Which objects a purge is of, and tags, as values. [any thread]
 * Objects are known by the path of their file ("/album/song.m4a"), or of a folder of renditions.
 * Every object has the tag of its track, "track:/album/song.m4a", and of its folder,
 * "folder:/album"; in tags a path is percent-encoded. */
#ifndef EDGE_STORE_PURGE_H
#define EDGE_STORE_PURGE_H

#include "edge/base/buf.h"

enum purge_kind {
    PURGE_PATH,   /* that path: what is made of one file; the tag of a track */
    PURGE_ABOVE,  /* that path and folders it lies in: of an HLS URL only one of them is a track */
    PURGE_PREFIX, /* all paths that begin so */
    PURGE_FOLDER, /* what lies in that folder, not deeper, and the folder: the tag of a folder */
    PURGE_KINDS,
};

struct purge {
    uint64_t id; /* when it was asked for, and some random bits: see purges.h */
    enum purge_kind kind;
    bool soft;       /* look at the files again, drop nothing */
    struct str path; /* borrowed; begins with '/' */
};

bool purge_covers(const struct purge *p, struct str path);

/* A line of text: "18c2f0a1b2c3d4e5 prefix hard /album/\n". Paths have no control bytes. */
void purge_write(const struct purge *p, struct buf *out);
/* The next such line of *text, which loses it; false: it is none, and it is lost all the same. */
bool purge_read(struct str *text, struct purge *out);

/* "track:/album/song.m4a,folder:/album"; what is made of a folder has that one's tag as well. */
void purge_add_tags(struct buf *out, struct str path, bool folder);
/* A tag back to what it is of; the path is decoded into `room` and lives as long as that.
 *   ERR_SYNTAX  it is no tag of ours, or its encoding is malformed   ERR_NOMEM, ERR_TOO_BIG */
MUST_USE enum err purge_of_tag(struct str tag, struct buf *room, struct purge *out);

#endif
