/* Keys of every scheme, and requests that are signed by them or are not. */
#ifndef TESTS_UNIT_GUARD_KIT_H
#define TESTS_UNIT_GUARD_KIT_H

#include "edge/guard/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { NOW = 1700000000 };

#define SECRET "0123456789abcdef0123456789abcdef"

static const uint8_t client[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};

static const struct str albums[] = {{"/audio/album/", 13}};

static inline struct keyring *keys_of(const struct key_spec *specs, size_t count)
{
    struct keyring *r = NULL;
    size_t which;
    const char *why;
    assert_int_equal(keyring_new(specs, count, &r, &which, &why), ERR_NONE);
    return r;
}

static inline struct keyring *all_keys(void)
{
    const struct key_spec specs[] = {
        {.id = STR("k1"), .scheme = SCHEME_SEGUE, .secret = STR(SECRET)},
        {.id = STR("k2"), .scheme = SCHEME_SEGUE, .secret = STR(SECRET), .longest = 60},
        {.id = STR("k3"),
         .scheme = SCHEME_SEGUE,
         .secret = STR(SECRET),
         .prefixes = albums,
         .prefix_count = 1},
        {.id = STR("AKIAIOSFODNN7EXAMPLE"),
         .scheme = SCHEME_S3,
         .secret = STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")},
        {.id = STR("edge"), .scheme = SCHEME_AKAMAI, .secret = STR("52a152a152a1")},
        {.id = STR("link"), .scheme = SCHEME_SECURE_LINK, .secret = STR("secret")},
        {.id = STR("free"),
         .scheme = SCHEME_SECURE_LINK,
         .secret = STR("other"),
         .name = STR("$secure_link_expires$uri $secret")},
    };
    return keys_of(specs, sizeof specs / sizeof *specs);
}

static inline bool no_field(void *arg, struct str name, size_t at, struct str *value)
{
    (void)name;
    if (!arg || at)
        return false;
    *value = str_of(arg);
    return str_eq(name, STR("Cookie"));
}

/* A GET of "/path?query", with a token or a cookie perhaps. */
static inline enum deny ask(const struct keyring *keys, struct str url, int64_t now,
                            struct policy *p)
{
    struct str query = url, raw = str_cut(&query, '?'), path = raw;
    struct guard_request r = {.method = STR("GET"),
                              .host = STR("examplebucket.s3.amazonaws.com"),
                              .client = client,
                              .now = now,
                              .field = no_field};
    if (str_starts(raw, STR("/s/"))) {
        r.token = str_from(raw, 3);
        path = raw = str_from(r.token, str_find(r.token, '/'));
        r.token = str_slice(r.token, 0, str_find(r.token, '/'));
    }
    r.path = path;
    r.raw = raw;
    r.query = query;
    return guard_check(keys, &r, 0, p);
}

static inline enum deny check(struct str url, int64_t now)
{
    struct policy p;
    struct keyring *keys = all_keys();
    enum deny d = ask(keys, url, now, &p);
    keyring_unref(keys);
    return d;
}

/* Signed by a key of ours, until NOW + 100. */
static inline void sign(struct buf *out, const char *id, struct str path, struct str scope)
{
    struct keyring *keys = all_keys();
    struct guard_wish w = {.method = STR("GET"),
                           .host = STR("examplebucket.s3.amazonaws.com"),
                           .path = path,
                           .raw = path,
                           .scope = scope,
                           .now = NOW,
                           .expires = NOW + 100};
    buf_init(out, GUARD_TEXT_MAX);
    assert_int_equal(guard_sign(keyring_any(keys, str_of(id)), &w, out), ERR_NONE);
    keyring_unref(keys);
}

static inline void sign_path(struct buf *out, struct str path, unsigned depth, bool own)
{
    struct keyring *keys = all_keys();
    buf_init(out, GUARD_TEXT_MAX);
    buf_adds(out, STR("/s/"));
    assert_int_equal(
        guard_sign_path(keyring_any(keys, STR("k1")), path, depth, NOW + 100, own, out), ERR_NONE);
    buf_adds(out, path);
    keyring_unref(keys);
}

/* Every character of the URL from `from` on, by every other one that a URL may have there. */
static inline void refuse_mutations(struct str url, int64_t now, size_t from)
{
    static const char others[] = "abcXYZ019-_.~%/!+=&A";
    struct keyring *keys = all_keys();
    char *text = str_dup(url);
    struct policy p;
    assert_int_equal(ask(keys, url, now, &p), DENY_NONE);
    for (size_t i = from; i < url.n; i++) {
        char was = text[i];
        for (const char *c = others; *c; c++) {
            text[i] = *c;
            if (*c != was && ask(keys, (struct str){text, url.n}, now, &p) == DENY_NONE)
                fail_msg("taken with '%c' at %zu: %s", *c, i, text);
        }
        text[i] = was;
    }
    free(text);
    keyring_unref(keys);
}

#endif
