/* The error's body, and the escaping of JSON strings. */
#include "edge/http/problem.h"

#include "edge/http/status.h"
#include "edge/http/uri.h"

static void add_escaped(struct buf *b, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    const char coded[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    if (c == '"' || c == '\\') {
        buf_addc(b, '\\');
        buf_addc(b, (char)c);
    } else {
        buf_add(b, coded, sizeof coded);
    }
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\' && (unsigned char)c < 0x7f;
}

/* Adds the front of s and answers how many bytes that was. */
static size_t add_some(struct buf *b, struct str s)
{
    size_t n = 0;
    while (n < s.n && is_plain(s.p[n]))
        n++;
    if (n == 0 && (unsigned char)s.p[0] <= 0x7f) {
        add_escaped(b, (unsigned char)s.p[0]);
        return 1;
    }
    if (n == 0)
        n = uri_utf8_length(s);
    if (n == 0) {
        buf_adds(b, STR("\xef\xbf\xbd"));
        return 1;
    }
    buf_adds(b, str_slice(s, 0, n));
    return n;
}

void problem_json_text(struct buf *b, struct str s)
{
    while (s.n)
        s = str_from(s, add_some(b, s));
}

void problem_write(struct buf *b, int status, struct str detail)
{
    buf_adds(b, STR("{\"type\":\"about:blank\",\"title\":\""));
    problem_json_text(b, str_of(status_text(status)));
    buf_adds(b, STR("\",\"status\":"));
    buf_add_u64(b, (uint64_t)status);
    if (detail.n) {
        buf_adds(b, STR(",\"detail\":\""));
        problem_json_text(b, detail);
        buf_addc(b, '"');
    }
    buf_adds(b, STR("}\n"));
}
