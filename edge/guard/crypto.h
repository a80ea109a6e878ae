/* What the floor takes from OpenSSL, beginning with its name. [any thread] */
#ifndef EDGE_GUARD_CRYPTO_H
#define EDGE_GUARD_CRYPTO_H

const char *crypto_version(void); /* "3.0.22", of the library that is linked */

#endif
