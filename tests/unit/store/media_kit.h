/* What the tests of the media helpers share: a folder for made files, files, jobs. */
#ifndef TESTS_UNIT_STORE_MEDIA_KIT_H
#define TESTS_UNIT_STORE_MEDIA_KIT_H

#include "edge/base/must.h"
#include "edge/store/media.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define MB ((size_t)1 << 20)

static char kit_build[PATH_MAX];       /* the build folder, from where this program stands */
static char kit_dir[PATH_MAX];         /* made media files */
static char kit_helper[PATH_MAX + 16]; /* segue-media */

static inline struct media *new_media(const char *program, unsigned deadline_ms)
{
    struct media *m;
    struct media_opts opts = {program, 1, 256 * MB, deadline_ms};
    assert_int_equal(media_new(&opts, &m), ERR_NONE);
    return m;
}

static inline const char *path_of(const char *name)
{
    static char path[PATH_MAX + 64];
    (void)snprintf(path, sizeof path, "%s/%s", kit_dir, name);
    return path;
}

static inline const char *write_file(const char *name, const char *bytes, size_t n)
{
    const char *path = path_of(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

static inline enum err ask_fd(struct media *m, struct media_task *task, int fd,
                              struct media_result *out)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return media_index(m, task, fd, (uint64_t)st.st_size, STR("a file"), out);
}

static inline enum err ask(struct media *m, const char *path, struct media_result *out)
{
    struct media_task task;
    media_task_init(&task);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    enum err rc = ask_fd(m, &task, fd, out);
    close(fd);
    return rc;
}

/* `name`: the test program's, which stands in tests/unit/store/. */
static inline int kit_set_up(const char *name)
{
    ssize_t n = readlink("/proc/self/exe", kit_build, sizeof kit_build - 1);
    must(n > 0);
    for (int up = 0; up < 4; up++)
        *strrchr(kit_build, '/') = '\0';
    (void)snprintf(kit_dir, sizeof kit_dir, "%.3000s/tests/%s-XXXXXX", kit_build, name);
    (void)snprintf(kit_helper, sizeof kit_helper, "%s/segue-media", kit_build);
    return mkdtemp(kit_dir) ? 0 : -1;
}

static inline int kit_tear_down(void)
{
    char command[PATH_MAX + 16];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", kit_dir);
    return system(command);
}

#endif
