/* Tracks of synthetic indexes, and what objects of them say. */
#ifndef TESTS_UNIT_STORE_MAKE_KIT_H
#define TESTS_UNIT_STORE_MAKE_KIT_H

#include "edge/store/disk.h"
#include "edge/store/make.h"
#include "tests/unit/segments/make.h"
#include "tests/unit/store/tree.h"

#define PACKETS 1000                       /* of 1024 ticks: 23 s */
#define GIVEN UINT64_C(0x00ab54a98ceb1f0a) /* the version of every source here */

static const struct make_opts OPTS = {6000,           false,          CONTAINER_FMP4,
                                      {"/audio/", 7}, {"/x/hls/", 7}, {NULL, 0}};
static struct tree tree;

struct track {
    struct object *source;
    struct object *index;
    struct make_rendition r;
};

/* A track at `path` that has `x`, which is taken over. Its file is there only after fill_file. */
static inline struct track track_of(const char *path, struct index *x)
{
    struct track t;
    struct key source = key_make(OBJECT_SOURCE, str_of(path), 0, CONTAINER_COUNT, 0);
    struct key index = key_make(OBJECT_INDEX, str_of(path), GIVEN, CONTAINER_COUNT, 0);
    t.source = object_new(&source);
    t.index = object_new(&index);
    t.source->modified = 784111777;
    t.source->source = calloc(1, sizeof *t.source->source);
    t.source->source->fd = -1;
    t.source->source->version = GIVEN;
    t.index->index = x;
    t.r = (struct make_rendition){t.source, t.index};
    return t;
}

static inline void track_free(struct track *t)
{
    object_unref(t->source);
    object_unref(t->index);
}

static inline struct track aac(void) { return track_of("/a.m4a", make_aac(PACKETS)); }

static inline struct index *mp3_index(void)
{
    return make_track(make_info(CODEC_MP3, 44100), PACKETS, 1152, 417, STR(""));
}

static inline struct track mp3(void) { return track_of("/a.mp3", mp3_index()); }

static inline struct key key_of(enum object_kind kind, unsigned container, uint32_t number)
{
    return key_make(kind, STR("/a.m4a"), GIVEN, container, number);
}

static inline bool has(const struct object *o, const char *text)
{
    return memmem(o->body, o->body_len, text, strlen(text)) != NULL;
}

static inline bool says(const struct object *o, const char *line)
{
    return memmem(o->fields.p, o->fields.n, line, strlen(line)) != NULL;
}

static inline void expect_failure(struct object *o, enum err failure, const char *why)
{
    assert_int_equal(o->failure, failure);
    if (!str_eq(object_why(o), str_of(why)))
        fail_msg("%.*s", STR_ARG(object_why(o)));
    object_unref(o);
}

static inline int begin(void **state)
{
    (void)state;
    tree_make(&tree);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    tree_remove(&tree);
    return 0;
}

static inline struct object *playlist(const struct make_opts *opts, unsigned container,
                                      struct track *t)
{
    struct object *o = NULL;
    struct key key = key_of(OBJECT_PLAYLIST, container, 0);
    assert_int_equal(make_playlist(opts, &key, &t->r, &o), ERR_NONE);
    return o;
}

static inline struct object *master(unsigned container, const struct make_rendition *list,
                                    size_t count, bool folder)
{
    struct object *o = NULL;
    struct key key = key_of(OBJECT_MASTER, container, 0);
    assert_int_equal(make_master(&OPTS, &key, list, count, folder, &o), ERR_NONE);
    assert_true(key_eq(&o->key, &key));
    return o;
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, begin, end)

#endif
