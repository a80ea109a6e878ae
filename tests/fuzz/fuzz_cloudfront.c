/* CloudFront's URLs and cookies; and their policies, as if somebody had signed them. */
#include "edge/guard/cloudfront_policy.h"
#include "tests/fuzz/credential.h"

/* tests/cloudfront/ec.pub */
#define PUBLIC                                                           \
    "-----BEGIN PUBLIC KEY-----\n"                                       \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEP3JCKVpBz1MyYnztZPz1ApQNrl4B\n" \
    "6mlNr6xQHhka38nBrJqsqOjz9IjZyZt6jc+oHkOKk8JpQVPfo0BncBXRwA==\n"     \
    "-----END PUBLIC KEY-----\n"

static void look_at_policy(struct str json)
{
    struct buf resource;
    struct cloudfront_policy p;
    buf_init(&resource, CLOUDFRONT_POLICY_MAX);
    if (cloudfront_policy_read(json, &resource, &p)) {
        must(resource.len && resource.len <= json.n);
        must(p.not_before >= 0 && p.not_before <= p.expires && p.bits <= 128);
        (void)policy_url(buf_str(&resource), STR("edge.example/audio/a.mp3?x=1"));
    }
    buf_fini(&resource);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyring *keys;
    static const struct pubkey *seen; /* a keyring's own pages are not searched for leaks */
    struct str input = {(const char *)data, size};
    const struct key_spec spec = {
        .id = STR("K"), .scheme = SCHEME_CLOUDFRONT, .secret = STR(PUBLIC)};
    if (!keys)
        keys = credential_keys(&spec, 1);
    seen = keys->keys[0].pubkey;
    must(seen);
    look_at_policy(input);
    credential_refused(keys, input);
    struct str pattern = str_cut(&input, '\n');
    if (policy_url(pattern, input))
        must(pattern.n);
    return 0;
}
