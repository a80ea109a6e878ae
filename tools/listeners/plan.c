/* Playlists and files as plans: see plan.h. A plan is found again by the hash of what it was made
 * from, so a playlist that came before is not read again. */
#include "tools/listeners/plan.h"

#include "edge/base/arena.h"
#include "edge/base/clock.h"
#include "edge/base/hash.h"
#include "edge/base/must.h"
#include "edge/base/scan.h"
#include "tools/listeners/url.h"

#include <stdlib.h>

enum { BUCKETS = 4096, ARENA_MAX = 256 * 1024 * 1024, SECONDS_MAX = 24 * 3600 };

struct entry {
    struct entry *next;
    struct hash128 key;
    struct plan plan; /* pieces are owned, paths are in the arena */
};

struct plan_table {
    struct entry *buckets[BUCKETS];
    size_t count;
    uint64_t max_bandwidth;
    struct arena arena;
};

/* A playlist while it is read. */
struct reading {
    struct plan_table *table;
    struct str authority, path;
    struct plan *plan;
    size_t room;       /* pieces allocated */
    uint64_t lasts;    /* of the next segment; 0 before an EXTINF */
    struct piece span; /* byte range of the next segment, `to` 0 when it has none */
    uint64_t end;      /* where the last byte range ended (RFC 8216 4.3.2.2) */
    bool variant;      /* the next URI is that of a variant */
    uint64_t bandwidth, best;
};

struct plan_table *plan_table_new(uint64_t max_bandwidth)
{
    struct plan_table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->max_bandwidth = max_bandwidth;
    arena_init(&t->arena, ARENA_MAX);
    return t;
}

void plan_table_free(struct plan_table *t)
{
    for (size_t i = 0; t && i < BUCKETS; i++) {
        for (struct entry *e = t->buckets[i], *next; e; e = next) {
            next = e->next;
            free(e->plan.pieces);
            free(e);
        }
    }
    if (t)
        arena_fini(&t->arena);
    free(t);
}

static const struct plan *find(const struct plan_table *t, struct hash128 key)
{
    for (const struct entry *e = t->buckets[key.low % BUCKETS]; e; e = e->next) {
        if (e->key.high == key.high && e->key.low == key.low)
            return &e->plan;
    }
    return NULL;
}

static enum err add_piece(struct reading *r, const struct piece *piece)
{
    struct plan *p = r->plan;
    if (p->count == PLAN_PIECES_MAX)
        return ERR_TOO_BIG;
    if (p->count == r->room) {
        size_t room = r->room ? r->room * 2 : 16;
        struct piece *more = realloc(p->pieces, room * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        p->pieces = more;
        r->room = room;
    }
    p->pieces[p->count++] = *piece;
    return ERR_NONE;
}

static enum err keep_path(struct reading *r, struct str ref, struct str *out)
{
    struct buf path;
    buf_init(&path, URL_MAX);
    enum err e = url_resolve(&path, r->authority, r->path, ref);
    if (!e) {
        *out = arena_str(&r->table->arena, buf_str(&path));
        e = out->p ? ERR_NONE : ERR_NOMEM;
    }
    buf_fini(&path);
    return e;
}

/* SECONDS[.FRACTION] in nanoseconds. */
static enum err parse_seconds(struct str s, uint64_t *out)
{
    uint64_t seconds = 0, unit = CLOCK_SECOND / 10;
    if (!scan_u64(&s, &seconds) || seconds > SECONDS_MAX)
        return ERR_SYNTAX;
    *out = seconds * CLOCK_SECOND;
    if (!scan_char(&s, '.'))
        return ERR_NONE;
    for (; s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9'; s = str_from(s, 1), unit /= 10)
        *out += (uint64_t)(s.p[0] - '0') * unit;
    return ERR_NONE;
}

/* LENGTH[@OFFSET]; without an offset it follows `end`. */
static enum err parse_span(struct str s, uint64_t end, struct piece *out)
{
    uint64_t length = 0;
    out->from = end;
    if (!scan_u64(&s, &length) || length == 0)
        return ERR_SYNTAX;
    if (scan_char(&s, '@') && !scan_u64(&s, &out->from))
        return ERR_SYNTAX;
    return s.n > 0 || __builtin_add_overflow(out->from, length, &out->to) ? ERR_SYNTAX : ERR_NONE;
}

/* One NAME=VALUE of an attribute list, without its quotes; false at the end or where it is none
 * (RFC 8216 4.2). */
static bool next_attribute(struct str *list, struct str *name, struct str *value)
{
    if (!scan_token(list, name) || !scan_char(list, '='))
        return false;
    if (scan_char(list, '"')) {
        if (str_find(*list, '"') == list->n)
            return false;
        *value = str_cut(list, '"');
        return list->n == 0 || scan_char(list, ',');
    }
    *value = str_cut(list, ',');
    return true;
}

static bool attribute(struct str list, struct str wanted, struct str *value)
{
    struct str name;
    while (next_attribute(&list, &name, value)) {
        if (str_eq(name, wanted))
            return true;
    }
    return false;
}

static enum err read_variant(struct reading *r, struct str list)
{
    struct str value;
    if (!attribute(list, STR("BANDWIDTH"), &value) || !scan_u64(&value, &r->bandwidth))
        return ERR_SYNTAX;
    r->variant = true;
    return ERR_NONE;
}

static enum err read_map(struct reading *r, struct str list)
{
    struct piece piece = {0};
    struct str uri, span;
    if (!attribute(list, STR("URI"), &uri))
        return ERR_SYNTAX;
    if (attribute(list, STR("BYTERANGE"), &span))
        TRY(parse_span(span, 0, &piece));
    TRY(keep_path(r, uri, &piece.path));
    return add_piece(r, &piece);
}

static enum err read_tag(struct reading *r, struct str line)
{
    if (scan_lit(&line, STR("#EXTINF:")))
        return parse_seconds(line, &r->lasts);
    if (scan_lit(&line, STR("#EXT-X-BYTERANGE:")))
        return parse_span(line, r->end, &r->span);
    if (scan_lit(&line, STR("#EXT-X-MAP:")))
        return read_map(r, line);
    if (scan_lit(&line, STR("#EXT-X-STREAM-INF:")))
        return read_variant(r, line);
    return ERR_NONE;
}

/* Better than the best so far: nearer to the wanted bandwidth from below, or less far above it. */
static bool is_better(const struct reading *r)
{
    uint64_t wanted = r->table->max_bandwidth;
    if (r->plan->media.n == 0)
        return true;
    if (r->best > wanted)
        return r->bandwidth < r->best;
    return r->bandwidth <= wanted && r->bandwidth > r->best;
}

static enum err read_uri(struct reading *r, struct str line)
{
    struct piece piece = r->span;
    if (r->variant) {
        r->variant = false;
        if (!is_better(r))
            return ERR_NONE;
        r->best = r->bandwidth;
        return keep_path(r, line, &r->plan->media);
    }
    if (r->lasts == 0)
        return ERR_SYNTAX; /* RFC 8216 4.3.2.1: each segment has its EXTINF */
    piece.lasts = r->lasts;
    r->end = piece.to;
    r->lasts = 0;
    r->span = (struct piece){0};
    TRY(keep_path(r, line, &piece.path));
    return add_piece(r, &piece);
}

static enum err read_lines(struct reading *r, struct str text)
{
    if (!scan_lit(&text, STR("#EXTM3U")))
        return ERR_SYNTAX;
    while (text.n > 0) {
        struct str line = str_cut(&text, '\n');
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n > 0)
            TRY(line.p[0] == '#' ? read_tag(r, line) : read_uri(r, line));
    }
    bool plays = r->plan->count > 0 && r->plan->pieces[r->plan->count - 1].lasts > 0;
    return plays || r->plan->media.n > 0 ? ERR_NONE : ERR_SYNTAX;
}

/* Into the table with what was read, or away with it. */
static enum err keep(struct plan_table *t, struct entry *entry, enum err e, const struct plan **out)
{
    if (e) {
        free(entry->plan.pieces);
        free(entry);
        return e;
    }
    entry->next = t->buckets[entry->key.low % BUCKETS];
    t->buckets[entry->key.low % BUCKETS] = entry;
    t->count++;
    *out = &entry->plan;
    return ERR_NONE;
}

static enum err entry_new(struct plan_table *t, struct hash128 key, struct entry **out)
{
    if (t->count == PLAN_TABLE_MAX)
        return ERR_TOO_BIG;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return ERR_NOMEM;
    (*out)->key = key;
    return ERR_NONE;
}

enum err plan_playlist(struct plan_table *t, struct str authority, struct str path, struct str text,
                       const struct plan **out)
{
    struct hash128 key = hash_stable(text), where = hash_stable(path);
    key.high ^= where.low;
    *out = find(t, key);
    if (*out)
        return ERR_NONE;
    struct entry *entry;
    TRY(entry_new(t, key, &entry));
    struct reading r = {.table = t, .authority = authority, .path = path, .plan = &entry->plan};
    return keep(t, entry, read_lines(&r, text), out);
}

static enum err read_ranges(struct reading *r, struct str path, const struct plan_file *file)
{
    struct piece piece = {.path = arena_str(&r->table->arena, path)};
    if (!piece.path.p)
        return ERR_NOMEM;
    for (uint64_t from = 0; from < file->size; from = piece.to) {
        piece.from = from;
        piece.to = file->size - from > file->chunk ? from + file->chunk : file->size;
        double seconds = (double)(piece.to - from) * 8 / (double)file->rate;
        piece.lasts = (uint64_t)(seconds * (double)CLOCK_SECOND) + 1;
        TRY(add_piece(r, &piece));
    }
    return r->plan->count > 0 ? ERR_NONE : ERR_SYNTAX;
}

enum err plan_ranges(struct plan_table *t, struct str path, const struct plan_file *file,
                     const struct plan **out)
{
    must(file->chunk > 0 && file->rate > 0);
    struct hash128 key = hash_stable(path);
    key.high ^= file->size * UINT64_C(0x9e3779b97f4a7c15) + 1;
    *out = find(t, key);
    if (*out)
        return ERR_NONE;
    struct entry *entry;
    TRY(entry_new(t, key, &entry));
    struct reading r = {.table = t, .plan = &entry->plan};
    return keep(t, entry, read_ranges(&r, path, file), out);
}
