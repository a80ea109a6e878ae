/* The values of the section `limit`: what one client may take. Part of config.h. */
#ifndef EDGE_CONFIG_LIMIT_H
#define EDGE_CONFIG_LIMIT_H

#include <stdint.h>

/* So many in so much time; count 0: there is no limit. */
struct conf_rate {
    uint32_t count;
    uint32_t per_ms;
    uint32_t burst; /* at once, at least 1 */
};

/* How fast an answer may be; neither permille nor rate: as fast as it can. */
struct conf_bandwidth {
    uint64_t rate;     /* bytes a second */
    uint32_t permille; /* of the media's own bit rate; or this */
    uint32_t after_ms;
};

struct conf_limit {
    struct conf_rate requests;
    struct conf_bandwidth bandwidth;
    uint32_t connections; /* 0: any */
};

#endif
