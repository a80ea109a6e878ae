/* A real redis-server on a unix socket of the test's own, and sockets that only look like one. */
#ifndef TESTS_UNIT_STORE_REDIS_KIT_H
#define TESTS_UNIT_STORE_REDIS_KIT_H

#include "edge/base/log.h"
#include "tests/unit/loop/turn.h"
#include "tests/unit/store/tree.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static struct tree redis_tree;
static pid_t server;
static redisContext *direct; /* a second way to the same Redis */

static inline pid_t spawn_redis(const char *socket)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves no server */
        execlp("redis-server", "redis-server", "conf/redis.conf", "--port", "0", "--unixsocket",
               socket, "--dir", redis_tree.root, "--logfile", "/dev/null", NULL);
        _exit(127);
    }
    return pid;
}

static inline int begin_server(void **state)
{
    (void)state;
    alarm(120);
    log_set_level(LOG_ERROR);
    tree_make(&redis_tree);
    const char *socket = tree_path(&redis_tree, "redis.sock");
    server = spawn_redis(socket);
    for (int i = 0; i < 2000 && (!direct || direct->err); i++) {
        if (direct)
            redisFree(direct);
        usleep(5000); /* until it listens */
        direct = redisConnectUnix(socket);
    }
    return direct->err;
}

static inline int end_server(void **state)
{
    (void)state;
    redisFree(direct);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    tree_remove(&redis_tree);
    return 0;
}

/* A socket that answers each connection with the same bytes and then says no more. */

struct liar {
    struct loop_io io; /* first */
    int fd;
    const char *says;
    int clients[64];
    int count;
};

static inline void on_client(struct loop_io *watched, unsigned what)
{
    struct liar *l = (struct liar *)watched;
    (void)what;
    int fd = accept(l->fd, NULL, NULL);
    assert_true(fd >= 0 && l->count < 64);
    assert_true(send(fd, l->says, strlen(l->says), MSG_NOSIGNAL) > 0);
    l->clients[l->count++] = fd;
}

static inline void lie(struct liar *l, struct loop *on, const char *path, const char *says)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    memcpy(un.sun_path, path, strlen(path) + 1);
    *l = (struct liar){.says = says};
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(un.sun_path);
    assert_int_equal(bind(l->fd, (struct sockaddr *)&un, sizeof un), 0);
    assert_int_equal(listen(l->fd, 64), 0);
    assert_int_equal(loop_watch_level(on, &l->io, l->fd, on_client), ERR_NONE);
}

static inline void lie_no_more(struct liar *l)
{
    loop_unwatch(&l->io);
    close(l->fd);
    for (int i = 0; i < l->count; i++)
        close(l->clients[i]);
}

#endif
