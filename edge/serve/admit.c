/* The signature of a request, whom a proxy speaks for, and how often. */
#include "edge/serve/admit.h"

#include "edge/base/clock.h"
#include "edge/base/log.h"
#include "edge/base/scan.h"
#include "edge/guard/guard.h"
#include "edge/serve/hand_on.h"

#include <stdio.h>
#include <string.h>

enum { LOG_TEXT = 256 };

static bool field_of(void *arg, struct str name, size_t at, struct str *value)
{
    const struct h1_request *r = arg;
    size_t cursor = 0;
    enum field f = field_id(name);
    for (size_t i = 0; i <= at; i++)
        if (!(f == FIELD_OTHER ? h1_other(r, name, &cursor, value)
                               : h1_field_next(r, f, &cursor, value)))
            return false;
    return true;
}

/* "/s/TOKEN/audio/a.mp3": the token out of the path. p is NULL where there is none. */
static struct str take_token(struct str *path)
{
    struct str rest = *path;
    if (!scan_lit(&rest, STR("/s/")))
        return (struct str){NULL, 0};
    size_t n = str_find(rest, '/');
    if (n == rest.n)
        return (struct str){NULL, 0};
    *path = str_from(rest, n);
    return str_slice(rest, 0, n);
}

static bool is_protected(const struct service_opts *o, struct str path)
{
    for (size_t i = 0; i < o->protect_count; i++)
        if (policy_below(path, o->protect[i]))
            return true;
    return false;
}

static const enum counter counter_of[DENY_COUNT] = {
#define DENY(name, label, text) [DENY_##name] = COUNTER_DENIED_##name,
#include "edge/guard/deny.def"
#undef DENY
};

static bool refuse(struct exchange *x, enum deny d)
{
    char path[LOG_TEXT];
    x->denied = deny_text(d);
    counters_add(x->service->counters, counter_of[d], 1);
    if (log_wants(LOG_DEBUG))
        log_write(LOG_DEBUG, "denied, %s: %s", x->denied, log_text(path, sizeof path, x->path));
    (void)exchange_fail(x, ERR_FORBIDDEN, str_of(x->denied));
    return false;
}

/* What is signed beside the path changes the answer. */
static enum deny take_overrides(struct exchange *x, const struct policy *p)
{
    struct buf lines;
    buf_init(&lines, GUARD_PATH_MAX);
    enum deny d = guard_overrides(p, x->request->query, &lines);
    if (!d && lines.len) {
        x->override = arena_str(&x->arena, buf_str(&lines));
        d = x->override.n ? DENY_NONE : DENY_MALFORMED; /* no memory */
    }
    buf_fini(&lines);
    return d;
}

/* Without memory for one it is made each time. */
static struct recall *recall_of(struct service *s)
{
    if (!s->recall && recall_new(&s->recall))
        return NULL;
    return s->recall;
}

bool admit_signed(struct exchange *x)
{
    const struct service_opts *o = x->service->opts;
    struct h1_request *head = x->request;
    struct policy policy;
    struct str path = x->path, authorization;
    struct str token = take_token(&path);
    x->path = path;
    if (!token.p && !is_protected(o, path))
        return true;
    struct guard_request r = {
        .method = head->method_text,
        .path = path,
        .raw = token.p ? path : head->path,
        .query = head->query,
        .token = token,
        .host = head->authority,
        .authorized = h1_field(head, FIELD_AUTHORIZATION, &authorization),
        .client = exchange_client(x)->ip,
        .now = service_second(x->service),
        .field = field_of,
        .arg = head,
        .recall = recall_of(x->service),
    };
    enum deny d = guard_check(o->keys, &r, o->max_expires, &policy);
    if (!d && policy.scheme == SCHEME_S3)
        d = take_overrides(x, &policy);
    if (d)
        return refuse(x, d);
    if (hand_on_may(path, policy.in_path)) {
        x->inherits = policy.in_path;
        x->heir = policy.key;
        x->keys = keyring_ref(o->keys);
    }
    return true;
}

/* The lines of one field, the last one first: that is the nearest proxy's. False: there is none. */
static bool read_lines(struct exchange *x, enum field name, struct forwarded *f,
                       void (*read)(struct forwarded *, struct str))
{
    struct str lines[H1_FIELDS_MAX];
    size_t count = 0, cursor = 0;
    while (count < H1_FIELDS_MAX && h1_field_next(x->request, name, &cursor, &lines[count]))
        count++;
    for (size_t i = count; i > 0 && !f->done; i--)
        read(f, lines[i - 1]);
    return count > 0;
}

void admit_forwarded(struct exchange *x)
{
    const struct address *peer = &x->conn->peer;
    const struct networks *trusted = &x->service->opts->proxies;
    struct forwarded a = {.trusted = trusted}, b = {.trusted = trusted};
    if (!networks_have(trusted, peer->ip))
        return;
    memcpy(a.client, peer->ip, sizeof a.client);
    memcpy(b.client, peer->ip, sizeof b.client);
    bool old = read_lines(x, FIELD_X_FORWARDED_FOR, &a, forwarded_for);
    bool new = read_lines(x, FIELD_FORWARDED, &b, forwarded_rfc7239);
    bool differ = memcmp(a.client, b.client, sizeof a.client) != 0;
    if (!(old || new) || (old && new &&differ))
        return;
    x->client = arena_alloc(&x->arena, sizeof *x->client);
    if (x->client)
        memcpy(x->client->ip, old ? a.client : b.client, sizeof x->client->ip);
}

bool admit_rate(struct exchange *x)
{
    enum { LINE = 48 };
    struct service *s = x->service;
    uint64_t wait = limiter_take(s->opts->buckets, exchange_client(x)->ip, &s->opts->requests,
                                 loop_now(s->loop));
    if (!wait)
        return true;
    char *line = arena_alloc(&x->arena, LINE);
    int n = line ? snprintf(line, LINE, "Retry-After: %llu\r\n",
                            (unsigned long long)(wait / CLOCK_SECOND + 1))
                 : 0;
    x->denied = "rate";
    counters_add(s->counters, COUNTER_DENIED_RATE, 1);
    (void)exchange_fail_status(x, 429, STR("too many requests of this address"),
                               (struct str){line, (size_t)n});
    return false;
}

bool admit_referer(struct exchange *x)
{
    const struct service_opts *o = x->service->opts;
    struct str referer;
    if (!h1_field(x->request, FIELD_REFERER, &referer) || !referer.n)
        return true;
    for (size_t i = 0; i < o->referer_count; i++)
        if (str_starts(referer, o->referers[i]))
            return true;
    x->denied = "referer";
    counters_add(x->service->counters, COUNTER_DENIED_REFERER, 1);
    (void)exchange_fail(x, ERR_FORBIDDEN, STR("referer"));
    return false;
}
