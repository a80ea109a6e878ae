/* EdgeAuth tokens, as a parameter and as a field, by each digest. */
#include "tests/fuzz/credential.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyring *keys;
    struct str input = {(const char *)data, size};
    const struct key_spec specs[] = {
        {.id = STR("a"), .scheme = SCHEME_AKAMAI, .secret = STR("52a152a152a1")},
        {.id = STR("b"),
         .scheme = SCHEME_AKAMAI,
         .secret = STR("52a152a152a1"),
         .algorithm = STR("md5")},
        {.id = STR("c"),
         .scheme = SCHEME_AKAMAI,
         .secret = STR("a1"),
         .name = STR("hdnts"),
         .salt = STR("na"),
         .algorithm = STR("sha1")},
    };
    if (!keys)
        keys = credential_keys(specs, sizeof specs / sizeof *specs);
    credential_refused(keys, input);
    credential_round(keys, &keys->keys[size % 3], input);
    return 0;
}
