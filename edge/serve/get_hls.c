/* /hls/TRACK[/CONTAINER]/(master.m3u8 | index[-TARGET].m3u8 | v-VERSION/init.mp4 |
 * v-VERSION/NUMBER.ENDING | v-VERSION/key): what such a path asks for, read from its end, since
 * TRACK is a path itself. */
#include "edge/base/scan.h"
#include "edge/serve/hand_on.h"
#include "edge/serve/route.h"

enum { TARGET_MAX = 3600 /* seconds */ };

/* The last component of *path, which loses it and its slash. */
static struct str take_last(struct str *path)
{
    size_t slash = str_rfind(*path, '/');
    struct str last = slash == path->n ? *path : str_from(*path, slash + 1);
    *path = str_slice(*path, 0, slash == path->n ? 0 : slash);
    return last;
}

/* "v-" and 16 lower-case hexadecimal digits: one spelling, one cache entry. */
static bool read_version(struct str s, uint64_t *version)
{
    *version = 0;
    if (!scan_lit(&s, STR("v-")) || s.n != 16)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (scan_hex(s.p[i]) < 0 || (s.p[i] >= 'A' && s.p[i] <= 'F'))
            return false;
        *version = *version << 4 | (uint64_t)scan_hex(s.p[i]);
    }
    return true;
}

/* "12.m4s"; the number as we write it: no zeros in front. */
static bool read_segment(struct str name, struct wish *w)
{
    uint64_t number;
    bool zero = name.n > 1 && name.p[0] == '0' && name.p[1] != '.';
    if (zero || !scan_u64(&name, &number) || number > UINT32_MAX || !scan_char(&name, '.'))
        return false;
    w->kind = WISH_SEGMENT;
    w->number = (uint32_t)number;
    w->ending = name;
    return name.n > 0;
}

static unsigned container_of_ending(struct str ending)
{
    if (str_eq(ending, STR("m4s")))
        return CONTAINER_FMP4;
    return str_eq(ending, STR("ts")) ? CONTAINER_TS : CONTAINER_PACKED;
}

/* "index.m3u8", or "index-7.m3u8" in a folder whose renditions would else have several targets. */
static bool read_index(struct str leaf, struct wish *w)
{
    uint64_t target = 0;
    if (!scan_lit(&leaf, STR("index")))
        return false;
    if (scan_char(&leaf, '-') &&
        (leaf.n == 0 || leaf.p[0] == '0' || !scan_u64(&leaf, &target) || target > TARGET_MAX))
        return false;
    w->kind = WISH_PLAYLIST;
    w->number = (uint32_t)target;
    return str_eq(leaf, STR(".m3u8"));
}

static bool read_leaf(struct str leaf, struct str *path, struct wish *w)
{
    if (str_eq(leaf, STR("master.m3u8"))) {
        w->kind = WISH_MASTER;
        return true;
    }
    if (read_index(leaf, w))
        return true;
    if (!read_version(take_last(path), &w->version))
        return false;
    if (str_eq(leaf, STR("key"))) {
        w->kind = WISH_KEY;
        return true;
    }
    if (str_eq(leaf, STR("init.mp4"))) {
        w->kind = WISH_INIT;
        return true;
    }
    return read_segment(leaf, w);
}

/* A container in the path is the last component before the leaf, if there is a track before it. */
static void read_container(struct str *path, struct wish *w)
{
    enum container chosen;
    struct str rest = *path;
    struct str last = take_last(&rest);
    if (rest.n > 1 && container_of_name(last, &chosen)) {
        w->container = chosen;
        *path = rest;
    }
}

/* Init, segments and their key are the same bytes whether the container was chosen or not. */
static bool settle_container(struct wish *w)
{
    if (w->kind == WISH_KEY)
        w->container = CONTAINER_COUNT;
    if (w->kind != WISH_INIT && w->kind != WISH_SEGMENT)
        return true;
    unsigned said = w->container;
    w->container = w->kind == WISH_INIT ? CONTAINER_FMP4 : container_of_ending(w->ending);
    return said == CONTAINER_COUNT || said == w->container;
}

enum step get_hls(struct exchange *x, struct str rest)
{
    struct wish *w = &x->wish;
    struct str path = {rest.p - 1, rest.n + 1};
    struct str leaf = take_last(&path);
    if (!read_leaf(leaf, &path, w))
        return exchange_fail(x, ERR_NOT_FOUND, STR("no playlist or segment has that name"));
    read_container(&path, w);
    if (path.n < 2 || !settle_container(w))
        return exchange_fail(x, ERR_NOT_FOUND, STR("no playlist or segment has that name"));
    w->track = path;
    if (w->kind == WISH_MASTER || w->kind == WISH_PLAYLIST)
        w->coding = coding_choose(x->request);
    if (x->heir && hand_on_settle(x))
        w->coding = CODING_NONE; /* it is rewritten */
    x->asks = true;
    return STEP_ON;
}
