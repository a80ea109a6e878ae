/* Bytes in and out of one connection's descriptor, plain TCP. [loop]
 * Every call is one system call on a non-blocking socket and answers how it went; nothing is
 * buffered here. (TLS comes as another set of the same three functions.) */
#ifndef EDGE_WIRE_LINK_H
#define EDGE_WIRE_LINK_H

#include "edge/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum link_state {
    LINK_OK,    /* `n` bytes went; fewer than asked is possible */
    LINK_AGAIN, /* would block: wait for the loop's word */
    LINK_END,   /* reading: the peer sends no more; sending a file: it ended too soon */
    LINK_GONE,  /* the connection is broken */
    LINK_FILE,  /* sending a file: reading it failed */
};

struct link_result {
    enum link_state state;
    size_t n; /* bytes, with LINK_OK */
};

struct link_result link_read(int fd, void *at, size_t room);
/* `more`: more bytes follow at once, so a half-full packet may wait for them. */
struct link_result link_write(int fd, const struct iovec *parts, int count, int more);
/* SIGPIPE has to be ignored: sendfile(2) has no MSG_NOSIGNAL. */
struct link_result link_send_file(int fd, int file, uint64_t offset, size_t n);

/* Has the connection been reset? Asks the socket, not the stream: a reset behind a FIN shows too.
 */
bool link_is_broken(int fd);
/* Bytes that the kernel has of ours and the peer has not yet acknowledged. */
uint32_t link_unsent(int fd);
/* Say that and close: for a connection that there is no room for. Takes fd over, never blocks; who
 * cannot take this much at once cannot be told. */
void link_refuse(int fd, struct str answer);

#endif
