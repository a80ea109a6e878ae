/* A scratch folder of one test and the files in it. */
#ifndef TESTS_WATCH_FOLDER_H
#define TESTS_WATCH_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct folder {
    char path[64];
    char file[96];  /* "log" in it */
    char moved[96]; /* "log.1" in it */
};

static inline int folder_make(struct folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/segue-test-XXXXXX");
    if (!mkdtemp(f->path))
        return -1;
    snprintf(f->file, sizeof f->file, "%s/log", f->path);
    snprintf(f->moved, sizeof f->moved, "%s/log.1", f->path);
    return 0;
}

static inline void folder_remove(struct folder *f)
{
    unlink(f->file);
    unlink(f->moved);
    rmdir(f->path);
}

/* The whole file with a terminator, "" when there is none; the caller frees it. */
static inline char *folder_read(const char *file)
{
    enum { ROOM = 8 * 1024 * 1024 };
    char *text = malloc(ROOM);
    FILE *in = fopen(file, "r");
    size_t n = in && text ? fread(text, 1, ROOM - 1, in) : 0;
    if (in)
        fclose(in);
    if (text)
        text[n] = '\0';
    return text;
}

#endif
