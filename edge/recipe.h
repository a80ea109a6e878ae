/* How segments are made, from the configuration: what edge/store is told, and the number that tells
 * one way from another, which goes into the version in URLs. [one thread] */
#ifndef EDGE_RECIPE_H
#define EDGE_RECIPE_H

#include "edge/config.h"
#include "edge/store/make.h"
#include "segments/crypt.h"

struct recipe {
    struct make_opts make; /* borrows from `secret` and the configuration */
    uint32_t number;
    char secret[CRYPT_SECRET_MAX];
};

/* Reads the file of the secret where there is one.
 *   ERR_CONFIG  the file can't be read, or holds too little or too much */
MUST_USE enum err recipe_init(struct recipe *r, const struct conf *conf);

#endif
