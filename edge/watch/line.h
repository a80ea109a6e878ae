/* The text of a log line. A format is literal text with $names in it; it is compiled once into an
 * array of elements, and writing a line walks the array. [one thread: the writer] */
#ifndef EDGE_WATCH_LINE_H
#define EDGE_WATCH_LINE_H

#include "edge/base/buf.h"
#include "edge/watch/access_entry.h"

enum { LINE_ELEMENTS = 48, LINE_STAMP = 32 };

struct line;

struct line_element {
    struct str literal; /* borrowed from the format; written before the field */
    void (*add)(struct line *l, struct buf *out, const struct access_entry *e); /* NULL: none */
};

struct line {
    struct line_element element[LINE_ELEMENTS];
    size_t count;
    void (*escape)(struct buf *out, struct str s); /* for what peers sent */
    struct str absent;                             /* what stands for an empty text */
    uint64_t stamp_second;                         /* the second that the two stamps below are of */
    char local[LINE_STAMP];                        /* "10/Oct/2026:13:55:36 +0000" */
    char iso[LINE_STAMP];                          /* "2026-10-10T13:55:36" */
};

/* LINE_COMBINED is what Apache and nginx call combined; LINE_JSON is one object a line. */
extern const struct str LINE_COMBINED;
extern const struct str LINE_JSON;

enum line_style { LINE_PLAIN, LINE_QUOTED_JSON };

/* `format` has to live as long as *l.
 *   ERR_NONE
 *   ERR_CONFIG   an unknown $name
 *   ERR_TOO_BIG  more elements than LINE_ELEMENTS */
MUST_USE enum err line_init(struct line *l, struct str format, enum line_style style);

/* Adds the line with its line feed; at most LINE_MAX_BYTES. */
void line_add(struct line *l, struct buf *out, const struct access_entry *e);

/* All texts at their longest, six bytes for each of theirs, and the rest. */
enum {
    LINE_MAX_BYTES =
        6 * (ACCESS_MAX_METHOD + ACCESS_MAX_TARGET + ACCESS_MAX_VERSION + ACCESS_MAX_REFERER +
             ACCESS_MAX_AGENT + ACCESS_MAX_RANGE + ACCESS_MAX_CACHE + ACCESS_MAX_DENIED) +
        1024
};

/* "203.0.113.7", "2001:db8::1"; an IPv4 address that came through an IPv6 socket is written as
 * IPv4; "-" for none. */
void line_add_client(struct buf *out, const struct sockaddr *client);

#endif
