/* What the parts of loading share: the struct that is being filled, where its values come from,
 * and the message. Private to config.c and config_yaml.c. [one thread] */
#ifndef EDGE_CONFIG_LOAD_H
#define EDGE_CONFIG_LOAD_H

#include "edge/options.h"

enum place_kind { PLACE_DEFAULT, PLACE_FILE, PLACE_ENVIRONMENT, PLACE_ARGUMENT };

struct place {
    enum place_kind kind;
    unsigned line;        /* of a file, from 1 */
    const char *argument; /* of the command line: "-l" */
};

struct conf_places {
    char *file;                /* owned; the FILE of messages, or NULL */
    struct conf_source source; /* for conf_reload */
    struct place at[];         /* one for each row of options.def */
};

struct loading {
    struct conf *conf;
    const char *name; /* FILE */
    struct why why;
};

/* Point the message at a line of the file. */
void loading_at_line(struct loading *l, unsigned line);
/* Remember that the option's value came from a line of the file. */
void loading_from_line(struct loading *l, const struct option *o, unsigned line);

/* Fill l->conf from a YAML document. ERR_CONFIG with l->why, ERR_NOMEM. */
MUST_USE enum err config_yaml(struct loading *l, struct str yaml);

#endif
