/* edge/store/purge: what a purge covers, its text, tags. */
#include "edge/store/purge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct purge purge_of(enum purge_kind kind, const char *path)
{
    return (struct purge){1, kind, false, str_of(path)};
}

static void each_kind_covers_its_own(void **state)
{
    (void)state;
    static const struct {
        enum purge_kind kind;
        const char *of, *path;
        bool covers;
    } rows[] = {
        {PURGE_PATH, "/a/b.mp3", "/a/b.mp3", true},
        {PURGE_PATH, "/a/b.mp3", "/a/b.mp3x", false},
        {PURGE_PATH, "/a/b.mp3", "/a/b", false},
        {PURGE_ABOVE, "/a/b.mp3/v-1/1.ts", "/a/b.mp3", true},
        {PURGE_ABOVE, "/a/b.mp3", "/a/b.mp3", true},
        {PURGE_ABOVE, "/a/b.mp3/v-1/1.ts", "/a/b", false},
        {PURGE_ABOVE, "/a/b.mp3", "/a/b.mp3/c", false},
        {PURGE_PREFIX, "/a/", "/a/b.mp3", true},
        {PURGE_PREFIX, "/a/", "/a", false},
        {PURGE_PREFIX, "/", "/a", true},
        {PURGE_FOLDER, "/a", "/a/b.mp3", true},
        {PURGE_FOLDER, "/a", "/a", true},
        {PURGE_FOLDER, "/a", "/a/b/c.mp3", false},
        {PURGE_FOLDER, "/", "/c.mp3", true},
        {PURGE_FOLDER, "/", "/a/c.mp3", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct purge p = purge_of(rows[i].kind, rows[i].of);
        if (purge_covers(&p, str_of(rows[i].path)) != rows[i].covers)
            fail_msg("row %zu: %s and %s", i, rows[i].of, rows[i].path);
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    for (unsigned kind = 0; kind < PURGE_KINDS; kind++) {
        struct purge p = {UINT64_MAX - kind, (enum purge_kind)kind, kind % 2, STR("/a b/c,d")};
        purge_write(&p, &b);
    }
    struct str text = buf_str(&b);
    for (unsigned kind = 0; kind < PURGE_KINDS; kind++) {
        struct purge p;
        assert_true(purge_read(&text, &p));
        assert_true(p.id == UINT64_MAX - kind && p.kind == kind && p.soft == kind % 2);
        assert_true(str_eq(p.path, STR("/a b/c,d")));
    }
    assert_int_equal(text.n, 0);
    buf_fini(&b);
}

static void a_line_that_is_none_is_lost_alone(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "0123456789abcde path hard /a",
        "0123456789abcdeg path hard /a",
        "0123456789abcdef  hard /a",
        "0123456789abcdef paths hard /a",
        "0123456789abcdef path firm /a",
        "0123456789abcdef path hard a",
        "0123456789abcdef path hard ",
        "0123456789abcdef path hard /a\x01",
        "0123456789abcdef path",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct buf b;
        struct purge p;
        buf_init(&b, 1000);
        buf_addf(&b, "%s\n0123456789abcdef path hard /good\n", lines[i]);
        struct str text = buf_str(&b);
        assert_false(purge_read(&text, &p));
        assert_true(purge_read(&text, &p));
        assert_true(str_eq(p.path, STR("/good")));
        buf_fini(&b);
    }
}

static void tags_lead_back_to_their_path(void **state)
{
    (void)state;
    struct buf tags, room;
    struct purge p;
    buf_init(&tags, 1000);
    buf_init(&room, 1000);
    purge_add_tags(&tags, STR("/a b, c/50%/song.m4a"), false);
    assert_true(str_eq(buf_str(&tags), STR("track:/a%20b%2C%20c/50%25/song.m4a,"
                                           "folder:/a%20b%2C%20c/50%25")));
    struct str text = buf_str(&tags);
    assert_int_equal(purge_of_tag(str_cut(&text, ','), &room, &p), ERR_NONE);
    assert_true(p.kind == PURGE_PATH && str_eq(p.path, STR("/a b, c/50%/song.m4a")));
    buf_reset(&room);
    assert_int_equal(purge_of_tag(text, &room, &p), ERR_NONE);
    assert_true(p.kind == PURGE_FOLDER && purge_covers(&p, STR("/a b, c/50%/song.m4a")));
    buf_reset(&tags);
    purge_add_tags(&tags, STR("/song.m4a"), false);
    assert_true(str_eq(buf_str(&tags), STR("track:/song.m4a,folder:/")));
    buf_reset(&tags);
    purge_add_tags(&tags, STR("/a/song"), true);
    assert_true(str_eq(buf_str(&tags), STR("track:/a/song,folder:/a,folder:/a/song")));
    buf_fini(&tags);
    buf_fini(&room);
}

static void what_is_no_tag(void **state)
{
    (void)state;
    static const char *const tags[] = {"",           "song",     "track:",    "track:song",
                                       "folder:%zz", "Track:/a", "track:/%0a"};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        struct buf room;
        struct purge p;
        buf_init(&room, 100);
        assert_int_equal(purge_of_tag(str_of(tags[i]), &room, &p), ERR_SYNTAX);
        buf_fini(&room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_covers_its_own),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_line_that_is_none_is_lost_alone),
        cmocka_unit_test(tags_lead_back_to_their_path),
        cmocka_unit_test(what_is_no_tag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
