/* The list of what there is to hear, for the player page. Reads the tree. [pool] */
#ifndef EDGE_STORE_LIBRARY_H
#define EDGE_STORE_LIBRARY_H

#include "edge/store/disk.h"

enum { LIBRARY_TRACKS_MAX = 5000, LIBRARY_DEPTH_MAX = 8 };

/* The prefixes under which the player finds what the list names. Borrowed. */
struct library_opts {
    const char *audio_prefix;
    const char *hls_prefix;
};

/* JSON: {"audio_prefix","hls_prefix","tracks":[{"path","name","type","size"}...],
 * "ladders":["folder"...],"complete":bool}, sorted by path. A ladder is a folder in which every
 * audio file is named by a number or as lossless ("128.m4a"); `complete` is false when there was
 * more than LIBRARY_TRACKS_MAX.   ERR_NOMEM, ERR_TOO_BIG, ERR_CANCELLED [pool] */
MUST_USE enum err library_make(struct disk *d, const struct library_opts *opts,
                               const struct key *key, const atomic_bool *cancelled,
                               struct object **out);

#endif
