/* The secret comes from the configuration or from a file of its own, without the line feed that
 * editors leave there. Of it only what HKDF makes goes into the recipe's number, which is public.
 */
#include "edge/recipe.h"

#include "edge/base/hash.h"

#include <stdio.h>
#include <string.h>

/* Counted up with each change of the bytes that segments are written in: those of a URL are for
 * ever. What libavcodec encodes is named by its version (Makefile). */
#define WRITERS "2"

static enum err read_secret(const char *name, char *to, size_t *n)
{
    FILE *file = fopen(name, "re");
    if (!file)
        return ERR_CONFIG;
    *n = fread(to, 1, CRYPT_SECRET_MAX, file);
    bool whole = !ferror(file) && *n < CRYPT_SECRET_MAX;
    fclose(file);
    while (*n && (to[*n - 1] == '\n' || to[*n - 1] == '\r'))
        --*n;
    return whole && *n >= CRYPT_SECRET_MIN ? ERR_NONE : ERR_CONFIG;
}

static enum err take_secret(struct recipe *r, const struct conf_hls *c)
{
    size_t n = strlen(c->encryption_secret);
    if (n)
        memcpy(r->secret, c->encryption_secret, n); /* options.def keeps it below the ceiling */
    else
        TRY(read_secret(c->encryption_secret_file, r->secret, &n));
    r->make.secret = (struct str){r->secret, n};
    return ERR_NONE;
}

static enum err number_of(struct recipe *r, const struct conf_hls *c)
{
    unsigned char key[CRYPT_KEY] = {0};
    uint32_t plain = c->segment_duration_ms | (c->fast_start ? 1u << 16 : 0);
    uint64_t parts[2] = {plain, hash_stable(STR(WRITERS " " SEGUE_ENCODER)).low};
    r->number = (uint32_t)hash_stable((struct str){(const char *)parts, sizeof parts}).low;
    if (r->make.secret.n == 0)
        return ERR_NONE;
    TRY(crypt_key(r->make.secret, STR("recipe"), 0, key));
    uint64_t mark = hash_stable((struct str){(const char *)key, sizeof key}).low;
    r->number ^= (uint32_t)mark | 1;
    return ERR_NONE;
}

enum err recipe_init(struct recipe *r, const struct conf *conf)
{
    const struct conf_hls *c = &conf->hls;
    *r = (struct recipe){.make = {.segment_ms = c->segment_duration_ms,
                                  .fast_start = c->fast_start == CONF_ON,
                                  .container = c->container,
                                  .audio_prefix = str_of(conf->media.audio_prefix),
                                  .hls_prefix = str_of(conf->media.hls_prefix)}};
    if (c->encryption == CONF_AES_128)
        TRY(take_secret(r, c));
    return number_of(r, c);
}
