/* What the targets of single styles share: an input is a URL, and behind a line feed the value of
 * the only field there is; and what we sign is taken until somebody touches it. */
#ifndef TESTS_FUZZ_CREDENTIAL_H
#define TESTS_FUZZ_CREDENTIAL_H

#include "edge/base/must.h"
#include "edge/guard/guard.h"

#include <string.h>

enum { CREDENTIAL_NOW = 1700000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline struct keyring *credential_keys(const struct key_spec *specs, size_t count)
{
    struct keyring *keys;
    size_t which;
    const char *why;
    must(keyring_new(specs, count, &keys, &which, &why) == ERR_NONE);
    return keys;
}

static inline bool credential_field(void *arg, struct str name, size_t at, struct str *value)
{
    (void)name;
    *value = *(struct str *)arg;
    return at == 0 && value->n;
}

static inline enum deny credential_ask(const struct keyring *keys, struct str url, struct str field,
                                       struct policy *p)
{
    static const uint8_t client[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
    struct str query = url, raw = str_cut(&query, '?'), path = raw;
    struct guard_request r = {.method = STR("GET"),
                              .host = STR("edge.example"),
                              .client = client,
                              .now = CREDENTIAL_NOW,
                              .field = credential_field,
                              .arg = &field};
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

/* Nobody of whom we know has signed this; whatever it is, it is refused with a reason. */
static inline void credential_refused(const struct keyring *keys, struct str input)
{
    struct policy p;
    struct str url = str_cut(&input, '\n');
    enum deny d = credential_ask(keys, url, input, &p);
    must(d > DENY_NONE && d < DENY_COUNT && deny_text(d)[0]);
}

/* A path of these bytes, signed by the key, is opened by what was signed, and not by the same with
 * its last character changed. */
static inline void credential_round(const struct keyring *keys, const struct guard_key *k,
                                    struct str bytes)
{
    struct buf path, url;
    struct policy p;
    buf_init(&path, 512);
    buf_init(&url, GUARD_TEXT_MAX);
    buf_addc(&path, '/');
    for (size_t i = 0; i < bytes.n && i < 100; i++) {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz./-_~0";
        buf_addc(&path, letters[(unsigned char)bytes.p[i] % 32]);
    }
    buf_adds(&path, STR("x"));
    struct guard_wish w = {.method = STR("GET"),
                           .scheme = STR("https"),
                           .host = STR("edge.example"),
                           .path = buf_str(&path),
                           .raw = buf_str(&path),
                           .now = CREDENTIAL_NOW,
                           .expires = CREDENTIAL_NOW + 100};
    bool token = str_starts(w.raw, STR("/s/"));
    must(guard_sign(k, &w, &url) == ERR_NONE);
    must(token || credential_ask(keys, buf_str(&url), STR(""), &p) == DENY_NONE);
    url.data[url.len - 1] ^= 1;
    must(credential_ask(keys, buf_str(&url), STR(""), &p) != DENY_NONE);
    buf_fini(&path);
    buf_fini(&url);
}

#endif
