/* xxHash behind our own names. The only file that includes it. */
#include "edge/base/hash.h"

#include "edge/base/must.h"

#include <stdio.h>
#include <sys/random.h>
#include <xxhash.h>

static uint64_t seed;

void hash_seed(void) { must(getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed); }

struct hash128 hash_stable(struct str s)
{
    XXH128_hash_t h = XXH3_128bits(s.n ? s.p : "", s.n);
    return (struct hash128){h.high64, h.low64};
}

uint64_t hash_table(struct str s) { return XXH3_64bits_withSeed(s.n ? s.p : "", s.n, seed); }

void hash_hex(struct hash128 h, char out[32])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        out[i] = digits[(h.high >> (60 - 4 * i)) & 15];
        out[16 + i] = digits[(h.low >> (60 - 4 * i)) & 15];
    }
}

const char *hash_version(char out[16])
{
    unsigned n = XXH_versionNumber(); /* major * 10000 + minor * 100 + release */
    snprintf(out, 16, "%u.%u.%u", n / 10000 % 100, n / 100 % 100, n % 100);
    return out;
}
