/* The keys that may sign, by style. Made from the configuration, then never changed; counted, so
 * that those that a reload took out are wiped when the last who looks at them has gone. [any
 * thread] A keyring lies in pages of its own that are locked, left out of core dumps and wiped at
 * the end; a secret is never formatted into anything. Path tokens that this server makes are signed
 * with a key derived from the one that opened the playlist. That one may be public (cloudfront):
 * then with one derived from a `segue` key of the ring, any of which opens them; without such a
 * key, with random bytes. */
#ifndef EDGE_GUARD_KEYRING_H
#define EDGE_GUARD_KEYRING_H

#include "edge/base/err.h"
#include "edge/base/ref.h"
#include "edge/guard/crypto.h"
#include "edge/guard/policy.h"
#include "edge/guard/pubkey.h"

enum {
    KEY_ID_MAX = 64,
    KEY_SECRET_MAX = 256, /* bytes */
    KEY_SECRET_MIN = 16,  /* bytes, of a `segue` key */
    KEY_PREFIXES = 16,
    KEY_PREFIX_MAX = 256,
    KEYRING_MAX = 64, /* keys */
};

/* What the configuration says of one; borrowed for the call. */
struct key_spec {
    struct str id; /* letters, digits, '_' and '.' */
    enum scheme scheme;
    struct str secret; /* akamai: hexadecimal; cloudfront: a public or private key in PEM */
    struct str name;   /* akamai: the token's name; secure_link: what is signed, with $variables */
    struct str salt;   /* akamai; may be empty */
    /* "sha256", "sha1" or "md5". akamai: empty is sha256. cloudfront: empty is sha1 where we sign,
     * sha1 and sha256 where we check; md5 there is not. The others have none. */
    struct str algorithm;
    const struct str *prefixes; /* it opens nothing else; none: all */
    size_t prefix_count;
    int64_t longest; /* seconds from now that its signatures may be valid; 0: any */
};

struct guard_prefix {
    char text[KEY_PREFIX_MAX];
    size_t n;
};

struct guard_key {
    char id_text[KEY_ID_MAX];
    struct str id;
    enum scheme scheme;
    struct str secret;     /* of secret_bytes; cloudfront: the PEM text behind the keys */
    struct pubkey *pubkey; /* cloudfront; else NULL */
    enum digest digest;    /* what it signs with */
    unsigned digests;      /* bit d: what its signatures may be made with */
    struct str own;        /* what the path tokens are signed with that this server makes */
    struct str name, salt;
    int64_t longest;
    size_t prefix_count;
    unsigned char secret_bytes[KEY_SECRET_MAX];
    unsigned char own_bytes[CRYPTO_SHA256];
    char name_text[KEY_PREFIX_MAX], salt_text[KEY_PREFIX_MAX];
    struct guard_prefix prefixes[KEY_PREFIXES];
};

struct keyring {
    struct ref users;
    size_t count;
    size_t memory;           /* bytes of the pages */
    unsigned schemes;        /* bit s: there is a key of that scheme */
    struct guard_key keys[]; /* then the PEM texts */
};

/* A reference. *why says what is wrong with spec number *which.   ERR_CONFIG, ERR_NOMEM */
MUST_USE enum err keyring_new(const struct key_spec *specs, size_t count, struct keyring **out,
                              size_t *which, const char **why);
struct keyring *keyring_ref(struct keyring *r); /* r; NULL is fine */
void keyring_unref(struct keyring *r);          /* the last one wipes; NULL is fine */
/* Before anybody else has it: what `old`, of the configuration before, signed with random bytes is
 * opened by this one too. Either may be NULL. */
void keyring_adopt(struct keyring *r, const struct keyring *old);
/* The key of a `segue` key's for the path tokens of another that is public. */
MUST_USE bool keyring_own(const struct guard_key *segue, struct str id,
                          unsigned char out[CRYPTO_SHA256]);

/* NULL: there is none. */
const struct guard_key *keyring_find(const struct keyring *r, enum scheme scheme, struct str id);
const struct guard_key *keyring_any(const struct keyring *r, struct str id);

bool guard_key_opens(const struct guard_key *k, struct str path);

#endif
