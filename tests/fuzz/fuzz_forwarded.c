/* X-Forwarded-For and Forwarded: who is not trusted is believed nothing. */
#include "edge/base/must.h"
#include "edge/guard/forwarded.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct network all = {{0}, 0}, none = {{0xff}, 128};
    struct networks everybody = {&all, 1}, nobody = {&none, 1};
    struct forwarded a = {.trusted = &everybody}, b = a, c = {.trusted = &nobody};
    struct str line = {(const char *)data, size}, last = line;
    forwarded_for(&a, line);
    forwarded_rfc7239(&b, line);
    forwarded_for(&c, line);
    must(!size || c.done || c.client[0] == 0xff);
    /* Of whom nobody is trusted the last counts, whatever stands before it. */
    struct forwarded d = {.trusted = &nobody};
    size_t comma = str_rfind(line, ',');
    if (comma < line.n)
        last = str_from(line, comma + 1);
    forwarded_for(&d, last);
    must(memcmp(c.client, d.client, sizeof c.client) == 0);
    return 0;
}
