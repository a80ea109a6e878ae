/* Multivariant playlists: one variant a rendition that can be sent. */
#include "edge/base/must.h"
#include "edge/store/make_parts.h"
#include "segments/playlist.h"

#include <inttypes.h>
#include <stdlib.h>

/* Relative to the master: "index.m3u8", or below the folder "128.m4a/index.m3u8"; from within
 * ".../ts/" the folder is one up. Names are percent-encoded by the playlist's writer. `target`:
 * where the renditions would have different ones, the one that all have: "index-7.m3u8". */
static void rendition_uri(struct buf *b, const struct key *key, const struct make_rendition *r,
                          bool folder, uint64_t target)
{
    bool chosen = key->container != CONTAINER_COUNT;
    if (folder) {
        struct str path = r->source->key.path;
        size_t slash = str_rfind(path, '/');
        buf_adds(b, chosen ? STR("../") : STR(""));
        buf_adds(b, str_from(path, slash + 1));
        buf_addc(b, '/');
        if (chosen)
            buf_addf(b, "%s/", container_name((enum container)key->container));
    }
    buf_adds(b, STR("index"));
    if (target)
        buf_addf(b, "-%" PRIu64, target);
    buf_adds(b, STR(".m3u8"));
}

struct master {
    struct rendition list[OBJECT_NAMES];
    struct buf uris[OBJECT_NAMES];
    const struct make_rendition *of[OBJECT_NAMES];
    size_t count;
    enum err refused; /* why the last one that was left out was */
    const struct make_rendition *who;
};

static void gather(const struct make_opts *opts, const struct key *key,
                   const struct make_rendition *r, struct master *m)
{
    enum container in = CONTAINER_FMP4;
    enum err e = make_choose(opts, key, r, &in);
    if (e) {
        m->refused = e;
        m->who = r;
        return;
    }
    m->of[m->count] = r;
    m->list[m->count++] = (struct rendition){.cut = make_cut(opts, r->index->index), .in = in};
}

/* Apple's authoring specification 8.2: one target duration. They differ where containers count
 * fractions differently; then the longest is everybody's. 0: they are alike. */
static uint64_t common_target(const struct master *m)
{
    uint64_t most = 0;
    bool alike = true;
    for (size_t i = 0; i < m->count; i++) {
        uint64_t target = playlist_target(&m->list[i].cut, m->list[i].in);
        alike = alike && (i == 0 || target == most);
        most = target > most ? target : most;
    }
    return alike ? 0 : most;
}

static enum err name_all(const struct key *key, bool folder, struct master *m)
{
    uint64_t target = common_target(m);
    for (size_t i = 0; i < m->count; i++) {
        buf_init(&m->uris[i], BUF_MAX_PATH);
        rendition_uri(&m->uris[i], key, m->of[i], folder, target);
        m->list[i].uri = buf_str(&m->uris[i]);
        m->list[i].target = target;
        TRY(buf_status(&m->uris[i]));
    }
    return ERR_NONE;
}

static enum err write_master(const struct make_opts *opts, const struct key *key,
                             const struct object *source, bool folder, struct master *m,
                             struct object **out)
{
    struct buf b;
    if (m->count == 0)
        return make_refused(m->refused, opts, key, m->who, (enum container)key->container, out);
    buf_init(&b, BUF_MAX_PLAYLIST);
    enum err e = playlist_master(m->list, m->count, &b);
    struct make_description d = make_describe(OBJECT_MASTER, source);
    if (folder && d.tags)
        d.tags = TAGS_FOLDER;
    if (!e)
        return make_finish(key, &b, &d, out);
    buf_fini(&b);
    return e;
}

enum err make_master(const struct make_opts *opts, const struct key *key,
                     const struct make_rendition *list, size_t count, bool folder,
                     struct object **out)
{
    must(count && count <= OBJECT_NAMES);
    struct master *m = calloc(1, sizeof *m);
    enum err e = m ? ERR_NONE : ERR_NOMEM;
    for (size_t i = 0; i < count && !e; i++)
        gather(opts, key, &list[i], m);
    if (!e)
        e = name_all(key, folder, m);
    if (!e)
        e = write_master(opts, key, list[0].source, folder, m, out);
    for (size_t i = 0; m && i < m->count; i++)
        buf_fini(&m->uris[i]);
    free(m);
    return e;
}
