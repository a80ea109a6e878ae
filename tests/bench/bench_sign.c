/* Signatures made and checked a second on one core, by style, in CPU time; and how long a
 * comparison takes by where the first wrong byte is. Prints; judges nothing. Runs at the top of the
 * sources: the keys are those of tests/cloudfront. */
#include "edge/guard/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NANOSECONDS = 500000000, COMPARISONS = 2000000, SIGNATURE = 43, PEM = 4096 };

#define FILE_PATH "/audio/album/song.m4a"
#define HLS_PATH "/hls/album/song.m4a/v-0123456789abcdef/1.m4s"

static const uint8_t client[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};

static uint64_t cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct work {
    const struct keyring *keys;
    const struct guard_key *key;
    struct guard_request request;
    struct guard_wish wish;
    bool in_path;
    struct buf out;
};

static bool make(struct work *w)
{
    buf_reset(&w->out);
    if (w->in_path)
        return !guard_sign_path(w->key, STR(HLS_PATH), 3, w->wish.expires, false, &w->out);
    return !guard_sign(w->key, &w->wish, &w->out);
}

static bool check(struct work *w)
{
    struct policy p;
    return guard_check(w->keys, &w->request, 0, &p) == DENY_NONE;
}

static double rate(struct work *w, bool (*run)(struct work *))
{
    unsigned n = 0;
    uint64_t from = cpu(), spent = 0;
    while (spent < NANOSECONDS) {
        for (int i = 0; i < 16; i++, n++)
            if (!run(w)) {
                printf("failed\n");
                exit(1);
            }
        spent = cpu() - from;
    }
    return n / ((double)spent / 1e9);
}

/* Signs once, and asks for what was signed. */
static void measure(const struct keyring *keys, const struct guard_key *key, const char *name,
                    struct str scope, bool in_path)
{
    struct work w = {.keys = keys, .key = key, .in_path = in_path};
    w.wish = (struct guard_wish){.method = STR("GET"),
                                 .scheme = STR("https"),
                                 .host = STR("radio.example"),
                                 .path = STR(FILE_PATH),
                                 .raw = STR(FILE_PATH),
                                 .scope = scope,
                                 .now = 1700000000,
                                 .expires = 1700000100};
    buf_init(&w.out, GUARD_TEXT_MAX);
    double made = rate(&w, make);
    char *text = str_dup(buf_str(&w.out));
    struct str query = str_of(text), path = in_path ? STR(HLS_PATH) : str_cut(&query, '?');
    w.request = (struct guard_request){.method = STR("GET"),
                                       .path = path,
                                       .raw = path,
                                       .query = in_path ? STR("") : query,
                                       .token = in_path ? str_of(text) : (struct str){NULL, 0},
                                       .host = STR("radio.example"),
                                       .client = client,
                                       .now = 1700000000};
    printf("%-30s made %9.0f, checked %9.0f a second\n", name, made, rate(&w, check));
    free(text);
    buf_fini(&w.out);
}

static void compare(size_t wrong)
{
    char a[SIGNATURE], b[SIGNATURE];
    unsigned same = 0;
    memset(a, 'a', sizeof a);
    memset(b, 'a', sizeof b);
    if (wrong < SIGNATURE)
        b[wrong] = 'b';
    uint64_t from = cpu();
    for (unsigned i = 0; i < COMPARISONS; i++)
        same += crypto_same((struct str){a, sizeof a}, (struct str){b, sizeof b});
    printf("compared, first wrong byte %2zu: %6.2f ns (%u same)\n", wrong,
           (double)(cpu() - from) / COMPARISONS, same);
}

static struct str read_pem(const char *path, char room[PEM])
{
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(room, 1, PEM, f) : 0;
    if (f)
        fclose(f);
    return (struct str){room, n};
}

int main(void)
{
    char rsa[PEM], ec[PEM];
    const struct key_spec specs[] = {
        {.id = STR("k1"), .secret = STR("0123456789abcdef0123456789abcdef")},
        {.id = STR("AKIAEXAMPLE"), .scheme = SCHEME_S3, .secret = STR("wJalrXUtnFEMI/K7MDENG")},
        {.id = STR("KRSA"),
         .scheme = SCHEME_CLOUDFRONT,
         .secret = read_pem("tests/cloudfront/rsa.pem", rsa)},
        {.id = STR("KEC"),
         .scheme = SCHEME_CLOUDFRONT,
         .secret = read_pem("tests/cloudfront/ec.pem", ec)},
        {.id = STR("edge"), .scheme = SCHEME_AKAMAI, .secret = STR("52a152a152a1")},
        {.id = STR("link"),
         .scheme = SCHEME_SECURE_LINK,
         .secret = STR("secret"),
         .name = STR("$secure_link_expires$uri $secret")},
    };
    const struct {
        const char *name;
        size_t key;
        struct str scope;
        bool in_path;
    } cases[] = {
        {"segue, in the path", 0, {NULL, 0}, true},
        {"segue, in the query", 0, {NULL, 0}, false},
        {"s3", 1, {NULL, 0}, false},
        {"cloudfront, RSA 2048, canned", 2, {NULL, 0}, false},
        {"cloudfront, RSA 2048, custom", 2, STR("/audio/album/"), false},
        {"cloudfront, P-256, canned", 3, {NULL, 0}, false},
        {"akamai", 4, {NULL, 0}, false},
        {"secure_link", 5, {NULL, 0}, false},
    };
    struct keyring *keys = NULL;
    size_t which;
    const char *why;
    if (keyring_new(specs, sizeof specs / sizeof *specs, &keys, &which, &why)) {
        printf("key %zu: %s\n", which, why);
        return 1;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        measure(keys, &keys->keys[cases[i].key], cases[i].name, cases[i].scope, cases[i].in_path);
    for (size_t wrong = 0; wrong <= SIGNATURE; wrong += SIGNATURE / 4)
        compare(wrong);
    keyring_unref(keys);
    return 0;
}
