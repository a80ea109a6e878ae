/* One request head, in two steps: find its end (one memchr a line, which also finds bare LFs), then
 * walk over it once, byte classes from a table. The walk needs no bounds checks inside a line:
 * a head ends with CRLF CRLF, CR is in no class, so every loop over a class stops there at the
 * latest. The head is only looked at when it is whole: until then the search goes on where it
 * stood. Bytes that end with CRLF CRLF, as nearly all that come do, hold at least one end, so they
 * are walked over at once; what is wrong with them is said by the two steps. */
#include "edge/http/h1_parse.h"

#include "edge/base/must.h"
#include "edge/base/scan.h"
#include "edge/http/octet.h"
#include "edge/http/target.h"

#include <string.h>

/* What one walk over the head gathers beside the request itself. */
struct walk {
    struct h1_request *r;
    const char *at;   /* the next byte to read */
    const char *end;  /* of the head, after its blank line */
    uint64_t length;  /* Content-Length, when has_length */
    unsigned lines;   /* field lines so far */
    unsigned codings; /* transfer codings named */
    bool has_length;
    bool has_coding;     /* there is a Transfer-Encoding */
    bool unknown_coding; /* one of them is not chunked */
    bool close;          /* Connection: close */
    bool keep;           /* Connection: keep-alive */
};

static enum err refuse(struct h1_request *r, enum err e, const char *why)
{
    r->why = why;
    return e;
}

/* Finding the end. */

static enum err find_end(struct str bytes, size_t *searched, size_t *end)
{
    size_t at = *searched;
    while (at < bytes.n) {
        const char *lf = memchr(bytes.p + at, '\n', bytes.n - at);
        if (!lf)
            break;
        size_t i = (size_t)(lf - bytes.p);
        if (i == 0 || bytes.p[i - 1] != '\r')
            return ERR_SYNTAX;
        if (i >= 3 && bytes.p[i - 2] == '\n') {
            *end = i + 1;
            return ERR_NONE;
        }
        at = i + 1;
    }
    *searched = bytes.n;
    return ERR_AGAIN;
}

/* RFC 9112 2.2: one empty line before the request line is passed over. */
static size_t line_start(struct str bytes) { return str_starts(bytes, STR("\r\n")) ? 2 : 0; }

static bool line_too_long(struct str bytes, size_t max_line)
{
    size_t start = line_start(bytes);
    struct str most = str_slice(bytes, start, start + max_line + 2);
    return most.n == max_line + 2 && str_find(most, '\n') == most.n;
}

static enum err too_large(struct str bytes, const struct h1_limits *limits, struct h1_request *r)
{
    struct str line = str_slice(str_from(bytes, line_start(bytes)), 0, limits->max_head);
    if (line_too_long(bytes, limits->max_line) || str_find(line, '\n') == line.n)
        return refuse(r, ERR_URI_LONG, "the request line is longer than the limit");
    return refuse(r, ERR_HEAD_LARGE, "the request head is larger than the limit");
}

/* The head is not whole: is it already more than it may be, or plainly something else than HTTP? */
static enum err refuse_early(struct str bytes, const struct h1_limits *limits, size_t before,
                             struct h1_request *r)
{
    size_t start = line_start(bytes);
    size_t enough = start + limits->max_line + 2;
    if (start < bytes.n && bytes.p[start] != '\r' && !octet_is(bytes.p[start], OCTET_TOKEN))
        return refuse(r, ERR_SYNTAX, "a request begins with its method");
    if (bytes.n >= limits->max_head)
        return too_large(bytes, limits, r);
    /* Only once, when the length is passed: a long line read byte by byte stays linear. */
    if (before < enough && bytes.n >= enough && line_too_long(bytes, limits->max_line))
        return refuse(r, ERR_URI_LONG, "the request line is longer than the limit");
    return ERR_AGAIN;
}

/* The request line (RFC 9112 3). */

static enum method method_of(struct str s)
{
    static const struct str names[] = {
        [METHOD_GET] = {"GET", 3},
        [METHOD_HEAD] = {"HEAD", 4},
        [METHOD_OPTIONS] = {"OPTIONS", 7},
        [METHOD_POST] = {"POST", 4},
    };
    for (unsigned m = METHOD_GET; m < METHOD_OTHER; m++)
        if (str_eq(s, names[m]))
            return (enum method)m;
    return METHOD_OTHER;
}

/* Eats the bytes of a class; what it answers may be empty. */
static struct str take(struct walk *w, unsigned class)
{
    const char *from = w->at;
    const char *to = from; /* a local: w->at could be anywhere, for all the compiler knows */
    while (octet_is(*to, class))
        to++;
    w->at = to;
    return (struct str){from, (size_t)(to - from)};
}

static bool take_char(struct walk *w, char c)
{
    if (*w->at != c)
        return false;
    w->at++;
    return true;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* RFC 9112 2.3: HTTP-name is case-sensitive, the numbers have one digit each. */
static enum err version(struct walk *w)
{
    const char *v = w->at;
    static const char form[] = "HTTP/1.1\r\n";
    if (w->end - v < (ptrdiff_t)sizeof form - 1 || memcmp(v, form, 5) != 0 || !is_digit(v[5]) ||
        v[6] != '.' || !is_digit(v[7]) || v[8] != '\r' || v[9] != '\n')
        return refuse(w->r, ERR_SYNTAX, "the request line must end with HTTP/1.1 and CRLF");
    if (v[5] != '1' || v[7] > '1')
        return refuse(w->r, ERR_VERSION, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    w->r->minor = (uint8_t)(v[7] - '0');
    w->at = v + 10;
    return ERR_NONE;
}

static enum err request_line(struct walk *w)
{
    struct h1_request *r = w->r;
    r->method_text = take(w, OCTET_TOKEN);
    if (r->method_text.n == 0 || !take_char(w, ' '))
        return refuse(r, ERR_SYNTAX, "a request begins with its method and one space");
    r->method = method_of(r->method_text);
    r->target = take(w, OCTET_TARGET);
    if (r->target.n == 0 || !take_char(w, ' '))
        return refuse(r, *w->at == '#' ? ERR_TARGET : ERR_SYNTAX,
                      "the target must be visible characters without '#', then one space");
    TRY(version(w));
    return target_parse(r);
}

/* Single fields. */

static enum err note_host(struct walk *w, struct str value, bool seen)
{
    if (seen) /* RFC 9112 3.2 */
        return refuse(w->r, ERR_HOST, "there is more than one Host");
    if (!target_is_authority(value))
        return refuse(w->r, ERR_HOST, "Host must be HOST or HOST:PORT");
    if (!w->r->authority.n) /* RFC 9112 3.2.2: an absolute target's authority wins */
        w->r->authority = value;
    return ERR_NONE;
}

/* RFC 9110 8.6: 1*DIGIT. A repeated one may say the same again, nothing else. */
static enum err note_length(struct walk *w, struct str value)
{
    uint64_t length = 0;
    if (!scan_u64(&value, &length) || value.n)
        return refuse(w->r, ERR_LENGTH, "Content-Length must be one decimal number");
    if (w->has_length && length != w->length)
        return refuse(w->r, ERR_LENGTH, "there are two Content-Lengths, and they differ");
    w->has_length = true;
    w->length = length;
    return ERR_NONE;
}

/* RFC 9112 6.1. What the codings mean for the request is decided when all fields are known. */
static void note_codings(struct walk *w, struct str value)
{
    w->has_coding = true;
    while (value.n) {
        struct str one = str_trim(str_cut(&value, ','));
        w->codings += one.n > 0;
        w->unknown_coding |= one.n > 0 && !str_ieq(one, STR("chunked"));
    }
}

/* RFC 9110 7.6.1 */
static void note_connection(struct walk *w, struct str value)
{
    while (value.n) {
        struct str option = str_trim(str_cut(&value, ','));
        w->close |= str_ieq(option, STR("close"));
        w->keep |= str_ieq(option, STR("keep-alive"));
    }
}

static enum err note_field(struct walk *w, enum field id, struct str value)
{
    struct h1_request *r = w->r;
    uint64_t bit = UINT64_C(1) << id;
    bool seen = r->seen & bit;
    must(r->kept_count < H1_FIELDS_MAX); /* each line was counted before */
    r->kept[r->kept_count++] = (struct h1_kept){value, id};
    r->seen |= bit;
    switch (id) {
    case FIELD_HOST:
        return note_host(w, value, seen);
    case FIELD_CONTENT_LENGTH:
        return note_length(w, value);
    case FIELD_TRANSFER_ENCODING:
        note_codings(w, value);
        break;
    case FIELD_CONNECTION:
        note_connection(w, value);
        break;
    case FIELD_RANGE:
        r->ranges = seen;
        break;
    case FIELD_EXPECT:
        r->expect_continue |= str_ieq(value, STR("100-continue"));
        break;
    default:
        break;
    }
    return ERR_NONE;
}

/* Field lines (RFC 9112 5). */

static enum err bad_name(struct walk *w, struct str name)
{
    char c = *w->at;
    const char *why = "a field name has a character that is not allowed there";
    if (name.n == 0 && (c == ' ' || c == '\t')) /* RFC 9112 5.2, and 2.2 for the first line */
        why = "a line begins with white space: folded lines are not taken";
    else if (c == ' ' || c == '\t') /* RFC 9112 5.1 */
        why = "white space between a field name and its colon";
    else if (name.n == 0)
        why = "a field line must begin with its name";
    else if (c == '\r')
        why = "a field line without a colon";
    return refuse(w->r, ERR_SYNTAX, why);
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static enum err field_value(struct walk *w, struct str *value)
{
    const char *from = w->at;
    while (is_blank(*from))
        from++;
    const char *to = octet_value_end(from, w->end);
    if (to[0] != '\r' || to[1] != '\n') /* RFC 9110 5.5, RFC 9112 2.2 */
        return refuse(w->r, ERR_SYNTAX, "a control byte (bare CR, NUL, ...) in a field value");
    w->at = to + 2;
    while (to > from && is_blank(to[-1]))
        to--;
    *value = (struct str){from, (size_t)(to - from)};
    return ERR_NONE;
}

static enum err field_line(struct walk *w)
{
    struct str value;
    struct str name = take(w, OCTET_TOKEN);
    if (name.n == 0 || !take_char(w, ':'))
        return bad_name(w, name);
    TRY(field_value(w, &value));
    if (++w->lines > H1_FIELDS_MAX)
        return refuse(w->r, ERR_HEAD_LARGE, "more than 200 field lines");
    enum field id = field_id(name);
    return id == FIELD_OTHER ? ERR_NONE : note_field(w, id, value);
}

/* What the fields mean together. */

/* RFC 9112 6.1 and 6.3: what could be understood in two ways is refused. */
static enum err check_framing(const struct walk *w)
{
    if (!w->has_coding)
        return ERR_NONE;
    if (w->has_length)
        return refuse(w->r, ERR_FRAMING, "Content-Length and Transfer-Encoding together");
    if (w->r->minor == 0)
        return refuse(w->r, ERR_FRAMING, "HTTP/1.0 has no Transfer-Encoding");
    if (w->unknown_coding)
        return refuse(w->r, ERR_CODING, "chunked is the only transfer coding known here");
    if (w->codings != 1) /* RFC 9112 7.1: chunked not more than once */
        return refuse(w->r, ERR_FRAMING, "Transfer-Encoding must name chunked, once");
    return ERR_NONE;
}

static enum err check_body(const struct walk *w, bool posts_allowed)
{
    struct h1_request *r = w->r;
    bool body = w->has_coding || w->length > 0;
    if (body && r->method <= METHOD_OPTIONS)
        return refuse(r, ERR_BODY, "GET, HEAD and OPTIONS take no body here");
    if (body)
        r->keep_alive = false; /* nobody reads it to its end */
    if (r->method == METHOD_POST && posts_allowed)
        r->body = w->length;
    return ERR_NONE;
}

static enum err conclude(struct walk *w, bool posts_allowed)
{
    struct h1_request *r = w->r;
    if (r->minor == 1 && !(r->seen & UINT64_C(1) << FIELD_HOST)) /* RFC 9112 3.2 */
        return refuse(r, ERR_HOST, "HTTP/1.1 needs a Host");
    TRY(check_framing(w));
    r->keep_alive = !w->close && (r->minor == 1 || w->keep); /* RFC 9112 9.3 */
    r->expect_continue &= r->minor == 1;                     /* RFC 9110 10.1.1 */
    return check_body(w, posts_allowed);
}

static enum err walk_head(struct walk *w, bool posts_allowed)
{
    struct h1_request *r = w->r;
    TRY(request_line(w));
    r->fields_at = (size_t)(w->at - r->head.p);
    while (w->at[0] != '\r' || w->at[1] != '\n')
        TRY(field_line(w));
    w->at += 2;
    return conclude(w, posts_allowed);
}

static void begin(struct h1_request *r)
{
    r->method = METHOD_OTHER;
    r->minor = 0;
    r->keep_alive = false;
    r->expect_continue = false;
    r->ranges = false;
    r->method_text = r->target = r->head = (struct str){NULL, 0};
    r->body = 0;
    r->seen = 0;
    r->kept_count = 0;
    r->why = NULL;
}

static struct walk walk_over(struct str bytes, struct h1_request *r)
{
    r->head = bytes;
    return (struct walk){.r = r, .at = bytes.p + line_start(bytes), .end = bytes.p + bytes.n};
}

/* All is well and within its limits; else nothing is said. */
static bool parse_at_once(struct str bytes, const struct h1_limits *limits, bool posts_allowed,
                          struct h1_request *out)
{
    if (bytes.n < 4 || memcmp(bytes.p + bytes.n - 4, "\r\n\r\n", 4) != 0)
        return false;
    struct walk w = walk_over(bytes, out);
    if (walk_head(&w, posts_allowed))
        return false;
    out->head.n = (size_t)(w.at - bytes.p);
    return out->head.n <= limits->max_head &&
           out->fields_at <= line_start(bytes) + limits->max_line + 2;
}

enum err h1_parse(struct str bytes, const struct h1_limits *limits, bool posts_allowed,
                  size_t *searched, struct h1_request *out)
{
    size_t before = *searched;
    size_t end = 0;
    must(before <= bytes.n);
    begin(out);
    if (before == 0 && parse_at_once(bytes, limits, posts_allowed, out))
        return ERR_NONE;
    begin(out);
    enum err e = find_end(bytes, searched, &end);
    if (e == ERR_AGAIN)
        return refuse_early(bytes, limits, before, out);
    if (e)
        return refuse(out, e, "a line ends with LF alone: CRLF was expected");
    if (end > limits->max_head)
        return too_large(bytes, limits, out);
    out->head = str_slice(bytes, 0, end);
    if (line_too_long(out->head, limits->max_line))
        return refuse(out, ERR_URI_LONG, "the request line is longer than the limit");
    struct walk w = walk_over(out->head, out);
    return walk_head(&w, posts_allowed);
}

/* Asking for fields. */

bool h1_field_next(const struct h1_request *r, enum field f, size_t *cursor, struct str *value)
{
    must(f < FIELD_REQUEST_COUNT);
    if (!(r->seen & UINT64_C(1) << f))
        return false;
    for (size_t i = *cursor; i < r->kept_count; i++) {
        if (r->kept[i].id != f)
            continue;
        *value = r->kept[i].value;
        *cursor = i + 1;
        return true;
    }
    return false;
}

bool h1_field(const struct h1_request *r, enum field f, struct str *value)
{
    size_t cursor = 0;
    return h1_field_next(r, f, &cursor, value);
}

bool h1_other(const struct h1_request *r, struct str name, size_t *cursor, struct str *value)
{
    size_t from = *cursor ? *cursor : r->fields_at;
    struct str rest = str_from(r->head, from);
    while (rest.n > 2) { /* the blank line is left */
        struct str line = str_cut(&rest, '\n');
        struct str line_name = str_cut(&line, ':');
        if (!str_ieq(line_name, name))
            continue;
        line.n--; /* its CR */
        *value = str_trim(line);
        *cursor = r->head.n - rest.n;
        return true;
    }
    return false;
}
