/* Formats of the access log: see line.h. A name is a row of FIELDS; a new field is one function and
 * one row. The date is formatted once a second. */
#include "edge/watch/line.h"

#include "edge/base/clock.h"
#include "edge/watch/escape.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LITERAL(text)            \
    {                            \
        (text), sizeof(text) - 1 \
    }

const struct str LINE_COMBINED = LITERAL("$client - - [$time_local] \"$request\" $status $bytes "
                                         "\"$referer\" \"$user_agent\"");

const struct str LINE_JSON = LITERAL(
    "{\"time\":\"$time_iso\",\"client\":\"$client\",\"method\":\"$method\",\"target\":\"$target\","
    "\"version\":\"$version\",\"status\":$status,\"bytes\":$bytes,\"duration_ms\":$duration_ms,"
    "\"wait_ms\":$wait_ms,\"referer\":\"$referer\",\"user_agent\":\"$user_agent\","
    "\"range\":\"$range\",\"cache\":\"$cache\",\"close\":\"$close\",\"aborted\":$aborted,"
    "\"denied\":\"$denied\"}");

/* Dates */

static void stamp(struct line *l, uint64_t second)
{
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t t = (time_t)second;
    struct tm tm;
    if (second == l->stamp_second || !gmtime_r(&t, &tm))
        return;
    l->stamp_second = second;
    /* not strftime: its names of months follow the locale */
    snprintf(l->local, sizeof l->local, "%02d/%s/%04d:%02d:%02d:%02d +0000", tm.tm_mday,
             months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    strftime(l->iso, sizeof l->iso, "%Y-%m-%dT%H:%M:%S", &tm);
}

/* A whole number of milliseconds, or what is left of it, in three digits. */
static void add_thousandth(struct buf *out, uint64_t n)
{
    buf_addc(out, '.');
    buf_addc(out, (char)('0' + n / 100 % 10));
    buf_addc(out, (char)('0' + n / 10 % 10));
    buf_addc(out, (char)('0' + n % 10));
}

static void add_time_local(struct line *l, struct buf *out, const struct access_entry *e)
{
    stamp(l, e->when_ns / CLOCK_SECOND);
    buf_adds(out, str_of(l->local));
}

static void add_time_iso(struct line *l, struct buf *out, const struct access_entry *e)
{
    stamp(l, e->when_ns / CLOCK_SECOND);
    buf_adds(out, str_of(l->iso));
    add_thousandth(out, e->when_ns / CLOCK_MS);
    buf_addc(out, 'Z');
}

/* Texts of the peer */

static void add_text(struct line *l, struct buf *out, struct str s)
{
    if (s.n)
        l->escape(out, s);
    else
        buf_adds(out, l->absent);
}

static void add_method(struct line *l, struct buf *out, const struct access_entry *e)
{
    add_text(l, out, e->method);
}

static void add_target(struct line *l, struct buf *out, const struct access_entry *e)
{
    add_text(l, out, e->target);
}

static void add_version(struct line *l, struct buf *out, const struct access_entry *e)
{
    add_text(l, out, e->version);
}

static void add_referer(struct line *l, struct buf *out, const struct access_entry *e)
{
    add_text(l, out, e->referer);
}

static void add_user_agent(struct line *l, struct buf *out, const struct access_entry *e)
{
    add_text(l, out, e->user_agent);
}

static void add_range(struct line *l, struct buf *out, const struct access_entry *e)
{
    add_text(l, out, e->range);
}

static void add_denied(struct line *l, struct buf *out, const struct access_entry *e)
{
    add_text(l, out, e->denied);
}

static void add_cache(struct line *l, struct buf *out, const struct access_entry *e)
{
    add_text(l, out, e->cache);
}

static void add_part(struct line *l, struct buf *out, struct str part)
{
    if (part.n == 0)
        return;
    buf_addc(out, ' ');
    l->escape(out, part);
}

static void add_request(struct line *l, struct buf *out, const struct access_entry *e)
{
    add_text(l, out, e->method);
    add_part(l, out, e->target);
    add_part(l, out, e->version);
}

/* Numbers and what is ours */

static void add_status(struct line *l, struct buf *out, const struct access_entry *e)
{
    (void)l;
    buf_add_u64(out, e->status > 0 ? (uint64_t)e->status : 0);
}

static void add_bytes(struct line *l, struct buf *out, const struct access_entry *e)
{
    (void)l;
    buf_add_u64(out, e->bytes);
}

static void add_ms(struct buf *out, uint64_t ns)
{
    uint64_t us = ns / 1000;
    buf_add_u64(out, us / 1000);
    add_thousandth(out, us);
}

static void add_duration(struct line *l, struct buf *out, const struct access_entry *e)
{
    (void)l;
    add_ms(out, e->duration_ns);
}

static void add_wait(struct line *l, struct buf *out, const struct access_entry *e)
{
    (void)l;
    add_ms(out, e->wait_ns);
}

static void add_close(struct line *l, struct buf *out, const struct access_entry *e)
{
    bool open = (unsigned)e->close >= CLOSE_COUNT;
    buf_adds(out, open ? l->absent : str_of(close_name(e->close)));
}

static void add_aborted(struct line *l, struct buf *out, const struct access_entry *e)
{
    (void)l;
    buf_adds(out, e->aborted ? STR("true") : STR("false"));
}

static void add_v4(struct buf *out, const unsigned char octet[4])
{
    for (int i = 0; i < 4; i++) {
        if (i)
            buf_addc(out, '.');
        buf_add_u64(out, octet[i]);
    }
}

static void add_v6(struct buf *out, const struct in6_addr *address)
{
    char text[INET6_ADDRSTRLEN];
    if (IN6_IS_ADDR_V4MAPPED(address))
        add_v4(out, address->s6_addr + 12);
    else if (inet_ntop(AF_INET6, address, text, sizeof text))
        buf_adds(out, str_of(text));
}

void line_add_client(struct buf *out, const struct sockaddr *client)
{
    if (client && client->sa_family == AF_INET)
        add_v4(out, (const void *)&((const struct sockaddr_in *)(const void *)client)->sin_addr);
    else if (client && client->sa_family == AF_INET6)
        add_v6(out, &((const struct sockaddr_in6 *)(const void *)client)->sin6_addr);
    else
        buf_addc(out, '-');
}

static void add_client(struct line *l, struct buf *out, const struct access_entry *e)
{
    (void)l;
    line_add_client(out, e->client);
}

/* Compiling */

static const struct {
    struct str name;
    void (*add)(struct line *l, struct buf *out, const struct access_entry *e);
} FIELDS[] = {
    {LITERAL("client"), add_client},         {LITERAL("time_local"), add_time_local},
    {LITERAL("time_iso"), add_time_iso},     {LITERAL("request"), add_request},
    {LITERAL("method"), add_method},         {LITERAL("target"), add_target},
    {LITERAL("version"), add_version},       {LITERAL("status"), add_status},
    {LITERAL("bytes"), add_bytes},           {LITERAL("duration_ms"), add_duration},
    {LITERAL("wait_ms"), add_wait},          {LITERAL("referer"), add_referer},
    {LITERAL("user_agent"), add_user_agent}, {LITERAL("range"), add_range},
    {LITERAL("cache"), add_cache},           {LITERAL("close"), add_close},
    {LITERAL("denied"), add_denied},         {LITERAL("aborted"), add_aborted},
};

static size_t name_length(struct str s)
{
    size_t n = 0;
    while (n < s.n && ((s.p[n] >= 'a' && s.p[n] <= 'z') || s.p[n] == '_'))
        n++;
    return n;
}

static enum err find_field(struct line_element *to, struct str name)
{
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        if (str_eq(FIELDS[i].name, name)) {
            to->add = FIELDS[i].add;
            return ERR_NONE;
        }
    }
    return ERR_CONFIG;
}

enum err line_init(struct line *l, struct str format, enum line_style style)
{
    bool json = style == LINE_QUOTED_JSON;
    *l = (struct line){
        .escape = json ? escape_json : escape_combined,
        .absent = json ? STR("") : STR("-"),
        .stamp_second = UINT64_MAX,
    };
    while (format.n) {
        if (l->count == LINE_ELEMENTS)
            return ERR_TOO_BIG;
        struct line_element *to = &l->element[l->count++];
        bool named = str_find(format, '$') < format.n;
        to->literal = str_cut(&format, '$');
        if (!named)
            break;
        size_t n = name_length(format);
        TRY(find_field(to, str_slice(format, 0, n)));
        format = str_from(format, n);
    }
    return ERR_NONE;
}

void line_add(struct line *l, struct buf *out, const struct access_entry *e)
{
    for (size_t i = 0; i < l->count; i++) {
        buf_adds(out, l->element[i].literal);
        if (l->element[i].add)
            l->element[i].add(l, out, e);
    }
    buf_addc(out, '\n');
}
