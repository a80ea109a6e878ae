/* edge/http/mime: endings and their types. */
#include "edge/http/mime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_ending_that_is_promised_has_its_type(void **state)
{
    (void)state;
    static const struct {
        const char *path, *type;
    } rows[] = {
        {"a.mp3", "audio/mpeg"},        {"a.m4a", "audio/mp4"},
        {"a.m4b", "audio/mp4"},         {"a.mp4", "video/mp4"},
        {"a.aac", "audio/aac"},         {"a.flac", "audio/flac"},
        {"a.ogg", "audio/ogg"},         {"a.oga", "audio/ogg"},
        {"a.opus", "audio/ogg"},        {"a.wav", "audio/wav"},
        {"a.aif", "audio/aiff"},        {"a.aiff", "audio/aiff"},
        {"a.ac3", "audio/ac3"},         {"a.ec3", "audio/eac3"},
        {"a.weba", "audio/webm"},       {"a.webm", "video/webm"},
        {"a.mka", "audio/x-matroska"},  {"a.ts", "video/mp2t"},
        {"a.m4s", "video/iso.segment"}, {"a.m3u8", "application/vnd.apple.mpegurl"},
        {"a.vtt", "text/vtt"},          {"a.json", "application/json"},
        {"a.jpg", "image/jpeg"},        {"a.jpeg", "image/jpeg"},
        {"a.png", "image/png"},         {"a.webp", "image/webp"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(mime_of(str_of(rows[i].path)), rows[i].type);
}

static void endings_have_no_case_and_the_last_one_counts(void **state)
{
    (void)state;
    assert_string_equal(mime_of(STR("/Music/A.b/SONG.MP3")), "audio/mpeg");
    assert_string_equal(mime_of(STR("a.mp3.Flac")), "audio/flac");
}

static void anything_else_is_bytes(void **state)
{
    (void)state;
    static const char *const paths[] = {"", "mp3", "/mp3", "a.", "a.mp3x", "a.mp", "/x.mp3/a", "/"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_string_equal(mime_of(str_of(paths[i])), "application/octet-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ending_that_is_promised_has_its_type),
        cmocka_unit_test(endings_have_no_case_and_the_last_one_counts),
        cmocka_unit_test(anything_else_is_bytes),
    };
    return cmocka_run_group_tests_name("http/mime", tests, NULL, NULL);
}
