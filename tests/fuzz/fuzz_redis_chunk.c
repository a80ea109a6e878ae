/* What Redis may hand back for the chunks of an object, under its good record: another chunk of it,
 * a shorter or longer one, one with bytes changed. What passes is exactly what was written. */
#include "edge/store/redis_record.h"

#include "edge/base/must.h"

#include <string.h>

enum { SIZE = 2 * RECORD_CHUNK + 777 };
static unsigned char content[SIZE], reply[RECORD_CHUNK + 256];
static struct buf packed;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str chunk_of(uint32_t i)
{
    size_t from = (size_t)i * RECORD_CHUNK;
    return str_slice((struct str){(const char *)content, SIZE}, from, from + RECORD_CHUNK);
}

/* As a file is written: chunk by chunk. */
static void pack(const struct key *key)
{
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (unsigned char)(i * 31 + (i >> 7) + (i >> 16) * 5);
    buf_init(&packed, RECORD_MAX);
    must(record_begin(key, STR("\"etag\""), SIZE, &packed) == ERR_NONE);
    for (uint32_t i = 0; i < record_chunks(SIZE); i++)
        record_add_chunk(&packed, chunk_of(i));
    must(record_end(&packed) == ERR_NONE);
}

/* Begin with the chunk that byte 0 names, change its length as byte 1 says, then, for each four
 * bytes, one byte of it. */
static struct str hostile(const uint8_t *data, size_t size)
{
    struct str from = chunk_of(data[0] % 3);
    size_t n = from.n + data[1] > 128 ? from.n + data[1] - 128 : 0;
    memset(reply, 0, sizeof reply);
    memcpy(reply, from.p, from.n);
    for (size_t at = 2; at + 4 <= size; at += 4) {
        size_t where = (size_t)data[at] << 16 | (size_t)data[at + 1] << 8 | data[at + 2];
        reply[where % sizeof reply] ^= data[at + 3];
    }
    return (struct str){(const char *)reply, n};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct key key = {0, 1, STR("/a.mp3"), 0, OBJECT_BODY, CONTAINER_COUNT};
    struct record r;
    if (size < 2)
        return 0;
    if (!packed.len)
        pack(&key);
    must(record_open(buf_str(&packed), &key, &r) == ERR_NONE);
    struct str got = hostile(data, size);
    for (uint32_t i = 0; i < r.chunks; i++)
        must(record_chunk_is(&r, i, got) == str_eq(got, chunk_of(i)));
    return 0;
}
