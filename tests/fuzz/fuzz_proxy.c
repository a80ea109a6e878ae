/* Headers of the PROXY protocol: what is whole stays what it is with more behind it, and is not yet
 * whole with less. */
#include "edge/base/must.h"
#include "edge/guard/proxy.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct proxy p, q;
    enum err e = proxy_parse(bytes, &p);
    must(e == ERR_NONE || e == ERR_AGAIN || e == ERR_SYNTAX);
    if (e == ERR_AGAIN)
        must(size < PROXY_MAX);
    if (e)
        return 0;
    must(p.n && p.n <= size && p.n <= PROXY_MAX);
    must(proxy_parse(str_slice(bytes, 0, p.n), &q) == ERR_NONE);
    must(q.n == p.n && q.known == p.known && q.port == p.port &&
         memcmp(q.ip, p.ip, sizeof q.ip) == 0);
    must(proxy_parse(str_slice(bytes, 0, p.n - 1), &q) == ERR_AGAIN);
    return 0;
}
