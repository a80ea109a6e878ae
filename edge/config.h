/* The configuration: YAML, environment and command line, checked, as plain C values. [any thread]
 * A struct conf never changes after it was loaded; a reload makes another one. Durations are in
 * milliseconds (`_ms`), sizes in bytes; strings are owned by the conf, terminated, never NULL
 * unless a comment says so. Names, defaults, limits and help of every key: options.def. */
#ifndef EDGE_CONFIG_H
#define EDGE_CONFIG_H

#include "edge/base/err.h"
#include "edge/base/log.h"
#include "edge/base/str.h"
#include "edge/config_limit.h"
#include "edge/guard/policy.h"
#include "segments/segment.h"

enum {
    CONF_WHY_MAX = 512,   /* room enough for every message of conf_load */
    CONF_LISTEN_MAX = 16, /* addresses in one list */
};

enum conf_switch { CONF_OFF, CONF_ON };
enum conf_format { CONF_FORMAT_COMBINED, CONF_FORMAT_JSON };

/* One address to listen on. `host` is an IPv4 or IPv6 address or a name, without brackets. */
struct conf_listen {
    char *address; /* as it was written: "127.0.0.1:8080", "[::1]:8080" */
    char *host;
    uint16_t port;         /* 0: any free one */
    char *tls_certificate; /* NULL: plain */
    char *tls_key;         /* NULL: plain */
    bool proxy_protocol;   /* connections begin with whom they are for */
};

struct conf_listens {
    struct conf_listen *items; /* owned; at least one for `listen`; none for `admin: off` */
    size_t count;
};

struct conf_texts {
    char **items; /* owned */
    size_t count;
};

/* One of sign.keys. NULL where nothing was said. */
struct conf_key {
    char *id, *secret; /* wiped with the conf; NULL: it is in the file */
    char *secret_file;
    char *name, *salt, *algorithm;
    struct conf_texts prefixes;
    enum scheme style;
    uint64_t max_expires_ms; /* 0: none of its own */
    bool styled;
};

struct conf_keys {
    struct conf_key *items; /* owned */
    size_t count;
};

struct conf_sign {
    struct conf_texts protect;
    struct conf_keys keys;
    uint32_t max_expires_ms; /* 0: any */
    uint32_t stream_ms;
    uint32_t download_ms;
    uint32_t stem_ms;
};

struct conf_media {
    char *root;
    char *audio_prefix;  /* begins and ends with '/' */
    char *hls_prefix;    /* the same; never equal to audio_prefix */
    char *cache_control; /* the field value for /audio: printable ASCII */
    uint32_t helpers;
    uint64_t helper_memory;
    uint32_t helper_deadline_ms;
};

struct conf_http {
    uint64_t buffer;
    uint32_t header_timeout_ms;
    uint32_t idle_timeout_ms;
    uint32_t write_timeout_ms;
    uint64_t max_header;
    uint32_t max_connections;
    char *cors_origin;     /* origins, parted by commas; "" sends no CORS fields */
    char *trusted_proxies; /* networks, parted by commas */
    char *referers;        /* beginnings of URLs, the same way; "": any */
    enum conf_switch cache_tags;
};

struct conf_memory {
    uint64_t size;
    uint64_t max_object;
    uint32_t ttl_ms;
};

struct conf_metadata {
    uint32_t ttl_ms;
};

struct conf_redis {
    char *url; /* "": none; else redis_url_parse takes it */
    char *ca;  /* a file, or "system" */
    uint64_t max_object;
    uint32_t ttl_ms;
    uint32_t timeout_ms;
};

struct conf_cache {
    struct conf_memory memory;
    struct conf_redis redis;
    struct conf_metadata metadata;
};

enum conf_encryption { CONF_PLAIN, CONF_AES_128 };

struct conf_hls {
    uint32_t segment_duration_ms;
    enum container container; /* CONTAINER_FMP4, _TS or _PACKED */
    enum conf_switch fast_start;
    enum conf_encryption encryption;
    char *encryption_secret; /* with encryption this is set, or the file's name, not both */
    char *encryption_secret_file;
};

struct conf_log {
    char *access; /* "stdout", "off" or the name of a file */
    enum conf_format format;
    enum log_level level;
    uint32_t slow_ms; /* 0: no request counts as slow */
};

struct conf_places; /* where each value came from: for messages */

struct conf {
    struct conf_listens listen;
    struct conf_listens admin;
    uint32_t workers; /* 0: one for each core */
    uint32_t drain_timeout_ms;
    struct conf_media media;
    struct conf_http http;
    struct conf_cache cache;
    struct conf_hls hls;
    struct conf_sign sign;
    struct conf_limit limit;
    struct conf_log log;
    struct conf_places *places; /* owned; see conf_where */
};

/* Where a configuration comes from; later ones win over earlier ones. The strings are borrowed for
 * the life of the process (they are its arguments and its environment): conf_reload reads them. */
struct conf_source {
    const char *path;         /* a YAML file, or NULL: built-in defaults */
    char *const *environment; /* NULL-terminated "SEGUE_X=value"; NULL: none is looked at */
    const char *listen;       /* -l HOST:PORT, or NULL */
    const char *root;         /* -r DIR, or NULL */
};

/* Load and check. On ERR_NONE *out is the caller's, to be freed with conf_free.
 *   ERR_CONFIG  something is wrong: `why` (of `room` bytes, CONF_WHY_MAX is enough) says
 *               "FILE:LINE: key: what, and what was expected"; for a variable "SEGUE_X: ...",
 *               for an argument "-l: ..."
 *   ERR_NOMEM   out of memory; `why` says so
 * A SEGUE_ variable that looks like a slip of the pen is a warning in the log; others that are not
 * ours are passed over, since an orchestrator names its own after a service. Blocks on the disk. */
MUST_USE enum err conf_load(const struct conf_source *from, struct conf **out, char *why,
                            size_t room);

/* Load once more from where `old` came from (SIGHUP); old is unchanged. Errors as conf_load. */
MUST_USE enum err conf_reload(const struct conf *old, struct conf **out, char *why, size_t room);

/* The same from YAML in memory; `name` stands for FILE in messages. */
MUST_USE enum err conf_parse(struct str yaml, const char *name, struct conf **out, char *why,
                             size_t room);

/* What the file system has to agree to: media.root is a directory, files that are named exist.
 * ERR_CONFIG with `why` as above. Blocks on the disk: before serving, or on the pool. */
MUST_USE enum err conf_check(const struct conf *conf, char *why, size_t room);

/* Where a key got its value, for messages: "segue.yaml:12", "SEGUE_LISTEN", "-l", "default".
 * `path` is a key of options.def, as "media.root". Returns out. */
const char *conf_where(const struct conf *conf, const char *path, char *out, size_t room);

/* One HOST:PORT, [IPV6]:PORT: false when it is malformed; *host borrows from text. */
bool conf_address(struct str text, struct str *host, uint16_t *port);

void conf_free(struct conf *conf); /* NULL is fine */

#endif
