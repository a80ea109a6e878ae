/* nginx's links. */
#include "tests/fuzz/credential.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyring *keys;
    struct str input = {(const char *)data, size};
    const struct key_spec specs[] = {
        {.id = STR("l"), .scheme = SCHEME_SECURE_LINK, .secret = STR("secret of a link")},
        {.id = STR("m"),
         .scheme = SCHEME_SECURE_LINK,
         .secret = STR("another"),
         .name = STR("$uri$secure_link_expires$unknown $secret")},
    };
    if (!keys)
        keys = credential_keys(specs, sizeof specs / sizeof *specs);
    credential_refused(keys, input);
    return 0;
}
