/* XXH3. [any thread] Not a MAC: for ETags, cache keys and versions only. */
#ifndef EDGE_BASE_HASH_H
#define EDGE_BASE_HASH_H

#include "edge/base/str.h"

struct hash128 {
    uint64_t high;
    uint64_t low;
};

/* The same on every machine: for what edges must agree on (ETags, versions). */
struct hash128 hash_stable(struct str s);
/* Seeded once a process from the kernel's random bytes: for tables whose keys a peer chooses. */
uint64_t hash_table(struct str s);
void hash_seed(void); /* once, before any thread */

/* 32 lower-case hexadecimal digits, no terminator. */
void hash_hex(struct hash128 h, char out[32]);

/* "0.8.1", of the library that is linked; out has at least 16 bytes. Returns out. */
const char *hash_version(char out[16]);

#endif
