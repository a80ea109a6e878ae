/* What Redis keeps of one object: keys and records, as values. [any thread]
 * The bytes of an object lie in chunks under KEY:0, KEY:1, ...; under KEY lies a small record that
 * says whose they are, how many, and what each hashes to. Nothing of a reply's head is taken from
 * there but the ETag, and that only to compare it. A record that is not exactly right is none. */
#ifndef EDGE_STORE_REDIS_RECORD_H
#define EDGE_STORE_REDIS_RECORD_H

#include "edge/base/buf.h"
#include "edge/store/object.h"

enum {
    RECORD_CHUNK = 256 * 1024,           /* bytes of every chunk but the last */
    RECORD_BYTES_MAX = 64 * 1024 * 1024, /* of an object */
    RECORD_MAX = 16 * 1024,              /* bytes of a record */
    RECORD_KEY = 64,                     /* room for a key's text */
};

/* Borrows from the bytes it was opened from. */
struct record {
    uint64_t size; /* bytes of all chunks */
    uint32_t chunks;
    struct str hashes; /* 16 bytes a chunk */
    struct str etag;   /* empty: none */
};

/* The key's text: "segue:1:index:0123...". `generation` is mixed in: edges that would make other
 * bytes of the same file do not meet. Returns its length. */
size_t record_key(const struct key *key, struct str generation, char out[RECORD_KEY]);
/* The same with ":7" behind it. */
size_t record_chunk_key(struct str record_key, uint32_t chunk, char out[RECORD_KEY]);
uint32_t record_chunks(uint64_t size); /* of an object of that many bytes */

/* The same piece by piece, for what is not in memory as a whole: begin, the hash of each chunk in
 * turn, end. `out` must hold nothing else.   ERR_TOO_BIG  over RECORD_BYTES_MAX   ERR_NOMEM */
MUST_USE enum err record_begin(const struct key *key, struct str etag, uint64_t size,
                               struct buf *out);
void record_add_chunk(struct buf *out, struct str bytes);
MUST_USE enum err record_end(struct buf *out);
/* The record of `bytes`.   ERR_TOO_BIG  over RECORD_BYTES_MAX   ERR_NOMEM */
MUST_USE enum err record_pack(const struct key *key, struct str etag, struct str bytes,
                              struct buf *out);
/* ERR_MEDIA  it is not a whole record of this object */
MUST_USE enum err record_open(struct str bytes, const struct key *key, struct record *out);
/* Bytes of that chunk; must(chunk < chunks). */
size_t record_chunk_size(const struct record *r, uint32_t chunk);
bool record_chunk_is(const struct record *r, uint32_t chunk, struct str bytes);

#endif
