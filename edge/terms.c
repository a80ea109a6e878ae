/* Configuration in, values of edge/serve out. A reload makes new terms; the old ones stay until the
 * end, since an answer that is under way may still point into them, but without their keys. */
#include "edge/terms.h"

#include "edge/config_keys.h"

#include "edge/base/clock.h"
#include "edge/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 2048 };

#define EXPOSED \
    "Content-Length, Content-Range, Accept-Ranges, ETag, Date, Age, Cache-Status, Server-Timing"
#define ALLOWED "Range, If-Range, If-None-Match, If-Modified-Since"

/* Several origins are named one by one, to who asks; one is always named. */
static bool are_several(const char *origins) { return strchr(origins, ',') != NULL; }

static char *common_fields(const struct conf *conf)
{
    char text[FIELDS_MAX];
    const char *origin = conf->http.cors_origin;
    int n = snprintf(text, sizeof text, "Server: segue\r\nX-Content-Type-Options: nosniff\r\n");
    if (*origin && are_several(origin))
        snprintf(text + n, sizeof text - (size_t)n,
                 "Access-Control-Expose-Headers: " EXPOSED "\r\n");
    else if (*origin)
        snprintf(text + n, sizeof text - (size_t)n,
                 "Access-Control-Allow-Origin: %s\r\nAccess-Control-Expose-Headers: " EXPOSED
                 "\r\n",
                 origin);
    return str_dup(str_of(text));
}

static char *preflight_fields(const struct conf *conf, bool admin)
{
    const char *methods = admin ? "GET, HEAD, POST, OPTIONS" : "GET, HEAD, OPTIONS";
    char text[FIELDS_MAX];
    int n = snprintf(text, sizeof text, "Allow: %s\r\n", methods);
    if (*conf->http.cors_origin)
        snprintf(text + n, sizeof text - (size_t)n,
                 "Access-Control-Allow-Methods: %s\r\nAccess-Control-Allow-Headers: " ALLOWED
                 "\r\nAccess-Control-Max-Age: 86400\r\n",
                 methods);
    return str_dup(str_of(text));
}

static bool open_keys(const struct conf *conf, struct terms *t)
{
    char text[CONF_WHY_MAX] = "";
    struct why why;
    why_init(&why, text, sizeof text);
    enum err e = conf_keys_open(conf, &t->keys, &why);
    if (e)
        log_write(LOG_ERROR, "%s", text);
    return !e;
}

/* The configuration goes when the terms stay: they have copies. Of parts parted by commas. */
static bool copy_parts(struct str text, struct str **out, size_t *count)
{
    size_t most = 1;
    *count = 0;
    for (size_t i = 0; i < text.n; i++)
        most += text.p[i] == ',';
    if (!text.n)
        return true;
    *out = malloc(most * sizeof **out + text.n);
    if (!*out)
        return false;
    char *at = (char *)(*out + most);
    memcpy(at, text.p, text.n);
    struct str rest = {at, text.n};
    while (rest.n) {
        struct str part = str_trim(str_cut(&rest, ','));
        if (part.n)
            (*out)[(*count)++] = part;
    }
    return true;
}

static bool copy_protect(const struct conf *conf, struct terms *t)
{
    const struct conf_texts *from = &conf->sign.protect;
    size_t room = 0;
    for (size_t i = 0; i < from->count; i++)
        room += str_of(from->items[i]).n;
    t->protect = from->count ? malloc(from->count * sizeof *t->protect + room) : NULL;
    char *at = (char *)(t->protect + from->count);
    for (size_t i = 0; t->protect && i < from->count; i++) {
        struct str s = str_of(from->items[i]);
        memcpy(at, s.p, s.n);
        t->protect[t->opts.protect_count++] = (struct str){at, s.n};
        at += s.n;
    }
    return t->protect || !from->count;
}

static bool copy_proxies(const struct conf *conf, struct terms *t)
{
    struct str *parts = NULL;
    size_t count;
    if (!copy_parts(str_of(conf->http.trusted_proxies), &parts, &count))
        return false;
    t->proxies = count ? calloc(count, sizeof *t->proxies) : NULL;
    for (size_t i = 0; t->proxies && i < count; i++)
        if (policy_network(parts[i], t->proxies[i].address, &t->proxies[i].bits))
            t->opts.proxies.count = i + 1; /* the configuration has been checked: all of them */
    free(parts);
    t->opts.proxies.list = t->proxies;
    return t->proxies || !count;
}

static bool copy_lists(const struct conf *conf, struct terms *t)
{
    const char *origins = are_several(conf->http.cors_origin) ? conf->http.cors_origin : "";
    return copy_protect(conf, t) && copy_proxies(conf, t) &&
           copy_parts(str_of(origins), &t->origins, &t->opts.origin_count) &&
           copy_parts(str_of(conf->http.referers), &t->referers, &t->opts.referer_count);
}

struct terms *terms_new(const struct conf *conf, bool admin)
{
    struct terms *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    if (!admin && (!open_keys(conf, t) || !copy_lists(conf, t))) {
        terms_free(t);
        return NULL;
    }
    t->common = common_fields(conf);
    t->preflight = preflight_fields(conf, admin);
    if (!t->common || !t->preflight) {
        terms_free(t);
        return NULL;
    }
    t->opts = (struct service_opts){
        .header_timeout = conf->http.header_timeout_ms * CLOCK_MS,
        .idle_timeout = conf->http.idle_timeout_ms * CLOCK_MS,
        .write_timeout = conf->http.write_timeout_ms * CLOCK_MS,
        .max_header = conf->http.max_header,
        .max_connections = conf->http.max_connections,
        .buffer = conf->http.buffer,
        .common = str_of(t->common),
        .preflight = str_of(t->preflight),
        .admin = admin,
        .keys = t->keys,
        .protect = t->protect,
        .protect_count = t->opts.protect_count,
        .origins = t->origins,
        .origin_count = t->opts.origin_count,
        .referers = t->referers,
        .proxies = t->opts.proxies,
        .referer_count = t->opts.referer_count,
        .max_expires = conf->sign.max_expires_ms / 1000,
        .stream_lifetime = conf->sign.stream_ms / 1000,
    };
    return t;
}

enum err terms_tables_new(struct terms_tables *out)
{
    TRY(limiter_new(LIMITER_ENTRIES, &out->buckets));
    TRY(limiter_new(LIMITER_ENTRIES, &out->counts));
    return limiter_new(LIMITER_ENTRIES, &out->debts);
}

void terms_tables_free(struct terms_tables *tables)
{
    limiter_free(tables->buckets);
    limiter_free(tables->counts);
    limiter_free(tables->debts);
}

void terms_limit(struct terms *t, const struct conf *conf, const struct terms_tables *tables)
{
    const struct conf_rate *r = &conf->limit.requests;
    const struct conf_bandwidth *b = &conf->limit.bandwidth;
    if (r->count) {
        t->opts.buckets = tables->buckets;
        t->opts.requests = (struct limiter_rate){r->per_ms * CLOCK_MS / r->count, r->burst};
    }
    if (conf->limit.connections) {
        t->opts.counts = tables->counts;
        t->opts.connections = conf->limit.connections;
    }
    t->opts.pace = (struct pace_terms){b->permille, b->rate, b->after_ms * CLOCK_MS};
    if (pace_is_on(&t->opts.pace))
        t->opts.debts = tables->debts;
}

void terms_retire(struct terms *t)
{
    keyring_unref(t->keys);
    t->keys = NULL;
}

void terms_free(struct terms *t)
{
    while (t) {
        struct terms *older = t->older;
        free(t->common);
        free(t->preflight);
        keyring_unref(t->keys);
        free(t->protect);
        free(t->origins);
        free(t->referers);
        free(t->proxies);
        free(t);
        t = older;
    }
}

void terms_public_routes(const struct conf *conf, struct route out[TERMS_ROUTES])
{
    const struct route routes[TERMS_ROUTES] = {
        {STR("/ping"), true, false, get_ping},
        {STR("/player/library.json"), true, false, get_library},
        {STR("/player/"), false, false, get_player},
        {STR("/player"), true, false, get_home},
        {str_of(conf->media.hls_prefix), false, false, get_hls},
        {str_of(conf->media.audio_prefix), false, false, get_audio},
        {STR("/"), true, false, get_home},
        {{NULL, 0}, false, false, NULL},
    };
    memcpy(out, routes, sizeof routes);
}

void terms_admin_routes(struct route out[TERMS_ROUTES])
{
    const struct route routes[TERMS_ROUTES] = {
        {STR("/metrics"), true, false, get_metrics},
        {STR("/health"), true, false, get_health},
        {STR("/status"), true, false, get_status},
        {STR("/status.json"), true, false, get_status_json},
        {STR("/purge"), true, true, post_purge},
        {STR("/warm"), true, true, post_warm},
        {STR("/warm"), true, false, get_warm},
        {STR("/ping"), true, false, get_ping},
        {{NULL, 0}, false, false, NULL},
    };
    memcpy(out, routes, sizeof routes);
}
