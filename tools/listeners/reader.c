/* HTTP/1.1 responses: see reader.h. A head is collected whole, then taken apart line by line. */
#include "tools/listeners/reader.h"

#include "edge/base/must.h"
#include "edge/base/scan.h"

#include <string.h>

void reader_init(struct reader *r)
{
    *r = (struct reader){0};
    buf_init(&r->head, READER_HEAD_MAX);
    buf_init(&r->body, READER_KEEP_MAX);
}

void reader_fini(struct reader *r)
{
    buf_fini(&r->head);
    buf_fini(&r->body);
}

void reader_begin(struct reader *r, bool keep)
{
    reader_fini(r); /* ten thousand idle listeners hold no buffers */
    reader_init(r);
    r->keep = keep;
}

/* RFC 9112 4 */
static enum err parse_status(struct reader *r, struct str line)
{
    if (!scan_lit(&line, STR("HTTP/1.1 ")))
        return ERR_VERSION;
    if (!scan_digits(&line, 3, &r->status) || r->status < 100 || r->status > 599)
        return ERR_SYNTAX;
    return line.n > 0 && line.p[0] == ' ' ? ERR_NONE : ERR_SYNTAX;
}

static enum err parse_length(struct str value, bool *seen, uint64_t *out)
{
    if (*seen || !scan_u64(&value, out) || value.n > 0)
        return ERR_LENGTH;
    *seen = true;
    return ERR_NONE;
}

/* RFC 9110 14.4: bytes FIRST-LAST/TOTAL */
static enum err parse_range(struct reader *r, struct str value)
{
    uint64_t last = 0;
    if (!scan_icase(&value, STR("bytes ")) || !scan_u64(&value, &r->from) ||
        !scan_char(&value, '-') || !scan_u64(&value, &last) || !scan_char(&value, '/') ||
        !scan_u64(&value, &r->total) || value.n > 0)
        return ERR_RANGE;
    if (r->from > last || last >= r->total)
        return ERR_RANGE;
    r->to = last + 1;
    return ERR_NONE;
}

static void parse_connection(struct reader *r, struct str value)
{
    while (value.n > 0) {
        if (str_ieq(str_trim(str_cut(&value, ',')), STR("close")))
            r->close = true;
    }
}

static bool is_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* RFC 9112 5: no blank before the colon, no folded lines. */
static enum err parse_field(struct reader *r, struct str line, bool *has_length)
{
    struct str name;
    if (!scan_token(&line, &name) || !scan_char(&line, ':') || !is_value(line))
        return ERR_SYNTAX;
    struct str value = str_trim(line);
    if (str_ieq(name, STR("content-length")))
        return parse_length(value, has_length, &r->length);
    if (str_ieq(name, STR("transfer-encoding")))
        return ERR_CODING;
    if (str_ieq(name, STR("content-range")) && r->status == 206)
        return parse_range(r, value);
    if (str_ieq(name, STR("connection")))
        parse_connection(r, value);
    return ERR_NONE;
}

static struct str cut_line(struct str *head)
{
    const char *end = memmem(head->p, head->n, "\r\n", 2);
    must(end); /* a head ends with an empty line */
    struct str line = str_slice(*head, 0, (size_t)(end - head->p));
    *head = str_from(*head, line.n + 2);
    return line;
}

static enum err check_body(struct reader *r, bool has_length)
{
    bool none = r->status < 200 || r->status == 204 || r->status == 304; /* RFC 9112 6.3 */
    if (none)
        r->length = 0;
    else if (!has_length)
        return ERR_LENGTH;
    if (r->status == 206 && (r->total == 0 || r->to - r->from != r->length))
        return ERR_RANGE;
    if (r->keep && r->length > READER_KEEP_MAX)
        return ERR_TOO_BIG;
    r->left = r->length;
    return ERR_NONE;
}

static enum err parse_head(struct reader *r, struct str head)
{
    bool has_length = false;
    TRY(parse_status(r, cut_line(&head)));
    for (struct str line = cut_line(&head); line.n > 0; line = cut_line(&head))
        TRY(parse_field(r, line, &has_length));
    return check_body(r, has_length);
}

/* RFC 9110 15.2: interim answers may come at any time; they are not what was asked for. */
static enum err pass_interim(struct reader *r)
{
    unsigned seen = r->interim + 1;
    if (r->status >= 200)
        return ERR_NONE;
    if (r->status == 101 || seen > READER_INTERIM_MAX)
        return ERR_SYNTAX;
    reader_begin(r, r->keep);
    r->interim = seen;
    return ERR_NONE;
}

static enum err feed_head(struct reader *r, const char *bytes, size_t n, size_t *used)
{
    size_t had = r->head.len, room = READER_HEAD_MAX - had, look = had < 3 ? 0 : had - 3;
    size_t take = n < room ? n : room;
    buf_add(&r->head, bytes, take);
    TRY(buf_status(&r->head));
    struct str seen = buf_str(&r->head);
    const char *end = memmem(seen.p + look, seen.n - look, "\r\n\r\n", 4);
    if (!end) {
        *used = take;
        return take < n || r->head.len == READER_HEAD_MAX ? ERR_HEAD_LARGE : ERR_NONE;
    }
    size_t length = (size_t)(end - seen.p) + 4;
    *used = length - had;
    enum err e = parse_head(r, str_slice(seen, 0, length));
    buf_fini(&r->head);
    return e ? e : pass_interim(r);
}

static enum err feed_body(struct reader *r, const char *bytes, size_t n, size_t *used)
{
    *used = n < r->left ? n : (size_t)r->left;
    r->left -= *used;
    if (r->keep)
        buf_add(&r->body, bytes, *used);
    return buf_status(&r->body);
}

enum err reader_feed(struct reader *r, const char *bytes, size_t n, size_t *used)
{
    *used = 0;
    while (*used < n && !reader_done(r)) {
        size_t step = 0;
        enum err e = r->status == 0 ? feed_head(r, bytes + *used, n - *used, &step)
                                    : feed_body(r, bytes + *used, n - *used, &step);
        *used += step;
        TRY(e);
    }
    return ERR_NONE;
}

uint64_t reader_skippable(const struct reader *r) { return r->status && !r->keep ? r->left : 0; }

void reader_skip(struct reader *r, uint64_t n)
{
    must(n <= reader_skippable(r));
    r->left -= n;
}

bool reader_done(const struct reader *r) { return r->status != 0 && r->left == 0; }
