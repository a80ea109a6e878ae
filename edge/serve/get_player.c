/* /player/: the page and its parts, which are in the program; the list of tracks beside them. */
#include "edge/serve/assets.h"
#include "edge/serve/route.h"

#include <stdlib.h>
#include <string.h>

/* The page loads nothing from anywhere else; hls.js plays from blobs. */
#define POLICY                                                                           \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; " \
    "img-src 'self'; connect-src 'self'; media-src 'self' blob:; base-uri 'none'; "      \
    "form-action 'none'\r\n"

static struct object *asset_object(const struct asset *a)
{
    struct key key = key_make(OBJECT_REPLY, str_of(a->path), 0, CONTAINER_COUNT, 0);
    unsigned char *bytes = malloc(a->size + 1);
    if (!bytes)
        return NULL;
    memcpy(bytes, a->bytes, a->size);
    struct object *o = object_of_bytes(&key, bytes, a->size);
    if (!o)
        return NULL;
    object_set_etag(o, hash_stable((struct str){(const char *)o->body, o->body_len}));
    if (object_describe(o, a->type, "no-cache")) {
        object_unref(o);
        return NULL;
    }
    return o;
}

enum step get_player(struct exchange *x, struct str rest)
{
    struct str name = rest.n ? rest : STR("index.html");
    x->reply.extra = STR(POLICY);
    for (size_t i = 0; i < player_asset_count; i++)
        if (str_eq(name, str_of(player_assets[i].path)))
            return exchange_give(x, 200, asset_object(&player_assets[i]));
    return exchange_fail(x, ERR_NOT_FOUND,
                         player_asset_count ? STR("the player has no such part")
                                            : STR("this build has no player (NO_UI=1)"));
}

/* "/" and "/player": where a person who types the address means to go. */
enum step get_home(struct exchange *x, struct str rest)
{
    if (!player_asset_count)
        return get_player(x, rest);
    return exchange_fail_status(x, 308, STR("the player is at /player/"),
                                STR("Location: /player/\r\n"));
}

enum step get_library(struct exchange *x, struct str rest)
{
    (void)rest;
    x->wish.kind = WISH_LIBRARY;
    x->asks = true;
    return STEP_ON;
}
