/* openat2, fstat, pread. A source is opened once and its descriptor kept: what was begun from it
 * ends with its bytes even when the name means another file by then. */
#include "edge/store/disk.h"

#include "edge/base/buf.h"
#include "edge/base/clock.h"
#include "edge/base/must.h"
#include "edge/http/mime.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    PIECE = 64 * 1024,    /* bytes between two looks at a cancel flag */
    CHUNK = 512 * 1024,   /* of a file, whose warmth is remembered as one */
    PROBE = 128 * 1024,   /* bytes between two questions to the kernel */
    WARM_SECONDS = 10,    /* how long its answer is believed */
    YOUNG_SECONDS = 10,   /* after a write another one is likely */
    REST_MS = 50,         /* without a write, before a file counts as written */
    EMPTY_MS = 300,       /* the same for one without a byte: it was truncated to be written */
    EMPTY_LOOKS = 3,      /* at one without a byte, however old it says it is */
    REST_TRIES = 7,       /* looks at one that is being written */
    PACKAGER_VERSION = 2, /* goes into segment URLs: raised when segments' bytes change */
};

struct disk {
    struct disk_opts opts;
    int root;
    struct notice *notice; /* NULL: blind */
};

void disk_free(struct disk *d)
{
    if (!d)
        return;
    notice_free(d->notice);
    close(d->root);
    free(d);
}

enum err disk_new(const struct disk_opts *opts, struct disk **out)
{
    struct disk *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    d->opts = *opts;
    d->root = open(opts->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (d->root < 0) {
        free(d);
        return ERR_CONFIG;
    }
    enum err e = opts->watch ? notice_new(d->root, &d->notice) : ERR_NONE;
    if (e)
        disk_free(d);
    else
        *out = d;
    return e;
}

uint32_t disk_mark(const struct disk *d, uint64_t hash) { return notice_mark(d->notice, hash); }
size_t disk_watched(const struct disk *d) { return notice_folders(d->notice); }

static enum err of_errno(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV: /* RESOLVE_BENEATH: it leads out */
    case ENAMETOOLONG:
    case ENXIO: /* a socket, a pipe without a reader */
    case ENODEV:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return ERR_FORBIDDEN;
    case EMFILE:
    case ENFILE:
        return ERR_BUSY;
    case ENOMEM:
        return ERR_NOMEM;
    default:
        return ERR_IO;
    }
}

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

/* Where a sandbox older than openat2 refuses to know it (ENOSYS): component by component, following
 * no symbolic link at all, which leads nowhere out either. */
static int open_step_by_step(int root, const char *name)
{
    char part[NAME_MAX + 1];
    struct str rest = str_of(name);
    int folder = str_ends(rest, STR("/")) ? O_DIRECTORY : 0;
    int at = dup(root);
    while (at >= 0) {
        struct str next = str_cut(&rest, '/');
        bool last = rest.n == 0;
        int flags =
            last ? OPEN_FLAGS | O_NOFOLLOW | folder : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        if (next.n > NAME_MAX) {
            close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        snprintf(part, sizeof part, "%.*s", STR_ARG(next));
        int fd = openat(at, part, flags);
        int kept = errno;
        close(at);
        errno = kept;
        if (last || fd < 0)
            return fd;
        at = fd;
    }
    return -1;
}

/* EAGAIN is a race with a rename somewhere in the path (openat2(2)): a few more tries are due. */
static int open_resolved(int root, const char *name, uint64_t resolve)
{
    struct open_how how = {.flags = OPEN_FLAGS,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve};
    long fd = -1;
    for (int i = 0; i < 4 && fd < 0; i++) {
        fd = syscall(SYS_openat2, root, name, &how, sizeof how);
        if (fd < 0 && errno != EAGAIN && errno != EINTR)
            break;
    }
    return fd < 0 && errno == ENOSYS ? open_step_by_step(root, name) : (int)fd;
}

/* *plain: no symbolic link was on the way, so the path is the file's only one of its kind. */
static int open_beneath(int root, const char *name, bool *plain)
{
    int fd = open_resolved(root, name, RESOLVE_NO_SYMLINKS);
    *plain = fd >= 0 || errno != ELOOP;
    return *plain ? fd : open_resolved(root, name, 0);
}

static bool has_dot_component(struct str path)
{
    while (path.n) {
        struct str part = str_cut(&path, '/');
        if (part.n && part.p[0] == '.')
            return true;
    }
    return false;
}

static struct identity identity_of(const struct stat *st)
{
    return (struct identity){
        .size = (uint64_t)st->st_size,
        .mtime_ns = st->st_mtim.tv_sec * (int64_t)CLOCK_SECOND + st->st_mtim.tv_nsec,
        .inode = st->st_ino,
        .device = st->st_dev,
    };
}

bool identity_eq(const struct identity *a, const struct identity *b)
{
    return a->size == b->size && a->mtime_ns == b->mtime_ns && a->inode == b->inode &&
           a->device == b->device;
}

bool source_is_at_risk(const struct object *source, uint64_t now)
{
    const struct source *s = source->source;
    bool blind = atomic_load_explicit(&source->mark, memory_order_relaxed) == NOTICE_BLIND;
    return s->fd >= 0 && (blind || now < s->young_until);
}

bool source_is_whole(const struct source *s)
{
    struct stat st;
    if (s->fd < 0 || fstat(s->fd, &st) != 0)
        return false;
    struct identity now = identity_of(&st);
    return identity_eq(&now, &s->id);
}

/* Path, size and mtime, so that edges with the same tree agree; inode and device stay out. */
static struct hash128 identity_hash(struct str path, const struct identity *id, uint32_t salt)
{
    struct buf b;
    buf_init(&b, BUF_MAX_PATH + 64);
    buf_be64(&b, id->size);
    buf_be64(&b, (uint64_t)id->mtime_ns);
    buf_be32(&b, salt);
    buf_adds(&b, path);
    struct hash128 h = hash_stable(buf_str(&b));
    buf_fini(&b);
    return h;
}

static struct object *source_object(struct str path, uint64_t now)
{
    struct key key = key_make(OBJECT_SOURCE, path, 0, CONTAINER_COUNT, 0);
    struct object *o = object_new(&key);
    if (!o)
        return NULL;
    o->source = calloc(1, sizeof *o->source);
    if (!o->source) {
        object_unref(o);
        return NULL;
    }
    o->source->fd = -1;
    atomic_init(&o->source->checked, now);
    o->memory += sizeof *o->source;
    return o;
}

/* RFC 9110 8.8.2.1: never later than the clock, whatever somebody has set a file's time to. */
static int64_t modified_of(const struct disk *d, const struct stat *st)
{
    int64_t written = st->st_mtim.tv_sec > 0 ? st->st_mtim.tv_sec : 1;
    int64_t now = d->opts.wall_ns ? (int64_t)(d->opts.wall_ns() / CLOCK_SECOND) : written;
    return written < now ? written : now;
}

static enum err describe_file(struct disk *d, struct object *o, const struct stat *st)
{
    struct source *s = o->source;
    size_t chunks = s->id.size / CHUNK + 1;
    s->warm = calloc(chunks, sizeof *s->warm);
    if (!s->warm)
        return ERR_NOMEM;
    o->memory += chunks * sizeof *s->warm;
    o->size = s->id.size;
    o->modified = modified_of(d, st);
    o->span_count = o->size ? 1 : 0;
    o->spans[0] = (struct index_span){0, o->size};
    object_set_etag(o, identity_hash(o->key.path, &s->id, 0));
    o->tags = d->opts.tags ? TAGS_FILE : TAGS_NONE;
    return object_describe(o, mime_of(o->key.path), d->opts.cache_control);
}

static bool is_audio_name(const char *name)
{
    const char *type = name[0] == '.' ? "" : mime_of(str_of(name));
    return strncmp(type, "audio/", 6) == 0 || strcmp(type, "video/mp4") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum err add_name(struct source *s, const char *name)
{
    char *copy = str_dup(str_of(name));
    if (!copy)
        return ERR_NOMEM;
    s->names[s->name_count++] = copy;
    return ERR_NONE;
}

/* Takes fd over. Folders of more than OBJECT_NAMES audio files are no folder of renditions. */
static enum err list_folder(struct source *s, int fd)
{
    enum err e = ERR_NONE;
    const struct dirent *entry;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return ERR_NOMEM;
    }
    s->names = calloc(OBJECT_NAMES, sizeof *s->names);
    if (!s->names)
        e = ERR_NOMEM;
    while (!e && (entry = readdir(dir))) {
        if (!is_audio_name(entry->d_name))
            continue;
        e = s->name_count < OBJECT_NAMES ? add_name(s, entry->d_name) : ERR_NOT_FOUND;
    }
    closedir(dir);
    if (!e && s->name_count)
        qsort((void *)s->names, s->name_count, sizeof *s->names, by_name);
    return e;
}

/* How long ago it was written; UINT64_MAX: long ago, or nobody can say. */
static uint64_t age_of(const struct disk *d, const struct stat *st)
{
    int64_t written = identity_of(st).mtime_ns;
    uint64_t now = d->opts.wall_ns ? d->opts.wall_ns() : 0;
    return now && written > 0 && (uint64_t)written <= now ? now - (uint64_t)written : UINT64_MAX;
}

/* fstat, once nobody has written to it for a moment. In the midst of a truncation the length may be
 * zero already, and the time of writing still the old one: who looks holds no lock. */
static bool stat_at_rest(const struct disk *d, int fd, struct stat *st)
{
    bool good = fstat(fd, st) == 0;
    for (int i = 0, empty = 0; i < REST_TRIES && good && S_ISREG(st->st_mode); i++) {
        uint64_t age = age_of(d, st), wanted = (st->st_size ? REST_MS : EMPTY_MS) * CLOCK_MS;
        empty = st->st_size ? 0 : empty + 1;
        if (age >= wanted && (!empty || empty >= EMPTY_LOOKS))
            break;
        uint64_t left = age < wanted ? wanted - age : REST_MS * CLOCK_MS;
        struct timespec rest = {0, (long)(left < REST_MS * CLOCK_MS ? left : REST_MS * CLOCK_MS)};
        (void)nanosleep(&rest, NULL);
        good = fstat(fd, st) == 0;
    }
    return good;
}

/* Takes fd over in every case. */
static enum err take_file(struct disk *d, struct object *o, int fd, uint64_t now, bool *alone)
{
    struct stat st;
    struct source *s = o->source;
    if (!stat_at_rest(d, fd, &st) || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
        close(fd);
        return ERR_NOT_FOUND;
    }
    s->id = identity_of(&st);
    s->version =
        identity_hash(o->key.path, &s->id, (uint32_t)PACKAGER_VERSION << 24 ^ d->opts.recipe).high;
    if (S_ISDIR(st.st_mode))
        return list_folder(s, fd);
    uint64_t age = age_of(d, &st);
    if (age < YOUNG_SECONDS * CLOCK_SECOND)
        s->young_until = now + YOUNG_SECONDS * CLOCK_SECOND - age;
    *alone = st.st_nlink <= 1; /* else it may be written to by a name that nobody watches */
    s->fd = fd;
    return describe_file(d, o, &st);
}

/* As inotify spells it. */
static bool is_canonical(struct str path)
{
    bool folder = path.n > 1 && path.p[path.n - 1] == '/';
    return !folder && !memmem(path.p, path.n, "//", 2);
}

static enum err open_path(struct disk *d, struct str path, uint64_t now, uint32_t *mark,
                          struct object **out)
{
    char name[BUF_MAX_PATH];
    bool plain, alone = true;
    snprintf(name, sizeof name, "%.*s", STR_ARG(str_from(path, 1)));
    int fd = open_beneath(d->root, name[0] ? name : ".", &plain);
    if (!plain)
        *mark = NOTICE_BLIND;
    if (fd < 0)
        return of_errno(errno);
    struct object *o = source_object(path, now);
    if (!o) {
        close(fd);
        return ERR_NOMEM;
    }
    enum err e = take_file(d, o, fd, now, &alone);
    if (!alone)
        *mark = NOTICE_BLIND;
    atomic_store_explicit(&o->mark, *mark, memory_order_relaxed);
    if (e)
        object_unref(o);
    else
        *out = o;
    return e;
}

enum err disk_open(struct disk *d, struct str path, uint64_t now, uint32_t *mark,
                   struct object **out)
{
    must(path.n && path.p[0] == '/');
    struct key key = key_make(OBJECT_SOURCE, path, 0, CONTAINER_COUNT, 0);
    /* Before the disk is looked at, so that nothing passes between. */
    *mark = is_canonical(path) ? disk_mark(d, key.hash) : NOTICE_BLIND;
    if (path.n >= BUF_MAX_PATH || has_dot_component(path))
        return ERR_NOT_FOUND;
    return open_path(d, path, now, mark, out);
}

/* ---- the walk ---- */

struct listing {
    struct disk_entry *files;
    size_t file_count, file_room;
    char **folders;
    size_t folder_count, folder_room;
};

static void *grown(void *list, size_t count, size_t *room, size_t each)
{
    if (count < *room)
        return list;
    size_t more = *room ? *room * 2 : 16;
    void *bigger = realloc(list, more * each);
    if (bigger)
        *room = more;
    return bigger;
}

static enum err list_one(struct listing *l, int dir, const char *path, const char *name)
{
    struct stat st;
    char full[BUF_MAX_PATH];
    int n = snprintf(full, sizeof full, "%s/%s", path[1] ? path : "", name);
    if (n < 0 || (size_t)n >= sizeof full || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return ERR_NONE;
    bool file = S_ISREG(st.st_mode) && is_audio_name(name);
    if (!file && !S_ISDIR(st.st_mode))
        return ERR_NONE;
    char *copy = str_dup(str_of(full));
    void *room = file ? grown(l->files, l->file_count, &l->file_room, sizeof *l->files)
                      : grown((void *)l->folders, l->folder_count, &l->folder_room, sizeof(char *));
    if (room && file)
        l->files = room;
    else if (room)
        l->folders = room;
    if (!copy || !room) {
        free(copy);
        return ERR_NOMEM;
    }
    if (file)
        l->files[l->file_count++] = (struct disk_entry){str_of(copy), (uint64_t)st.st_size};
    else
        l->folders[l->folder_count++] = copy;
    return ERR_NONE;
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(((const struct disk_entry *)a)->path, ((const struct disk_entry *)b)->path);
}

static enum err list_path(struct disk *d, const char *path, struct listing *l)
{
    enum err e = ERR_NONE;
    const struct dirent *entry;
    bool plain;
    int fd = open_beneath(d->root, path[1] ? path + 1 : ".", &plain);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return ERR_NONE; /* it went away, or is not ours to read: the rest is still worth listing */
    }
    while (!e && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            e = list_one(l, fd, path, entry->d_name);
    closedir(dir);
    if (l->file_count)
        qsort(l->files, l->file_count, sizeof *l->files, by_path);
    if (l->folder_count)
        qsort((void *)l->folders, l->folder_count, sizeof(char *), by_name);
    return e;
}

static void listing_fini(struct listing *l)
{
    for (size_t i = 0; i < l->file_count; i++)
        free((char *)(uintptr_t)l->files[i].path.p);
    for (size_t i = 0; i < l->folder_count; i++)
        free(l->folders[i]);
    free(l->files);
    free((void *)l->folders);
}

/* NOLINTNEXTLINE(misc-no-recursion): `depth` bounds it. */
static enum err walk_path(struct disk *d, const char *path, unsigned depth,
                          disk_folder_fn *on_folder, void *arg)
{
    struct listing l = {0};
    enum err e = list_path(d, path, &l);
    if (!e)
        e = on_folder(arg, str_of(path), l.files, l.file_count);
    for (size_t i = 0; i < l.folder_count && !e && depth; i++)
        e = walk_path(d, l.folders[i], depth - 1, on_folder, arg);
    listing_fini(&l);
    return e;
}

enum err disk_walk(struct disk *d, unsigned depth, disk_folder_fn *on_folder, void *arg)
{
    return walk_path(d, "/", depth, on_folder, arg);
}

/* ---- bytes ---- */

static bool is_cancelled(const atomic_bool *flag)
{
    return flag && atomic_load_explicit(flag, memory_order_relaxed);
}

enum err source_read(const struct source *s, uint64_t offset, unsigned char *at, size_t n,
                     const atomic_bool *cancelled)
{
    while (n) {
        if (is_cancelled(cancelled))
            return ERR_CANCELLED;
        ssize_t got = pread(s->fd, at, n < PIECE ? n : PIECE, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ERR_IO;
        at += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return ERR_NONE;
}

/* One byte, if it is in memory. A file system that cannot say counts as memory. */
static bool byte_is_warm(int fd, uint64_t offset)
{
    char byte;
    struct iovec one = {&byte, 1};
    ssize_t n = preadv2(fd, &one, 1, (off_t)offset, RWF_NOWAIT);
    return n >= 0 || errno != EAGAIN;
}

static bool run_is_warm(const struct source *s, uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at += PROBE)
        if (!byte_is_warm(s->fd, at))
            return false;
    return from >= to || byte_is_warm(s->fd, to - 1);
}

bool source_is_warm(struct source *s, uint64_t offset, uint64_t n, uint64_t now)
{
    uint32_t second = (uint32_t)(now / CLOCK_SECOND) + 1;
    uint64_t end = offset + n < s->id.size ? offset + n : s->id.size;
    for (uint64_t at = offset; at < end;) {
        uint64_t chunk = at / CHUNK;
        uint64_t chunk_end = (chunk + 1) * CHUNK < s->id.size ? (chunk + 1) * CHUNK : s->id.size;
        uint32_t seen = atomic_load_explicit(&s->warm[chunk], memory_order_relaxed);
        if (seen == 0 || second - seen >= WARM_SECONDS) {
            uint64_t stop = end < chunk_end ? end : chunk_end;
            if (!run_is_warm(s, at, stop))
                return false;
            if (run_is_warm(s, chunk * CHUNK, chunk_end))
                atomic_store_explicit(&s->warm[chunk], second, memory_order_relaxed);
        }
        at = chunk_end;
    }
    return true;
}

enum err source_warm(struct source *s, struct index_span span, size_t room,
                     const atomic_bool *cancelled, _Atomic uint64_t *read)
{
    unsigned char *scratch = malloc(room);
    uint64_t at = span.offset, end = span.offset + span.length;
    if (end > s->id.size)
        end = s->id.size;
    enum err e = scratch ? ERR_NONE : ERR_NOMEM;
    while (!e && at < end) {
        size_t piece = end - at < room ? (size_t)(end - at) : room;
        e = source_read(s, at, scratch, piece, cancelled);
        at += piece;
        if (!e)
            atomic_fetch_add_explicit(read, piece, memory_order_relaxed);
    }
    free(scratch);
    return e;
}
