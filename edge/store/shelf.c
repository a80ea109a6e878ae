/* The file, and where its next free page is. Lives as long as the supply. */
#include "edge/store/shelf.h"

#include "edge/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct shelf {
    int fd;
    size_t page;
    _Atomic uint64_t end; /* on a page's edge */
};

enum err shelf_new(struct shelf **out)
{
    struct shelf *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->page = (size_t)sysconf(_SC_PAGESIZE);
    s->fd = memfd_create("segue", MFD_CLOEXEC);
    if (s->fd < 0) {
        log_write(LOG_ERROR, "memory: memfd_create: %s", strerror(errno));
        free(s);
        return ERR_SYSTEM;
    }
    *out = s;
    return ERR_NONE;
}

void shelf_free(struct shelf *s)
{
    if (!s)
        return;
    close(s->fd);
    free(s);
}

int shelf_fd(const struct shelf *s) { return s->fd; }

size_t shelf_room(const struct shelf *s, size_t n) { return (n + s->page - 1) / s->page * s->page; }

enum err shelf_put(struct shelf *s, const unsigned char *bytes, size_t n, uint64_t *at)
{
    *at = atomic_fetch_add_explicit(&s->end, shelf_room(s, n), memory_order_relaxed);
    for (size_t done = 0; done < n;) {
        ssize_t wrote = pwrite(s->fd, bytes + done, n - done, (off_t)(*at + done));
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            shelf_drop(s, *at, done);
            return ERR_NOMEM;
        }
        done += (size_t)wrote;
    }
    return ERR_NONE;
}

void shelf_drop(struct shelf *s, uint64_t at, size_t n)
{
    if (n)
        (void)fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at,
                        (off_t)shelf_room(s, n));
}
