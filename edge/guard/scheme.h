/* What the schemes share with guard.c, and their doors. Private to the folder. [any thread]
 * A reader fills *p, or says why not; `text` is its scratch, which p's strings may point into. */
#ifndef EDGE_GUARD_SCHEME_H
#define EDGE_GUARD_SCHEME_H

#include "edge/guard/guard.h"

/* The value of a parameter, raw.  0: not there, 1: once, 2: more often */
unsigned param(struct str query, struct str name, struct str *value);
/* A cookie's value, the same way. */
unsigned cookie(const struct guard_request *r, struct str name, struct str *value);
/* A time that is digits alone, below 2^53, without zeros in front. */
bool read_time(struct str s, int64_t *out);
void put_hex(struct buf *b, const unsigned char *bytes, size_t n);
/* Without padding; `special` are the digits 62 and 63. */
void put_base64(struct buf *b, const unsigned char *bytes, size_t n, const char *special);
/* The bytes of padded base64, special[2] being the padding. False: it is not how they are written
 * (each has one spelling). */
bool put_unbase64(struct buf *b, struct str text, const char *special);
/* Percent-decode; '+' stays. False: malformed. */
bool put_decoded(struct buf *b, struct str raw);
/* RFC 3986 2.3: everything but unreserved (and '/', where `slash`) as %XX. */
void put_encoded(struct buf *b, struct str text, bool slash);

enum deny segue_read_path(const struct keyring *keys, const struct guard_request *r,
                          struct policy *p);
bool segue_is_there(const struct guard_request *r);
enum deny segue_read(const struct keyring *keys, const struct guard_request *r, struct policy *p);
bool s3_is_there(const struct guard_request *r);
enum deny s3_read(const struct keyring *keys, const struct guard_request *r, struct buf *text,
                  struct policy *p);
bool cloudfront_is_there(const struct guard_request *r, bool in_cookie);
enum deny cloudfront_read(const struct keyring *keys, const struct guard_request *r, bool in_cookie,
                          struct buf *text, struct policy *p);
/* Which key's token is there, or NULL. */
const struct guard_key *akamai_is_there(const struct keyring *keys, const struct guard_request *r,
                                        bool in_cookie);
enum deny akamai_read(const struct keyring *keys, const struct guard_request *r, bool in_cookie,
                      struct buf *text, struct policy *p);
bool secure_link_is_there(const struct guard_request *r);
enum deny secure_link_read(const struct keyring *keys, const struct guard_request *r,
                           struct buf *text, struct policy *p);

enum err segue_sign(const struct guard_key *k, const struct guard_wish *w, struct buf *out);
enum err s3_sign(const struct guard_key *k, const struct guard_wish *w, struct buf *out);
enum err cloudfront_sign(const struct guard_key *k, const struct guard_wish *w, struct buf *out);
enum err akamai_sign(const struct guard_key *k, const struct guard_wish *w, struct buf *out);
enum err secure_link_sign(const struct guard_key *k, const struct guard_wish *w, struct buf *out);

#endif
