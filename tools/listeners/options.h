/* The command line. [main] */
#ifndef TOOLS_LISTENERS_OPTIONS_H
#define TOOLS_LISTENERS_OPTIONS_H

#include "tools/listeners/url.h"

enum { TARGETS_MAX = 256 };

struct target {
    struct url url; /* borrowed from the command line */
    struct sockaddr_in address;
    bool hls; /* its path ends with .m3u8 */
};

struct options {
    uint64_t listeners;     /* -n */
    uint64_t seconds;       /* -d, ramp and all */
    uint64_t ramp;          /* -r, seconds in which all of them come */
    uint64_t ahead;         /* -a, segments that are ready at most */
    uint64_t max_bandwidth; /* -b, bits/s: which variant of a ladder */
    uint64_t file_rate;     /* -k, bits/s of a URL that is no playlist */
    uint64_t seed;          /* --seed */
    bool json, quiet, anywhere;
    struct target targets[TARGETS_MAX];
    size_t target_count;
};

/* Fill *out. ERR_IGNORE: --help was asked for and answered; ERR_CONFIG: it cannot be so, and stderr
 * says why. */
MUST_USE enum err options_parse(struct options *out, int argc, char **argv);

#endif
