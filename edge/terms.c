/* Configuration in, values of edge/serve out. A reload makes new terms; the old ones stay until the
 * end, since an answer that is under way may still point into them. */
#include "edge/terms.h"

#include "edge/base/clock.h"

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

struct terms *terms_new(const struct conf *conf, bool admin)
{
    struct terms *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
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
    };
    return t;
}

void terms_free(struct terms *t)
{
    while (t) {
        struct terms *older = t->older;
        free(t->common);
        free(t->preflight);
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
