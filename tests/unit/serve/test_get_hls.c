/* edge/serve/get_hls: what a path asks for. */
#include "edge/serve/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define V "v-00ab54a98ceb1f0a"
#define VERSION UINT64_C(0x00ab54a98ceb1f0a)

static struct exchange x;

/* As run_route calls it: rest is what follows the prefix, in one piece with it. */
static void ask(const char *path)
{
    static const struct service_opts opts = {.admin = false};
    static struct service service = {.opts = &opts};
    static struct h1_request request;
    memset(&x, 0, sizeof x);
    x.service = &service;
    x.request = &request;
    x.wish.container = CONTAINER_COUNT;
    assert_int_equal(get_hls(&x, str_from(str_of(path), strlen("/hls/"))), STEP_ON);
}

struct wanted {
    const char *path;
    const char *track;
    enum wish_kind kind;
    unsigned container;
    uint32_t number;
    const char *ending;
};

static const struct wanted FOUND[] = {
    {"/hls/a.mp3/master.m3u8", "/a.mp3", WISH_MASTER, CONTAINER_COUNT, 0, ""},
    {"/hls/a.mp3/index.m3u8", "/a.mp3", WISH_PLAYLIST, CONTAINER_COUNT, 0, ""},
    {"/hls/a.mp3/index-7.m3u8", "/a.mp3", WISH_PLAYLIST, CONTAINER_COUNT, 7, ""},
    {"/hls/al/bum/a.mp3/index.m3u8", "/al/bum/a.mp3", WISH_PLAYLIST, CONTAINER_COUNT, 0, ""},
    {"/hls/a.mp3/ts/index.m3u8", "/a.mp3", WISH_PLAYLIST, CONTAINER_TS, 0, ""},
    {"/hls/a.mp3/fmp4/master.m3u8", "/a.mp3", WISH_MASTER, CONTAINER_FMP4, 0, ""},
    {"/hls/a.mp3/packed/master.m3u8", "/a.mp3", WISH_MASTER, CONTAINER_PACKED, 0, ""},
    {"/hls/a.mp3/bytes/index.m3u8", "/a.mp3", WISH_PLAYLIST, CONTAINER_BYTES, 0, ""},
    /* a container needs a track before it, and is one word, as it is written */
    {"/hls/ts/index.m3u8", "/ts", WISH_PLAYLIST, CONTAINER_COUNT, 0, ""},
    {"/hls/ts/ts/index.m3u8", "/ts", WISH_PLAYLIST, CONTAINER_TS, 0, ""},
    {"/hls/a/TS/index.m3u8", "/a/TS", WISH_PLAYLIST, CONTAINER_COUNT, 0, ""},
    {"/hls/a/ts/fmp4/index.m3u8", "/a/ts", WISH_PLAYLIST, CONTAINER_FMP4, 0, ""},
    /* names of leaves may be names of tracks */
    {"/hls/index.m3u8/index.m3u8", "/index.m3u8", WISH_PLAYLIST, CONTAINER_COUNT, 0, ""},
    {"/hls/" V "/index.m3u8", "/" V, WISH_PLAYLIST, CONTAINER_COUNT, 0, ""},
    {"/hls/a b\xc3\xa9.mp3/index.m3u8", "/a b\xc3\xa9.mp3", WISH_PLAYLIST, CONTAINER_COUNT, 0, ""},
    /* versioned pieces: one key each, whether the container was chosen or not */
    {"/hls/a.m4a/" V "/init.mp4", "/a.m4a", WISH_INIT, CONTAINER_FMP4, 0, ""},
    {"/hls/a.m4a/fmp4/" V "/init.mp4", "/a.m4a", WISH_INIT, CONTAINER_FMP4, 0, ""},
    {"/hls/a.m4a/" V "/0.m4s", "/a.m4a", WISH_SEGMENT, CONTAINER_FMP4, 0, "m4s"},
    {"/hls/a.m4a/fmp4/" V "/10.m4s", "/a.m4a", WISH_SEGMENT, CONTAINER_FMP4, 10, "m4s"},
    {"/hls/a.m4a/" V "/7.ts", "/a.m4a", WISH_SEGMENT, CONTAINER_TS, 7, "ts"},
    {"/hls/a.m4a/ts/" V "/7.ts", "/a.m4a", WISH_SEGMENT, CONTAINER_TS, 7, "ts"},
    {"/hls/a.mp3/" V "/7.mp3", "/a.mp3", WISH_SEGMENT, CONTAINER_PACKED, 7, "mp3"},
    {"/hls/a.mp3/packed/" V "/7.aac", "/a.mp3", WISH_SEGMENT, CONTAINER_PACKED, 7, "aac"},
    {"/hls/a/" V "/4294967295.ts", "/a", WISH_SEGMENT, CONTAINER_TS, UINT32_MAX, "ts"},
    /* an ending nobody writes is for the maker to refuse */
    {"/hls/a/" V "/1.m4s.m4s", "/a", WISH_SEGMENT, CONTAINER_PACKED, 1, "m4s.m4s"},
    {"/hls/" V "/" V "/1.ts", "/" V, WISH_SEGMENT, CONTAINER_TS, 1, "ts"},
};

static void paths_are_read_from_their_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FOUND / sizeof FOUND[0]; i++) {
        const struct wanted *w = &FOUND[i];
        ask(w->path);
        if (!x.asks || !str_eq(x.wish.track, str_of(w->track)))
            fail_msg("%s: track %.*s", w->path, STR_ARG(x.wish.track));
        if (x.wish.kind != w->kind || x.wish.container != w->container)
            fail_msg("%s: kind %u container %u", w->path, (unsigned)x.wish.kind, x.wish.container);
        bool piece = w->kind == WISH_INIT || w->kind == WISH_SEGMENT;
        assert_true(x.wish.version == (piece ? VERSION : 0));
        assert_int_equal(x.wish.number, w->number);
        assert_true(str_eq(x.wish.ending, str_of(w->ending)));
    }
}

static const char *const NOTHING[] = {
    "/hls/",
    "/hls/index.m3u8",
    "/hls/a.mp3/index-.m3u8",
    "/hls/a.mp3/index-0.m3u8",
    "/hls/a.mp3/index-07.m3u8",
    "/hls/a.mp3/index-+7.m3u8",
    "/hls/a.mp3/index-3601.m3u8",
    "/hls/a.mp3/index7.m3u8",
    "/hls/a.mp3/index-7.m3u",
    "/hls/master.m3u8",
    "/hls//index.m3u8",
    "/hls/a.mp3",
    "/hls/a.mp3/",
    "/hls/a.mp3/index.m3u",
    "/hls/a.mp3/INDEX.m3u8",
    "/hls/a.mp3/index.m3u8/",
    "/hls/a.mp3/init.mp4",
    "/hls/a.mp3/0.m4s",
    "/hls/" V "/init.mp4",
    "/hls/" V "/0.ts",
    /* versions have one spelling */
    "/hls/a/v-00AB54A98CEB1F0A/0.ts",
    "/hls/a/v-ab54a98ceb1f0a/0.ts",
    "/hls/a/v-000ab54a98ceb1f0a/0.ts",
    "/hls/a/V-00ab54a98ceb1f0a/0.ts",
    "/hls/a/v-00ab54a98ceb1f0g/0.ts",
    "/hls/a/v-00ab54a98ceb1f0 /0.ts",
    "/hls/a/v-+0ab54a98ceb1f0a/0.ts",
    "/hls/a/v-0x0b54a98ceb1f0a/0.ts",
    "/hls/a/v-/0.ts",
    "/hls/a/" V "x/0.ts",
    /* numbers too */
    "/hls/a/" V "/00.ts",
    "/hls/a/" V "/01.ts",
    "/hls/a/" V "/-1.ts",
    "/hls/a/" V "/+1.ts",
    "/hls/a/" V "/ 1.ts",
    "/hls/a/" V "/1 .ts",
    "/hls/a/" V "/1",
    "/hls/a/" V "/1.",
    "/hls/a/" V "/1ts",
    "/hls/a/" V "/.ts",
    "/hls/a/" V "/ts",
    "/hls/a/" V "/0x1.ts",
    "/hls/a/" V "/4294967296.ts",
    "/hls/a/" V "/18446744073709551616.ts",
    "/hls/a/" V "/99999999999999999999999999.ts",
    "/hls/a/" V "/",
    /* a piece of one container is not below another */
    "/hls/a/ts/" V "/1.m4s",
    "/hls/a/fmp4/" V "/1.ts",
    "/hls/a/packed/" V "/1.ts",
    "/hls/a/ts/" V "/1.aac",
    "/hls/a/ts/" V "/init.mp4",
    "/hls/a/bytes/" V "/init.mp4",
    "/hls/a/bytes/" V "/1.mp3",
};

static void whatever_else_is_not_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof NOTHING / sizeof NOTHING[0]; i++) {
        ask(NOTHING[i]);
        if (x.asks || x.reply.status != 404)
            fail_msg("%s: %d, track %.*s", NOTHING[i], x.reply.status, STR_ARG(x.wish.track));
        object_unref(x.reply.object);
    }
}

/* Every byte of a good path changed to every other: it asks for something else, or for nothing;
 * it never reads outside the path. */
static void any_change_asks_for_something_else_or_nothing(void **state)
{
    static const char path[] = "/hls/a/ts/" V "/12.ts";
    (void)state;
    for (size_t at = strlen("/hls/"); at < sizeof path - 1; at++) {
        for (unsigned c = 1; c < 256; c++) {
            char *changed = strdup(path);
            if (c == (unsigned char)path[at]) {
                free(changed);
                continue;
            }
            changed[at] = (char)c;
            ask(changed);
            const struct wish *w = &x.wish;
            assert_false(x.asks && w->kind == WISH_SEGMENT && w->number == 12 &&
                         w->version == VERSION && w->container == CONTAINER_TS &&
                         str_eq(w->track, STR("/a")));
            object_unref(x.reply.object);
            free(changed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_read_from_their_end),
        cmocka_unit_test(whatever_else_is_not_found),
        cmocka_unit_test(any_change_asks_for_something_else_or_nothing),
    };
    hash_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
