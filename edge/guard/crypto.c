/* OpenSSL behind our own names. */
#include "edge/guard/crypto.h"

#include <openssl/crypto.h>

const char *crypto_version(void) { return OpenSSL_version(OPENSSL_VERSION_STRING); }
