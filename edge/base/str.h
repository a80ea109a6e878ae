/* A borrowed run of bytes: pointer and length, no terminator, owned by somebody else. [any thread]
 * A struct str is valid as long as what it points into; a header that keeps one longer than the
 * call says so. */
#ifndef EDGE_BASE_STR_H
#define EDGE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *p; /* may be NULL when n is 0 */
    size_t n;      /* bytes */
};

/* A string literal as a struct str. */
#define STR(literal) ((struct str){("" literal), sizeof(literal) - 1})

/* For printf: "%.*s", STR_ARG(s). Bytes past INT_MAX are not printed. */
#define STR_ARG(s) ((s).n > 0x7fffffff ? 0x7fffffff : (int)(s).n), ((s).p ? (s).p : "")

struct str str_of(const char *cstring);                     /* NULL gives the empty str */
struct str str_from(struct str s, size_t from);             /* s without its first `from` bytes */
struct str str_slice(struct str s, size_t from, size_t to); /* half-open; clamped to s */
struct str str_trim(struct str s);                          /* without SP and HTAB at both ends */

bool str_eq(struct str a, struct str b);
bool str_ieq(struct str a, struct str b); /* ASCII letters without case */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
int str_cmp(struct str a, struct str b); /* bytewise, as memcmp, shorter first */

/* Index of the first byte c, or s.n. */
size_t str_find(struct str s, char c);
size_t str_rfind(struct str s, char c); /* of the last, or s.n */

/* The part before the first c in *s; *s becomes what follows it (or empty, when there is none). */
struct str str_cut(struct str *s, char c);

/* A heap copy with a terminator, or NULL when out of memory; the caller frees it. */
char *str_dup(struct str s);

#endif
