/* read, send, sendfile and what their errors mean. The calls that every request makes go to the
 * kernel directly: libc's are points where a thread can be cancelled, which costs two locked
 * instructions each, and nobody cancels threads here. */
#include "edge/wire/link.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct link_result failed(void)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return (struct link_result){LINK_AGAIN, 0};
    return (struct link_result){LINK_GONE, 0};
}

struct link_result link_read(int fd, void *at, size_t room)
{
    ssize_t n;
    do
        n = syscall(SYS_recvfrom, fd, at, room, 0, NULL, NULL);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        return (struct link_result){LINK_OK, (size_t)n};
    if (n == 0)
        return (struct link_result){LINK_END, 0};
    return failed();
}

/* One part is sent as such: the kernel takes a fifth of a microsecond to read the list of several.
 */
static ssize_t send_parts(int fd, const struct iovec *parts, int count, int flags)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
                             .msg_iovlen = (size_t)count};
    if (count == 1)
        return syscall(SYS_sendto, fd, parts->iov_base, parts->iov_len, flags, NULL, 0);
    return syscall(SYS_sendmsg, fd, &message, flags);
}

struct link_result link_write(int fd, const struct iovec *parts, int count, int more)
{
    ssize_t n;
    do
        n = send_parts(fd, parts, count, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return (struct link_result){LINK_OK, (size_t)n};
    return failed();
}

struct link_result link_send_file(int fd, int file, uint64_t offset, size_t n)
{
    off_t at = (off_t)offset;
    ssize_t sent;
    do
        sent = sendfile(fd, file, &at, n);
    while (sent < 0 && errno == EINTR);
    if (sent > 0)
        return (struct link_result){LINK_OK, (size_t)sent};
    if (sent == 0)
        return (struct link_result){LINK_END, 0};
    if (errno == EIO || errno == EINVAL || errno == ENOMEM || errno == ESTALE)
        return (struct link_result){LINK_FILE, 0};
    return failed();
}

bool link_is_broken(int fd)
{
    int error = 0;
    socklen_t n = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error != 0;
}

uint32_t link_unsent(int fd)
{
    int n = 0;
    return ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0 ? (uint32_t)n : 0;
}

void link_refuse(int fd, struct str answer)
{
    ssize_t n = send(fd, answer.p, answer.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n;
    close(fd);
}
