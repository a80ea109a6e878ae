/* RESP2: "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n". */
#include "edge/store/redis_flat.h"

#include "edge/base/scan.h"

enum { NUMBER_MAX = 24 }; /* digits of a length or a number, and more */

/* Up to the next CRLF, which is eaten too. */
static enum err read_line(struct str *s, struct str *line)
{
    size_t end = str_find(*s, '\r');
    if (end > NUMBER_MAX)
        return ERR_SYNTAX;
    if (end + 1 >= s->n)
        return ERR_AGAIN;
    if (s->p[end + 1] != '\n')
        return ERR_SYNTAX;
    *line = str_slice(*s, 0, end);
    *s = str_from(*s, end + 2);
    return ERR_NONE;
}

static enum err skip_string(struct str *s, uint64_t length)
{
    if (s->n < length + 2)
        return ERR_AGAIN;
    bool ends = s->p[length] == '\r' && s->p[length + 1] == '\n';
    *s = str_from(*s, (size_t)length + 2);
    return ends ? ERR_NONE : ERR_SYNTAX;
}

static enum err skip_element(struct str *s)
{
    struct str line;
    uint64_t number;
    TRY(read_line(s, &line));
    if (scan_char(&line, ':')) {
        (void)scan_char(&line, '-');
        return scan_u64(&line, &number) && line.n == 0 ? ERR_NONE : ERR_SYNTAX;
    }
    if (!scan_char(&line, '$') || !scan_u64(&line, &number) || line.n || number > FLAT_STRING)
        return ERR_SYNTAX;
    return skip_string(s, number);
}

enum err flat_array(struct str bytes)
{
    struct str line;
    uint64_t count;
    if (bytes.n && bytes.p[0] != '*')
        return ERR_SYNTAX;
    TRY(read_line(&bytes, &line));
    if (!scan_char(&line, '*') || !scan_u64(&line, &count) || line.n || count < 2 || count > 3)
        return ERR_SYNTAX;
    for (uint64_t i = 0; i < count; i++)
        TRY(skip_element(&bytes));
    return ERR_NONE;
}
