/* A watch a folder, its path by the watch's number. What happens to a file changes the marks of its
 * path and of its folder; what happens to a folder changes all marks, after the new folder is
 * watched, so that nothing which happened in between is believed. When paths are no longer what we
 * think (a folder moved, the kernel's queue ran over) the walk begins anew, blind meanwhile.
 * The walk is the thread's own: it may block on a slow disk without anybody waiting for it. */
#include "edge/store/notice.h"

#include "edge/base/buf.h"
#include "edge/base/log.h"
#include "edge/base/must.h"
#include "edge/store/object.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    EVENTS = 64 * 1024,     /* bytes of one read */
    DEPTH_MAX = 64,         /* of folders */
    WATCHES_MAX = 1 << 22,  /* numbers of watches, which are not used again: then it begins anew */
    RETRY_MS = 60 * 1000,   /* when it could not be had */
    AGAIN_MS = 100,         /* between two walks of a tree whose folders move */
    MAGIC_XFS = 0x58465342, /* not in linux/magic.h, as the next */
    MAGIC_ZFS = 0x2fc12fc1,
};
#define MASK                                                                            \
    (IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | \
     IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)

struct notice {
    int root; /* borrowed */
    int stop; /* an eventfd */
    int fd;   /* of inotify; -1: none */
    pthread_t thread;
    bool running;
    bool told;    /* the log says already that it cannot be had */
    char **paths; /* of the watched folders, by watch; "" is the root; NULL: no such watch */
    size_t room;
    atomic_size_t folders;
    atomic_bool live;
    atomic_bool ending; /* a walk need not be finished */
    _Atomic uint32_t marks[NOTICE_MARKS];
    _Alignas(struct inotify_event) char events[EVENTS];
};

uint32_t notice_mark(const struct notice *n, uint64_t hash)
{
    if (!n || !atomic_load_explicit(&n->live, memory_order_acquire))
        return NOTICE_BLIND;
    return atomic_load_explicit(&n->marks[hash % NOTICE_MARKS], memory_order_acquire);
}

size_t notice_folders(const struct notice *n)
{
    return n && atomic_load(&n->live) ? atomic_load(&n->folders) : 0;
}

/* ---- marks ---- */

static void change(struct notice *n, size_t which)
{
    uint32_t next = atomic_load_explicit(&n->marks[which], memory_order_relaxed) + 1;
    atomic_store_explicit(&n->marks[which], next == NOTICE_BLIND ? 1 : next, memory_order_release);
}

static void change_all(struct notice *n)
{
    for (size_t i = 0; i < NOTICE_MARKS; i++)
        change(n, i);
}

static void change_path(struct notice *n, struct str path)
{
    struct key key = key_make(OBJECT_SOURCE, path, 0, CONTAINER_COUNT, 0);
    change(n, key.hash % NOTICE_MARKS);
}

/* ---- watching ---- */

/* Kernels tell of what is written on the machine itself; other machines' writes, and names that
 * differ in case only, would pass unseen. */
static bool tells(int fd)
{
    static const long known[] = {EXT4_SUPER_MAGIC, MAGIC_XFS,   BTRFS_SUPER_MAGIC,
                                 TMPFS_MAGIC,      RAMFS_MAGIC, OVERLAYFS_SUPER_MAGIC,
                                 F2FS_SUPER_MAGIC, MAGIC_ZFS,   SQUASHFS_MAGIC};
    struct statfs st;
    if (fstatfs(fd, &st) != 0)
        return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (st.f_type == known[i])
            return true;
    return false;
}

static enum err keep_path(struct notice *n, size_t watch, const char *path)
{
    if (watch >= WATCHES_MAX)
        return ERR_AGAIN;
    if (watch >= n->room) {
        size_t more = watch * 2 + 64;
        char **paths = realloc((void *)n->paths, more * sizeof *paths);
        if (!paths)
            return ERR_NOMEM;
        memset((void *)(paths + n->room), 0, (more - n->room) * sizeof *paths);
        n->paths = paths;
        n->room = more;
    }
    char *copy = str_dup(str_of(path));
    if (!copy)
        return ERR_NOMEM;
    if (!n->paths[watch])
        atomic_fetch_add(&n->folders, 1);
    free(n->paths[watch]);
    n->paths[watch] = copy;
    return ERR_NONE;
}

/* By the descriptor: a path could mean another folder by now. */
static enum err watch_folder(struct notice *n, int fd, const char *path)
{
    char name[40];
    if (!tells(fd))
        return ERR_UNSUPPORTED;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int watch = inotify_add_watch(n->fd, name, MASK);
    if (watch < 0)
        return errno == ENOSPC ? ERR_TOO_BIG : ERR_SYSTEM;
    return keep_path(n, (size_t)watch, path);
}

static bool is_folder(int dir, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static enum err walk(struct notice *n, int parent, const char *name, const char *path,
                     unsigned depth);

/* NOLINTNEXTLINE(misc-no-recursion): DEPTH_MAX bounds it. */
static enum err walk_entries(struct notice *n, DIR *dir, const char *path, unsigned depth)
{
    char below[BUF_MAX_PATH];
    const struct dirent *entry;
    enum err e = ERR_NONE;
    while (!e && (entry = readdir(dir))) {
        if (atomic_load_explicit(&n->ending, memory_order_relaxed))
            return ERR_CANCELLED;
        if (entry->d_name[0] == '.' || !is_folder(dirfd(dir), entry))
            continue; /* names with a dot are never served */
        int length = snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (length > 0 && (size_t)length < sizeof below)
            e = walk(n, dirfd(dir), entry->d_name, below, depth + 1);
    }
    return e;
}

/* Watched first, then listed: a folder that is made meanwhile is told or seen. One that goes
 * meanwhile, or is not ours to read, is none of ours.
 * NOLINTNEXTLINE(misc-no-recursion): DEPTH_MAX bounds it. */
static enum err walk(struct notice *n, int parent, const char *name, const char *path,
                     unsigned depth)
{
    if (depth > DEPTH_MAX)
        return ERR_TOO_BIG;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE ? ERR_BUSY : ERR_NONE;
    enum err e = watch_folder(n, fd, path);
    DIR *dir = e ? NULL : fdopendir(fd);
    if (!dir) {
        close(fd);
        return e ? e : ERR_NOMEM;
    }
    e = walk_entries(n, dir, path, depth);
    closedir(dir);
    return e;
}

/* ---- what happens ---- */

static enum err folder_came(struct notice *n, const char *name, const char *path)
{
    char inside[BUF_MAX_PATH + 2];
    snprintf(inside, sizeof inside, ".%s", path);
    /* The last component alone must not be a link; the others are watched folders. */
    return name[0] == '.' ? ERR_NONE : walk(n, n->root, inside, path, 0);
}

static void forget(struct notice *n, size_t watch)
{
    free(n->paths[watch]);
    n->paths[watch] = NULL;
    atomic_fetch_sub(&n->folders, 1);
}

/* *all: every mark has to change. ERR_AGAIN: begin anew. */
static enum err happened(struct notice *n, const struct inotify_event *event, bool *all)
{
    char path[BUF_MAX_PATH];
    size_t watch = (size_t)event->wd;
    if (event->mask & (IN_Q_OVERFLOW | IN_UNMOUNT | IN_MOVE_SELF))
        return ERR_AGAIN;
    if (event->wd < 0 || watch >= n->room || !n->paths[watch])
        return ERR_NONE;
    if (event->mask & (IN_IGNORED | IN_DELETE_SELF)) {
        *all = true;
        if (event->mask & IN_IGNORED)
            forget(n, watch);
        return ERR_NONE;
    }
    const char *folder = n->paths[watch];
    const char *name = event->len ? event->name : "";
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return ERR_NONE; /* no URL is so long */
    change_path(n, str_of(folder[0] ? folder : "/"));
    change_path(n, str_of(path));
    if (!(event->mask & IN_ISDIR))
        return ERR_NONE;
    *all = true;
    if (event->mask & IN_MOVED_FROM)
        return ERR_AGAIN;
    return event->mask & (IN_CREATE | IN_MOVED_TO) ? folder_came(n, name, path) : ERR_NONE;
}

static enum err take_events(struct notice *n)
{
    bool all = false;
    ssize_t got = read(n->fd, n->events, sizeof n->events);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? ERR_NONE : ERR_AGAIN;
    enum err e = ERR_NONE;
    for (ssize_t at = 0; at < got && !e;) {
        const struct inotify_event *event = (const struct inotify_event *)(void *)(n->events + at);
        e = happened(n, event, &all);
        at += (ssize_t)(sizeof *event + event->len);
    }
    if (all)
        change_all(n);
    return e;
}

/* ---- the thread ---- */

static void go_blind(struct notice *n)
{
    atomic_store(&n->live, false);
    change_all(n);
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
    for (size_t i = 0; i < n->room; i++)
        free(n->paths[i]);
    free((void *)n->paths);
    n->paths = NULL;
    n->room = 0;
    atomic_store(&n->folders, 0);
}

static void tell(struct notice *n, enum err e)
{
    const char *why = e == ERR_TOO_BIG ? "there are more folders than fs.inotify.max_user_watches"
                      : e == ERR_UNSUPPORTED ? "its file system does not tell of changes"
                                             : "inotify is not to be had";
    if (!n->told)
        log_write(LOG_WARN, "media.root is not watched, files are looked at once a second: %s",
                  why);
    n->told = true;
}

/* What happened while it walked waits in the kernel's queue, and the marks have changed since
 * anybody saw one. */
static enum err begin(struct notice *n)
{
    n->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    enum err e = n->fd < 0 ? ERR_SYSTEM : walk(n, n->root, ".", "", 0);
    if (!e && atomic_load(&n->folders) == 0)
        e = ERR_SYSTEM; /* the root went */
    if (e) {
        go_blind(n);
        if (e != ERR_CANCELLED)
            tell(n, e);
        return e;
    }
    n->told = false;
    atomic_store(&n->live, true);
    return ERR_NONE;
}

/* False: it ends. */
static bool wait_for(struct notice *n, int ms)
{
    struct pollfd of[2] = {{n->stop, POLLIN, 0}, {n->fd, POLLIN, 0}};
    while (poll(of, n->fd < 0 ? 1 : 2, ms) < 0)
        must(errno == EINTR);
    return !of[0].revents;
}

static void *notice_thread(void *arg)
{
    struct notice *n = arg;
    bool on = true;
    while (on) {
        if (begin(n)) {
            on = wait_for(n, RETRY_MS);
            continue;
        }
        while ((on = wait_for(n, -1)) && take_events(n) == ERR_NONE)
            ;
        go_blind(n);
        on = on && wait_for(n, AGAIN_MS);
    }
    return NULL;
}

enum err notice_new(int root, struct notice **out)
{
    struct notice *n = calloc(1, sizeof *n);
    if (!n)
        return ERR_NOMEM;
    n->root = root;
    n->fd = -1;
    n->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    change_all(n);
    if (n->stop >= 0 && pthread_create(&n->thread, NULL, notice_thread, n) == 0) {
        pthread_setname_np(n->thread, "notice");
        n->running = true;
        *out = n;
        return ERR_NONE;
    }
    notice_free(n);
    return ERR_SYSTEM;
}

void notice_free(struct notice *n)
{
    uint64_t one = 1;
    if (!n)
        return;
    if (n->running) {
        atomic_store(&n->ending, true);
        must(write(n->stop, &one, sizeof one) == (ssize_t)sizeof one);
        must(pthread_join(n->thread, NULL) == 0);
    }
    go_blind(n);
    if (n->stop >= 0)
        close(n->stop);
    free(n);
}
