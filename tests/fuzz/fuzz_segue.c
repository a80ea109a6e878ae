/* Our own style: in the query, in the path; what we sign is taken, and nothing else. */
#include "tests/fuzz/credential.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyring *keys;
    static const struct key_spec spec = {.id = {"k1", 2}, .secret = {"0123456789abcdef", 16}};
    struct str input = {(const char *)data, size};
    if (!keys)
        keys = credential_keys(&spec, 1);
    credential_refused(keys, input);
    credential_round(keys, &keys->keys[0], input);
    return 0;
}
