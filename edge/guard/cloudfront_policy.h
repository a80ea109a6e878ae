/* CloudFront's custom policy, a JSON text, as values. Private to the folder. [any thread]
 * Whoever reads it has checked its signature; it is held for hostile all the same. What is not
 * known here, is there twice or says two things makes the whole of it malformed: a condition that
 * were passed over would open more than was signed. */
#ifndef EDGE_GUARD_CLOUDFRONT_POLICY_H
#define EDGE_GUARD_CLOUDFRONT_POLICY_H

#include "edge/base/buf.h"

enum { CLOUDFRONT_POLICY_MAX = 8 * 1024 }; /* bytes of the JSON text */

struct cloudfront_policy {
    int64_t not_before; /* the first second, since 1970; 0: any */
    int64_t expires;    /* the last second */
    bool bound;         /* to the network below */
    uint8_t network[16];
    unsigned bits;
};

/* The resource goes into *resource, which is empty before. False: malformed. */
bool cloudfront_policy_read(struct str json, struct buf *resource, struct cloudfront_policy *out);

#endif
