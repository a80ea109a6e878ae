/* Everything the server answers with, and everything it makes answers from. [any thread]
 * An object never changes after it was put in the cache, but for the few atomics marked so; it is
 * counted by references and freed by the last one. What is sent of it is `body`, then the spans of
 * the media file it was made from (its source): a song is one span of itself, a segment a short
 * body and a span, a playlist only a body. Objects do not hold their source: a cache full of
 * segments must not hold descriptors, so both are looked up and handed out together (supply.h). */
#ifndef EDGE_STORE_OBJECT_H
#define EDGE_STORE_OBJECT_H

#include "edge/base/err.h"
#include "edge/base/hash.h"
#include "edge/base/ref.h"
#include "edge/base/str.h"
#include "edge/http/coding.h"
#include "edge/store/s3fifo.h"
#include "edge/store/shelf.h"
#include "segments/segment.h"

enum object_kind {
    OBJECT_SOURCE, /* an open file, or a folder with its names; checked against the disk */
    OBJECT_BODY,   /* the bytes of a small file */
    OBJECT_INDEX,  /* the packet index of a track; number INDEX_MEASURED: with sizes that are known
                      only when all of it was encoded (segments/measure.h) */
    OBJECT_MASTER, /* playlists, init and media segments */
    OBJECT_PLAYLIST,
    OBJECT_INIT,
    OBJECT_SEGMENT,
    OBJECT_LIBRARY, /* the list of all tracks, as JSON; kept for a second */
    OBJECT_REPLY,   /* made for one answer, never kept: errors, pages of the admin listener */
    OBJECT_CHUNK,   /* a run of a file that is cold on disk; `number` says which: piece.h */
};

enum {
    OBJECT_SPANS = 4,     /* of the source that one object may be sent from */
    OBJECT_ETAG = 34,     /* 32 digits and two quotes */
    OBJECT_FIELDS = 2560, /* ceiling of an object's own reply fields, bytes */
    OBJECT_TAGS = 2000,   /* of Cache-Tag in them; a longer one is left out */
    INDEX_MEASURED = 1,
    OBJECT_NAMES = 32, /* files that are looked at in a folder of renditions */
};

/* Does the reply carry Cache-Tag, and as what? */
enum object_tags { TAGS_NONE, TAGS_FILE, TAGS_FOLDER };

/* What an object is found by. */
struct key {
    uint64_t hash;    /* of all that follows, seeded: hash_table */
    uint64_t version; /* of the source; 0 for OBJECT_SOURCE */
    struct str path;  /* decoded, "/album/song.m4a" */
    uint32_t number;  /* of the segment */
    uint8_t kind;
    uint8_t container; /* CONTAINER_COUNT: nobody chose */
    uint8_t coding;    /* enum coding: the same object, encoded; see key_coded */
};

/* What a file is known by: two edges with the same tree agree on its ETag and version. */
struct identity {
    uint64_t size;    /* bytes */
    int64_t mtime_ns; /* since 1970 */
    uint64_t inode;   /* not part of the ETag */
    uint64_t device;  /* the same */
};

/* The open file (or folder) behind OBJECT_SOURCE. */
struct source {
    int fd; /* -1 for a folder */
    struct identity id;
    uint64_t version; /* of what is made from it */
    _Atomic uint64_t
        checked;            /* when it was last seen unchanged on disk, monotonic ns; 0: doubted */
    uint64_t young_until;   /* monotonic ns: it was written lately, and may be again */
    atomic_bool checking;   /* somebody is looking again without being waited for */
    _Atomic uint32_t *warm; /* per chunk of the file: the second it was last seen in memory */
    char **names;           /* of the audio files in a folder, sorted; else NULL */
    size_t name_count;
};

struct object {
    struct ref ref;
    _Atomic uint16_t asked;  /* times it was found, up to when it is worth copying: see product.c */
    atomic_bool gone;        /* it left the cache */
    _Atomic uint32_t mark;   /* OBJECT_SOURCE: the path's when it was looked at: store/notice.h */
    struct s3fifo_node node; /* the cache's */
    struct object *chain;    /* the cache's */
    struct key key;
    enum err failure;       /* why there is no such object, remembered; `body` says more */
    uint64_t expires;       /* not believed after that, monotonic ns; 0: never */
    uint64_t size;          /* bytes when it is sent whole */
    int64_t modified;       /* seconds since 1970; 0: not said */
    char etag[OBJECT_ETAG]; /* with its quotes; etag[0] == 0: none */
    uint8_t tags;           /* an enum object_tags */
    uint16_t fields_304;    /* bytes of `fields` that a 304 carries too: they come first */
    uint16_t fields_part;   /* that one range carries too: those, and what the object is */
    uint16_t fields_200; /* that a 200 carries: Content-Length too; all of them: a 206 of it all */
    uint32_t span_count;
    uint32_t sound_ms;   /* of a segment: how long it is heard */
    struct str fields;   /* reply fields of its own, each with its CRLF */
    unsigned char *body; /* owned; may be NULL */
    size_t body_len;
    struct index_span spans[OBJECT_SPANS]; /* of the source, after the body */
    struct shelf *shelf;   /* borrowed; if set, that has all bytes: no body, no spans */
    uint64_t shelf_at;     /* the first's offset there */
    struct index *index;   /* OBJECT_INDEX: owned */
    struct source *source; /* OBJECT_SOURCE: owned */
    size_t memory;         /* bytes of memory all this holds, bookkeeping included */
};

/* A new object with one reference, its path copied; NULL when out of memory. */
struct object *object_new(const struct key *key);
struct object *object_ref(struct object *o);
void object_unref(struct object *o); /* NULL is fine */

/* An object that is made of bytes only; takes them over (malloc), NULL when out of memory (and the
 * bytes freed). */
struct object *object_of_bytes(const struct key *key, unsigned char *body, size_t len);
/* The same object, which is of bytes only, put on the shelf; that has to outlive it. NULL when out
 * of memory. */
struct object *object_shelved(const struct object *o, struct shelf *shelf);
/* A remembered failure; `why` is for people and is copied. */
struct object *object_of_failure(const struct key *key, enum err failure, struct str why);

/* Set what the reply says of the object. `type` and `cache_control` may be NULL; etag, modified,
 * coding, tags and size are taken from the object. ERR_NOMEM. Before the object is shared. */
MUST_USE enum err object_describe(struct object *o, const char *type, const char *cache_control);
/* Say of it what is said of another, whose bytes it has. ERR_NOMEM. Before the object is shared. */
MUST_USE enum err object_copy_fields(struct object *o, const struct object *from);
void object_set_etag(struct object *o, struct hash128 h);

struct str object_etag(const struct object *o);
struct str object_why(const struct object *o); /* of a failure */

struct key key_make(enum object_kind kind, struct str path, uint64_t version, unsigned container,
                    uint32_t number);
/* Of the same object in a content coding. */
struct key key_coded(const struct key *plain, enum coding coding);
bool key_eq(const struct key *a, const struct key *b);

#endif
