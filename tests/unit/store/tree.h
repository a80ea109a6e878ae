/* A tree of files of one test, under /tmp. */
#ifndef TESTS_UNIT_STORE_TREE_H
#define TESTS_UNIT_STORE_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct tree {
    char root[64];
    char path[512]; /* of the file that was named last */
};

static inline void tree_make(struct tree *t)
{
    snprintf(t->root, sizeof t->root, "/tmp/segue-tree-XXXXXX");
    assert_non_null(mkdtemp(t->root));
}

static inline int tree_remove_one(const char *path, const struct stat *st, int flag,
                                  struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void tree_remove(struct tree *t)
{
    nftw(t->root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The whole path of `name` ("album/song.m4a"), valid until the next call. */
static inline const char *tree_path(struct tree *t, const char *name)
{
    snprintf(t->path, sizeof t->path, "%s/%s", t->root, name);
    return t->path;
}

static inline void tree_folder(struct tree *t, const char *name)
{
    assert_int_equal(mkdir(tree_path(t, name), 0755), 0);
}

/* Set its modification time, in seconds and nanoseconds since 1970. */
static inline void tree_touch(struct tree *t, const char *name, int64_t seconds, long ns)
{
    struct timespec times[2] = {{seconds, ns}, {seconds, ns}};
    assert_int_equal(utimensat(AT_FDCWD, tree_path(t, name), times, 0), 0);
}

static inline void tree_write(struct tree *t, const char *name, const void *bytes, size_t n)
{
    FILE *f = fopen(tree_path(t, name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static inline void tree_text(struct tree *t, const char *name, const char *text)
{
    tree_write(t, name, text, strlen(text));
}

/* Byte i of what tree_fill writes. */
static inline unsigned char tree_byte(size_t i) { return (unsigned char)(i * 7 + (i >> 8) * 13); }

static inline void tree_fill(struct tree *t, const char *name, size_t n)
{
    unsigned char *bytes = malloc(n + 1);
    for (size_t i = 0; i < n; i++)
        bytes[i] = tree_byte(i);
    tree_write(t, name, bytes, n);
    free(bytes);
}

#endif
