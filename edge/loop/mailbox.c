/* A locked list and an eventfd: the list is detached under the lock and delivered outside it. */
#include "edge/loop/mailbox.h"

#include "edge/base/lock.h"
#include "edge/base/must.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    struct loop_io io; /* first: on_io casts back */
    struct lock lock;
    struct letter *first; /* under the lock */
    struct letter **last; /* under the lock */
    int fd;
};

static struct letter *take_all(struct mailbox *m)
{
    lock_take(&m->lock);
    struct letter *first = m->first;
    m->first = NULL;
    m->last = &m->first;
    lock_give(&m->lock);
    return first;
}

void mailbox_settle(struct mailbox *m)
{
    struct letter *letter = take_all(m);
    while (letter) {
        struct letter *next = letter->next;
        letter->deliver(letter);
        letter = next;
    }
}

static void on_mail(struct loop_io *io, unsigned what)
{
    struct mailbox *m = (struct mailbox *)io;
    eventfd_t count;
    (void)what;
    (void)eventfd_read(m->fd, &count); /* nothing to read only means that it was read before */
    mailbox_settle(m);
}

enum err mailbox_new(struct loop *l, struct mailbox **out)
{
    struct mailbox *m = calloc(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (m->fd < 0 || loop_watch_level(l, &m->io, m->fd, on_mail)) {
        if (m->fd >= 0)
            close(m->fd);
        free(m);
        return ERR_SYSTEM;
    }
    lock_init(&m->lock, LOCK_MAILBOX);
    m->last = &m->first;
    *out = m;
    return ERR_NONE;
}

void mailbox_free(struct mailbox *m)
{
    if (!m)
        return;
    loop_unwatch(&m->io);
    close(m->fd);
    lock_fini(&m->lock);
    free(m);
}

void mailbox_post(struct mailbox *m, struct letter *letter)
{
    must(letter->deliver);
    letter->next = NULL;
    lock_take(&m->lock);
    bool wake = m->first == NULL;
    *m->last = letter;
    m->last = &letter->next;
    lock_give(&m->lock);
    if (wake)
        must(eventfd_write(m->fd, 1) == 0);
}
