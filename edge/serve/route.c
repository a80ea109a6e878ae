/* Prefix tables: a handful of rows, looked at in order. */
#include "edge/serve/route.h"

const struct route *route_find(const struct route *table, struct str path, struct str *rest)
{
    for (const struct route *r = table; r->prefix.n; r++) {
        size_t n = r->prefix.n;
        /* The last byte first: prefixes differ there, and all begin with '/'. */
        if (path.n < n || path.p[n - 1] != r->prefix.p[n - 1] || (r->exact && path.n != n) ||
            !str_starts(path, r->prefix))
            continue;
        *rest = str_from(path, r->prefix.n);
        return r;
    }
    return NULL;
}
