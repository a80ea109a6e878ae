/* Percent-encoding: one table's worth of rules, so that all writers of URIs agree. */
#include "edge/base/percent.h"

static bool stays(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~' || c == '/';
}

void percent_path(struct buf *b, struct str path)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        if (stays(c)) {
            buf_addc(b, (char)c);
            continue;
        }
        buf_add(b, (char[3]){'%', digits[c >> 4], digits[c & 15]}, 3);
    }
}
