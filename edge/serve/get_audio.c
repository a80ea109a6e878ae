/* /audio/PATH: the bytes of a file. /ping: a word. */
#include "edge/serve/route.h"

/* `rest` follows a prefix that ends with '/', which is the first byte of the path in the tree. */
enum step get_audio(struct exchange *x, struct str rest)
{
    x->wish.kind = WISH_FILE;
    x->wish.track = (struct str){rest.p - 1, rest.n + 1};
    x->asks = true;
    return STEP_ON;
}

enum step get_ping(struct exchange *x, struct str rest)
{
    struct key key = key_make(OBJECT_REPLY, STR("/ping"), 0, CONTAINER_COUNT, 0);
    struct object *o = object_of_bytes(&key, (unsigned char *)str_dup(STR("pong\n")), 5);
    (void)rest;
    if (o && (!o->body || object_describe(o, "text/plain; charset=utf-8", "no-store"))) {
        object_unref(o);
        o = NULL;
    }
    return exchange_give(x, 200, o);
}
