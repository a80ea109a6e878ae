/* Keys of the configuration. A secret passes through here on its way into the keyring and is wiped
 * where it was; messages name the key, never what is in it. */
#include "edge/config_keys.h"

#include "edge/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS "id, secret, secret_file, style, prefixes, max_expires, name, salt or algorithm"

bool conf_style(struct str name, enum scheme *out)
{
    static const char *const names[SCHEME_COUNT] = {
        [SCHEME_SEGUE] = "segue",
        [SCHEME_S3] = "s3",
        [SCHEME_CLOUDFRONT] = "cloudfront",
        [SCHEME_AKAMAI] = "akamai",
        [SCHEME_SECURE_LINK] = "secure_link",
    };
    for (unsigned i = 0; i < SCHEME_COUNT; i++)
        if (str_eq(name, str_of(names[i]))) {
            *out = (enum scheme)i;
            return true;
        }
    return false;
}

enum err conf_keys_more(struct conf_keys *keys, struct conf_key **out, struct why *why)
{
    if (keys->count == KEYRING_MAX)
        return why_say(why, "sign.keys: too many, expected at most %d", KEYRING_MAX);
    struct conf_key *more = realloc(keys->items, (keys->count + 1) * sizeof *more);
    if (!more)
        return why_nomem(why);
    keys->items = more;
    *out = &more[keys->count++];
    **out = (struct conf_key){.id = NULL};
    return ERR_NONE;
}

static enum err set_text(char **to, struct str field, struct str value, struct why *why)
{
    if (*to)
        return why_say(why, "sign.keys: %.*s is here for the second time, expected it once",
                       STR_ARG(field));
    if (!value.n || memchr(value.p, '\0', value.n))
        return why_say(why, "sign.keys: %.*s is empty, expected a value", STR_ARG(field));
    *to = str_dup(value);
    return *to ? ERR_NONE : why_nomem(why);
}

static enum err set_style(struct conf_key *k, struct str value, struct why *why)
{
    char quote[WHY_QUOTE_MAX];
    if (k->styled || !conf_style(value, &k->style))
        return why_say(why,
                       "sign.keys: style \"%s\" is not known, expected segue, s3, cloudfront, "
                       "akamai or secure_link, once",
                       why_quote(quote, value));
    k->styled = true;
    return ERR_NONE;
}

enum err conf_key_set(struct conf_key *k, struct str field, struct str value, struct why *why)
{
    char quote[WHY_QUOTE_MAX];
    const struct {
        struct str name;
        char **to;
    } texts[] = {
        {STR("id"), &k->id},     {STR("secret"), &k->secret}, {STR("secret_file"), &k->secret_file},
        {STR("name"), &k->name}, {STR("salt"), &k->salt},     {STR("algorithm"), &k->algorithm}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (str_eq(field, texts[i].name))
            return set_text(texts[i].to, field, value, why);
    if (str_eq(field, STR("style")))
        return set_style(k, value, why);
    if (!str_eq(field, STR("max_expires")))
        return why_say(why, "sign.keys: unknown key \"%s\", expected " FIELDS,
                       why_quote(quote, field));
    if (k->max_expires_ms || !option_duration(value, &k->max_expires_ms) ||
        k->max_expires_ms < 1000 || k->max_expires_ms > INT64_MAX / 2)
        return why_say(why, "sign.keys: max_expires is no duration, expected one as 1h, once");
    return ERR_NONE;
}

enum err conf_key_add(struct conf_key *k, struct str field, struct str value, struct why *why)
{
    char quote[WHY_QUOTE_MAX];
    if (!str_eq(field, STR("prefixes")))
        return why_say(why, "sign.keys: \"%s\" has a list, expected one value",
                       why_quote(quote, field));
    if (option_wrong_prefix(value) || k->prefixes.count == KEY_PREFIXES)
        return why_say(why,
                       "sign.keys: \"%s\" is no prefix, expected at most %d paths that begin and "
                       "end with /",
                       why_quote(quote, value), KEY_PREFIXES);
    char **more = realloc(k->prefixes.items, (k->prefixes.count + 1) * sizeof *more);
    if (!more)
        return why_nomem(why);
    k->prefixes.items = more;
    more[k->prefixes.count] = str_dup(value);
    return more[k->prefixes.count++] ? ERR_NONE : why_nomem(why);
}

enum err conf_key_check(const struct conf_keys *keys, const struct conf_key *k, struct why *why)
{
    char quote[WHY_QUOTE_MAX];
    if (!k->id)
        return why_say(why, "sign.keys: a key without id, expected {id, secret or secret_file, "
                            "style}");
    why_quote(quote, str_of(k->id));
    if (!k->secret == !k->secret_file)
        return why_say(why, "sign.keys: key \"%s\", expected either secret or secret_file", quote);
    for (size_t i = 0; i + 1 < keys->count; i++)
        if (strcmp(keys->items[i].id, k->id) == 0)
            return why_say(why, "sign.keys: key \"%s\" is there twice, expected it once", quote);
    return ERR_NONE;
}

static void free_secret(char *text)
{
    if (text)
        crypto_wipe(text, strlen(text));
    free(text);
}

void conf_keys_free(struct conf_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct conf_key *k = &keys->items[i];
        free_secret(k->secret);
        free(k->id);
        free(k->secret_file);
        free(k->name);
        free_secret(k->salt);
        free(k->algorithm);
        option_free_texts(&k->prefixes);
    }
    free(keys->items);
    *keys = (struct conf_keys){NULL, 0};
}

/* ---- the keyring ---- */

struct reading {
    struct key_spec specs[KEYRING_MAX];
    struct str prefixes[KEYRING_MAX][KEY_PREFIXES];
    char secrets[KEYRING_MAX][PUBKEY_PEM_MAX + 2]; /* of files */
};

/* Unbuffered, so that no buffer of the C library keeps a copy. The last line feed is no secret. */
static enum err read_secret(const struct conf_key *k, char *room, size_t size, struct str *out,
                            struct why *why)
{
    FILE *file = fopen(k->secret_file, "re");
    if (!file)
        return why_say(why, "sign.keys: key \"%s\": the secret's file cannot be opened (%s)", k->id,
                       strerror(errno));
    setvbuf(file, NULL, _IONBF, 0);
    size_t n = fread(room, 1, size, file);
    bool whole = n < size && !ferror(file);
    fclose(file);
    if (!whole)
        return why_say(why,
                       "sign.keys: key \"%s\": the secret's file cannot be read or is over %d "
                       "bytes",
                       k->id, (int)size - 1);
    if (n && room[n - 1] == '\n')
        n--;
    *out = (struct str){room, n};
    return ERR_NONE;
}

static enum err read_keys(const struct conf *conf, struct reading *r, struct why *why)
{
    for (size_t i = 0; i < conf->sign.keys.count; i++) {
        const struct conf_key *k = &conf->sign.keys.items[i];
        struct str secret = str_of(k->secret);
        if (k->secret_file)
            TRY(read_secret(k, r->secrets[i], sizeof r->secrets[i], &secret, why));
        for (size_t j = 0; j < k->prefixes.count; j++)
            r->prefixes[i][j] = str_of(k->prefixes.items[j]);
        r->specs[i] = (struct key_spec){
            .id = str_of(k->id),
            .scheme = k->style,
            .secret = secret,
            .name = str_of(k->name),
            .salt = str_of(k->salt),
            .algorithm = str_of(k->algorithm),
            .prefixes = r->prefixes[i],
            .prefix_count = k->prefixes.count,
            .longest = (int64_t)(k->max_expires_ms / 1000),
        };
    }
    return ERR_NONE;
}

enum err conf_keys_open(const struct conf *conf, struct keyring **out, struct why *why)
{
    size_t which;
    const char *wrong;
    *out = NULL;
    if (!conf->sign.keys.count)
        return ERR_NONE;
    struct reading *r = calloc(1, sizeof *r);
    if (!r)
        return why_nomem(why);
    enum err e = read_keys(conf, r, why);
    if (!e) {
        e = keyring_new(r->specs, conf->sign.keys.count, out, &which, &wrong);
        if (e == ERR_NOMEM)
            e = why_nomem(why);
        else if (e)
            e = why_say(why, "sign.keys: key \"%s\": %s", conf->sign.keys.items[which].id, wrong);
    }
    crypto_wipe(r, sizeof *r);
    free(r);
    return e;
}
