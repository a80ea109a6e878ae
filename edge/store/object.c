/* Making and ending objects. The path of the key and the fields are allocated with the object's own
 * life; the source's descriptor is closed with it. */
#include "edge/store/object.h"

#include "edge/base/buf.h"
#include "edge/base/must.h"
#include "edge/http/date.h"
#include "edge/store/purge.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What malloc takes for itself, of an object, its body and its fields; its places in a chain. */
enum { OVERHEAD = 3 * 16 + 2 * sizeof(struct object *) };

struct key key_make(enum object_kind kind, struct str path, uint64_t version, unsigned container,
                    uint32_t number)
{
    uint64_t rest = (uint64_t)kind << 40 ^ (uint64_t)container << 32 ^ number;
    uint64_t mixed = hash_table(path) ^ (version + rest) * UINT64_C(0x9e3779b97f4a7c15);
    mixed ^= mixed >> 29;
    return (struct key){mixed, version, path, number, (uint8_t)kind, (uint8_t)container, 0};
}

struct key key_coded(const struct key *plain, enum coding coding)
{
    struct key key = *plain;
    key.coding = (uint8_t)coding;
    key.hash ^= (uint64_t)coding * UINT64_C(0x9e3779b97f4a7c15);
    return key;
}

bool key_eq(const struct key *a, const struct key *b)
{
    return a->hash == b->hash && a->version == b->version && a->kind == b->kind &&
           a->container == b->container && a->number == b->number && a->coding == b->coding &&
           str_eq(a->path, b->path);
}

struct object *object_new(const struct key *key)
{
    struct object *o = calloc(1, sizeof *o + key->path.n + 1);
    if (!o)
        return NULL;
    ref_init(&o->ref);
    o->key = *key;
    char *path = (char *)(o + 1);
    if (key->path.n)
        memcpy(path, key->path.p, key->path.n);
    o->key.path.p = path;
    o->memory = sizeof *o + key->path.n + 1 + OVERHEAD;
    return o;
}

struct object *object_ref(struct object *o)
{
    ref_take(&o->ref);
    return o;
}

static void source_free(struct source *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    for (size_t i = 0; i < s->name_count; i++)
        free(s->names[i]);
    free(s->names);
    free((void *)s->warm);
    free(s);
}

void object_unref(struct object *o)
{
    if (!o || !ref_drop(&o->ref))
        return;
    source_free(o->source);
    index_free(o->index);
    if (o->shelf)
        shelf_drop(o->shelf, o->shelf_at, (size_t)o->size);
    free(o->body);
    free((char *)(uintptr_t)o->fields.p);
    free(o);
}

struct object *object_of_bytes(const struct key *key, unsigned char *body, size_t len)
{
    struct object *o = object_new(key);
    if (!o) {
        free(body);
        return NULL;
    }
    o->body = body;
    o->body_len = len;
    o->size = len;
    o->memory += len;
    return o;
}

struct object *object_shelved(const struct object *o, struct shelf *shelf)
{
    struct object *copy = object_new(&o->key);
    if (!copy)
        return NULL;
    copy->size = o->body_len;
    copy->sound_ms = o->sound_ms;
    if (object_copy_fields(copy, o) || shelf_put(shelf, o->body, o->body_len, &copy->shelf_at)) {
        object_unref(copy);
        return NULL;
    }
    copy->shelf = shelf;
    copy->memory += shelf_room(shelf, o->body_len);
    return copy;
}

struct object *object_of_failure(const struct key *key, enum err failure, struct str why)
{
    must(failure != ERR_NONE);
    struct object *o = object_of_bytes(key, (unsigned char *)str_dup(why), why.n);
    if (!o || !o->body) {
        object_unref(o);
        return NULL;
    }
    o->failure = failure;
    return o;
}

void object_set_etag(struct object *o, struct hash128 h)
{
    o->etag[0] = '"';
    hash_hex(h, o->etag + 1);
    o->etag[OBJECT_ETAG - 1] = '"';
}

struct str object_etag(const struct object *o)
{
    return (struct str){o->etag, o->etag[0] ? OBJECT_ETAG : 0};
}

struct str object_why(const struct object *o)
{
    return (struct str){(const char *)o->body, o->body_len};
}

static void add_field(struct buf *b, struct str name, struct str value)
{
    if (value.n == 0)
        return;
    buf_adds(b, name);
    buf_adds(b, value);
    buf_adds(b, STR("\r\n"));
}

static void add_tags(struct buf *b, const struct object *o)
{
    struct buf tags;
    if (o->tags == TAGS_NONE)
        return;
    buf_init(&tags, OBJECT_TAGS);
    purge_add_tags(&tags, o->key.path, o->tags == TAGS_FOLDER);
    if (buf_status(&tags) == ERR_NONE)
        add_field(b, STR("Cache-Tag: "), buf_str(&tags));
    buf_fini(&tags);
}

/* How long it is, and as what range the whole is sent: ffmpeg and mpv ask for "bytes=0-" always. */
static void add_length(struct buf *b, uint64_t size)
{
    buf_adds(b, STR("Content-Length: "));
    buf_add_u64(b, size);
    buf_adds(b, STR("\r\n"));
}

static void add_whole_range(struct buf *b, uint64_t size)
{
    if (size == 0)
        return;
    buf_adds(b, STR("Content-Range: bytes 0-"));
    buf_add_u64(b, size - 1);
    buf_addc(b, '/');
    buf_add_u64(b, size);
    buf_adds(b, STR("\r\n"));
}

enum err object_copy_fields(struct object *o, const struct object *from)
{
    o->fields = (struct str){str_dup(from->fields), from->fields.n};
    if (!o->fields.p) {
        o->fields.n = 0;
        return ERR_NOMEM;
    }
    memcpy(o->etag, from->etag, sizeof o->etag);
    o->modified = from->modified;
    o->tags = from->tags;
    o->fields_304 = from->fields_304;
    o->fields_part = from->fields_part;
    o->fields_200 = from->fields_200;
    o->memory += o->fields.n + 1;
    return ERR_NONE;
}

enum err object_describe(struct object *o, const char *type, const char *cache_control)
{
    struct buf b;
    char date[DATE_LENGTH];
    size_t len;
    buf_init(&b, OBJECT_FIELDS);
    add_field(&b, STR("ETag: "), object_etag(o));
    if (o->modified) {
        date_format(o->modified, date);
        add_field(&b, STR("Last-Modified: "), (struct str){date, sizeof date});
    }
    add_field(&b, STR("Cache-Control: "), str_of(cache_control));
    if (o->key.kind == OBJECT_PLAYLIST || o->key.kind == OBJECT_MASTER)
        buf_adds(&b, STR("Vary: Accept-Encoding\r\n"));
    o->fields_304 = (uint16_t)b.len;
    add_field(&b, STR("Content-Encoding: "), str_of(coding_name((enum coding)o->key.coding)));
    add_field(&b, STR("Content-Type: "), str_of(type));
    if (o->etag[0])
        buf_adds(&b, STR("Accept-Ranges: bytes\r\n"));
    add_tags(&b, o);
    o->fields_part = (uint16_t)b.len;
    add_length(&b, o->size);
    o->fields_200 = (uint16_t)b.len;
    add_whole_range(&b, o->size);
    enum err e = buf_status(&b);
    if (e) {
        buf_fini(&b);
        return e;
    }
    o->memory += b.room;
    free((char *)(uintptr_t)o->fields.p);
    o->fields.p = (char *)buf_take(&b, &len);
    o->fields.n = len;
    return ERR_NONE;
}
