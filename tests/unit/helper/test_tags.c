/* segments/helper/tags: a file's tags as lines that are safe to show. */
#include "segments/helper/track.h"

#include "segments/index_layout.h"
#include "tests/unit/helper/kit.h"

#include <libavutil/dict.h>

static AVFormatContext format;
static AVStream stream;
static struct buf out;

static int begin(void **state)
{
    (void)state;
    memset(&format, 0, sizeof format);
    memset(&stream, 0, sizeof stream);
    buf_init(&out, INDEX_TAGS_MAX);
    return 0;
}

static int end(void **state)
{
    (void)state;
    av_dict_free(&format.metadata);
    av_dict_free(&stream.metadata);
    buf_fini(&out);
    return 0;
}

static void set(const char *name, const char *value)
{
    av_dict_set(&format.metadata, name, value, 0);
}

/* Written, and as the index would take it. */
static void expect(const char *text)
{
    tags_write(&format, &stream, &out);
    assert_int_equal(buf_status(&out), ERR_NONE);
    assert_true(layout_tags_fit(buf_str(&out)));
    if (!str_eq(buf_str(&out), str_of(text)))
        fail_msg("not \"%s\" but \"%.*s\"", text, STR_ARG(buf_str(&out)));
    buf_reset(&out);
}

static void tags_that_players_show_are_taken(void **state)
{
    (void)state;
    expect("");
    set("title", "Low Tide");
    set("ARTIST", "Harbour Lights"); /* names are read in either case */
    set("encoder", "Lavf");
    set("iTunSMPB", "00000000");
    set("language", "und"); /* MP4's word for none */
    av_dict_set(&stream.metadata, "album", "of the stream", 0);
    av_dict_set(&stream.metadata, "title", "of the stream too", 0);
    expect("title=Low Tide\nartist=Harbour Lights\nalbum=of the stream\n");
}

static void a_value_is_one_line_of_utf8(void **state)
{
    (void)state;
    set("title", "two\nlines\tand\x01 a bell\x7f");
    set("artist", "caf\xc3\xa9 \xf0\x9f\x8e\xb5");
    set("album", "latin \xe9, cut \xe2\x82");
    set("genre", "overlong \xc0\xaf, half \xed\xa0\x80, beyond \xf4\x90\x80\x80");
    set("date", "");
    expect("title=two lines and  a bell \n"
           "artist=caf\xc3\xa9 \xf0\x9f\x8e\xb5\n"
           "album=latin ?, cut ??\n"
           "genre=overlong ??, half ???, beyond ????\n");
}

/* Cut at a character, never within one. */
static void a_long_value_is_cut(void **state)
{
    (void)state;
    char value[4000] = "", expected[600] = "title=";
    for (int i = 0; i < 1000; i++)
        memcpy(value + 3 * i, "\xe2\x82\xac", 3);
    for (int i = 0; i < 512 / 3; i++)
        memcpy(expected + strlen(expected), "\xe2\x82\xac", 3);
    set("title", value);
    expected[strlen(expected)] = (char)10;
    expect(expected);
}

static void what_does_not_fit_is_left_out(void **state)
{
    (void)state;
    char value[600];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    buf_fini(&out);
    buf_init(&out, 1100); /* two of them */
    set("title", value);
    set("artist", value);
    set("album", value);
    tags_write(&format, &stream, &out);
    assert_int_equal(buf_status(&out), ERR_NONE);
    assert_true(layout_tags_fit(buf_str(&out)));
    assert_int_equal(out.len, sizeof "title=" + 512 + sizeof "artist=" + 512);
}

static void they_come_with_the_index(void **state)
{
    static const char *const tags[] = {"title", "Low Tide", "artist", "Harbour Lights", NULL};
    (void)state;
    for (size_t i = 0; i < KIT_RECIPES; i++) {
        const char *m = kit_recipes[i].muxer;
        if (strcmp(m, "adts") == 0 || strcmp(m, "ac3") == 0 || strcmp(m, "eac3") == 0)
            continue; /* have no tags */
        struct str file = kit_file(&kit_recipes[i], tags);
        struct kit_result r = kit_probe(file);
        assert_int_equal(r.e, ERR_NONE);
        struct str got = index_tags(r.x);
        if (!str_starts(got, STR("title=Low Tide\nartist=Harbour Lights\n")))
            fail_msg("%s: %.*s", m, STR_ARG(got));
        kit_free(&r);
        kit_file_free(file);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(tags_that_players_show_are_taken),
        TEST(a_value_is_one_line_of_utf8),
        TEST(a_long_value_is_cut),
        TEST(what_does_not_fit_is_left_out),
        TEST(they_come_with_the_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
