/* `segue sign URL`: the URL is taken apart, signed by the style of a key of the configuration, and
 * put together again. Style `path` is segue's with the token in the path. */
#include "edge/sign.h"

#include "edge/config_keys.h"
#include "edge/options.h"

#include "edge/base/clock.h"
#include "edge/base/scan.h"
#include "edge/guard/guard.h"
#include "edge/http/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct target {
    struct str scheme, host, query;
    struct buf raw; /* the path, percent-encoded */
    struct str path;
    char decoded[BUF_MAX_PATH];
};

static int fail(const char *what, const char *expected)
{
    fprintf(stderr, "segue sign: %s, expected %s\n", what, expected);
    return 1;
}

/* "https://host/a b.mp3?x=1" or "/a%20b.mp3"; bytes that cannot stand in a URL are encoded. */
static bool take_apart(struct str url, struct target *t)
{
    size_t colon = str_find(url, ':');
    if (str_starts(str_from(url, colon), STR("://"))) {
        t->scheme = str_slice(url, 0, colon);
        url = str_from(url, colon + 3);
        size_t slash = str_find(url, '/');
        t->host = str_slice(url, 0, slash);
        url = str_from(url, slash);
    }
    t->query = str_slice(url, 0, str_find(url, '#'));
    struct str path = str_cut(&t->query, '?');
    buf_init(&t->raw, BUF_MAX_PATH);
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        if (c > 0x20 && c < 0x7f)
            buf_addc(&t->raw, (char)c);
        else
            buf_addf(&t->raw, "%%%02X", c);
    }
    return buf_status(&t->raw) == ERR_NONE &&
           !uri_decode_path(buf_str(&t->raw), t->decoded, sizeof t->decoded, &t->path);
}

static bool lifetime(const struct conf *conf, const char *expires, struct str path, int64_t *out)
{
    uint64_t ms;
    bool playlist = str_ends(path, STR(".m3u8"));
    struct str said = str_of(expires ? expires : playlist ? "stream" : "download");
    if (str_eq(said, STR("stream")))
        ms = conf->sign.stream_ms;
    else if (str_eq(said, STR("download")))
        ms = conf->sign.download_ms;
    else if (str_eq(said, STR("stem")))
        ms = conf->sign.stem_ms;
    else if (!option_duration(said, &ms) || ms < 1000 || ms / 1000 > INT32_MAX)
        return false;
    *out = (int64_t)(ms / 1000);
    return true;
}

static const struct guard_key *choose(const struct keyring *keys, const char *id, bool styled,
                                      enum scheme style)
{
    for (size_t i = 0; keys && i < keys->count; i++) {
        const struct guard_key *k = &keys->keys[i];
        if ((!id || str_eq(k->id, str_of(id))) && (!styled || k->scheme == style))
            return k;
    }
    return NULL;
}

/* Components of the path that a playlist's children lie below: its folder, but for a container's
 * name ("/hls/album/song/ts/master.m3u8"): renditions lie beside that. */
static unsigned depth_of_playlist(struct str path, struct str hls_prefix)
{
    enum container in;
    struct str folder = str_slice(path, 0, str_rfind(path, '/'));
    size_t slash = str_rfind(folder, '/');
    bool chosen = str_starts(path, hls_prefix) && slash > hls_prefix.n && slash < folder.n &&
                  container_of_name(str_from(folder, slash + 1), &in);
    return guard_depth(chosen ? str_slice(folder, 0, slash) : folder);
}

/* A token over the scope, or over the track of a playlist, or over a file. */
static enum err sign_in_path(const struct conf *conf, const struct guard_key *k,
                             const struct guard_wish *w, struct buf *out)
{
    unsigned depth = guard_depth(w->scope.n ? w->scope : w->path);
    if (!w->scope.n && str_ends(w->path, STR(".m3u8")))
        depth = depth_of_playlist(w->path, str_of(conf->media.hls_prefix));
    if (k->scheme != SCHEME_SEGUE || (w->scope.n && !policy_below(w->path, w->scope)))
        return ERR_CONFIG;
    buf_adds(out, STR("/s/"));
    TRY(guard_sign_path(k, w->path, depth, w->expires, false, out));
    buf_adds(out, w->raw);
    buf_adds(out, w->query.n ? STR("?") : STR(""));
    buf_adds(out, w->query);
    return buf_status(out);
}

static int print_signed(const struct conf *conf, const struct guard_key *k,
                        const struct guard_wish *w, bool in_path)
{
    struct buf out;
    buf_init(&out, GUARD_TEXT_MAX);
    enum err e = in_path ? sign_in_path(conf, k, w, &out) : guard_sign(k, w, &out);
    struct str scheme = w->scheme;
    if (!e && w->host.n)
        printf("%.*s://%.*s", STR_ARG(scheme), STR_ARG(w->host));
    if (!e)
        printf("%.*s\n", STR_ARG(buf_str(&out)));
    buf_fini(&out);
    return e ? fail("this cannot be said in the key's style",
                    "no --scope with s3 and secure_link, a host with s3 and cloudfront, a private "
                    "key "
                    "and no * with cloudfront, at most 7d with s3, a scope above the path, no "
                    "$remote_addr in secure_link")
             : 0;
}

static int sign(const struct conf *conf, const struct sign_opts *o, const struct keyring *keys,
                struct target *t)
{
    int64_t seconds, now = clock_wall();
    enum scheme style = SCHEME_SEGUE;
    bool in_path = o->style && strcmp(o->style, "path") == 0;
    if (o->style && !in_path && !conf_style(str_of(o->style), &style))
        return fail("the style is not known", "segue, path, s3, cloudfront, akamai or secure_link");
    if (!lifetime(conf, o->expires, t->path, &seconds))
        return fail("--expires is no duration", "one as 24h, or stream, download or stem");
    if (o->scope && option_wrong_prefix(str_of(o->scope)))
        return fail("--scope is no prefix", "a path that begins and ends with /");
    const struct guard_key *k = choose(keys, o->key, o->style != NULL, style);
    if (!k)
        return fail("no such key", "one of sign.keys in the configuration (-c FILE)");
    struct guard_wish w = {
        .method = STR("GET"),
        .scheme = t->scheme,
        .host = t->host,
        .path = t->path,
        .raw = buf_str(&t->raw),
        .query = t->query,
        .scope = str_of(o->scope),
        .now = now,
        .expires = now + seconds,
    };
    return print_signed(conf, k, &w, in_path);
}

int sign_run(const struct conf *conf, const struct sign_opts *opts, const char *url)
{
    char text[CONF_WHY_MAX] = "";
    struct why why;
    struct keyring *keys = NULL;
    struct target t = {.scheme = {NULL, 0}};
    why_init(&why, text, sizeof text);
    if (conf_keys_open(conf, &keys, &why)) {
        fprintf(stderr, "segue sign: %s\n", text);
        return 1;
    }
    int status = take_apart(str_of(url), &t)
                     ? sign(conf, opts, keys, &t)
                     : fail("the URL is not understood", "https://HOST/PATH or /PATH");
    buf_fini(&t.raw);
    keyring_unref(keys);
    return status;
}
