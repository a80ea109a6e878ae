/* `segue sign`: a URL, signed. [main thread] */
#ifndef EDGE_SIGN_H
#define EDGE_SIGN_H

#include "edge/config.h"

/* Each NULL where nothing was said. */
struct sign_opts {
    const char *key;     /* the id; else the first key, of the style */
    const char *expires; /* a duration, or stream, download, stem */
    const char *scope;   /* a prefix to open */
    const char *style;   /* segue, path, s3, cloudfront, akamai, secure_link */
};

/* Print the URL signed on stdout; the exit status. One line on stderr says what is wrong. */
int sign_run(const struct conf *conf, const struct sign_opts *opts, const char *url);

#endif
