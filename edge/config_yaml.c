/* A YAML document into options, one event of libyaml at a time: no tree is built, so nesting and
 * aliases of a hostile document have nothing to blow up. A key is followed only where the table has
 * options below it, so the recursion is as deep as the table, not as deep as the document.
 * Taken: mappings, scalars, and lists of addresses, prefixes, keys. Refused with the line they
 * stand on: unknown and repeated keys, keys without a value, aliases, tags, a second document, NUL
 * in a scalar. */
#include "edge/config_load.h"

#include "edge/config_keys.h"

#include "edge/base/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reader {
    struct loading *l;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    bool has_event;
    unsigned line;   /* where it starts, from 1 */
    struct str text; /* of a scalar; borrowed from the event */
    struct str yaml;
    struct buf seen; /* the paths that were there already, one a line */
};

enum { SEEN_MAX = 64 * 1024 };

static unsigned line_of_offset(struct str yaml, size_t offset)
{
    unsigned line = 1;
    for (size_t i = 0; i < yaml.n && i < offset; i++)
        line += yaml.p[i] == '\n';
    return line;
}

static enum err fail_syntax(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return why_nomem(&r->l->why);
    bool bytes = p->error == YAML_READER_ERROR; /* the mark is not set when bytes are no text */
    unsigned line =
        bytes ? line_of_offset(r->yaml, p->problem_offset) : (unsigned)p->problem_mark.line + 1;
    loading_at_line(r->l, line);
    return why_say(&r->l->why, "not YAML: %s%s%s", p->problem ? p->problem : "malformed",
                   p->context ? " " : "", p->context ? p->context : "");
}

/* Things of YAML that no option needs, each a way to say something other than one sees. */
static const char *unwanted(const yaml_event_t *e)
{
    if (e->type == YAML_ALIAS_EVENT)
        return "an alias is not taken here";
    bool tagged = (e->type == YAML_SCALAR_EVENT && e->data.scalar.tag) ||
                  (e->type == YAML_MAPPING_START_EVENT && e->data.mapping_start.tag) ||
                  (e->type == YAML_SEQUENCE_START_EVENT && e->data.sequence_start.tag);
    if (tagged)
        return "a tag is not taken here";
    if (e->type == YAML_SCALAR_EVENT && memchr(e->data.scalar.value, '\0', e->data.scalar.length))
        return "a NUL is not taken here";
    return NULL;
}

static enum err next(struct reader *r)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = false;
    r->text = (struct str){0};
    if (!yaml_parser_parse(&r->parser, &r->event))
        return fail_syntax(r);
    r->has_event = true;
    r->line = (unsigned)r->event.start_mark.line + 1;
    loading_at_line(r->l, r->line);
    const char *wrong = unwanted(&r->event);
    if (wrong)
        return why_say(&r->l->why, "%s, expected the value itself", wrong);
    if (r->event.type == YAML_SCALAR_EVENT)
        r->text =
            (struct str){(const char *)r->event.data.scalar.value, r->event.data.scalar.length};
    return ERR_NONE;
}

/* YAML 1.1 null, written plainly: a key that somebody left without a value. */
static bool is_null(const struct reader *r)
{
    bool plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return plain && (r->text.n == 0 || str_eq(r->text, STR("~")) || str_eq(r->text, STR("null")));
}

/* Keys */

static enum err refuse_key(struct reader *r, struct str section, struct str path)
{
    char quote[WHY_QUOTE_MAX];
    struct str near = option_nearest(path);
    if (near.n)
        return why_say(&r->l->why, "%s: unknown key, expected %.*s", why_quote(quote, path),
                       STR_ARG(near));
    struct buf keys;
    buf_init(&keys, CONF_WHY_MAX);
    option_list_keys(section, &keys);
    struct str list = buf_str(&keys);
    enum err e = why_say(&r->l->why, "%s: unknown key, expected one of %.*s",
                         why_quote(quote, path), STR_ARG(list));
    buf_fini(&keys);
    return e;
}

static enum err refuse_dots(struct reader *r)
{
    char quote[WHY_QUOTE_MAX];
    return why_say(&r->l->why, "%s: unknown key, expected one word a level, without dots",
                   why_quote(quote, r->text));
}

static bool was_seen(const struct reader *r, struct str path)
{
    struct str rest = buf_str(&r->seen);
    while (rest.n)
        if (str_eq(str_cut(&rest, '\n'), path))
            return true;
    return false;
}

/* Each known path once: a mapping that says two things means neither. */
static enum err note_key(struct reader *r, struct str path)
{
    char quote[WHY_QUOTE_MAX];
    if (was_seen(r, path))
        return why_say(&r->l->why, "%s: here for the second time, expected it once",
                       why_quote(quote, path));
    buf_adds(&r->seen, path);
    buf_addc(&r->seen, '\n');
    return buf_status(&r->seen) ? why_nomem(&r->l->why) : ERR_NONE;
}

/* The current scalar as the path of a key below the section; false when it is too long for any. */
static bool path_of_key(const struct reader *r, struct str section, char *out, struct str *path)
{
    size_t head = section.n ? section.n + 1 : 0;
    if (r->text.n >= OPTION_PATH_MAX - head)
        return false;
    if (section.n) {
        memcpy(out, section.p, section.n);
        out[section.n] = '.';
    }
    memcpy(out + head, r->text.p, r->text.n);
    *path = (struct str){out, head + r->text.n};
    return true;
}

/* Addresses: a scalar, {address, tls, proxy_protocol}, or a list of both */

static enum err expect_scalar(struct reader *r, const char *what)
{
    if (r->event.type == YAML_SCALAR_EVENT && !is_null(r))
        return ERR_NONE;
    return why_say(&r->l->why, "%s, expected one value", what);
}

static enum err keep_file(struct reader *r, char **file, const char *key)
{
    if (*file)
        return why_say(&r->l->why, "%s: here for the second time, expected it once", key);
    TRY(next(r));
    TRY(expect_scalar(r, key));
    if (r->text.n == 0)
        return why_say(&r->l->why, "%s: empty, expected the name of a file", key);
    *file = str_dup(r->text);
    return *file ? ERR_NONE : why_nomem(&r->l->why);
}

static enum err read_tls(struct reader *r, const struct option *o, char **certificate, char **key)
{
    unsigned line = r->line;
    TRY(next(r));
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return why_say(&r->l->why, "%s.tls: no mapping, expected {certificate: FILE, key: FILE}",
                       o->path);
    for (;;) {
        TRY(next(r));
        if (r->event.type == YAML_MAPPING_END_EVENT)
            break;
        if (str_eq(r->text, STR("certificate")))
            TRY(keep_file(r, certificate, "listen.tls.certificate"));
        else if (str_eq(r->text, STR("key")))
            TRY(keep_file(r, key, "listen.tls.key"));
        else
            return why_say(&r->l->why, "%s.tls: unknown key, expected certificate or key", o->path);
    }
    loading_at_line(r->l, line);
    if (!*certificate || !*key)
        return why_say(&r->l->why, "%s.tls: incomplete, expected both certificate and key",
                       o->path);
    return ERR_NONE;
}

static enum err read_address(struct reader *r, const struct option *o, struct conf_listens *to)
{
    size_t before = to->count;
    TRY(next(r));
    TRY(expect_scalar(r, "listen.address"));
    TRY(option_add_address(o, r->text, to, &r->l->why));
    must(to->count == before + 1);
    return ERR_NONE;
}

struct listen_keys {
    char *certificate;
    char *key;
    bool proxy_protocol, proxied; /* it was there, and what it says */
};

static enum err read_switch(struct reader *r, const struct option *o, struct listen_keys *keys)
{
    TRY(next(r));
    TRY(expect_scalar(r, "listen.proxy_protocol"));
    bool on = str_eq(r->text, STR("true")) || str_eq(r->text, STR("on"));
    if (!on && !str_eq(r->text, STR("false")) && !str_eq(r->text, STR("off")))
        return why_say(&r->l->why, "%s.proxy_protocol: no switch, expected true or false", o->path);
    keys->proxy_protocol = true;
    keys->proxied = on;
    return ERR_NONE;
}

static enum err read_listen_keys(struct reader *r, const struct option *o, struct conf_listens *to,
                                 struct listen_keys *keys)
{
    size_t before = to->count;
    unsigned line = r->line;
    for (;;) {
        TRY(next(r));
        if (r->event.type == YAML_MAPPING_END_EVENT)
            break;
        if (str_eq(r->text, STR("address")) && to->count == before)
            TRY(read_address(r, o, to));
        else if (str_eq(r->text, STR("tls")) && !keys->certificate)
            TRY(read_tls(r, o, &keys->certificate, &keys->key));
        else if (str_eq(r->text, STR("proxy_protocol")) && !keys->proxy_protocol)
            TRY(read_switch(r, o, keys));
        else
            return why_say(&r->l->why,
                           "%s: unknown or repeated key, expected address, tls or proxy_protocol",
                           o->path);
    }
    loading_at_line(r->l, line);
    if (to->count == before)
        return why_say(&r->l->why, "%s: no address, expected {address: HOST:PORT}", o->path);
    return ERR_NONE;
}

static enum err read_listen(struct reader *r, const struct option *o, struct conf_listens *to)
{
    struct listen_keys keys = {0};
    unsigned line = r->line;
    enum err e = read_listen_keys(r, o, to, &keys);
    if (e) {
        free(keys.certificate);
        free(keys.key);
        return e;
    }
    to->items[to->count - 1].tls_certificate = keys.certificate;
    to->items[to->count - 1].tls_key = keys.key;
    to->items[to->count - 1].proxy_protocol = keys.proxied;
    if (!keys.certificate)
        return ERR_NONE;
    loading_at_line(r->l, line);
    return why_say(&r->l->why, "%s.tls: this build has no TLS yet, expected an address without it",
                   o->path);
}

static enum err read_listen_item(struct reader *r, const struct option *o, struct conf_listens *to)
{
    if (r->event.type == YAML_MAPPING_START_EVENT)
        return read_listen(r, o, to);
    if (r->event.type != YAML_SCALAR_EVENT || is_null(r))
        return option_refuse(o, "no address", &r->l->why);
    return option_add_address(o, r->text, to, &r->l->why);
}

static enum err read_listen_list(struct reader *r, const struct option *o, struct conf_listens *to)
{
    unsigned line = r->line;
    if (r->event.type == YAML_MAPPING_START_EVENT)
        return read_listen(r, o, to);
    for (;;) {
        TRY(next(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        TRY(read_listen_item(r, o, to));
    }
    loading_at_line(r->l, line);
    return to->count ? ERR_NONE : option_refuse(o, "an empty list", &r->l->why);
}

static enum err set_listen_list(struct reader *r, const struct option *o)
{
    struct conf_listens read = {0};
    enum err e = read_listen_list(r, o, &read);
    if (e) {
        option_free_addresses(&read);
        return e;
    }
    struct conf_listens *field = option_addresses(o, r->l->conf);
    option_free_addresses(field);
    *field = read;
    return ERR_NONE;
}

/* Lists: of prefixes, and of keys */

static enum err read_prefixes(struct reader *r, const struct option *o)
{
    struct conf_texts *to = option_texts(o, r->l->conf);
    option_free_texts(to);
    for (;;) {
        TRY(next(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return ERR_NONE;
        TRY(expect_scalar(r, o->path));
        TRY(option_add_prefix(o, r->text, to, &r->l->why));
    }
}

/* One field of a key: a scalar, or a list of them. */
static enum err read_key_field(struct reader *r, struct conf_key *k)
{
    char name[OPTION_PATH_MAX];
    struct why *why = &r->l->why;
    TRY(expect_scalar(r, "sign.keys"));
    size_t n = r->text.n < sizeof name ? r->text.n : sizeof name;
    if (n)
        memcpy(name, r->text.p, n);
    struct str field = {name, n};
    TRY(next(r));
    if (r->event.type != YAML_SEQUENCE_START_EVENT) {
        TRY(expect_scalar(r, "sign.keys"));
        return conf_key_set(k, field, r->text, why);
    }
    for (;;) {
        TRY(next(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return ERR_NONE;
        TRY(expect_scalar(r, "sign.keys"));
        TRY(conf_key_add(k, field, r->text, why));
    }
}

static enum err read_keys(struct reader *r, const struct option *o)
{
    struct conf_key *k;
    for (;;) {
        TRY(next(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return ERR_NONE;
        if (r->event.type != YAML_MAPPING_START_EVENT)
            return option_refuse(o, "no mapping", &r->l->why);
        unsigned line = r->line;
        TRY(conf_keys_more(&r->l->conf->sign.keys, &k, &r->l->why));
        for (;;) {
            TRY(next(r));
            if (r->event.type == YAML_MAPPING_END_EVENT)
                break;
            TRY(read_key_field(r, k));
        }
        loading_at_line(r->l, line);
        TRY(conf_key_check(&r->l->conf->sign.keys, k, &r->l->why));
    }
}

/* {rate: 100/s, burst: 200} or {rate: 1.5x, after: 30s}, as the text that a variable would have */
static enum err read_rate(struct reader *r, const struct option *o)
{
    char rate[32] = "", second[32] = "", text[72];
    struct str name = o->type == OPTION_RATE ? STR("burst") : STR("after");
    for (;;) {
        TRY(next(r));
        if (r->event.type == YAML_MAPPING_END_EVENT)
            break;
        char *to = str_eq(r->text, STR("rate")) ? rate : str_eq(r->text, name) ? second : 0;
        if (!to || *to)
            return option_refuse(o, "an unknown or repeated key", &r->l->why);
        TRY(next(r));
        TRY(expect_scalar(r, o->path));
        if (!r->text.n || r->text.n >= sizeof rate)
            return option_refuse(o, "too long, or empty", &r->l->why);
        memcpy(to, r->text.p, r->text.n);
        to[r->text.n] = '\0';
    }
    snprintf(text, sizeof text, "%s,%s", rate, second);
    return option_set(o, str_of(text), r->l->conf, &r->l->why);
}

/* Values */

/* As the text that a variable would have. */
static enum err read_texts(struct reader *r, const struct option *o)
{
    struct buf text;
    enum err e = ERR_NONE;
    buf_init(&text, BUF_MAX_CONFIG);
    while (!e) {
        e = next(r);
        if (e || r->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        e = expect_scalar(r, o->path);
        if (!e && (!r->text.n || str_find(r->text, ',') < r->text.n))
            e = option_refuse(o, "an item that is empty or has a comma", &r->l->why);
        buf_adds(&text, text.len ? STR(",") : STR(""));
        buf_adds(&text, r->text);
    }
    if (!e)
        e = option_set(o, buf_str(&text), r->l->conf, &r->l->why);
    buf_fini(&text);
    return e;
}

static enum err read_list(struct reader *r, const struct option *o)
{
    if (o->type == OPTION_TEXTS)
        return read_texts(r, o);
    if (o->type == OPTION_PREFIXES)
        return read_prefixes(r, o);
    if (o->type == OPTION_KEYS)
        return read_keys(r, o);
    return o->type == OPTION_ADDRESSES ? set_listen_list(r, o)
                                       : option_refuse(o, "a list", &r->l->why);
}

static enum err read_value(struct reader *r, const struct option *o)
{
    struct why *why = &r->l->why;
    loading_from_line(r->l, o, r->line);
    TRY(next(r));
    switch (r->event.type) {
    case YAML_SCALAR_EVENT:
        if (is_null(r) && !o->later)
            return option_refuse(o, "no value", why);
        return option_set(o, is_null(r) ? STR("") : r->text, r->l->conf, why);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(r, o);
    default:
        if (o->type == OPTION_RATE || o->type == OPTION_BANDWIDTH)
            return read_rate(r, o);
        return o->type == OPTION_ADDRESSES ? set_listen_list(r, o)
                                           : option_refuse(o, "a mapping", why);
    }
}

static enum err read_section(struct reader *r, struct str section);

static enum err read_below(struct reader *r, struct str section)
{
    TRY(next(r));
    if (r->event.type == YAML_SCALAR_EVENT && is_null(r))
        return ERR_NONE; /* a section whose keys are all commented out */
    if (r->event.type == YAML_MAPPING_START_EVENT)
        return read_section(r, section);
    struct buf keys;
    buf_init(&keys, CONF_WHY_MAX);
    option_list_keys(section, &keys);
    struct str list = buf_str(&keys);
    enum err e = why_say(&r->l->why, "%.*s: no mapping, expected %.*s below it", STR_ARG(section),
                         STR_ARG(list));
    buf_fini(&keys);
    return e;
}

static enum err read_key(struct reader *r, struct str section)
{
    char text[OPTION_PATH_MAX];
    struct str path = {0};
    if (r->event.type != YAML_SCALAR_EVENT)
        return why_say(&r->l->why, "a key that is no word, expected the name of an option");
    if (!path_of_key(r, section, text, &path))
        return refuse_key(r, section, r->text);
    if (str_find(r->text, '.') < r->text.n)
        return refuse_dots(r);
    const struct option *o = option_find(path);
    if (!o && !option_is_section(path))
        return refuse_key(r, section, path);
    TRY(note_key(r, path));
    return o ? read_value(r, o) : read_below(r, path);
}

/* From the event after the mapping's start to its end. */
static enum err read_section(struct reader *r, struct str section)
{
    for (;;) {
        TRY(next(r));
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return ERR_NONE;
        TRY(read_key(r, section));
    }
}

static enum err read_document(struct reader *r)
{
    TRY(next(r)); /* the stream's start */
    TRY(next(r));
    if (r->event.type == YAML_STREAM_END_EVENT)
        return ERR_NONE; /* an empty file: every default */
    TRY(next(r));
    if (r->event.type == YAML_MAPPING_START_EVENT)
        TRY(read_section(r, (struct str){0}));
    else if (r->event.type != YAML_SCALAR_EVENT || !is_null(r))
        return why_say(&r->l->why, "no mapping, expected KEY: VALUE lines");
    TRY(next(r)); /* the document's end */
    TRY(next(r));
    if (r->event.type != YAML_STREAM_END_EVENT)
        return why_say(&r->l->why, "a second document, expected one");
    return ERR_NONE;
}

enum err config_yaml(struct loading *l, struct str yaml)
{
    struct reader r = {.l = l, .yaml = yaml};
    if (!yaml_parser_initialize(&r.parser))
        return why_nomem(&l->why);
    buf_init(&r.seen, SEEN_MAX);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(yaml.p ? yaml.p : ""), yaml.n);
    enum err e = read_document(&r);
    if (r.has_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    buf_fini(&r.seen);
    return e;
}
