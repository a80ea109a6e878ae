/* Checking specs, and keeping secrets where nothing else looks. */
#include "edge/guard/keyring.h"

#include "edge/base/scan.h"

#include <string.h>
#include <sys/mman.h>

static bool is_id(struct str id)
{
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && c != '_' && c != '.')
            return false;
    }
    return id.n && id.n <= KEY_ID_MAX;
}

static const char *keep_text(struct str text, char room[KEY_PREFIX_MAX], struct str *out)
{
    if (text.n > KEY_PREFIX_MAX)
        return "too long";
    if (text.n)
        memcpy(room, text.p, text.n);
    *out = (struct str){room, text.n};
    return NULL;
}

/* Akamai's keys are hexadecimal text of the bytes that sign. */
static const char *keep_hex(struct guard_key *k, struct str hex)
{
    size_t n = 0;
    while (hex.n && n < KEY_SECRET_MAX && scan_hex2(&hex, &k->secret_bytes[n]))
        n++;
    if (hex.n || n == 0)
        return "no hexadecimal text of 1 to 256 bytes";
    k->secret = (struct str){(char *)k->secret_bytes, n};
    return NULL;
}

/* Akamai's and CloudFront's tokens don't say how they were made, or may say it wrong. */
static const char *keep_algorithm(struct guard_key *k, struct str name)
{
    static const char *const names[] = {
        [DIGEST_SHA256] = "sha256", [DIGEST_SHA1] = "sha1", [DIGEST_MD5] = "md5"};
    bool akamai = k->scheme == SCHEME_AKAMAI, cloudfront = k->scheme == SCHEME_CLOUDFRONT;
    k->digest = cloudfront ? DIGEST_SHA1 : DIGEST_SHA256;
    k->digests = 1u << DIGEST_SHA256 | (cloudfront ? 1u << DIGEST_SHA1 : 0);
    if (!name.n)
        return NULL;
    if (!akamai && !cloudfront)
        return "the style has no algorithm";
    for (unsigned d = 0; d < (akamai ? 3 : 2); d++)
        if (str_eq(name, str_of(names[d]))) {
            k->digest = (enum digest)d;
            k->digests = 1u << d;
            return NULL;
        }
    return akamai ? "the algorithm is not sha256, sha1 or md5"
                  : "the algorithm is not sha256 or sha1";
}

/* The bytes behind the keys that are kept for PEM texts: see keyring_new. */
static size_t pem_room(const struct key_spec *spec)
{
    bool pem = spec->scheme == SCHEME_CLOUDFRONT && spec->secret.n <= PUBKEY_PEM_MAX;
    return pem ? spec->secret.n : 0;
}

static const char *keep_pem(struct guard_key *k, struct str pem, char *room)
{
    const char *why;
    if (pem.n > PUBKEY_PEM_MAX)
        return "too long, at most 8 KB are taken";
    enum err e = pubkey_new(pem, &k->pubkey, &why);
    if (e)
        return e == ERR_NOMEM ? err_text(e) : why;
    memcpy(room, pem.p, pem.n);
    k->secret = (struct str){room, pem.n};
    return NULL;
}

static const char *keep_secret(struct guard_key *k, struct str secret, char *room)
{
    if (k->scheme == SCHEME_CLOUDFRONT)
        return keep_pem(k, secret, room);
    if (k->scheme == SCHEME_AKAMAI)
        return keep_hex(k, secret);
    if (secret.n > KEY_SECRET_MAX)
        return "too long, at most 256 bytes are taken";
    if (secret.n < (k->scheme == SCHEME_SEGUE ? KEY_SECRET_MIN : 1))
        return k->scheme == SCHEME_SEGUE ? "too short, 16 bytes are the least" : "empty";
    memcpy(k->secret_bytes, secret.p, secret.n);
    k->secret = (struct str){(char *)k->secret_bytes, secret.n};
    return NULL;
}

/* A key of its own for what this server hands on, so that nobody who is held to a longest lifetime
 * can ask for more with the same signature. */
static const char *derive(struct guard_key *k)
{
    size_t n = crypto_hmac(DIGEST_SHA256, k->secret, STR("segue path token"), k->own_bytes);
    k->own = (struct str){(char *)k->own_bytes, n};
    return n ? NULL : "OpenSSL has no SHA-256";
}

static const char *fill(struct guard_key *k, const struct key_spec *spec, char *room)
{
    if (!is_id(spec->id))
        return "the id is not 1 to 64 letters, digits, _ and .";
    memcpy(k->id_text, spec->id.p, spec->id.n);
    k->id = (struct str){k->id_text, spec->id.n};
    k->scheme = spec->scheme;
    k->longest = spec->longest;
    const char *why = keep_algorithm(k, spec->algorithm);
    if (!why)
        why = keep_secret(k, spec->secret, room);
    if (!why)
        why = keep_text(spec->name, k->name_text, &k->name);
    if (!why)
        why = keep_text(spec->salt, k->salt_text, &k->salt);
    if (spec->prefix_count > KEY_PREFIXES)
        why = "more than 16 prefixes";
    for (size_t i = 0; i < spec->prefix_count && !why; i++) {
        struct str kept = {NULL, 0};
        why = keep_text(spec->prefixes[i], k->prefixes[i].text, &kept);
        k->prefixes[i].n = kept.n;
        k->prefix_count++;
    }
    return why ? why : derive(k);
}

static const struct guard_key *first_segue(const struct keyring *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->keys[i].scheme == SCHEME_SEGUE)
            return &r->keys[i];
    return NULL;
}

bool keyring_own(const struct guard_key *segue, struct str id, unsigned char out[CRYPTO_SHA256])
{
    return crypto_hmac(DIGEST_SHA256, segue->own, id, out) == CRYPTO_SHA256;
}

/* What is derived from a public key could be made by anybody. */
static bool share_own(struct keyring *r)
{
    const struct guard_key *segue = first_segue(r);
    for (size_t i = 0; i < r->count; i++) {
        struct guard_key *k = &r->keys[i];
        if (k->scheme != SCHEME_CLOUDFRONT)
            continue;
        if (!(segue ? keyring_own(segue, k->id, k->own_bytes)
                    : crypto_random(k->own_bytes, sizeof k->own_bytes)))
            return false;
        k->own = (struct str){(char *)k->own_bytes, CRYPTO_SHA256};
    }
    return true;
}

void keyring_adopt(struct keyring *r, const struct keyring *old)
{
    if (!r || !old || first_segue(r) || first_segue(old))
        return;
    for (size_t i = 0; i < r->count; i++) {
        struct guard_key *k = &r->keys[i];
        const struct guard_key *was = keyring_find(old, SCHEME_CLOUDFRONT, k->id);
        if (k->scheme == SCHEME_CLOUDFRONT && was)
            memcpy(k->own_bytes, was->own_bytes, sizeof k->own_bytes);
    }
}

enum err keyring_new(const struct key_spec *specs, size_t count, struct keyring **out,
                     size_t *which, const char **why)
{
    size_t memory = sizeof(struct keyring) + count * sizeof(struct guard_key);
    *which = 0;
    *why = "more than 64 keys";
    if (count > KEYRING_MAX)
        return ERR_CONFIG;
    size_t room = memory;
    for (size_t i = 0; i < count; i++)
        memory += pem_room(&specs[i]);
    struct keyring *r =
        mmap(NULL, memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (r == MAP_FAILED)
        return ERR_NOMEM;
    /* Where the limit of locked memory is too low it may be swapped; it is never dumped. */
    (void)mlock(r, memory);
    (void)madvise(r, memory, MADV_DONTDUMP);
    r->memory = memory;
    ref_init(&r->users);
    for (*which = 0; *which < count; (*which)++) {
        const struct key_spec *spec = &specs[*which];
        *why = keyring_any(r, spec->id) ? "the id is there twice" : NULL;
        r->count++;
        if (!*why)
            *why = fill(&r->keys[*which], spec, (char *)r + room);
        room += pem_room(spec);
        if (*why) {
            keyring_unref(r);
            return ERR_CONFIG;
        }
        r->schemes |= 1u << spec->scheme;
    }
    if (!share_own(r)) {
        keyring_unref(r);
        return ERR_NOMEM;
    }
    *out = r;
    return ERR_NONE;
}

struct keyring *keyring_ref(struct keyring *r)
{
    if (r)
        ref_take(&r->users);
    return r;
}

void keyring_unref(struct keyring *r)
{
    if (!r || !ref_drop(&r->users))
        return;
    size_t memory = r->memory;
    for (size_t i = 0; i < r->count; i++)
        pubkey_free(r->keys[i].pubkey);
    crypto_wipe(r, memory);
    (void)munmap(r, memory);
}

const struct guard_key *keyring_any(const struct keyring *r, struct str id)
{
    for (size_t i = 0; i < r->count; i++)
        if (str_eq(r->keys[i].id, id))
            return &r->keys[i];
    return NULL;
}

const struct guard_key *keyring_find(const struct keyring *r, enum scheme scheme, struct str id)
{
    const struct guard_key *k = keyring_any(r, id);
    return k && k->scheme == scheme ? k : NULL;
}

bool guard_key_opens(const struct guard_key *k, struct str path)
{
    for (size_t i = 0; i < k->prefix_count; i++)
        if (policy_below(path, (struct str){k->prefixes[i].text, k->prefixes[i].n}))
            return true;
    return k->prefix_count == 0;
}
