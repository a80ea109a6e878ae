/* Purges as predicates on paths, and the text they travel in. */
#include "edge/store/purge.h"

#include "edge/base/scan.h"
#include "edge/http/uri.h"

#include <inttypes.h>

static const struct str NAMES[PURGE_KINDS] = {
    [PURGE_PATH] = {"path", 4},
    [PURGE_ABOVE] = {"above", 5},
    [PURGE_PREFIX] = {"prefix", 6},
    [PURGE_FOLDER] = {"folder", 6},
};

static struct str folder_of(struct str path)
{
    size_t slash = str_rfind(path, '/');
    return str_slice(path, 0, slash == 0 || slash == path.n ? 1 : slash);
}

bool purge_covers(const struct purge *p, struct str path)
{
    switch (p->kind) {
    case PURGE_PATH:
        return str_eq(p->path, path);
    case PURGE_ABOVE:
        return str_starts(p->path, path) && (p->path.n == path.n || p->path.p[path.n] == '/');
    case PURGE_PREFIX:
        return str_starts(path, p->path);
    case PURGE_FOLDER:
        return str_eq(p->path, path) || (path.n > 1 && str_eq(p->path, folder_of(path)));
    default:
        return false;
    }
}

/* ---- text ---- */

void purge_write(const struct purge *p, struct buf *out)
{
    buf_addf(out, "%016" PRIx64 " %s %s ", p->id, NAMES[p->kind].p, p->soft ? "soft" : "hard");
    buf_adds(out, p->path);
    buf_addc(out, '\n');
}

static bool read_id(struct str *s, uint64_t *id)
{
    *id = 0;
    for (int i = 0; i < 16; i++) {
        int digit = (size_t)i < s->n ? scan_hex(s->p[i]) : -1;
        if (digit < 0)
            return false;
        *id = *id << 4 | (uint64_t)digit;
    }
    *s = str_from(*s, 16);
    return scan_char(s, ' ');
}

static bool read_kind(struct str *s, struct purge *out)
{
    struct str word = str_cut(s, ' ');
    for (unsigned i = 0; i < PURGE_KINDS; i++) {
        if (!str_eq(word, NAMES[i]))
            continue;
        out->kind = (enum purge_kind)i;
        return true;
    }
    return false;
}

static bool is_path(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return s.n && s.n < BUF_MAX_PATH && s.p[0] == '/';
}

bool purge_read(struct str *text, struct purge *out)
{
    struct str line = str_cut(text, '\n');
    if (!read_id(&line, &out->id) || !read_kind(&line, out))
        return false;
    struct str how = str_cut(&line, ' ');
    out->soft = str_eq(how, STR("soft"));
    out->path = line;
    return (out->soft || str_eq(how, STR("hard"))) && is_path(line);
}

/* ---- tags ---- */

/* Commas part tags, so they are encoded too. */
static void add_path(struct buf *out, struct str path)
{
    while (path.n) {
        size_t comma = str_find(path, ',');
        uri_encode_path(out, str_slice(path, 0, comma));
        if (comma < path.n)
            buf_adds(out, STR("%2C"));
        path = str_from(path, comma < path.n ? comma + 1 : comma);
    }
}

void purge_add_tags(struct buf *out, struct str path, bool folder)
{
    buf_adds(out, STR("track:"));
    add_path(out, path);
    buf_adds(out, STR(",folder:"));
    add_path(out, folder_of(path));
    if (folder) {
        buf_adds(out, STR(",folder:"));
        add_path(out, path);
    }
}

enum err purge_of_tag(struct str tag, struct buf *room, struct purge *out)
{
    bool track = scan_lit(&tag, STR("track:"));
    if (!track && !scan_lit(&tag, STR("folder:")))
        return ERR_SYNTAX;
    if (uri_decode(tag, room))
        return buf_status(room) ? buf_status(room) : ERR_SYNTAX;
    *out = (struct purge){0, track ? PURGE_PATH : PURGE_FOLDER, false, buf_str(room)};
    return is_path(out->path) ? ERR_NONE : ERR_SYNTAX;
}
