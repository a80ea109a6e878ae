/* sign.keys: one mapping after the other, and all of them as a keyring. [any thread] */
#ifndef EDGE_CONFIG_KEYS_H
#define EDGE_CONFIG_KEYS_H

#include "edge/config.h"
#include "edge/guard/keyring.h"
#include "edge/why.h"

/* A further, empty key; *out is valid until the next one.   ERR_NOMEM */
MUST_USE enum err conf_keys_more(struct conf_keys *keys, struct conf_key **out, struct why *why);
/* `field: value`, and one more of a list.   ERR_CONFIG, ERR_NOMEM; a secret is never quoted */
MUST_USE enum err conf_key_set(struct conf_key *k, struct str field, struct str value,
                               struct why *why);
MUST_USE enum err conf_key_add(struct conf_key *k, struct str field, struct str value,
                               struct why *why);
/* Is it whole?   ERR_CONFIG */
MUST_USE enum err conf_key_check(const struct conf_keys *keys, const struct conf_key *k,
                                 struct why *why);
void conf_keys_free(struct conf_keys *keys); /* wipes secrets */

/* Read the secrets' files and make a keyring, which is the caller's; NULL where there are no keys.
 *   ERR_CONFIG, ERR_NOMEM. Blocks on the disk. */
MUST_USE enum err conf_keys_open(const struct conf *conf, struct keyring **out, struct why *why);

bool conf_style(struct str name, enum scheme *out); /* "segue" */

#endif
