/* The table of options, and what one row can do. [any thread: the table never changes]
 * Values come in as text, wherever they were written, and leave as a field of struct conf. */
#ifndef EDGE_OPTIONS_H
#define EDGE_OPTIONS_H

#include "edge/base/buf.h"
#include "edge/config.h"
#include "edge/why.h"

enum option_type {
    OPTION_SIZE,
    OPTION_DURATION,
    OPTION_INTEGER,
    OPTION_CHOICE,
    OPTION_TEXT,
    OPTION_TEXTS,
    OPTION_PREFIX,
    OPTION_FILE,
    OPTION_DIRECTORY,
    OPTION_ADDRESS,
    OPTION_ADDRESSES,
    OPTION_PREFIXES,
    OPTION_KEYS,
    OPTION_RATE,
    OPTION_BANDWIDTH,
};

struct option {
    const char *path; /* "http.buffer" */
    enum option_type type;
    size_t offset;        /* of the field in struct conf; unused when `later` */
    const char *standard; /* the default, as text that option_set takes */
    uint64_t minimum;
    uint64_t maximum;
    const char *words; /* see options.def */
    const char *later; /* the feature that is not built yet, or NULL */
    const char *help;
};

enum { OPTION_PATH_MAX = 64, OPTION_EXPECTED_MAX = 160 };

size_t option_count(void);
const struct option *option_at(size_t number); /* must(number < option_count()) */
size_t option_number(const struct option *o);
const struct option *option_find(struct str path); /* NULL: no such key */
bool option_is_section(struct str path);           /* "http": options lie below it */

/* The key or section that was likely meant where `path` is none: another of the same section, or
 * an option that ends in the same word. Empty: nothing is near. Static. */
struct str option_nearest(struct str path);
/* The option whose variable was likely meant by a name of the environment, or NULL. */
const struct option *option_nearest_variable(struct str name);
/* "a, b or c": what may stand in the section ("" for the top). */
void option_list_keys(struct str section, struct buf *out);

/* "SEGUE_HTTP_BUFFER"; out has OPTION_PATH_MAX bytes. Returns out. */
const char *option_environment(const struct option *o, char *out);
/* "a size from 4KB to 16MB, as 64KB"; out has OPTION_EXPECTED_MAX bytes. Returns out. */
const char *option_expected(const struct option *o, char *out);

/* Read the text as the option's type, check its limits, put it into conf (what was there is freed).
 * A list of addresses is parted by commas. ERR_CONFIG, ERR_NOMEM: conf is unchanged, *why says
 * "http.buffer: what, and what was expected". */
MUST_USE enum err option_set(const struct option *o, struct str text, struct conf *conf,
                             struct why *why);
/* For a value that is no text, as "a list": says what was expected instead. ERR_CONFIG, always. */
MUST_USE enum err option_refuse(const struct option *o, const char *what, struct why *why);

/* One more address at the end of a list. ERR_CONFIG: malformed, there already, or too many. */
MUST_USE enum err option_add_address(const struct option *o, struct str text,
                                     struct conf_listens *to, struct why *why);
/* One more prefix at the end of a list.   ERR_CONFIG, ERR_NOMEM */
MUST_USE enum err option_add_prefix(const struct option *o, struct str text, struct conf_texts *to,
                                    struct why *why);
struct conf_texts *option_texts(const struct option *o, struct conf *conf); /* of a PREFIXES row */
void option_free_texts(struct conf_texts *t);
bool option_duration(struct str text, uint64_t *ms); /* "7d" */
const char *option_wrong_prefix(struct str text);    /* NULL: it is one; static */
/* The list of an ADDRESS or ADDRESSES row in conf. */
struct conf_listens *option_addresses(const struct option *o, struct conf *conf);
void option_free_addresses(struct conf_listens *l);
void option_free_fields(struct conf *conf); /* every string and list that the rows own */

#endif
