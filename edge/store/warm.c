/* The tree is listed on the pool; then each of a few slots takes the next track and makes one wish
 * after the other. What segments there are is read from the playlist, as players do. */
#include "edge/store/warm.h"

#include "edge/base/buf.h"
#include "edge/base/must.h"
#include "edge/base/scan.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    struct wish wish; /* first */
    struct warm *warm;
    struct loop_task again;
    const char *track; /* borrowed from the list; NULL: idle */
    unsigned step;
    uint64_t version;
    struct str endings[WARM_SEGMENTS]; /* static */
    uint32_t segments;                 /* that the playlist has, of the first ones */
    bool asking;
};

struct list {
    struct job job; /* first */
    struct warm *warm;
    char prefix[BUF_MAX_PATH];
    size_t prefix_len;
    char **tracks;
    size_t count, room;
    enum err err;
};

struct warm {
    struct warm_opts opts;
    struct warm_state state;
    struct list *list; /* NULL: nothing was ever listed */
    bool listing;
    bool stopped;
    size_t next; /* track */
    struct slot slots[WARM_AT_ONCE];
};

/* ---- listing ---- */

static enum err add_track(struct list *l, struct str path)
{
    if (l->count == WARM_TRACKS_MAX)
        return ERR_TOO_BIG;
    if (l->count == l->room) {
        size_t more = l->room ? l->room * 2 : 64;
        char **tracks = realloc((void *)l->tracks, more * sizeof *tracks);
        if (!tracks)
            return ERR_NOMEM;
        l->tracks = tracks;
        l->room = more;
    }
    char *copy = str_dup(path);
    if (!copy)
        return ERR_NOMEM;
    l->tracks[l->count++] = copy;
    return ERR_NONE;
}

static enum err on_folder(void *arg, struct str path, const struct disk_entry *list, size_t count)
{
    struct list *l = arg;
    (void)path;
    if (job_is_cancelled(&l->job))
        return ERR_CANCELLED;
    for (size_t i = 0; i < count; i++)
        if (str_starts(list[i].path, (struct str){l->prefix, l->prefix_len}))
            TRY(add_track(l, list[i].path));
    return ERR_NONE;
}

static void run_list(struct job *job)
{
    struct list *l = (struct list *)job;
    l->err = supply_walk(l->warm->opts.seat->supply, on_folder, l);
}

static void list_free(struct list *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->count; i++)
        free(l->tracks[i]);
    free((void *)l->tracks);
    free(l);
}

/* ---- one track ---- */

enum {
    STEP_MASTER,
    STEP_PLAYLIST,
    STEP_INIT,
    STEP_SEGMENTS,
    STEP_FILE = STEP_SEGMENTS + WARM_SEGMENTS,
    STEPS
};

/* The ending as a static string, since the playlist goes. */
static struct str known_ending(struct str s)
{
    static const char *const endings[] = {"m4s", "ts", "aac", "mp3", "ac3", "eac3", "ec3", "flac"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (str_eq(s, str_of(endings[i])))
            return str_of(endings[i]);
    return (struct str){NULL, 0};
}

/* Lines like "v-0123456789abcdef/0.m4s". */
static void read_playlist(struct slot *s, const struct object *o)
{
    struct str text = {(const char *)o->body, o->body_len};
    s->segments = 0;
    while (text.n && s->segments < WARM_SEGMENTS) {
        struct str line = str_cut(&text, '\n');
        uint64_t number;
        if (!scan_lit(&line, STR("v-")) || line.n < 18)
            continue;
        line = str_from(line, 17);
        if (!scan_u64(&line, &number) || number != s->segments || !scan_char(&line, '.'))
            return;
        s->endings[s->segments++] = known_ending(line);
    }
}

static unsigned container_of(struct str ending)
{
    if (str_eq(ending, STR("m4s")))
        return CONTAINER_FMP4;
    return str_eq(ending, STR("ts")) ? CONTAINER_TS : CONTAINER_PACKED;
}

static void granted(struct wish *w);

/* False: the track has nothing for this step. */
static bool prepare(struct slot *s)
{
    uint32_t number = s->step - STEP_SEGMENTS;
    struct wish w = {.kind = WISH_FILE,
                     .container = CONTAINER_COUNT,
                     .track = str_of(s->track),
                     .version = s->version,
                     .granted = granted};
    if (s->step == STEP_MASTER || s->step == STEP_PLAYLIST)
        w.kind = s->step == STEP_MASTER ? WISH_MASTER : WISH_PLAYLIST;
    if (s->step == STEP_INIT) {
        w.kind = WISH_INIT;
        w.container = CONTAINER_FMP4;
        if (!s->segments || !str_eq(s->endings[0], STR("m4s")))
            return false;
    }
    if (s->step >= STEP_SEGMENTS && s->step < STEP_FILE) {
        if (number >= s->segments || !s->endings[number].n)
            return false;
        w.kind = WISH_SEGMENT;
        w.number = number;
        w.ending = s->endings[number];
        w.container = container_of(w.ending);
    }
    s->wish = w;
    return true;
}

/* What is sent from the file is brought into the page cache. */
static void read_ahead(const struct wish *w)
{
    const struct object *o = w->object;
    for (uint32_t i = 0; w->kind == WISH_SEGMENT && i < o->span_count; i++)
        (void)posix_fadvise(w->source->source->fd, (off_t)o->spans[i].offset,
                            (off_t)o->spans[i].length, POSIX_FADV_WILLNEED);
}

static void take_answer(struct slot *s)
{
    struct wish *w = &s->wish;
    if (!w->err && s->step == STEP_PLAYLIST) {
        s->version = w->source->source->version;
        read_playlist(s, w->object);
    } else if (w->err && s->step == STEP_PLAYLIST) {
        s->warm->state.failed++;
    } else if (!w->err) {
        read_ahead(w);
    }
    supply_leave(w);
    s->step++;
}

static void next_track(struct slot *s)
{
    struct warm *w = s->warm;
    if (s->track)
        w->state.done++;
    s->track = w->next < w->list->count ? w->list->tracks[w->next++] : NULL;
    s->step = 0;
    s->version = 0;
    s->segments = 0;
    if (w->state.done == w->list->count)
        w->state.running = false;
}

/* One step a turn: others are served between. */
static void run_slot(struct loop_task *task)
{
    struct slot *s = (struct slot *)(void *)((char *)task - offsetof(struct slot, again));
    struct warm *w = s->warm;
    while (s->track && s->step < STEPS && !prepare(s))
        s->step++;
    if (!s->track || s->step == STEPS) {
        next_track(s);
        if (s->track)
            loop_later(w->opts.loop, &s->again);
        return;
    }
    s->asking = !supply_ask(w->opts.seat, &s->wish, loop_now(w->opts.loop));
    if (s->asking)
        return;
    take_answer(s);
    loop_later(w->opts.loop, &s->again);
}

static void granted(struct wish *wish)
{
    struct slot *s = (struct slot *)wish;
    s->asking = false;
    take_answer(s);
    loop_later(s->warm->opts.loop, &s->again);
}

static void listed(struct job *job)
{
    struct list *l = (struct list *)job;
    struct warm *w = l->warm;
    w->listing = false;
    w->state.tracks = l->count;
    w->state.err = l->err;
    w->state.running = !l->err && l->count && !w->stopped;
    w->next = 0;
    for (size_t i = 0; i < WARM_AT_ONCE && w->state.running; i++)
        loop_later(w->opts.loop, &w->slots[i].again);
}

/* ---- outside ---- */

enum err warm_new(const struct warm_opts *opts, struct warm **out)
{
    struct warm *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->opts = *opts;
    for (size_t i = 0; i < WARM_AT_ONCE; i++) {
        w->slots[i].warm = w;
        w->slots[i].again.run = run_slot;
    }
    *out = w;
    return ERR_NONE;
}

enum err warm_start(struct warm *w, struct str prefix)
{
    if (w->state.running || w->stopped)
        return ERR_BUSY;
    if (prefix.n >= BUF_MAX_PATH)
        return ERR_URI_LONG;
    struct list *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->warm = w;
    memcpy(l->prefix, prefix.p, prefix.n);
    l->prefix_len = prefix.n;
    l->job.run = run_list;
    l->job.done = listed;
    l->job.home = w->opts.seat->mailbox;
    list_free(w->list);
    w->list = l;
    w->listing = true;
    w->state = (struct warm_state){.running = true};
    pool_submit(w->opts.io, &l->job);
    return ERR_NONE;
}

struct warm_state warm_state(const struct warm *w) { return w->state; }

void warm_stop(struct warm *w)
{
    if (!w || w->stopped)
        return;
    w->stopped = true;
    if (w->listing)
        job_cancel(&w->list->job);
    for (size_t i = 0; i < WARM_AT_ONCE; i++) {
        struct slot *s = &w->slots[i];
        loop_later_cancel(w->opts.loop, &s->again);
        if (s->asking)
            supply_leave(&s->wish);
        s->asking = false;
        s->track = NULL;
    }
    w->state.running = false;
}

void warm_free(struct warm *w)
{
    if (!w)
        return;
    warm_stop(w);
    must(!w->listing);
    list_free(w->list);
    free(w);
}
