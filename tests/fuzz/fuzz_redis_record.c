/* What Redis may hand back for a record: any bytes, their hash made right, so that what is behind
 * the hash is reached too. What is accepted is of the object that was asked for, and consistent. */
#include "edge/store/redis_record.h"

#include "edge/base/must.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put64(unsigned char *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)(value >> (56 - 8 * i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char bytes[RECORD_MAX + 16];
    struct key key = {0, 1, STR("/a"), 2, OBJECT_SEGMENT, 1};
    struct record r;
    if (size > RECORD_MAX)
        return 0;
    memcpy(bytes, data, size);
    struct hash128 h = hash_stable((struct str){(const char *)bytes, size});
    put64(bytes + size, h.high);
    put64(bytes + size + 8, h.low);
    struct str whole = {(const char *)bytes, size + 16};
    if (record_open(whole, &key, &r))
        return 0;
    must(r.size <= RECORD_BYTES_MAX && r.hashes.n == (size_t)r.chunks * 16);
    must(r.etag.n <= OBJECT_ETAG);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < r.chunks; i++) {
        sum += record_chunk_size(&r, i);
        (void)record_chunk_is(&r, i, str_slice(whole, 0, record_chunk_size(&r, i)));
    }
    must(sum == r.size);
    return 0;
}
