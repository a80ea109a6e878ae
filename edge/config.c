/* Loading a configuration: defaults from the table, then the file, the environment, the arguments;
 * then what no single value can tell. The struct conf is built aside and given out whole or not at
 * all. */
#include "edge/config.h"

#include "edge/config_keys.h"
#include "edge/config_load.h"

#include "edge/base/must.h"
#include "edge/base/scan.h"
#include "edge/store/redis_url.h"
#include "segments/crypt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Addresses */

static bool is_ip(int family, struct str host)
{
    char text[INET6_ADDRSTRLEN + 1];
    unsigned char address[sizeof(struct in6_addr)];
    if (host.n == 0 || host.n >= sizeof text)
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    return inet_pton(family, text, address) == 1;
}

/* RFC 1123 2.1: letters, digits, hyphens and dots; what has digits and dots only is an address. */
static bool is_name(struct str host)
{
    bool letter = false;
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
        if (!alpha && c != '.' && (c < '0' || c > '9'))
            return false;
        letter = letter || alpha;
    }
    return letter && host.n <= 253;
}

bool conf_address(struct str text, struct str *host, uint16_t *port)
{
    uint64_t number;
    size_t colon = str_rfind(text, ':');
    struct str before = str_slice(text, 0, colon);
    struct str after = str_from(text, colon + 1);
    if (colon == text.n || after.n > 5 || !scan_u64(&after, &number) || after.n ||
        number > UINT16_MAX)
        return false;
    bool bracketed = str_starts(before, STR("[")) && str_ends(before, STR("]"));
    if (bracketed)
        before = str_slice(before, 1, before.n - 1);
    if (bracketed ? !is_ip(AF_INET6, before) : !is_ip(AF_INET, before) && !is_name(before))
        return false;
    *host = before;
    *port = (uint16_t)number;
    return true;
}

/* Places */

static struct place *place_of(struct loading *l, const struct option *o)
{
    return &l->conf->places->at[option_number(o)];
}

void loading_at_line(struct loading *l, unsigned line)
{
    why_at(&l->why, "%s:%u: ", l->name, line);
}

void loading_from_line(struct loading *l, const struct option *o, unsigned line)
{
    *place_of(l, o) = (struct place){.kind = PLACE_FILE, .line = line};
}

const char *conf_where(const struct conf *conf, const char *path, char *out, size_t room)
{
    char name[OPTION_PATH_MAX];
    const struct option *o = option_find(str_of(path));
    must(o);
    const struct place *p = &conf->places->at[option_number(o)];
    switch (p->kind) {
    case PLACE_FILE:
        snprintf(out, room, "%s:%u", conf->places->file, p->line);
        break;
    case PLACE_ENVIRONMENT:
        snprintf(out, room, "%s", option_environment(o, name));
        break;
    case PLACE_ARGUMENT:
        snprintf(out, room, "%s", p->argument);
        break;
    case PLACE_DEFAULT:
        snprintf(out, room, "default");
        break;
    }
    return out;
}

static void why_at_option(struct why *why, const struct conf *conf, const char *path)
{
    char where[BUF_MAX_PATH];
    why_at(why, "%s: ", conf_where(conf, path, where, sizeof where));
}

/* The four sources */

static enum err set_defaults(struct loading *l)
{
    l->conf->places =
        calloc(1, sizeof *l->conf->places + option_count() * sizeof *l->conf->places->at);
    if (!l->conf->places)
        return why_nomem(&l->why);
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        TRY(option_set(o, str_of(o->standard), l->conf, &l->why));
    }
    return ERR_NONE;
}

static enum err set_yaml(struct loading *l, struct str yaml)
{
    l->conf->places->file = str_dup(str_of(l->name));
    if (!l->conf->places->file)
        return why_nomem(&l->why);
    loading_at_line(l, 1);
    if (yaml.n > BUF_MAX_CONFIG)
        return why_say(&l->why, "too large, expected at most %d bytes", BUF_MAX_CONFIG);
    return config_yaml(l, yaml);
}

/* A pipe is a file too: sizes are not asked for, the bytes are read until they end. */
static enum err read_all(FILE *file, struct buf *out)
{
    for (;;) {
        unsigned char *at = buf_reserve(out, BUFSIZ);
        if (!at)
            return buf_status(out);
        size_t n = fread(at, 1, BUFSIZ, file);
        buf_wrote(out, n);
        if (n == 0)
            return ferror(file) ? ERR_IO : ERR_NONE;
    }
}

static enum err set_file(struct loading *l)
{
    loading_at_line(l, 1);
    FILE *file = fopen(l->name, "re");
    if (!file)
        return why_say(&l->why, "cannot be opened (%s), expected a YAML file", strerror(errno));
    struct buf yaml;
    buf_init(&yaml, BUF_MAX_CONFIG + 2 * BUFSIZ); /* set_yaml says what is too much */
    enum err e = read_all(file, &yaml);
    int saved = errno;
    fclose(file);
    if (e == ERR_NOMEM)
        e = why_nomem(&l->why);
    else if (e == ERR_IO)
        e = why_say(&l->why, "cannot be read (%s), expected a YAML file", strerror(saved));
    else
        e = set_yaml(l, buf_str(&yaml));
    if (yaml.data)
        crypto_wipe(yaml.data, yaml.len); /* there may be secrets in it */
    buf_fini(&yaml);
    return e;
}

static const struct option *option_of_variable(struct str name)
{
    char text[OPTION_PATH_MAX];
    for (size_t i = 0; i < option_count(); i++)
        if (str_eq(str_of(option_environment(option_at(i), text)), name))
            return option_at(i);
    return NULL;
}

static void warn_of_variable(struct str name)
{
    char quote[WHY_QUOTE_MAX], meant[OPTION_PATH_MAX];
    const struct option *near = option_nearest_variable(name);
    if (near)
        log_write(LOG_WARN, "%s: unknown variable, ignored; expected %s", why_quote(quote, name),
                  option_environment(near, meant));
}

/* An empty variable is as good as none: that is how compose files hand on what was not set. */
static enum err set_variable(struct loading *l, struct str variable)
{
    if (!str_starts(variable, STR("SEGUE_")))
        return ERR_NONE;
    struct str value = variable;
    struct str name = str_cut(&value, '=');
    const struct option *o = option_of_variable(name);
    if (!o)
        warn_of_variable(name);
    if (!o || value.n == 0)
        return ERR_NONE;
    why_at(&l->why, "%.*s: ", STR_ARG(name));
    *place_of(l, o) = (struct place){.kind = PLACE_ENVIRONMENT};
    return option_set(o, value, l->conf, &l->why);
}

static enum err set_argument(struct loading *l, const char *argument, const char *path,
                             const char *value)
{
    if (!value)
        return ERR_NONE;
    const struct option *o = option_find(str_of(path));
    must(o);
    why_at(&l->why, "%s: ", argument);
    *place_of(l, o) = (struct place){.kind = PLACE_ARGUMENT, .argument = argument};
    return option_set(o, str_of(value), l->conf, &l->why);
}

/* What no single value can tell */

static enum err cross_check_admin(const struct conf *conf, struct why *why)
{
    for (size_t i = 0; conf->admin.count && i < conf->listen.count; i++) {
        const struct conf_listen *l = &conf->listen.items[i];
        const struct conf_listen *admin = &conf->admin.items[0];
        bool same = l->port == admin->port && str_ieq(str_of(l->host), str_of(admin->host));
        if (!same || l->port == 0)
            continue;
        why_at_option(why, conf, "admin");
        return why_say(why, "admin: \"%s\" is in listen too, expected another address",
                       admin->address);
    }
    return ERR_NONE;
}

/* The URL itself is not repeated: it may hold a password. */
static enum err check_redis(const struct conf *conf, struct why *why)
{
    struct redis_url url;
    const char *expected;
    if (!conf->cache.redis.url[0])
        return ERR_NONE;
    why_at_option(why, conf, "cache.redis.url");
    if (redis_url_parse(str_of(conf->cache.redis.url), &url, &expected))
        return why_say(why, "cache.redis.url: not understood, expected %s", expected);
    return ERR_NONE;
}

/* The secret itself is not repeated. */
static enum err check_encryption(const struct conf *conf, struct why *why)
{
    size_t secret = strlen(conf->hls.encryption_secret);
    bool file = conf->hls.encryption_secret_file[0];
    if (conf->hls.encryption == CONF_PLAIN)
        return ERR_NONE;
    why_at_option(why, conf, "hls.encryption");
    if ((secret > 0) == file)
        return why_say(why,
                       "hls.encryption: %s, expected hls.encryption_secret or "
                       "hls.encryption_secret_file",
                       file ? "both secrets" : "no secret");
    why_at_option(why, conf, "hls.encryption_secret");
    if (secret > 0 && secret < CRYPT_SECRET_MIN)
        return why_say(why, "hls.encryption_secret: %zu characters, expected at least %d", secret,
                       (int)CRYPT_SECRET_MIN);
    return ERR_NONE;
}

static enum err check_proxies(const struct conf *conf, struct why *why)
{
    struct str rest = str_of(conf->http.trusted_proxies);
    uint8_t network[16];
    unsigned bits;
    char quote[WHY_QUOTE_MAX];
    why_at_option(why, conf, "http.trusted_proxies");
    while (rest.n) {
        struct str part = str_trim(str_cut(&rest, ','));
        if (!policy_network(part, network, &bits))
            return why_say(why,
                           "http.trusted_proxies: \"%s\" is no network, expected one as "
                           "10.0.0.0/8",
                           why_quote(quote, part));
    }
    return ERR_NONE;
}

/* Who is not trusted may not say for whom a connection is: nobody could use that address. */
static enum err check_listen(const struct conf *conf, struct why *why)
{
    for (size_t i = 0; i < conf->listen.count; i++)
        if (conf->listen.items[i].proxy_protocol && !*conf->http.trusted_proxies) {
            why_at_option(why, conf, "listen");
            return why_say(why,
                           "listen: \"%s\" has proxy_protocol and no proxy is trusted, "
                           "expected http.trusted_proxies as well",
                           conf->listen.items[i].address);
        }
    return ERR_NONE;
}

static enum err cross_check(const struct conf *conf, struct why *why)
{
    if (strcmp(conf->media.audio_prefix, conf->media.hls_prefix) == 0) {
        why_at_option(why, conf, "media.hls_prefix");
        return why_say(why, "media.hls_prefix: \"%s\" is media.audio_prefix too, expected another",
                       conf->media.hls_prefix);
    }
    if (conf->cache.memory.size && conf->cache.memory.max_object > conf->cache.memory.size) {
        why_at_option(why, conf, "cache.memory.max_object");
        return why_say(why,
                       "cache.memory.max_object: %llu bytes are too large, expected at most "
                       "cache.memory.size, %llu",
                       (unsigned long long)conf->cache.memory.max_object,
                       (unsigned long long)conf->cache.memory.size);
    }
    if (conf->sign.protect.count && !conf->sign.keys.count) {
        why_at_option(why, conf, "sign.protect");
        return why_say(why, "sign.protect: nothing could be opened, expected sign.keys as well");
    }
    TRY(check_proxies(conf, why));
    TRY(check_listen(conf, why));
    TRY(check_redis(conf, why));
    TRY(check_encryption(conf, why));
    return cross_check_admin(conf, why);
}

/* Loading */

static enum err load_into(struct loading *l, const struct conf_source *from, struct str yaml)
{
    TRY(set_defaults(l));
    l->conf->places->source = *from;
    if (from->path)
        TRY(set_file(l));
    else if (l->name)
        TRY(set_yaml(l, yaml));
    for (char *const *v = from->environment; v && *v; v++)
        TRY(set_variable(l, str_of(*v)));
    TRY(set_argument(l, "-l", "listen", from->listen));
    TRY(set_argument(l, "-r", "media.root", from->root));
    return cross_check(l->conf, &l->why);
}

static enum err load(struct loading *l, const struct conf_source *from, struct str yaml,
                     struct conf **out)
{
    *out = NULL;
    l->conf = calloc(1, sizeof *l->conf);
    if (!l->conf)
        return why_nomem(&l->why);
    enum err e = load_into(l, from, yaml);
    if (e)
        conf_free(l->conf);
    else
        *out = l->conf;
    return e;
}

enum err conf_load(const struct conf_source *from, struct conf **out, char *why, size_t room)
{
    struct loading l = {.name = from->path};
    why_init(&l.why, why, room);
    return load(&l, from, (struct str){0}, out);
}

enum err conf_reload(const struct conf *old, struct conf **out, char *why, size_t room)
{
    return conf_load(&old->places->source, out, why, room);
}

enum err conf_parse(struct str yaml, const char *name, struct conf **out, char *why, size_t room)
{
    struct conf_source none = {0};
    struct loading l = {.name = name};
    must(name);
    why_init(&l.why, why, room);
    return load(&l, &none, yaml, out);
}

/* The file system's part */

static enum err check_directory(const struct conf *conf, const char *path, const char *name,
                                struct why *why)
{
    struct stat st;
    char quote[WHY_QUOTE_MAX];
    why_at_option(why, conf, path);
    why_quote(quote, str_of(name));
    if (stat(name, &st))
        return why_say(why, "%s: \"%s\" cannot be reached (%s), expected a directory", path, quote,
                       strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return why_say(why, "%s: \"%s\" is no directory, expected one", path, quote);
    return ERR_NONE;
}

/* The log file itself is made when it is missing; the directory that it goes to is not. */
static enum err check_log(const struct conf *conf, struct why *why)
{
    struct stat st;
    char directory[BUF_MAX_PATH];
    struct str name = str_of(conf->log.access);
    if (str_eq(name, STR("off")) || str_eq(name, STR("stdout")))
        return ERR_NONE;
    if (stat(conf->log.access, &st) == 0 && S_ISDIR(st.st_mode)) {
        why_at_option(why, conf, "log.access");
        return why_say(why, "log.access: a directory, expected the name of a file");
    }
    size_t slash = str_rfind(name, '/');
    struct str parent = slash == name.n ? STR(".") : str_slice(name, 0, slash ? slash : 1);
    snprintf(directory, sizeof directory, "%.*s", STR_ARG(parent));
    return check_directory(conf, "log.access", directory, why);
}

static enum err check_keys(const struct conf *conf, struct why *why)
{
    struct keyring *keys = NULL;
    why_at_option(why, conf, "sign.keys");
    TRY(conf_keys_open(conf, &keys, why));
    keyring_unref(keys);
    return ERR_NONE;
}

enum err conf_check(const struct conf *conf, char *text, size_t room)
{
    struct why why;
    why_init(&why, text, room);
    TRY(check_directory(conf, "media.root", conf->media.root, &why));
    TRY(check_keys(conf, &why));
    return check_log(conf, &why);
}

void conf_free(struct conf *conf)
{
    if (!conf)
        return;
    option_free_fields(conf);
    if (conf->places)
        free(conf->places->file);
    free(conf->places);
    free(conf);
}
