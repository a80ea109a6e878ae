/* Configuration in, values of edge/serve out. A reload makes new terms; the old ones stay until the
 * end, since an answer that is under way may still point into them. */
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

static char *common_fields(const struct conf *conf)
{
    char text[FIELDS_MAX];
    const char *origin = conf->http.cors_origin;
    int n = snprintf(text, sizeof text, "Server: segue\r\nX-Content-Type-Options: nosniff\r\n");
    if (*origin)
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

/* The configuration goes when the terms stay: they have copies. */
static bool copy_protect(const struct conf *conf, struct terms *t)
{
    size_t n = conf->sign.protect.count, room = 0;
    for (size_t i = 0; i < n; i++)
        room += str_of(conf->sign.protect.items[i]).n;
    t->protect = n ? malloc(n * sizeof *t->protect + room) : NULL;
    char *at = (char *)(t->protect + n);
    for (size_t i = 0; t->protect && i < n; i++) {
        struct str s = str_of(conf->sign.protect.items[i]);
        memcpy(at, s.p, s.n);
        t->protect[i] = (struct str){at, s.n};
        at += s.n;
    }
    return t->protect || !n;
}

struct terms *terms_new(const struct conf *conf, bool admin)
{
    struct terms *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    if (!admin && (!open_keys(conf, t) || !copy_protect(conf, t))) {
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
        .protect_count = t->protect ? conf->sign.protect.count : 0,
        .max_expires = conf->sign.max_expires_ms / 1000,
        .stream_lifetime = conf->sign.stream_ms / 1000,
    };
    return t;
}

void terms_limit(struct terms *t, const struct conf *conf, struct limiter *buckets,
                 struct limiter *counts)
{
    const struct conf_rate *r = &conf->limit.requests;
    if (r->count) {
        t->opts.buckets = buckets;
        t->opts.requests = (struct limiter_rate){r->per_ms * CLOCK_MS / r->count, r->burst};
    }
    if (conf->limit.connections) {
        t->opts.counts = counts;
        t->opts.connections = conf->limit.connections;
    }
}

void terms_free(struct terms *t)
{
    while (t) {
        struct terms *older = t->older;
        free(t->common);
        free(t->preflight);
        keyring_free(t->keys);
        free(t->protect);
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
