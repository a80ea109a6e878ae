/* A walk over the tree through disk_open's own rules (beneath the root, no dot files), depth first,
 * bounded in depth and number; the JSON is written by jansson. */
#include "edge/store/library.h"

#include "edge/base/buf.h"
#include "edge/http/mime.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    const struct library_opts *opts;
    const atomic_bool *cancelled;
    json_t *tracks;
    json_t *ladders;
    bool complete;
};

static bool is_number(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* "128.m4a" is a rendition, "song.m4a" is a song. */
static bool is_rendition(struct str name)
{
    struct str stem = str_slice(name, 0, str_rfind(name, '.'));
    return is_number(stem) || str_ieq(stem, STR("lossless"));
}

static bool add_track(struct walk *w, const struct disk_entry *e)
{
    struct str path = str_from(e->path, 1);
    struct str name = str_from(path, str_rfind(path, '/') == path.n ? 0 : str_rfind(path, '/') + 1);
    json_t *track = json_pack("{s:s%,s:s%,s:s,s:I}", "path", path.p, path.n, "name", name.p, name.n,
                              "type", mime_of(name), "size", (json_int_t)e->size);
    if (!track) /* a name that is not UTF-8 has no place in JSON, nor in a URL's path here */
        return true;
    return json_array_append_new(w->tracks, track) == 0;
}

static bool add_ladder(struct walk *w, struct str path)
{
    json_t *name = json_stringn(path.p + 1, path.n - 1);
    return !name || json_array_append_new(w->ladders, name) == 0;
}

static enum err on_folder(void *arg, struct str path, const struct disk_entry *list, size_t count)
{
    struct walk *w = arg;
    size_t renditions = 0;
    if (w->cancelled && atomic_load(w->cancelled))
        return ERR_CANCELLED;
    for (size_t i = 0; i < count; i++) {
        if (json_array_size(w->tracks) >= LIBRARY_TRACKS_MAX) {
            w->complete = false;
            return ERR_NONE;
        }
        struct str name = str_from(list[i].path, str_rfind(list[i].path, '/') + 1);
        renditions += is_rendition(name);
        if (!add_track(w, &list[i]))
            return ERR_NOMEM;
    }
    if (count && renditions == count && path.n > 1 && !add_ladder(w, path))
        return ERR_NOMEM;
    return ERR_NONE;
}

static enum err to_object(struct walk *w, const struct key *key, struct object **out)
{
    json_t *all = json_pack("{s:s,s:s,s:O,s:O,s:b}", "audio_prefix", w->opts->audio_prefix,
                            "hls_prefix", w->opts->hls_prefix, "tracks", w->tracks, "ladders",
                            w->ladders, "complete", w->complete);
    char *text = all ? json_dumps(all, JSON_COMPACT) : NULL;
    json_decref(all);
    if (!text)
        return ERR_NOMEM;
    struct object *o = object_of_bytes(key, (unsigned char *)text, strlen(text));
    if (!o)
        return ERR_NOMEM;
    enum err e = object_describe(o, "application/json", "no-cache");
    if (e)
        object_unref(o);
    else
        *out = o;
    return e;
}

enum err library_make(struct disk *d, const struct library_opts *opts, const struct key *key,
                      const atomic_bool *cancelled, struct object **out)
{
    struct walk w = {opts, cancelled, json_array(), json_array(), true};
    enum err e = w.tracks && w.ladders ? ERR_NONE : ERR_NOMEM;
    if (!e)
        e = disk_walk(d, LIBRARY_DEPTH_MAX, on_folder, &w);
    if (!e)
        e = to_object(&w, key, out);
    json_decref(w.tracks);
    json_decref(w.ladders);
    return e;
}
