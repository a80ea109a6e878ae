/* segments/helper/track: adding packets, and saying why it failed. */
#include "segments/helper/track.h"

#include "tests/unit/helper/kit.h"

#include <errno.h>
#include <libavutil/error.h>

static struct record_page page;
static struct source source;
static struct track track;
static char why[RECORD_WHY + 1];

static int begin(void **state)
{
    (void)state;
    page = (struct record_page){0};
    source = (struct source){.fd = -1, .size = 100000, .job = 3, .page = &page};
    track = (struct track){.source = &source, .builder = index_build(), .why = why};
    why[0] = '\0';
    return 0;
}

static int end(void **state)
{
    (void)state;
    index_build_free(track.builder);
    return 0;
}

static void packets_add_up(void **state)
{
    (void)state;
    struct index_span pieces[2] = {{5000, 10}, {6000, 20}};
    assert_int_equal(track_add(&track, 1000, 100, 1024), ERR_NONE);
    assert_int_equal(track_add_pieces(&track, pieces, 2, 512), ERR_NONE);
    assert_int_equal(track.packets, 2);
    assert_int_equal(track.ticks, 1536);
    assert_int_equal(track.first.offset, 1000);
    assert_int_equal(track.first.length, 100);
}

static void a_packet_behind_the_end_ends_the_track(void **state)
{
    (void)state;
    assert_int_equal(track_add(&track, 99900, 100, 1), ERR_NONE);
    assert_int_equal(track_add(&track, 99901, 100, 1), ERR_AGAIN);
    assert_int_equal(track_add(&track, 100001, 1, 1), ERR_AGAIN);
    assert_int_equal(track_add(&track, UINT64_MAX - 10, 100, 1), ERR_AGAIN);
    assert_int_equal(track.packets, 1);
    assert_string_equal(why, "");
}

static void a_packet_that_cannot_be_says_which(void **state)
{
    (void)state;
    assert_int_equal(track_add(&track, 0, 10, 1), ERR_NONE);
    assert_int_equal(track_add(&track, 10, 0, 1), ERR_MEDIA);
    assert_string_equal(why, "packet 1 is empty, too large, or has no duration");
    assert_int_equal(track_add(&track, 10, 10, 0), ERR_MEDIA);
    assert_int_equal(track_add_pieces(&track, NULL, 0, 1), ERR_MEDIA);
}

static void the_server_is_told_how_far_it_is(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 63; i++)
        assert_int_equal(track_add(&track, i * 100, 100, 1), ERR_NONE);
    assert_int_equal(atomic_load(&page.packets), 0); /* not at each packet */
    assert_int_equal(track_add(&track, 6300, 100, 1), ERR_NONE);
    assert_int_equal(atomic_load(&page.packets), 64);
    assert_int_equal(atomic_load(&page.expected), 1000); /* 6400 of 100000 bytes */
    atomic_store(&page.stop, 3);
    assert_int_equal(track_add(&track, 6400, 100, 1), ERR_CANCELLED);
}

static void errors_of_libav_become_reasons(void **state)
{
    (void)state;
    assert_int_equal(track_fail_av(&track, AVERROR_EXIT), ERR_CANCELLED);
    assert_int_equal(track_fail_av(&track, AVERROR(ENOMEM)), ERR_NOMEM);
    assert_string_equal(why, "it needs more memory than a media helper may have");
    assert_int_equal(track_fail_av(&track, AVERROR(EIO)), ERR_MEDIA); /* the file's own fault */
    source.failed = true;
    assert_int_equal(track_fail_av(&track, AVERROR(EIO)), ERR_IO);
    assert_string_equal(why, "reading it failed");
    assert_int_equal(track_fail_av(&track, AVERROR_INVALIDDATA), ERR_MEDIA);
    assert_string_equal(why, "Invalid data found when processing input");
}

static void a_reason_is_cut_to_its_room(void **state)
{
    (void)state;
    char long_text[500];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_int_equal(track_fail(&track, ERR_UNSUPPORTED, "%s", long_text), ERR_UNSUPPORTED);
    assert_int_equal(strlen(why), RECORD_WHY);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(packets_add_up),
        TEST(a_packet_behind_the_end_ends_the_track),
        TEST(a_packet_that_cannot_be_says_which),
        TEST(the_server_is_told_how_far_it_is),
        TEST(errors_of_libav_become_reasons),
        TEST(a_reason_is_cut_to_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
