/* A record, big-endian: magic (4), kind (1), container (1), length of the ETag (2), number (4),
 * chunks (4), version (8), size (8), length of the path (4), path, ETag, hashes (16 a chunk), and
 * the hash of all that (16). Its length has to be exactly what these say. */
#include "edge/store/redis_record.h"

#include "edge/base/must.h"

#include <stdio.h>
#include <string.h>

enum { FIXED = 36, HASH = 16 };
static const char MAGIC[4] = {'S', 'g', 'R', '1'};

static const char *kind_name(enum object_kind kind)
{
    static const char *const names[] = {
        [OBJECT_BODY] = "body",         [OBJECT_INDEX] = "index", [OBJECT_MASTER] = "master",
        [OBJECT_PLAYLIST] = "playlist", [OBJECT_INIT] = "init",   [OBJECT_SEGMENT] = "segment",
    };
    must(kind < sizeof names / sizeof names[0] && names[kind]);
    return names[kind];
}

/* What tells this object from all others, but for its kind. */
static void add_identity(struct buf *b, const struct key *key)
{
    buf_be32(b, key->number);
    buf_be64(b, key->version);
    buf_be8(b, key->container);
    buf_adds(b, key->path);
}

size_t record_key(const struct key *key, struct str generation, char out[RECORD_KEY])
{
    struct buf b;
    char digits[32];
    buf_init(&b, 2 * BUF_MAX_PATH);
    add_identity(&b, key);
    buf_addc(&b, '\n');
    buf_adds(&b, generation);
    hash_hex(hash_stable(buf_str(&b)), digits);
    bool whole = buf_status(&b) == ERR_NONE;
    buf_fini(&b);
    int n = snprintf(out, RECORD_KEY, "segue:1:%s:%.32s", kind_name((enum object_kind)key->kind),
                     digits);
    must(n > 0 && n < RECORD_KEY);
    return whole ? (size_t)n : 0;
}

size_t record_chunk_key(struct str record_key, uint32_t chunk, char out[RECORD_KEY])
{
    int n = snprintf(out, RECORD_KEY, "%.*s:%u", STR_ARG(record_key), (unsigned)chunk);
    must(n > 0 && n < RECORD_KEY);
    return (size_t)n;
}

static void add_hash(struct buf *b, struct str bytes)
{
    struct hash128 h = hash_stable(bytes);
    buf_be64(b, h.high);
    buf_be64(b, h.low);
}

uint32_t record_chunks(uint64_t size)
{
    return (uint32_t)((size + RECORD_CHUNK - 1) / RECORD_CHUNK);
}

enum err record_begin(const struct key *key, struct str etag, uint64_t size, struct buf *out)
{
    must(out->len == 0);
    if (size > RECORD_BYTES_MAX)
        return ERR_TOO_BIG;
    must(etag.n <= OBJECT_ETAG);
    buf_add(out, MAGIC, sizeof MAGIC);
    buf_be8(out, key->kind);
    buf_be8(out, key->container);
    buf_be16(out, (unsigned)etag.n);
    buf_be32(out, key->number);
    buf_be32(out, record_chunks(size));
    buf_be64(out, key->version);
    buf_be64(out, size);
    buf_be32(out, (uint32_t)key->path.n);
    buf_adds(out, key->path);
    buf_adds(out, etag);
    return buf_status(out);
}

void record_add_chunk(struct buf *out, struct str bytes) { add_hash(out, bytes); }

enum err record_end(struct buf *out)
{
    add_hash(out, buf_str(out));
    return buf_status(out);
}

enum err record_pack(const struct key *key, struct str etag, struct str bytes, struct buf *out)
{
    TRY(record_begin(key, etag, bytes.n, out));
    for (size_t at = 0; at < bytes.n; at += RECORD_CHUNK)
        record_add_chunk(out, str_slice(bytes, at, at + RECORD_CHUNK));
    return record_end(out);
}

/* n bytes from the front, as a number; the caller has seen that they are there. */
static uint64_t take_number(struct str *s, unsigned n)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < n; i++)
        value = value << 8 | (unsigned char)s->p[i];
    *s = str_from(*s, n);
    return value;
}

static bool is_hash_of(struct str hash, struct str bytes)
{
    struct hash128 h = hash_stable(bytes);
    must(hash.n == HASH);
    uint64_t high = take_number(&hash, 8);
    return high == h.high && take_number(&hash, 8) == h.low;
}

static bool take_fixed(struct str *s, const struct key *key, struct record *out)
{
    if (!str_eq(str_slice(*s, 0, sizeof MAGIC), (struct str){MAGIC, sizeof MAGIC}))
        return false;
    *s = str_from(*s, sizeof MAGIC);
    bool same = take_number(s, 1) == key->kind;
    same = take_number(s, 1) == key->container && same;
    out->etag.n = (size_t)take_number(s, 2);
    same = take_number(s, 4) == key->number && same;
    out->chunks = (uint32_t)take_number(s, 4);
    same = take_number(s, 8) == key->version && same;
    out->size = take_number(s, 8);
    same = take_number(s, 4) == key->path.n && same;
    return same && out->size <= RECORD_BYTES_MAX && out->chunks == record_chunks(out->size) &&
           out->etag.n <= OBJECT_ETAG;
}

enum err record_open(struct str bytes, const struct key *key, struct record *out)
{
    struct str rest = bytes;
    *out = (struct record){0};
    if (bytes.n < FIXED || bytes.n > RECORD_MAX || !take_fixed(&rest, key, out))
        return ERR_MEDIA;
    size_t hashes = (size_t)out->chunks * HASH;
    if (rest.n != key->path.n + out->etag.n + hashes + HASH ||
        !is_hash_of(str_from(bytes, bytes.n - HASH), str_slice(bytes, 0, bytes.n - HASH)) ||
        !str_eq(str_slice(rest, 0, key->path.n), key->path))
        return ERR_MEDIA;
    rest = str_from(rest, key->path.n);
    out->etag.p = rest.p;
    out->hashes = str_slice(rest, out->etag.n, out->etag.n + hashes);
    return ERR_NONE;
}

size_t record_chunk_size(const struct record *r, uint32_t chunk)
{
    uint64_t from = (uint64_t)chunk * RECORD_CHUNK;
    must(chunk < r->chunks);
    return r->size - from < RECORD_CHUNK ? (size_t)(r->size - from) : RECORD_CHUNK;
}

bool record_chunk_is(const struct record *r, uint32_t chunk, struct str bytes)
{
    return bytes.n == record_chunk_size(r, chunk) &&
           is_hash_of(str_slice(r->hashes, (size_t)chunk * HASH, ((size_t)chunk + 1) * HASH),
                      bytes);
}
