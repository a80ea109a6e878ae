/* segments/helper/probe: from a file's bytes to its index, and from hostile bytes to a reason. */
#include "segments/helper/probe.h"

#include "tests/unit/helper/kit.h"

static struct str files[KIT_RECIPES];

static int begin(void **state)
{
    (void)state;
    alarm(250);
    probe_warm_up();
    for (size_t i = 0; i < KIT_RECIPES; i++)
        files[i] = kit_file(&kit_recipes[i], NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_RECIPES; i++)
        kit_file_free(files[i]);
    return 0;
}

static void every_packet_is_where_the_index_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_RECIPES; i++) {
        const struct recipe *r = &kit_recipes[i];
        struct kit_result got = kit_probe(files[i]);
        if (got.e)
            fail_msg("%s in %s: %s: %s", r->encoder, r->muxer, err_name(got.e), got.why);
        assert_string_equal(got.why, "");
        assert_int_equal(index_info(got.x)->codec, r->codec);
        assert_int_equal(got.packets, index_info(got.x)->packets);
        kit_same_packets(files[i], got.x);
        kit_free(&got);
    }
}

/* What was encoded, and nothing but what is said to be dropped. */
static void durations_are_of_the_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_RECIPES; i++) {
        const struct recipe *r = &kit_recipes[i];
        struct kit_result got = kit_probe(files[i]);
        const struct index_info *info = index_info(got.x);
        assert_int_equal(info->channels, r->channels);
        assert_int_equal(info->sample_rate, r->rate);
        uint64_t sound = info->duration - info->priming - info->padding;
        double seconds = (double)sound / info->timescale, frame = 4608.0 / r->rate;
        if (seconds < r->seconds - 0.001 || seconds > r->seconds + frame)
            fail_msg("%s in %s: %f seconds", r->encoder, r->muxer, seconds);
        kit_free(&got);
    }
}

static void what_is_no_sound_says_why(void **state)
{
    (void)state;
    static char zeros[100000];
    kit_refused(STR(""), ERR_MEDIA, "it is empty");
    kit_refused(STR("hello, this is a text and no song\n"), ERR_MEDIA,
                "it is not recognised as an audio file");
    kit_refused((struct str){zeros, sizeof zeros}, ERR_MEDIA, "it is not recognised");
    kit_refused(STR("\xff\xfb\x90\x00"), ERR_MEDIA, "");
}

/* A playlist, a list of files, a script: what libavformat would open other files for. */
static void no_file_leads_to_another(void **state)
{
    static const char *const lures[] = {
        "ffconcat version 1.0\nfile '/etc/passwd'\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n",
        "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
        "[playlist]\nFile1=/etc/passwd\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lures / sizeof *lures; i++)
        kit_refused(str_of(lures[i]), ERR_MEDIA, "it is not recognised as an audio file");
}

/* Whatever a byte is changed to, wherever a file ends: an index that opens, or a printable reason;
 * and of an index every packet lies within the file. */
static void check_hostile(struct str file)
{
    struct kit_result r = kit_probe(file);
    if (r.e == ERR_NONE) {
        uint32_t packets = index_info(r.x)->packets;
        for (uint32_t i = 0; i < packets; i++) {
            struct index_span at[4];
            size_t n = index_spans(r.x, i, i + 1, at, 4);
            for (size_t j = 0; j < n && j < 4; j++)
                assert_true(at[j].offset <= file.n && at[j].length <= file.n - at[j].offset);
        }
    } else {
        assert_true(is_an_answer(r.e));
        assert_int_not_equal(r.why[0], '\0');
        assert_non_null(memchr(r.why, '\0', sizeof r.why));
    }
    kit_free(&r);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (size_t i = 0; i < KIT_RECIPES; i++) {
        size_t n = files[i].n;
        char *bytes = malloc(n);
        for (int round = 0; round < 40; round++) {
            memcpy(bytes, files[i].p, n);
            size_t reach = round % 2 ? n : n < 2000 ? n : 2000; /* heads hold the lengths */
            for (int changes = 1 + round % 7; changes > 0; changes--)
                bytes[next_random(&seed) % reach] = (char)next_random(&seed);
            check_hostile((struct str){bytes, n});
        }
        free(bytes);
    }
}

static void the_largest_numbers_do_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_RECIPES; i++) {
        size_t n = files[i].n, reach = n < 1200 ? n : 1200;
        char *bytes = malloc(n);
        for (size_t at = 0; at + 4 <= reach; at += 20) {
            memcpy(bytes, files[i].p, n);
            memset(bytes + at, 0xff, 4);
            check_hostile((struct str){bytes, n});
            memset(bytes + at, 0, 4);
            check_hostile((struct str){bytes, n});
        }
        free(bytes);
    }
}

static void files_may_end_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_RECIPES; i++)
        for (size_t part = 0; part < 40; part++)
            check_hostile(str_slice(files[i], 0, files[i].n * part / 40));
}

static void a_job_that_is_to_stop_stops(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_RECIPES; i++) {
        struct record_page page = {.stop = 7};
        struct source source = {
            .fd = kit_fd(files[i]), .size = files[i].n, .job = 7, .page = &page};
        char why[RECORD_WHY + 1];
        struct buf out;
        buf_init(&out, BUF_MAX_INDEX);
        assert_int_equal(probe_index(&source, &out, why), ERR_CANCELLED);
        assert_int_equal(out.len, 0);
        buf_fini(&out);
        close(source.fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packet_is_where_the_index_says),
        cmocka_unit_test(durations_are_of_the_sound),
        cmocka_unit_test(what_is_no_sound_says_why),
        cmocka_unit_test(no_file_leads_to_another),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(the_largest_numbers_do_no_harm),
        cmocka_unit_test(files_may_end_anywhere),
        cmocka_unit_test(a_job_that_is_to_stop_stops),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
