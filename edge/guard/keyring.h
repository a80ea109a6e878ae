/* The keys that may sign, by style. Made from the configuration, then never changed. [any thread]
 * A keyring lies in pages of its own that are locked, left out of core dumps and wiped at the end;
 * a secret is never formatted into anything. */
#ifndef EDGE_GUARD_KEYRING_H
#define EDGE_GUARD_KEYRING_H

#include "edge/base/err.h"
#include "edge/guard/crypto.h"
#include "edge/guard/policy.h"

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
    struct str secret; /* akamai: hexadecimal */
    struct str name;   /* akamai: the token's name; secure_link: what is signed, with $variables */
    struct str salt;   /* akamai; may be empty */
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
    struct str secret; /* of secret_bytes */
    struct str own;    /* what the path tokens are signed with that this server makes */
    struct str name, salt;
    int64_t longest;
    size_t prefix_count;
    unsigned char secret_bytes[KEY_SECRET_MAX];
    unsigned char own_bytes[CRYPTO_SHA256];
    char name_text[KEY_PREFIX_MAX], salt_text[KEY_PREFIX_MAX];
    struct guard_prefix prefixes[KEY_PREFIXES];
};

struct keyring {
    size_t count;
    size_t memory;    /* bytes of the pages */
    unsigned schemes; /* bit s: there is a key of that scheme */
    struct guard_key keys[];
};

/* *why says what is wrong with spec number *which.   ERR_CONFIG, ERR_NOMEM */
MUST_USE enum err keyring_new(const struct key_spec *specs, size_t count, struct keyring **out,
                              size_t *which, const char **why);
void keyring_free(struct keyring *r); /* wipes; NULL is fine */

/* NULL: there is none. */
const struct guard_key *keyring_find(const struct keyring *r, enum scheme scheme, struct str id);
const struct guard_key *keyring_any(const struct keyring *r, struct str id);

bool guard_key_opens(const struct guard_key *k, struct str path);

#endif
