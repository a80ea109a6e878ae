/* edge/guard/cloudfront, cloudfront_policy, pubkey: signatures that openssl made with the keys of
 * tests/cloudfront, every mutation of one character, hostile policies, time to the second. */
#include "edge/guard/cloudfront_policy.h"
#include "edge/guard/guard.h"
#include "edge/guard/scheme.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOW = 1700000000 };

static const uint8_t client[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};

/* Of tests/cloudfront; the tests run at the top of the sources. */
static char *read_key(const char *name)
{
    char path[64], text[PUBKEY_PEM_MAX];
    snprintf(path, sizeof path, "tests/cloudfront/%s", name);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    return str_dup((struct str){text, n});
}

struct pems {
    char *rsa, *ec, *rsa_pub, *ec_pub;
};
static struct pems pems;

static int read_keys(void **state)
{
    (void)state;
    pems = (struct pems){read_key("rsa.pem"), read_key("ec.pem"), read_key("rsa.pub"),
                         read_key("ec.pub")};
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    free(pems.rsa);
    free(pems.ec);
    free(pems.rsa_pub);
    free(pems.ec_pub);
    return 0;
}

static struct keyring *keys_of(const struct key_spec *specs, size_t count)
{
    struct keyring *r = NULL;
    size_t which;
    const char *why = "";
    if (keyring_new(specs, count, &r, &which, &why))
        fail_msg("key %zu: %s", which, why);
    return r;
}

static struct keyring *all_keys(void)
{
    const struct key_spec specs[] = {
        {.id = STR("KRSA"), .scheme = SCHEME_CLOUDFRONT, .secret = str_of(pems.rsa_pub)},
        {.id = STR("KEC"), .scheme = SCHEME_CLOUDFRONT, .secret = str_of(pems.ec_pub)},
        {.id = STR("KNEW"),
         .scheme = SCHEME_CLOUDFRONT,
         .secret = str_of(pems.rsa),
         .algorithm = STR("sha256")},
        {.id = STR("KOLD"), .scheme = SCHEME_CLOUDFRONT, .secret = str_of(pems.rsa)},
    };
    return keys_of(specs, sizeof specs / sizeof *specs);
}

static bool cookie_alone(void *arg, struct str name, size_t at, struct str *value)
{
    *value = str_of(arg);
    return arg && at == 0 && str_eq(name, STR("Cookie"));
}

struct request {
    const char *url;  /* "/path?query" */
    const char *path; /* decoded; NULL: as in the URL */
    const char *cookie;
    const uint8_t *client; /* NULL: 127.0.0.1 */
    int64_t now;           /* 0: NOW + 50 */
};

static enum deny ask(const struct keyring *keys, const struct request *q, struct policy *p)
{
    struct str query = str_of(q->url), raw = str_cut(&query, '?');
    struct guard_request r = {.method = STR("GET"),
                              .path = q->path ? str_of(q->path) : raw,
                              .raw = raw,
                              .query = query,
                              .host = STR("radio.example"),
                              .client = q->client ? q->client : client,
                              .now = q->now ? q->now : NOW + 50,
                              .field = cookie_alone,
                              .arg = (void *)(uintptr_t)q->cookie};
    return guard_check(keys, &r, 0, p);
}

static enum deny check(const struct request *q)
{
    struct policy p;
    struct keyring *keys = all_keys();
    enum deny d = ask(keys, q, &p);
    keyring_unref(keys);
    return d;
}

static enum deny check_url(const char *url) { return check(&(struct request){.url = url}); }

/* ---- what openssl signed ---- */

#define SHA1_RSA_CANNED                                                                   \
    "XdLmr8zUHkhFtp3f5HzHhu1ykDL4RV8G5Y6HbpHwd5rp1UeX1~lG-~o~np3o2snLjBxJqr6OhWXH9aucnzb" \
    "TVR-fI1ZVQLROizEPBuUAMoXt-ApPBNVjbm9GgqXO2imnertIXLACnNHsphpQ83rPxQifSyIsfN6PtZVpZe" \
    "6uWXY5CK0kfXWQlOB6-wSse3rx4QCu8mImJkHvncQbaGA2W4zvygXvhjO8qgiAaER7KuzzmCFpySgVjMaEX" \
    "ZkLJtioTChsExb6Uvi-LXq7oT-aSzq~22dLyTdtfDe38wPZwk1riCZzac30fCadZ-lZ6TW45ew-CSXgPsgu" \
    "f68Ix2j4cA__"
#define SHA256_RSA_CANNED                                                                  \
    "Lbie~tME4NQsrrTinx2GKb7QNs8zRZ7OGUZznAaOEknhhVJrHKwuyWa8~6ncDrfZBtJ0I-7UfWSfHJ8DiljM" \
    "~BM1scygt1jQoGTURl~ydvvL3JC3w5EDVobDgNCfZ7V1BTt2IFYfjWmPQ42Xd~gea4e6pGnHOPrcmdVFJ2TJ" \
    "UcxIVWH7nMxVYb548sw9RsFp2QrLDPrDnCduFMFTfa4xpb6Ga15jznm8x3CIGGxmejN7Z~FvW2vG6sxQXIEM" \
    "IjGsxm3B5ntTkzB5yFTNHoXB~n7ow5MMiP0U-cqFJ0~ZPqZHPJBPHSIDpcYzl9NJ-V4wq-m4hUDV0B4ha1~K" \
    "WYwm-A__"
#define SHA1_EC_CANNED                                                                     \
    "MEUCIQC61N8om4Elrr2Qqa5HzFQ628LCZd6FHGzH8Ex6oRLiRgIgcCURYb43-rrir53QsPP6z9I7Xm2eYYcr" \
    "dEKZEXkSzWc_"
#define SHA256_EC_CANNED                                                                   \
    "MEUCIQCXhb4BqaADx8ESvu1fdSWeXUnPZFCwKNaqhOwP6qQGnQIgSG7fqkYvG~Nr-DWLGcLUJ7H8offTPkme" \
    "c-6LLaZ-6JA_"
/* {"Statement":[{"Resource":"http*://radio.example/audio/album/ *","Condition":{"DateLessThan":
 * {"AWS:EpochTime":1700000100},"DateGreaterThan":{"AWS:EpochTime":1700000000},"IpAddress":
 * {"AWS:SourceIp":"127.0.0.0/8"}}}]}, the blank aside */
#define CUSTOM                                                                                     \
    "eyJTdGF0ZW1lbnQiOlt7IlJlc291cmNlIjoiaHR0cCo6Ly9yYWRpby5leGFtcGxlL2F1ZGlvL2FsYnVtLyoiLCJDb25k" \
    "aXRpb24iOnsiRGF0ZUxlc3NUaGFuIjp7IkFXUzpFcG9jaFRpbWUiOjE3MDAwMDAxMDB9LCJEYXRlR3JlYXRlclRoYW4i" \
    "OnsiQVdTOkVwb2NoVGltZSI6MTcwMDAwMDAwMH0sIklwQWRkcmVzcyI6eyJBV1M6U291cmNlSXAiOiIxMjcuMC4wLjAv" \
    "OCJ9fX1dfQ__"
#define SHA1_EC_CUSTOM                                                                     \
    "MEUCIQDBIgGWUHIR0fHDQ7YeHLQ91NM~4nPnkeyDjKutxX9vaQIgSShfsZnMuSxpvZa-0BdNKE9sSBxfm2T9" \
    "jhhFLkiVvWk_"
#define CANNED_URL(id, signature) \
    "/audio/a.mp3?Expires=1700000100&Key-Pair-Id=" id "&Signature=" signature
#define SHA256 "&Hash-Algorithm=SHA256"
#define CUSTOM_QUERY "Policy=" CUSTOM "&Key-Pair-Id=KEC&Signature=" SHA1_EC_CUSTOM

static void what_openssl_signed_is_taken(void **state)
{
    (void)state;
    assert_int_equal(check_url(CANNED_URL("KRSA", SHA1_RSA_CANNED)), DENY_NONE);
    assert_int_equal(check_url(CANNED_URL("KRSA", SHA1_RSA_CANNED) "&Hash-Algorithm=SHA1"),
                     DENY_NONE);
    assert_int_equal(check_url(CANNED_URL("KRSA", SHA256_RSA_CANNED) SHA256), DENY_NONE);
    assert_int_equal(check_url(CANNED_URL("KNEW", SHA256_RSA_CANNED) SHA256), DENY_NONE);
    assert_int_equal(check_url(CANNED_URL("KEC", SHA1_EC_CANNED)), DENY_NONE);
    assert_int_equal(check_url(CANNED_URL("KEC", SHA256_EC_CANNED) SHA256), DENY_NONE);
    assert_int_equal(check_url("/audio/album/1.mp3?" CUSTOM_QUERY), DENY_NONE);
    assert_int_equal(check_url("/audio/album/1.mp3?x=1&" CUSTOM_QUERY "&y"), DENY_NONE);
}

static void cookies_count_where_the_url_says_nothing(void **state)
{
    (void)state;
    struct request q = {.url = "/audio/album/1.mp3",
                        .cookie =
                            "a=b; CloudFront-Policy=" CUSTOM
                            "; CloudFront-Key-Pair-Id=KEC; CloudFront-Signature=" SHA1_EC_CUSTOM};
    assert_int_equal(check(&q), DENY_NONE);
    q.url = "/audio/other/1.mp3";
    assert_int_equal(check(&q), DENY_WRONG_PATH);
    q.url = "/audio/album/1.mp3?Key-Pair-Id=KEC";
    assert_int_equal(check(&q), DENY_MALFORMED);
    q = (struct request){
        .url = "/audio/a.mp3",
        .cookie = "CloudFront-Expires=1700000100; CloudFront-Key-Pair-Id=KEC; "
                  "CloudFront-Hash-Algorithm=SHA256; CloudFront-Signature=" SHA256_EC_CANNED};
    assert_int_equal(check(&q), DENY_NONE);
    q.cookie = "CloudFront-Key-Pair-Id=KEC";
    assert_int_equal(check(&q), DENY_MALFORMED);
}

static void expiry_and_beginning_are_to_the_second(void **state)
{
    (void)state;
    struct request q = {.url = CANNED_URL("KEC", SHA1_EC_CANNED), .now = NOW + 99};
    assert_int_equal(check(&q), DENY_NONE);
    q.now = NOW + 100; /* "less than" */
    assert_int_equal(check(&q), DENY_EXPIRED);
    q = (struct request){.url = "/audio/album/1.mp3?" CUSTOM_QUERY, .now = NOW + 99};
    assert_int_equal(check(&q), DENY_NONE);
    q.now = NOW + 100;
    assert_int_equal(check(&q), DENY_EXPIRED);
    q.now = NOW; /* "greater than" */
    assert_int_equal(check(&q), DENY_NOT_YET);
    q.now = NOW + 1;
    assert_int_equal(check(&q), DENY_NONE);
}

static void an_address_is_bound_to_its_network(void **state)
{
    (void)state;
    static const uint8_t other[16] = {[10] = 0xff, [11] = 0xff, [12] = 128, [15] = 1};
    struct request q = {.url = "/audio/album/1.mp3?" CUSTOM_QUERY, .client = other};
    assert_int_equal(check(&q), DENY_WRONG_CLIENT);
}

static void a_hash_that_a_key_does_not_take_is_refused(void **state)
{
    (void)state;
    assert_int_equal(check_url(CANNED_URL("KNEW", SHA1_RSA_CANNED)), DENY_BAD_SIGNATURE);
    assert_int_equal(check_url(CANNED_URL("KRSA", SHA1_RSA_CANNED) SHA256), DENY_BAD_SIGNATURE);
    assert_int_equal(check_url(CANNED_URL("KRSA", SHA1_RSA_CANNED) "&Hash-Algorithm=MD5"),
                     DENY_MALFORMED);
}

static void each_fault_has_its_name(void **state)
{
    (void)state;
    const struct {
        const char *url;
        enum deny deny;
    } cases[] = {
        {"/audio/a.mp3", DENY_MISSING},
        {"/audio/a.mp3?Expires=1700000100", DENY_MISSING},
        {"/audio/a.mp3?Key-Pair-Id=KEC", DENY_MALFORMED},
        {"/audio/a.mp3?Key-Pair-Id=KEC&Signature=AAAA", DENY_MALFORMED},
        {"/audio/a.mp3?Expires=1700000100&Key-Pair-Id=KEC&Signature=AAAA", DENY_BAD_SIGNATURE},
        {"/audio/a.mp3?Expires=1700000100&Key-Pair-Id=KEC&Signature=AAA", DENY_MALFORMED},
        {"/audio/a.mp3?Expires=01&Key-Pair-Id=KEC&Signature=AAAA", DENY_MALFORMED},
        {"/audio/a.mp3?Expires=0&Key-Pair-Id=KEC&Signature=AAAA", DENY_MALFORMED},
        {CANNED_URL("KNONE", SHA1_EC_CANNED), DENY_UNKNOWN_KEY},
        {CANNED_URL("KEC", SHA1_EC_CANNED) "&Expires=1700000100", DENY_MALFORMED},
        {CANNED_URL("KEC", SHA1_EC_CANNED) "&Policy=" CUSTOM, DENY_MALFORMED},
        {CANNED_URL("KEC", SHA1_EC_CANNED) "&Signature=x", DENY_MALFORMED},
        {CANNED_URL("KEC", SHA1_EC_CANNED) "&x=1", DENY_BAD_SIGNATURE},
        {CANNED_URL("KRSA", SHA1_EC_CANNED), DENY_BAD_SIGNATURE},
        {"/audio/\"a.mp3?Expires=1&Key-Pair-Id=KEC&Signature=AAAA", DENY_MALFORMED},
        {"/audio/album/../a.mp3?" CUSTOM_QUERY, DENY_NONE}, /* nothing was resolved in it */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (check_url(cases[i].url) != cases[i].deny)
            fail_msg("%s", cases[i].url);
}

static void a_wildcard_opens_no_path_that_it_does_not_say(void **state)
{
    (void)state;
    struct request q = {.url = "/audio/album/../other/a.mp3?" CUSTOM_QUERY,
                        .path = "/audio/other/a.mp3"};
    assert_int_equal(check(&q), DENY_WRONG_PATH);
    q.url = "/audio/album/%2e%2e/other/a.mp3?" CUSTOM_QUERY;
    assert_int_equal(check(&q), DENY_WRONG_PATH);
    q = (struct request){.url = "/audio/album/a%20b.mp3?" CUSTOM_QUERY,
                         .path = "/audio/album/a b.mp3"};
    assert_int_equal(check(&q), DENY_NONE);
}

/* ---- one character ---- */

static void refuse_mutations(const char *url, size_t from, size_t to)
{
    static const char others[] = "abcXYZ019-_.~%/!+=&A";
    struct keyring *keys = all_keys();
    char *text = str_dup(str_of(url));
    struct request q = {.url = text};
    struct policy p;
    assert_int_equal(ask(keys, &q, &p), DENY_NONE);
    for (size_t i = from; i < to; i++) {
        char was = text[i];
        for (const char *c = others; *c; c++) {
            text[i] = *c;
            if (*c != was && ask(keys, &q, &p) == DENY_NONE)
                fail_msg("taken with '%c' at %zu: %s", *c, i, text);
        }
        text[i] = was;
    }
    free(text);
    keyring_unref(keys);
}

static void no_mutation_of_a_canned_url_is_taken(void **state)
{
    (void)state;
    const char *rsa = CANNED_URL("KRSA", SHA256_RSA_CANNED) SHA256;
    const char *ec = CANNED_URL("KEC", SHA1_EC_CANNED);
    refuse_mutations(rsa, 0, strlen(rsa));
    refuse_mutations(ec, 0, strlen(ec));
}

static void no_mutation_of_a_custom_policy_is_taken(void **state)
{
    (void)state;
    const char *url = "/audio/album/1.mp3?" CUSTOM_QUERY;
    refuse_mutations(url, 0, strlen("/audio/album/"));
    refuse_mutations(url, strlen("/audio/album/1.mp3?"), strlen(url));
}

/* ---- what we make ---- */

static void sign(struct buf *out, const char *id, const struct guard_wish *w)
{
    struct keyring *keys = all_keys();
    buf_init(out, GUARD_TEXT_MAX);
    assert_int_equal(guard_sign(keyring_any(keys, str_of(id)), w, out), ERR_NONE);
    buf_addc(out, '\0');
    keyring_unref(keys);
}

static struct guard_wish wish(const char *path, const char *scope)
{
    return (struct guard_wish){.method = STR("GET"),
                               .scheme = STR("https"),
                               .host = STR("radio.example"),
                               .path = str_of(path),
                               .raw = str_of(path),
                               .scope = str_of(scope),
                               .now = NOW,
                               .expires = NOW + 100};
}

static void openssls_signatures_are_what_we_make(void **state)
{
    (void)state;
    struct buf b;
    struct guard_wish w = wish("/audio/a.mp3", "");
    sign(&b, "KOLD", &w);
    assert_string_equal((char *)b.data, CANNED_URL("KOLD", SHA1_RSA_CANNED));
    buf_fini(&b);
    sign(&b, "KNEW", &w);
    assert_string_equal((char *)b.data, CANNED_URL("KNEW", SHA256_RSA_CANNED) SHA256);
    buf_fini(&b);
}

static void a_scope_opens_what_lies_below(void **state)
{
    (void)state;
    struct buf b;
    char url[2048];
    struct guard_wish w = wish("/audio/a.mp3", "/audio/al bum/");
    sign(&b, "KOLD", &w);
    const char *query = strchr((char *)b.data, '?');
    struct request q = {.url = url, .path = "/audio/al bum/1.mp3"};
    snprintf(url, sizeof url, "/audio/al%%20bum/1.mp3%s", query);
    assert_int_equal(check(&q), DENY_NONE);
    snprintf(url, sizeof url, "/audio/al%%20bums/1.mp3%s", query);
    q.path = "/audio/al bums/1.mp3";
    assert_int_equal(check(&q), DENY_WRONG_PATH);
    buf_fini(&b);
}

static void what_cannot_be_said_is_not_signed(void **state)
{
    (void)state;
    struct buf b;
    struct keyring *keys = all_keys();
    struct guard_wish w = wish("/audio/a.mp3", "");
    buf_init(&b, GUARD_TEXT_MAX);
    assert_int_equal(guard_sign(keyring_any(keys, STR("KRSA")), &w, &b), ERR_CONFIG);
    w.host = STR("");
    assert_int_equal(guard_sign(keyring_any(keys, STR("KOLD")), &w, &b), ERR_CONFIG);
    w = wish("/audio/a*.mp3", "");
    assert_int_equal(guard_sign(keyring_any(keys, STR("KOLD")), &w, &b), ERR_CONFIG);
    buf_fini(&b);
    keyring_unref(keys);
}

/* ---- policies ---- */

#define UNTIL "\"DateLessThan\":{\"AWS:EpochTime\":1700000100}"
#define STATEMENT(conditions) \
    "{\"Statement\":[{\"Resource\":\"*\",\"Condition\":{" conditions "}}]}"

static bool reads(struct str json, struct cloudfront_policy *p)
{
    struct buf resource;
    buf_init(&resource, GUARD_TEXT_MAX);
    bool good = cloudfront_policy_read(json, &resource, p);
    buf_fini(&resource);
    return good;
}

static void a_policy_that_is_not_wholly_understood_is_refused(void **state)
{
    (void)state;
    const char *wrong[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"Statement\":[]}",
        "{\"Statement\":{}}",
        "{\"Statement\":[[]]}",
        "{\"Statement\":[{\"Resource\":\"*\"}]}",
        "{\"Statement\":[{\"Resource\":\"*\",\"Condition\":[]}]}",
        "{\"Statement\":[{\"Resource\":\"\",\"Condition\":{" UNTIL "}}]}",
        "{\"Statement\":[{\"Resource\":[\"*\"],\"Condition\":{" UNTIL "}}]}",
        "{\"Statement\":[{\"Condition\":{" UNTIL "},\"Effect\":\"Allow\"}]}",
        "{\"Statement\":[{\"Resource\":\"*\",\"Condition\":{" UNTIL "},\"Effect\":\"Deny\"}]}",
        "{\"Statement\":[{\"Resource\":\"*\",\"Condition\":{" UNTIL "}}],\"Version\":1}",
        "{\"Statement\":[{\"Resource\":\"*\",\"Condition\":{" UNTIL "}},"
        "{\"Resource\":\"*\",\"Condition\":{" UNTIL "}}]}",
        STATEMENT(""),
        STATEMENT("\"DateGreaterThan\":{\"AWS:EpochTime\":1}"),
        STATEMENT(UNTIL "," UNTIL),
        STATEMENT(UNTIL ",\"StringLike\":{}"),
        STATEMENT(UNTIL ",\"DateGreaterThan\":{\"AWS:EpochTime\":1700000100}"),
        STATEMENT(UNTIL ",\"DateGreaterThan\":{\"AWS:EpochTime\":1700000099}"),
        STATEMENT(UNTIL ",\"DateGreaterThan\":{\"AWS:EpochTime\":0}"),
        STATEMENT(UNTIL ",\"DateGreaterThan\":null"),
        STATEMENT(UNTIL ",\"IpAddress\":{\"AWS:SourceIp\":[\"127.0.0.1/32\"]}"),
        STATEMENT(UNTIL ",\"IpAddress\":{\"AWS:SourceIp\":\"127.0.0.1/33\"}"),
        STATEMENT(UNTIL ",\"IpAddress\":{\"AWS:SourceIp\":\"\"}"),
        STATEMENT(UNTIL ",\"IpAddress\":{}"),
        STATEMENT(UNTIL ",\"IpAddress\":{\"AWS:SourceIp\":\"127.0.0.1\",\"x\":1}"),
        STATEMENT("\"DateLessThan\":{\"AWS:EpochTime\":1700000100.0}"),
        STATEMENT("\"DateLessThan\":{\"AWS:EpochTime\":\"1700000100\"}"),
        STATEMENT("\"DateLessThan\":{\"AWS:EpochTime\":-1}"),
        STATEMENT("\"DateLessThan\":{\"AWS:EpochTime\":9007199254740992}"),
        STATEMENT("\"DateLessThan\":{\"AWS:EpochTime\":99999999999999999999}"),
        STATEMENT("\"DateLessThan\":{\"aws:epochtime\":1700000100}"),
        STATEMENT(UNTIL) "x",
        STATEMENT(UNTIL) STATEMENT(UNTIL),
        "{\"Statement\":[{\"Resource\":\"a\\u0000b\",\"Condition\":{" UNTIL "}}]}",
        "{\"Statement\":[{\"Resource\":\"\xff\",\"Condition\":{" UNTIL "}}]}",
    };
    struct cloudfront_policy p;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (reads(str_of(wrong[i]), &p))
            fail_msg("taken: %s", wrong[i]);
    char deep[CLOUDFRONT_POLICY_MAX + 1];
    memset(deep, '[', sizeof deep);
    assert_false(reads((struct str){deep, sizeof deep}, &p));
    assert_false(reads((struct str){deep, sizeof deep - 1}, &p));
}

static void a_policy_says_when_and_to_whom(void **state)
{
    (void)state;
    struct cloudfront_policy p;
    assert_true(reads(STR(STATEMENT(UNTIL)), &p));
    assert_int_equal(p.not_before, 0);
    assert_int_equal(p.expires, 1700000099);
    assert_false(p.bound);
    assert_true(
        reads(STR(" { \"Statement\" : [ {\"Condition\":{\"IpAddress\":{\"AWS:SourceIp\":"
                  "\"10.0.0.0/8\"}, \"DateGreaterThan\":{\"AWS:EpochTime\":1700000098}," UNTIL
                  "}, \"Resource\":\"x\"}]}\n"),
              &p));
    assert_int_equal(p.not_before, 1700000099);
    assert_true(p.bound);
    assert_int_equal(p.bits, 96 + 8);
}

/* ---- URLs by wildcard ---- */

static void a_url_is_matched_with_its_scheme_and_query(void **state)
{
    (void)state;
    const struct {
        const char *pattern, *url;
        bool matches;
    } cases[] = {
        {"https://h/a/*", "h/a/b", true},
        {"http://h/a/*", "h/a/b", true},
        {"http*://h/a/*", "h/a/b", true},
        {"*://h/a/*", "h/a/b", true},
        {"*", "h/a/b?x", true},
        {"*/b", "h/a/b", true},
        {"ftp://h/a/*", "h/a/b", false},
        {"http", "h/a/b", false},
        {"h/a/b", "h/a/b", false},
        {"", "h/a/b", false},
        {"https://h/a/b", "h/a/b?x=1", false},
        {"https://h/a/b*", "h/a/b?x=1", true},
        {"https://h/a/b?x=1", "h/a/b?x=1", true},
        {"https://h/a/b?x=?", "h/a/b?x=1", true},
        {"https://h/a/b?x=?", "h/a/b?x=12", false},
        {"https://h/a/?", "h/a/b", true},
        {"https://h/a/?", "h/a/bc", false},
        {"https://h/a/?x=1", "h/a/x=1", false},
        {"https://h/*/cover.jpg", "h/secret.mp3?/cover.jpg", false}, /* no way around */
        {"https://h/*/c?v=*", "h/a/c?v=2", true},
        {"https://h/*.m3u8?*", "h/a.mp3?x.m3u8?y", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (policy_url(str_of(cases[i].pattern), str_of(cases[i].url)) != cases[i].matches)
            fail_msg("%s and %s", cases[i].pattern, cases[i].url);
}

static void base64_has_one_spelling(void **state)
{
    (void)state;
    const char *wrong[] = {"",     "A",    "AA",   "AAA",  "AAAAA", "AB__", "AAB_",
                           "A___", "____", "AA_A", "AA==", "+AAA",  "/AAA", "AA A"};
    struct buf b;
    buf_init(&b, 64);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(put_unbase64(&b, str_of(wrong[i]), "-~_"));
    buf_reset(&b);
    assert_true(put_unbase64(&b, STR("-~8_"), "-~_"));
    assert_true(put_unbase64(&b, STR("Zm9v"), "-~_"));
    assert_true(str_eq(buf_str(&b), STR("\xfb\xff"
                                        "foo")));
    buf_fini(&b);
}

/* ---- keys ---- */

static void a_key_that_is_none_is_refused(void **state)
{
    (void)state;
    const char *texts[] = {
        "x",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        /* openssl genpkey -algorithm ED25519 */
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
        "-----END PRIVATE KEY-----\n",
    };
    struct keyring *r = NULL;
    size_t which;
    const char *why;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct key_spec spec = {
            .id = STR("K"), .scheme = SCHEME_CLOUDFRONT, .secret = str_of(texts[i])};
        assert_int_equal(keyring_new(&spec, 1, &r, &which, &why), ERR_CONFIG);
    }
    struct key_spec spec = {.id = STR("K"),
                            .scheme = SCHEME_CLOUDFRONT,
                            .secret = str_of(pems.rsa_pub),
                            .algorithm = STR("md5")};
    assert_int_equal(keyring_new(&spec, 1, &r, &which, &why), ERR_CONFIG);
}

/* "/s/TOKEN/hls/a.mp3/1.ts", of what a playlist behind the key hands on. */
static enum deny handed_on(const struct keyring *made, const struct keyring *asked)
{
    struct buf b;
    struct policy p;
    buf_init(&b, GUARD_TEXT_MAX);
    assert_int_equal(
        guard_sign_path(keyring_any(made, STR("KRSA")), STR("/hls/a.mp3"), 2, NOW + 100, true, &b),
        ERR_NONE);
    struct guard_request r = {.method = STR("GET"),
                              .path = STR("/hls/a.mp3/1.ts"),
                              .raw = STR("/hls/a.mp3/1.ts"),
                              .token = buf_str(&b),
                              .client = client,
                              .now = NOW};
    enum deny d = guard_check(asked, &r, 0, &p);
    buf_fini(&b);
    return d;
}

/* With a public key anybody could make them. */
static void tokens_of_a_public_key_need_a_secret_of_ours(void **state)
{
    (void)state;
    const struct key_spec specs[] = {
        {.id = STR("k1"), .secret = STR("0123456789abcdef0123456789abcdef")},
        {.id = STR("k2"), .secret = STR("fedcba9876543210fedcba9876543210")},
        {.id = STR("KRSA"), .scheme = SCHEME_CLOUDFRONT, .secret = str_of(pems.rsa_pub)},
    };
    const struct key_spec turned[] = {specs[1], specs[0], specs[2]};
    struct keyring *alone = keys_of(specs + 2, 1), *other = keys_of(specs + 2, 1);
    struct keyring *edge = keys_of(specs, 3), *second = keys_of(turned, 3);
    struct keyring *rotated = keys_of(specs + 1, 2);
    assert_int_equal(handed_on(alone, alone), DENY_NONE);
    assert_int_equal(handed_on(other, alone), DENY_BAD_SIGNATURE); /* random bytes */
    keyring_adopt(other, alone);
    assert_int_equal(handed_on(other, alone), DENY_NONE); /* after a reload */
    assert_int_equal(handed_on(edge, second), DENY_NONE);
    assert_int_equal(handed_on(second, rotated), DENY_NONE);
    assert_int_equal(handed_on(edge, rotated), DENY_BAD_SIGNATURE); /* k1 has gone */
    keyring_unref(alone);
    keyring_unref(other);
    keyring_unref(edge);
    keyring_unref(second);
    keyring_unref(rotated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_openssl_signed_is_taken),
        cmocka_unit_test(cookies_count_where_the_url_says_nothing),
        cmocka_unit_test(expiry_and_beginning_are_to_the_second),
        cmocka_unit_test(an_address_is_bound_to_its_network),
        cmocka_unit_test(a_hash_that_a_key_does_not_take_is_refused),
        cmocka_unit_test(each_fault_has_its_name),
        cmocka_unit_test(a_wildcard_opens_no_path_that_it_does_not_say),
        cmocka_unit_test(no_mutation_of_a_canned_url_is_taken),
        cmocka_unit_test(no_mutation_of_a_custom_policy_is_taken),
        cmocka_unit_test(openssls_signatures_are_what_we_make),
        cmocka_unit_test(a_scope_opens_what_lies_below),
        cmocka_unit_test(what_cannot_be_said_is_not_signed),
        cmocka_unit_test(a_policy_that_is_not_wholly_understood_is_refused),
        cmocka_unit_test(a_policy_says_when_and_to_whom),
        cmocka_unit_test(a_url_is_matched_with_its_scheme_and_query),
        cmocka_unit_test(base64_has_one_spelling),
        cmocka_unit_test(a_key_that_is_none_is_refused),
        cmocka_unit_test(tokens_of_a_public_key_need_a_secret_of_ours),
    };
    return cmocka_run_group_tests_name("guard/cloudfront", tests, read_keys, free_keys);
}
