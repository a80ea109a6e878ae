/* What a presigned URL makes of the answer's fields: S3's "response-content-type=..." and its like.
 * They are parameters as others, so whoever has checked the signature knows that they were signed.
 */
#include "edge/guard/scheme.h"

enum { OVERRIDES_MAX = 2 * 1024 }; /* bytes of all lines: a reply head has room for them */

static bool is_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false; /* RFC 9110 5.5: it would end the line, or worse */
    return true;
}

static bool put_line(struct buf *out, struct str name, struct str raw)
{
    size_t before = out->len;
    buf_adds(out, name);
    buf_adds(out, STR(": "));
    size_t from = out->len;
    bool good = put_decoded(out, raw) && buf_status(out) == ERR_NONE &&
                is_value(str_from(buf_str(out), from));
    buf_adds(out, STR("\r\n"));
    if (!raw.n)
        out->len = before; /* nothing was wished */
    return good && out->len <= OVERRIDES_MAX;
}

enum deny guard_overrides(const struct policy *p, struct str query, struct buf *lines)
{
    const struct {
        struct str parameter, field;
    } known[] = {
        {STR("response-content-type"), STR("Content-Type")},
        {STR("response-content-language"), STR("Content-Language")},
        {STR("response-expires"), STR("Expires")},
        {STR("response-cache-control"), STR("Cache-Control")},
        {STR("response-content-disposition"), STR("Content-Disposition")},
        {STR("response-content-encoding"), STR("Content-Encoding")},
    };
    struct str raw;
    if (p->scheme != SCHEME_S3)
        return DENY_NONE;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        unsigned n = param(query, known[i].parameter, &raw);
        if (n > 1 || (n && !put_line(lines, known[i].field, raw)))
            return DENY_MALFORMED;
    }
    return buf_status(lines) ? DENY_MALFORMED : DENY_NONE;
}
