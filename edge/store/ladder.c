/* The multivariant playlist of a folder: each of its files is found and indexed, one after the
 * other, by the same steps that a single track goes through; what cannot be used is left out. The
 * playlist is kept under the versions of all that it speaks of. */
#include "edge/store/ladder.h"

#include "edge/store/steps.h"

#include <stdlib.h>
#include <string.h>

/* The files of a folder of renditions, as far as they have been found. */
struct ladder {
    size_t at;
    size_t count;           /* renditions that can be used */
    struct object *source;  /* of the one at hand */
    struct object *failure; /* of the last one that cannot be used */
    struct object *sources[OBJECT_NAMES];
    struct object *indexes[OBJECT_NAMES];
    struct hash128 versions;
    char path[BUF_MAX_PATH];
};

static bool step_ladder(struct wish *w);

void ladder_free(struct ladder *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->count; i++) {
        object_unref(l->sources[i]);
        object_unref(l->indexes[i]);
    }
    object_unref(l->source);
    object_unref(l->failure);
    free(l);
}

static void ladder_refuse(struct ladder *l, struct object *failure)
{
    object_unref(l->failure);
    l->failure = failure;
    object_unref(l->source);
    l->source = NULL;
    l->at++;
}

static bool step_ladder_index(struct wish *w)
{
    struct ladder *l = w->ladder;
    struct object *index = NULL;
    bool waits;
    if (!wish_find_index(w, l->source, &index, &waits))
        return !waits;
    w->step = step_ladder;
    if (index->failure) {
        ladder_refuse(l, index);
        return true;
    }
    uint64_t mix[2] = {l->versions.high, l->source->source->version};
    l->versions = hash_stable((struct str){(const char *)mix, sizeof mix});
    l->sources[l->count] = l->source;
    l->indexes[l->count++] = index;
    l->source = NULL;
    l->at++;
    return true;
}

static struct str ladder_path(struct wish *w)
{
    struct ladder *l = w->ladder;
    struct str name = str_of(w->source->source->names[l->at]);
    struct str track = w->track;
    if (track.n + 1 + name.n > sizeof l->path)
        return (struct str){NULL, 0};
    memcpy(l->path, track.p, track.n);
    size_t n = track.n;
    if (n == 0 || l->path[n - 1] != '/')
        l->path[n++] = '/';
    memcpy(l->path + n, name.p, name.n);
    return (struct str){l->path, n + name.n};
}

static bool step_ladder_source(struct wish *w)
{
    struct ladder *l = w->ladder;
    struct object *o = NULL;
    bool waits;
    if (!wish_find_source(w, ladder_path(w), &o, &waits))
        return !waits;
    w->step = step_ladder;
    if (o->failure) {
        ladder_refuse(l, o);
        return true;
    }
    if (o->source->fd < 0) {
        object_unref(o);
        ladder_refuse(l, NULL);
        return true;
    }
    l->source = o;
    w->step = step_ladder_index;
    return true;
}

static bool make_ladder(struct wish *w)
{
    struct ladder *l = w->ladder;
    struct make_rendition list[OBJECT_NAMES];
    struct object *made = NULL;
    if (l->count == 0) {
        struct object *failure = l->failure;
        l->failure = NULL;
        return failure ? wish_settle_failure(w, failure) : wish_settle(w, ERR_NOT_FOUND, NULL);
    }
    struct key key =
        key_make(OBJECT_MASTER, w->source->key.path, l->versions.high, w->container, 0);
    struct object *o = wish_look(w, &key);
    if (o)
        return wish_deliver(w, o);
    for (size_t i = 0; i < l->count; i++)
        list[i] = (struct make_rendition){l->sources[i], l->indexes[i]};
    enum err e = make_master(wish_make_opts(w), &key, list, l->count, true, &made);
    return wish_keep(w, e, made);
}

static bool step_ladder(struct wish *w)
{
    if (w->ladder->at == w->source->source->name_count)
        return make_ladder(w);
    w->step = step_ladder_source;
    return ladder_path(w).n ? true : wish_settle(w, ERR_NOT_FOUND, NULL);
}

bool ladder_start(struct wish *w)
{
    if (w->kind != WISH_MASTER)
        return wish_settle(w, ERR_NOT_FOUND, NULL);
    w->ladder = calloc(1, sizeof *w->ladder);
    if (!w->ladder)
        return wish_settle(w, ERR_NOMEM, NULL);
    w->step = step_ladder;
    return true;
}
