/* Presigned URLs, and the fields that they set: no value ends its line. */
#include "tests/fuzz/credential.h"

static void look_at_overrides(struct str query)
{
    struct buf lines;
    struct policy p = {.scheme = SCHEME_S3};
    buf_init(&lines, GUARD_PATH_MAX);
    bool good = guard_overrides(&p, query, &lines) == DENY_NONE;
    struct str rest = buf_str(&lines);
    while (good && rest.n) {
        struct str line = str_cut(&rest, '\n');
        must(line.n > 3 && line.p[line.n - 1] == '\r' && str_find(line, '\r') == line.n - 1);
        must(str_find(line, '\0') == line.n && str_find(line, ':') < line.n);
    }
    buf_fini(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyring *keys;
    static const struct key_spec spec = {
        .id = {"A", 1}, .scheme = SCHEME_S3, .secret = {"secret of an s3 key", 19}};
    struct str input = {(const char *)data, size}, query = input;
    if (!keys)
        keys = credential_keys(&spec, 1);
    credential_refused(keys, input);
    credential_round(keys, &keys->keys[0], input);
    str_cut(&query, '?');
    look_at_overrides(query);
    return 0;
}
