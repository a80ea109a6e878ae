/* Credentials of every scheme at once, as a URL with a cookie: which of them counts. Nothing that
 * was not signed with a secret is ever taken, and whatever is refused has a reason. */
#include "edge/base/must.h"
#include "edge/guard/guard.h"

#include <string.h>

/* tests/cloudfront/ec.pub */
#define PUBLIC                                                           \
    "-----BEGIN PUBLIC KEY-----\n"                                       \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEP3JCKVpBz1MyYnztZPz1ApQNrl4B\n" \
    "6mlNr6xQHhka38nBrJqsqOjz9IjZyZt6jc+oHkOKk8JpQVPfo0BncBXRwA==\n"     \
    "-----END PUBLIC KEY-----\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keyring *keys;
static const struct pubkey *seen; /* a keyring's own pages are not searched for leaks */

static void make_keys(void)
{
    const struct key_spec specs[] = {
        {.id = STR("k1"), .scheme = SCHEME_SEGUE, .secret = STR("0123456789abcdef")},
        {.id = STR("A"), .scheme = SCHEME_S3, .secret = STR("secret of an s3 key")},
        {.id = STR("e"), .scheme = SCHEME_AKAMAI, .secret = STR("52a152a152a1")},
        {.id = STR("l"), .scheme = SCHEME_SECURE_LINK, .secret = STR("secret of a link")},
        {.id = STR("K"), .scheme = SCHEME_CLOUDFRONT, .secret = STR(PUBLIC)},
    };
    size_t which;
    const char *why;
    must(keyring_new(specs, sizeof specs / sizeof *specs, &keys, &which, &why) == ERR_NONE);
    seen = keys->keys[4].pubkey;
    must(seen);
}

/* What is behind a line feed is the only field there is. */
static bool field(void *arg, struct str name, size_t at, struct str *value)
{
    (void)name;
    *value = *(struct str *)arg;
    return at == 0;
}

static void try_network(struct str text)
{
    uint8_t network[16];
    unsigned bits = 0;
    if (policy_network(text, network, &bits))
        must(bits <= 128 && policy_within(network, network, bits));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t client[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
    struct str rest = {(const char *)data, size};
    struct policy p;
    if (!keys)
        make_keys();
    struct str url = str_cut(&rest, '\n'), path = str_cut(&url, '?');
    struct guard_request r = {.method = STR("GET"),
                              .path = path,
                              .raw = path,
                              .query = url,
                              .host = STR("edge.example"),
                              .client = client,
                              .now = 1700000000,
                              .field = field,
                              .arg = &rest};
    if (str_starts(path, STR("/s/"))) {
        r.token = str_from(path, 3);
        r.path = r.raw = str_from(r.token, str_find(r.token, '/'));
        r.token = str_slice(r.token, 0, str_find(r.token, '/'));
    }
    enum deny d = guard_check(keys, &r, 0, &p);
    must(d > DENY_NONE && d < DENY_COUNT && deny_text(d)[0]);
    try_network(path);
    (void)policy_glob(path, url);
    return 0;
}
