/* AWS Signature Version 4 in the query ("presigned URL"), as S3 takes it: the path is decoded once
 * and encoded once, dot segments and double slashes stay. A signature of GET opens HEAD too, which
 * is strictly less. */
#include "edge/guard/scheme.h"

#include "edge/base/scan.h"

#include <stdlib.h>
#include <string.h>

enum {
    SKEW = 15 * 60, /* seconds that a signer's clock may be ahead */
    LONGEST = 604800,
    PARAMS_MAX = 64,
    HEADERS_MAX = 32,
};

#define ALGORITHM STR("AWS4-HMAC-SHA256")
#define SIGNATURE STR("X-Amz-Signature")

struct s3 {
    struct str credential, date, expires, headers, signature; /* decoded */
    struct str id, scope, day, region;
    int64_t from, seconds;
};

struct pair {
    struct str name, value; /* encoded anew */
};

/* "20130524T000000Z" into seconds since 1970, by the days of the civil calendar. */
static bool read_date(struct str s, int64_t *out)
{
    unsigned y, m, d, hour, minute, second;
    if (s.n != 16 || !scan_digits(&s, 4, &y) || !scan_digits(&s, 2, &m) ||
        !scan_digits(&s, 2, &d) || !scan_char(&s, 'T') || !scan_digits(&s, 2, &hour) ||
        !scan_digits(&s, 2, &minute) || !scan_digits(&s, 2, &second) || !scan_char(&s, 'Z'))
        return false;
    if (y < 1970 || m < 1 || m > 12 || d < 1 || d > 31 || hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t year = (int64_t)y - (m <= 2), era = year / 400, of_era = year - era * 400;
    int64_t day = (153 * ((int64_t)m + (m > 2 ? -3 : 9)) + 2) / 5 + (int64_t)d - 1;
    int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day - 719468;
    *out = days * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

static void put_date(struct buf *out, int64_t seconds)
{
    int64_t days = seconds / 86400, left = seconds % 86400, z = days + 719468;
    int64_t era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2);
    buf_addf(out, "%04d%02d%02dT%02d%02d%02dZ", (int)year, (int)month,
             (int)(doy - (153 * mp + 2) / 5 + 1), (int)(left / 3600), (int)(left / 60 % 60),
             (int)(left % 60));
}

/* ---- the canonical request ---- */

static int by_name(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = str_cmp(x->name, y->name);
    return order ? order : str_cmp(x->value, y->value);
}

/* Runs of `text`, which grows: they are put right once it is whole. */
struct run {
    size_t from, to;
};

static bool put_normal(struct buf *text, struct str raw, struct run *run)
{
    struct buf plain;
    buf_init(&plain, GUARD_TEXT_MAX);
    bool good = put_decoded(&plain, raw) && buf_status(&plain) == ERR_NONE;
    run->from = text->len;
    put_encoded(text, buf_str(&plain), false);
    run->to = text->len;
    buf_fini(&plain);
    return good;
}

static struct str run_of(const struct buf *text, struct run r)
{
    return str_slice(buf_str(text), r.from, r.to);
}

static bool put_query(struct buf *out, struct str query)
{
    struct run names[PARAMS_MAX], values[PARAMS_MAX];
    struct pair pairs[PARAMS_MAX];
    struct buf text;
    size_t count = 0;
    bool good = true;
    buf_init(&text, GUARD_TEXT_MAX);
    while (query.n && good) {
        struct str value = str_cut(&query, '&'), name = str_cut(&value, '=');
        if (!name.n || str_eq(name, SIGNATURE))
            continue;
        good = count < PARAMS_MAX && put_normal(&text, name, &names[count]) &&
               put_normal(&text, value, &values[count]);
        count++;
    }
    for (size_t i = 0; i < count && good; i++)
        pairs[i] = (struct pair){run_of(&text, names[i]), run_of(&text, values[i])};
    if (good)
        qsort(pairs, count, sizeof *pairs, by_name);
    for (size_t i = 0; i < count && good; i++) {
        buf_adds(out, i ? STR("&") : STR(""));
        buf_adds(out, pairs[i].name);
        buf_addc(out, '=');
        buf_adds(out, pairs[i].value);
    }
    good = good && buf_status(&text) == ERR_NONE;
    buf_fini(&text);
    return good;
}

/* Trimmed, inner runs of blanks as one. */
static void put_trimmed(struct buf *out, struct str value)
{
    value = str_trim(value);
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != ' ' || value.p[i - 1] != ' ')
            buf_addc(out, value.p[i]);
}

static bool put_header(struct buf *out, const struct guard_request *r, struct str name)
{
    struct str value;
    buf_adds(out, name);
    buf_addc(out, ':');
    bool there = str_eq(name, STR("host"));
    if (there)
        buf_adds(out, r->host);
    for (size_t at = 0; !there || at; at++) {
        if (!r->field || !r->field(r->arg, name, at, &value))
            break;
        buf_adds(out, at ? STR(",") : STR(""));
        put_trimmed(out, value);
        there = true;
    }
    buf_addc(out, '\n');
    return there;
}

/* Lower-case names, sorted, once each, `host` among them. */
static bool put_headers(struct buf *out, const struct guard_request *r, struct str names)
{
    struct str before = {NULL, 0};
    bool host = false;
    for (size_t i = 0; names.n; i++) {
        struct str name = str_cut(&names, ';');
        for (size_t j = 0; j < name.n; j++)
            if (!scan_is_tchar((unsigned char)name.p[j]) || (name.p[j] >= 'A' && name.p[j] <= 'Z'))
                return false;
        if (i == HEADERS_MAX || !name.n || str_cmp(before, name) >= 0 || !put_header(out, r, name))
            return false;
        host = host || str_eq(name, STR("host"));
        before = name;
    }
    return host;
}

static enum deny put_request(struct buf *out, const struct guard_request *r, struct str method,
                             struct str headers)
{
    struct buf path;
    buf_init(&path, GUARD_PATH_MAX);
    bool good = put_decoded(&path, r->raw) && buf_status(&path) == ERR_NONE;
    buf_adds(out, method);
    buf_addc(out, '\n');
    put_encoded(out, buf_str(&path), true);
    buf_fini(&path);
    buf_addc(out, '\n');
    good = good && put_query(out, r->query);
    buf_addc(out, '\n');
    if (good && !put_headers(out, r, headers))
        return DENY_MALFORMED;
    buf_addc(out, '\n');
    buf_adds(out, headers);
    buf_adds(out, STR("\nUNSIGNED-PAYLOAD"));
    return good && buf_status(out) == ERR_NONE ? DENY_NONE : DENY_MALFORMED;
}

/* ---- the signature ---- */

static bool derive(struct str secret, const struct s3 *s, unsigned char key[CRYPTO_DIGEST_MAX])
{
    unsigned char first[KEY_SECRET_MAX + 4] = "AWS4";
    const struct str steps[] = {s->day, s->region, STR("s3"), STR("aws4_request")};
    memcpy(first + 4, secret.p, secret.n);
    struct str with = {(char *)first, secret.n + 4};
    bool good = true;
    for (size_t i = 0; i < 4 && good; i++) {
        unsigned char next[CRYPTO_DIGEST_MAX];
        good = crypto_hmac(DIGEST_SHA256, with, steps[i], next) == CRYPTO_SHA256;
        memcpy(key, next, sizeof next);
        with = (struct str){(char *)key, CRYPTO_SHA256};
    }
    crypto_wipe(first, sizeof first);
    return good;
}

/* 64 digits into hex. */
static bool make_signature(struct str secret, const struct s3 *s, struct str request,
                           struct buf *hex)
{
    unsigned char mac[CRYPTO_DIGEST_MAX], key[CRYPTO_DIGEST_MAX];
    struct buf text;
    buf_init(&text, GUARD_TEXT_MAX);
    bool good = crypto_digest(DIGEST_SHA256, request, mac) == CRYPTO_SHA256;
    buf_adds(&text, ALGORITHM);
    buf_addf(&text, "\n%.*s\n%.*s\n", STR_ARG(s->date), STR_ARG(s->scope));
    put_hex(&text, mac, CRYPTO_SHA256);
    good = good && buf_status(&text) == ERR_NONE && derive(secret, s, key) &&
           crypto_hmac(DIGEST_SHA256, (struct str){(char *)key, CRYPTO_SHA256}, buf_str(&text),
                       mac) == CRYPTO_SHA256;
    if (good)
        put_hex(hex, mac, CRYPTO_SHA256);
    crypto_wipe(key, sizeof key);
    buf_fini(&text);
    return good && buf_status(hex) == ERR_NONE;
}

/* ---- reading ---- */

bool s3_is_there(const struct guard_request *r)
{
    struct str v;
    return param(r->query, SIGNATURE, &v) || param(r->query, STR("X-Amz-Algorithm"), &v) ||
           param(r->query, STR("X-Amz-Credential"), &v);
}

static bool read_param(const struct guard_request *r, struct str name, struct buf *text,
                       struct run *run)
{
    struct str raw;
    if (param(r->query, name, &raw) != 1)
        return false;
    run->from = text->len;
    bool good = put_decoded(text, raw) && buf_status(text) == ERR_NONE;
    run->to = text->len;
    return good && run->to > run->from;
}

/* "AKID/20130524/us-east-1/s3/aws4_request" */
static bool split_credential(struct s3 *s)
{
    struct str rest = s->credential;
    s->id = str_cut(&rest, '/');
    s->scope = rest;
    s->day = str_cut(&rest, '/');
    s->region = str_cut(&rest, '/');
    return s->region.n && str_eq(rest, STR("s3/aws4_request"));
}

static bool read_all(const struct guard_request *r, struct buf *text, struct s3 *s)
{
    const struct str names[] = {STR("X-Amz-Algorithm"),     STR("X-Amz-Credential"),
                                STR("X-Amz-Date"),          STR("X-Amz-Expires"),
                                STR("X-Amz-SignedHeaders"), SIGNATURE};
    struct run runs[6];
    struct str token;
    for (size_t i = 0; i < 6; i++)
        if (!read_param(r, names[i], text, &runs[i]))
            return false;
    s->credential = run_of(text, runs[1]);
    s->date = run_of(text, runs[2]);
    s->expires = run_of(text, runs[3]);
    s->headers = run_of(text, runs[4]);
    s->signature = run_of(text, runs[5]);
    return str_eq(run_of(text, runs[0]), ALGORITHM) && split_credential(s) &&
           param(r->query, STR("X-Amz-Security-Token"), &token) < 2 &&
           read_date(s->date, &s->from) && read_time(s->expires, &s->seconds) && s->seconds >= 1 &&
           s->seconds <= LONGEST && str_eq(s->day, str_slice(s->date, 0, 8)) &&
           s->signature.n == CRYPTO_HEX_MAX;
}

static enum deny check(const struct guard_request *r, const struct guard_key *k, const struct s3 *s,
                       struct str method)
{
    struct buf request, hex;
    buf_init(&request, GUARD_TEXT_MAX);
    buf_init(&hex, CRYPTO_HEX_MAX);
    enum deny d = put_request(&request, r, method, s->headers);
    if (!d && (!make_signature(k->secret, s, buf_str(&request), &hex) ||
               !crypto_same(buf_str(&hex), s->signature)))
        d = DENY_BAD_SIGNATURE;
    buf_fini(&request);
    buf_fini(&hex);
    return d;
}

enum deny s3_read(const struct keyring *keys, const struct guard_request *r, struct buf *text,
                  struct policy *p)
{
    struct s3 s;
    if (r->authorized || !read_all(r, text, &s))
        return DENY_MALFORMED;
    const struct guard_key *k = keyring_find(keys, SCHEME_S3, s.id);
    if (!k)
        return DENY_UNKNOWN_KEY;
    enum deny d = check(r, k, &s, r->method);
    if (d == DENY_BAD_SIGNATURE && str_eq(r->method, STR("HEAD")))
        d = check(r, k, &s, STR("GET"));
    *p = (struct policy){.scheme = SCHEME_S3,
                         .key = k,
                         .not_before = s.from - SKEW,
                         .expires = s.from + s.seconds,
                         .methods = METHOD_BIT_GET | METHOD_BIT_HEAD,
                         .rule = PATH_EXACT,
                         .path = r->path,
                         .subject = r->path};
    return d;
}

/* ---- making ---- */

static void put_parameters(struct buf *query, const struct guard_key *k, const struct guard_wish *w,
                           struct str date)
{
    buf_adds(query, w->query);
    buf_adds(query, w->query.n ? STR("&") : STR(""));
    buf_adds(query, STR("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="));
    buf_addf(query, "%.*s%%2F%.*s%%2Fus-east-1%%2Fs3%%2Faws4_request", STR_ARG(k->id), 8, date.p);
    buf_addf(query, "&X-Amz-Date=%.*s&X-Amz-Expires=%lld&X-Amz-SignedHeaders=host", STR_ARG(date),
             (long long)(w->expires - w->now));
}

enum err s3_sign(const struct guard_key *k, const struct guard_wish *w, struct buf *out)
{
    char date_text[17], scope[64];
    struct buf query, request, date;
    if (w->scope.n || !w->host.n || w->expires - w->now > LONGEST || w->expires <= w->now)
        return ERR_CONFIG;
    buf_init(&date, sizeof date_text);
    put_date(&date, w->now);
    struct s3 s = {.date = buf_str(&date), .region = STR("us-east-1")};
    s.day = str_slice(s.date, 0, 8);
    memcpy(scope, s.day.p, 8);
    memcpy(scope + 8, "/us-east-1/s3/aws4_request", 26);
    s.scope = (struct str){scope, 34};
    buf_init(&query, GUARD_TEXT_MAX);
    buf_init(&request, GUARD_TEXT_MAX);
    put_parameters(&query, k, w, s.date);
    struct guard_request r = {.method = w->method,
                              .path = w->path,
                              .raw = w->raw,
                              .query = buf_str(&query),
                              .host = w->host};
    enum err e = put_request(&request, &r, w->method, STR("host")) ? ERR_CONFIG : ERR_NONE;
    buf_adds(out, w->raw);
    buf_addc(out, '?');
    buf_adds(out, buf_str(&query));
    buf_adds(out, STR("&X-Amz-Signature="));
    if (!e && !make_signature(k->secret, &s, buf_str(&request), out))
        e = ERR_TOO_BIG;
    buf_fini(&date);
    buf_fini(&query);
    buf_fini(&request);
    return e ? e : buf_status(out);
}
