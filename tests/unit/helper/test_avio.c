/* segments/helper/avio: a descriptor, read by position, until the job is to stop. */
#include "segments/helper/avio.h"

#include "tests/unit/helper/kit.h"

#include <errno.h>
#include <libavutil/error.h>

static struct record_page page;
static struct source source;

static int begin(void **state)
{
    static char bytes[100000];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    page = (struct record_page){0};
    source = (struct source){.fd = kit_fd((struct str){bytes, sizeof bytes}),
                             .size = sizeof bytes,
                             .job = 3,
                             .page = &page};
    return 0;
}

static int end(void **state)
{
    (void)state;
    return source.fd >= 0 ? close(source.fd) : 0;
}

static void bytes_are_read_by_position(void **state)
{
    (void)state;
    unsigned char b[10];
    size_t got;
    assert_int_equal(source_read(&source, 50, b, 10, &got), ERR_NONE);
    assert_int_equal(got, 10);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(b[i], (50 + i) * 7 & 0xff);
    assert_int_equal(source_read(&source, 99995, b, 10, &got), ERR_NONE);
    assert_int_equal(got, 5); /* the file ends */
    assert_int_equal(source_read(&source, 200000, b, 10, &got), ERR_NONE);
    assert_int_equal(got, 0);
    assert_int_equal(lseek(source.fd, 0, SEEK_CUR), 100000); /* as it was: it is the server's too */
}

static void a_job_that_is_to_stop_reads_no_more(void **state)
{
    (void)state;
    unsigned char b[10];
    size_t got;
    AVIOContext *c = source_avio(&source);
    atomic_store(&page.stop, 2); /* another job */
    assert_false(source_stopped(&source));
    assert_int_equal(source_read(&source, 0, b, 10, &got), ERR_NONE);
    atomic_store(&page.stop, 3);
    assert_true(source_stopped(&source));
    assert_int_equal(source_read(&source, 0, b, 10, &got), ERR_CANCELLED);
    assert_int_equal(got, 0);
    assert_int_equal(avio_read(c, b, 10), AVERROR_EXIT);
    assert_int_equal(avio_seek(c, 90000, SEEK_SET), AVERROR_EXIT);
    source_avio_free(&c);
    assert_null(c);
}

static void a_read_that_fails_is_told_from_a_file_that_ends(void **state)
{
    (void)state;
    unsigned char b[10];
    size_t got;
    AVIOContext *c = source_avio(&source);
    assert_true(avio_seek(c, 100000, SEEK_SET) >= 0);
    assert_int_equal(avio_read(c, b, 10), AVERROR_EOF);
    assert_false(source.failed);
    close(source.fd);
    source.fd = -1;
    assert_int_equal(source_read(&source, 0, b, 10, &got), ERR_IO);
    assert_true(avio_seek(c, 50000, SEEK_SET) >= 0);
    assert_true(avio_read(c, b, 10) < 0);
    assert_true(source.failed);
    source_avio_free(&c);
}

static void libavformat_may_go_where_it_likes(void **state)
{
    (void)state;
    unsigned char b[4];
    AVIOContext *c = source_avio(&source);
    assert_int_equal(avio_size(c), 100000);
    assert_int_equal(avio_seek(c, 70000, SEEK_SET), 70000);
    assert_int_equal(avio_read(c, b, 4), 4);
    assert_int_equal(b[1], 70001 * 7 & 0xff);
    assert_int_equal(avio_seek(c, -10, SEEK_CUR), 69994);
    assert_int_equal(avio_seek(c, 99996, SEEK_SET), 99996);
    assert_int_equal(avio_read(c, b, 4), 4);
    assert_int_equal(b[3], 99999 * 7 & 0xff);
    assert_true(avio_seek(c, -1, SEEK_SET) < 0);
    assert_int_equal(avio_seek(c, 5000000, SEEK_SET),
                     5000000); /* behind the end there is nothing */
    assert_int_equal(avio_read(c, b, 4), AVERROR_EOF);
    assert_int_equal(c->seek(&source, -4, SEEK_END), 99996);
    assert_int_equal(c->seek(&source, 2, SEEK_CUR | AVSEEK_FORCE), 99998);
    assert_int_equal(c->seek(&source, -100001, SEEK_END), AVERROR(EINVAL));
    source_avio_free(&c);
}

static void progress_is_an_estimate_of_the_whole(void **state)
{
    (void)state;
    source_progress(&source, 10, 25000);
    assert_int_equal(atomic_load(&page.packets), 10);
    assert_int_equal(atomic_load(&page.expected), 40);
    source_progress(&source, 33, 100000);
    assert_int_equal(atomic_load(&page.packets), 33);
    assert_int_equal(atomic_load(&page.expected), 33);
    source_progress(&source, 1, 0);
    assert_int_equal(atomic_load(&page.expected), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(bytes_are_read_by_position),
        TEST(a_job_that_is_to_stop_reads_no_more),
        TEST(a_read_that_fails_is_told_from_a_file_that_ends),
        TEST(libavformat_may_go_where_it_likes),
        TEST(progress_is_an_estimate_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
