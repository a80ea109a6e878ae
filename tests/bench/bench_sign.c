/* Signatures made and checked a second on one core, and how long a comparison takes by where the
 * first wrong byte is. Prints; judges nothing. */
#include "edge/base/clock.h"
#include "edge/guard/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 300000, COMPARISONS = 2000000, SIGNATURE = 43 };

static double per_second(uint64_t from, unsigned n)
{
    return n / ((double)(clock_mono() - from) / 1e9);
}

static struct keyring *make_keys(void)
{
    const struct key_spec spec = {.id = {"k1", 2},
                                  .secret = {"0123456789abcdef0123456789abcdef", 32}};
    struct keyring *keys = NULL;
    size_t which;
    const char *why;
    return keyring_new(&spec, 1, &keys, &which, &why) ? NULL : keys;
}

static void make(const struct keyring *keys, struct buf *token)
{
    uint64_t from = clock_mono();
    for (unsigned i = 0; i < ROUNDS; i++) {
        buf_reset(token);
        if (guard_sign_path(&keys->keys[0], STR("/hls/album/song.m4a/index.m3u8"), 3, 1700000100,
                            false, token))
            exit(1);
    }
    printf("made     %9.0f a second\n", per_second(from, ROUNDS));
}

static void check(const struct keyring *keys, struct str token)
{
    static const uint8_t client[16];
    unsigned taken = 0;
    struct guard_request r = {.method = STR("GET"),
                              .path = STR("/hls/album/song.m4a/v-0123456789abcdef/1.m4s"),
                              .token = token,
                              .client = client,
                              .now = 1700000000};
    uint64_t from = clock_mono();
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct policy p;
        taken += guard_check(keys, &r, 0, &p) == DENY_NONE;
    }
    printf("checked  %9.0f a second, %u of %u taken\n", per_second(from, ROUNDS), taken, ROUNDS);
}

static void compare(size_t wrong)
{
    char a[SIGNATURE], b[SIGNATURE];
    unsigned same = 0;
    memset(a, 'a', sizeof a);
    memset(b, 'a', sizeof b);
    if (wrong < SIGNATURE)
        b[wrong] = 'b';
    uint64_t from = clock_mono();
    for (unsigned i = 0; i < COMPARISONS; i++)
        same += crypto_same((struct str){a, sizeof a}, (struct str){b, sizeof b});
    printf("compared, first wrong byte %2zu: %6.2f ns (%u same)\n", wrong,
           (double)(clock_mono() - from) / COMPARISONS, same);
}

int main(void)
{
    struct keyring *keys = make_keys();
    struct buf token;
    if (!keys)
        return 1;
    buf_init(&token, 1024);
    make(keys, &token);
    check(keys, buf_str(&token));
    for (size_t wrong = 0; wrong <= SIGNATURE; wrong += 43 / 4)
        compare(wrong);
    buf_fini(&token);
    keyring_unref(keys);
    return 0;
}
