/* segments/playlist.c */
#include "segments/playlist.h"

#include "edge/base/scan.h"
#include "tests/unit/segments/make.h"

/* What a media playlist says. */
struct seen {
    uint64_t version, target, micros, longest, segments;
    bool vod, ended, independent, map;
};

static uint64_t extinf(struct str line)
{
    uint64_t seconds;
    unsigned fraction;
    assert_true(scan_u64(&line, &seconds) && scan_char(&line, '.'));
    assert_true(scan_digits(&line, 6, &fraction) && str_eq(line, STR(",")));
    return seconds * 1000000 + fraction;
}

static void see_line(struct seen *s, struct str line)
{
    struct str rest = line;
    if (scan_lit(&rest, STR("#EXT-X-VERSION:")))
        assert_true(scan_u64(&rest, &s->version));
    else if (scan_lit(&rest, STR("#EXT-X-TARGETDURATION:")))
        assert_true(scan_u64(&rest, &s->target));
    else if (scan_lit(&rest, STR("#EXTINF:"))) {
        uint64_t micros = extinf(rest);
        s->micros += micros;
        s->longest = micros > s->longest ? micros : s->longest;
    } else if (line.n && line.p[0] != '#')
        s->segments++;
    s->vod |= str_eq(line, STR("#EXT-X-PLAYLIST-TYPE:VOD"));
    s->independent |= str_eq(line, STR("#EXT-X-INDEPENDENT-SEGMENTS"));
    s->map |= str_eq(line, STR("#EXT-X-MAP:URI=\"v-1/init.mp4\""));
    s->ended = str_eq(line, STR("#EXT-X-ENDLIST"));
}

static struct seen see(const struct cut *c, enum container in)
{
    struct buf out;
    buf_init(&out, BUF_MAX_PLAYLIST);
    assert_int_equal(playlist_media(c, in, STR("v-1/"), &out), ERR_NONE);
    struct str text = buf_str(&out);
    struct seen s = {0};
    assert_true(str_starts(text, STR("#EXTM3U\n")) && text.p[text.n - 1] == '\n');
    while (text.n)
        see_line(&s, str_cut(&text, '\n'));
    assert_true(s.vod && s.ended);
    assert_int_equal(s.segments, c->count);
    buf_fini(&out);
    return s;
}

static void check_text(const struct cut *c, enum container in, struct str prefix, struct str want)
{
    struct buf out;
    buf_init(&out, BUF_MAX_PLAYLIST);
    assert_int_equal(playlist_media(c, in, prefix, &out), ERR_NONE);
    if (!str_eq(buf_str(&out), want))
        fail_msg("%.*s", STR_ARG(buf_str(&out)));
    buf_fini(&out);
}

static void an_fmp4_playlist_reads_so(void **state)
{
    (void)state;
    struct index_info info = make_info(CODEC_FLAC, 44100);
    info.independent = 1;
    struct index *x = make_track(info, 140, 4096, 9000, STR(""));
    struct cut c = cut_make(x, 6000);
    check_text(&c, CONTAINER_FMP4, STR("v-1/"),
               STR("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:6\n"
                   "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
                   "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"v-1/init.mp4\"\n"
                   "#EXTINF:6.037188,\nv-1/0.m4s\n#EXTINF:5.944309,\nv-1/1.m4s\n"
                   "#EXTINF:1.021678,\nv-1/2.m4s\n#EXT-X-ENDLIST\n"));
    index_free(x);
}

static void a_packed_playlist_reads_so(void **state)
{
    (void)state;
    struct index *x = make_track(make_info(CODEC_MP3, 44100), 250, 1152, 417, STR(""));
    struct cut c = cut_make(x, 6000);
    check_text(&c, CONTAINER_PACKED, STR("v-1/"),
               STR("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:7\n"
                   "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
                   "#EXTINF:6.008163,\nv-1/0.mp3\n#EXTINF:0.522449,\nv-1/1.mp3\n"
                   "#EXT-X-ENDLIST\n"));
    index_free(x);
}

static void a_bytes_playlist_points_into_the_file(void **state)
{
    (void)state;
    struct index_builder *b = index_build();
    for (uint32_t i = 0; i < 250; i++)
        assert_int_equal(index_build_packet(b, 45 + i * 417u, 417, 1152), ERR_NONE);
    struct index *x = make_open(b, make_info(CODEC_MP3, 44100), STR(""));
    struct cut c = cut_make(x, 6000);
    check_text(&c, CONTAINER_BYTES, STR("../a.mp3"),
               STR("#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:7\n"
                   "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
                   "#EXTINF:6.008163,\n#EXT-X-BYTERANGE:95910@45\n../a.mp3\n"
                   "#EXTINF:0.522449,\n#EXT-X-BYTERANGE:8340@95955\n../a.mp3\n"
                   "#EXT-X-ENDLIST\n"));
    index_free(x);
}

static void a_segment_in_two_places_is_no_byte_range(void **state)
{
    (void)state;
    struct index_builder *b = index_build();
    for (uint32_t i = 0; i < 250; i++)
        assert_int_equal(index_build_packet(b, i * 418u, 417, 1152), ERR_NONE);
    struct index *x = make_open(b, make_info(CODEC_MP3, 44100), STR(""));
    struct cut c = cut_make(x, 6000);
    struct buf out;
    buf_init(&out, BUF_MAX_PLAYLIST);
    assert_int_equal(playlist_media(&c, CONTAINER_BYTES, STR("a"), &out), ERR_NOT_ACCEPTABLE);
    buf_fini(&out);
    index_free(x);
}

static void versions_are_the_lowest(void **state)
{
    (void)state;
    struct index *x = make_aac(1000);
    struct cut c = cut_make(x, 6000);
    assert_int_equal(see(&c, CONTAINER_FMP4).version, 6);
    assert_int_equal(see(&c, CONTAINER_TS).version, 3);
    assert_int_equal(see(&c, CONTAINER_PACKED).version, 3);
    assert_true(see(&c, CONTAINER_FMP4).map);
    assert_false(see(&c, CONTAINER_TS).map);
    assert_false(see(&c, CONTAINER_TS).independent);
    index_free(x);
}

/* One segment of `ms` milliseconds. */
static uint64_t target_of(enum container in, enum codec codec, uint32_t ms)
{
    struct index_builder *b = index_build();
    assert_int_equal(index_build_packet(b, 0, 100, ms), ERR_NONE);
    struct index *x = make_open(b, make_info(codec, 1000), STR(""));
    struct cut c = cut_make(x, 6000);
    uint64_t target = see(&c, in).target;
    assert_int_equal(target, playlist_target(&c, in));
    index_free(x);
    return target;
}

static void the_target_rounds_from_version_6_on(void **state)
{
    (void)state;
    static const struct {
        uint32_t ms;
        uint64_t fmp4, packed; /* to the nearest; up */
    } cases[] = {
        {1, 1, 1},    {400, 1, 1},     {499, 1, 1},     {1000, 1, 1},    {1499, 1, 2},
        {1500, 2, 2}, {5991, 6, 6},    {6000, 6, 6},    {6001, 6, 7},    {6499, 6, 7},
        {6500, 7, 7}, {10400, 10, 11}, {10500, 11, 11}, {60000, 60, 60},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(target_of(CONTAINER_FMP4, CODEC_FLAC, cases[i].ms), cases[i].fmp4);
        assert_int_equal(target_of(CONTAINER_PACKED, CODEC_MP3, cases[i].ms), cases[i].packed);
    }
}

static void durations_sum_up_without_drift(void **state)
{
    (void)state;
    static const uint32_t packets[] = {1, 100, 258, 5000, 1550000};
    for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
        struct index *x = make_track(make_info(CODEC_AAC, 44100), packets[i], 1024, 8, MAKE_ASC);
        struct cut c = cut_make(x, 6000);
        struct seen s = see(&c, CONTAINER_TS);
        assert_int_equal(s.micros, (packets[i] * UINT64_C(1024000000) + 22050) / 44100);
        index_free(x);
    }
}

static void priming_and_padding_count_only_where_they_are_heard(void **state)
{
    (void)state;
    struct index_info info = make_info(CODEC_AAC, 44100);
    info.priming = 2112;
    info.padding = 500;
    struct index *x = make_track(info, 1000, 1024, 370, MAKE_ASC);
    struct cut c = cut_make(x, 6000);
    assert_int_equal(see(&c, CONTAINER_FMP4).micros,
                     ((1024000 - 2612) * UINT64_C(1000000) + 22050) / 44100);
    assert_int_equal(see(&c, CONTAINER_PACKED).micros,
                     (1024000 * UINT64_C(1000000) + 22050) / 44100);
    index_free(x);
}

static void priming_longer_than_a_segment_ends_at_zero(void **state)
{
    (void)state;
    struct index_info info = make_info(CODEC_AAC, 44100);
    info.priming = 300 * 1024;
    info.padding = 600 * 1024;
    struct index *x = make_track(info, 1000, 1024, 370, MAKE_ASC);
    struct cut c = cut_make(x, 2000);
    assert_int_equal(see(&c, CONTAINER_FMP4).micros, (102400 * UINT64_C(1000000)) / 44100);
    index_free(x);
}

static void a_track_without_packets_has_an_empty_playlist(void **state)
{
    (void)state;
    struct index *x = make_aac(0);
    struct cut c = cut_make(x, 6000);
    assert_int_equal(see(&c, CONTAINER_FMP4).target, 1);
    uint64_t peak = 1, average = 1;
    playlist_rates(&c, CONTAINER_FMP4, &peak, &average);
    assert_int_equal(peak + average, 0);
    index_free(x);
}

/* Segments of one second with these sizes, bytes container: no overhead. */
static struct index *sized(const uint32_t *sizes, size_t count, uint32_t last_ms)
{
    struct index_builder *b = index_build();
    uint64_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t ms = i == count - 1 ? last_ms : 1000;
        assert_int_equal(index_build_packet(b, offset, sizes[i], ms), ERR_NONE);
        offset += sizes[i];
    }
    return make_open(b, make_info(CODEC_MP3, 1000), STR(""));
}

static void the_peak_is_that_of_the_worst_run(void **state)
{
    (void)state;
    static const struct {
        uint32_t sizes[6];
        size_t count;
        uint32_t last_ms;
        uint64_t peak, average;
    } cases[] = {
        {{1000, 1000, 1000}, 3, 1000, 8000, 8000},
        {{1000, 3000, 1000}, 3, 1000, 24000, 13334},
        {{1000, 1000, 9000},
         3,
         100,
         72728,
         41905}, /* 0.1 s alone is no run, with 1 s before it is */
        {{1000, 1000, 9000}, 3, 500, 144000, 35200}, /* half a target is one */
        {{1000}, 1, 300, 26667, 26667},              /* shorter than any run: the whole */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct index *x = sized(cases[i].sizes, cases[i].count, cases[i].last_ms);
        struct cut c = cut_make(x, 1000);
        uint64_t peak, average;
        playlist_rates(&c, CONTAINER_BYTES, &peak, &average);
        assert_int_equal(peak, cases[i].peak);
        assert_int_equal(average, cases[i].average);
        index_free(x);
    }
}

static void rates_hold_against_a_slow_count(void **state)
{
    (void)state;
    struct index *x = make_aac(20000);
    for (uint32_t ms = 300; ms < 7000; ms = ms * 3 / 2) {
        struct cut c = cut_make(x, ms);
        double target = (double)playlist_target(&c, CONTAINER_TS), best = 0;
        for (uint32_t i = 0; i < c.count; i++) {
            double bits = 0;
            for (uint32_t j = i, from, to, start; j < c.count && j < i + 20; j++) {
                cut_segment(&c, i, &start, &to);
                cut_segment(&c, j, &from, &to);
                bits += 8.0 * (double)segment_size(&c, CONTAINER_TS, j);
                double s = (double)(index_start(x, to) - index_start(x, start)) / 44100;
                if (s >= target / 2 && s <= target * 3 / 2 && bits / s > best)
                    best = bits / s;
            }
        }
        uint64_t peak, average;
        playlist_rates(&c, CONTAINER_TS, &peak, &average);
        assert_true((double)peak > best * 0.9999 && (double)peak < best * 1.0001 + 1);
        assert_true(average <= peak);
    }
    index_free(x);
}

static void codecs_are_named_exactly(void **state)
{
    (void)state;
    static const struct {
        enum codec codec;
        uint8_t type;
        const char *name;
    } cases[] = {
        {CODEC_AAC, 2, "mp4a.40.2"},   {CODEC_AAC, 5, "mp4a.40.5"},  {CODEC_AAC, 29, "mp4a.40.29"},
        {CODEC_AAC, 42, "mp4a.40.42"}, {CODEC_MP3, 0, "mp4a.40.34"}, {CODEC_FLAC, 0, "fLaC"},
        {CODEC_ALAC, 0, "alac"},       {CODEC_OPUS, 0, "Opus"},      {CODEC_AC3, 0, "ac-3"},
        {CODEC_EAC3, 0, "ec-3"},       {CODEC_PCM, 0, ""},           {CODEC_COUNT, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct index_info info = {.codec = cases[i].codec, .aac_object_type = cases[i].type};
        assert_string_equal(playlist_codecs(&info), cases[i].name);
    }
}

static void a_master_is_sorted_and_encoded(void **state)
{
    (void)state;
    struct index *big = make_track(make_info(CODEC_AAC, 44100), 600, 1024, 740, MAKE_ASC);
    struct index *small = make_aac(600);
    struct index_info lossless = make_info(CODEC_FLAC, 44100), one = make_info(CODEC_AAC, 44100);
    one.channels = 1;
    struct index *flac = make_track(lossless, 150, 4096, 100, STR(""));
    struct index *mono = make_track(one, 600, 1024, 100, MAKE_ASC);
    struct rendition r[] = {
        {cut_make(flac, 6000), CONTAINER_FMP4, STR("f.flac/index.m3u8"), 0, 0, 0},
        {cut_make(mono, 6000), CONTAINER_FMP4, STR("mono"), 0, 0, 0},
        {cut_make(big, 6000), CONTAINER_FMP4, STR("256 \"k\".m4a/index.m3u8"), 0, 0, 0},
        {cut_make(small, 6000), CONTAINER_FMP4, STR("128.m4a/index.m3u8"), 0, 0, 0},
    };
    struct buf out, want;
    buf_init(&out, BUF_MAX_PLAYLIST);
    buf_init(&want, BUF_MAX_PLAYLIST);
    assert_int_equal(playlist_master(r, 4, &out), ERR_NONE);
    static const char *const uris[] = {"128.m4a/index.m3u8", "256%20%22k%22.m4a/index.m3u8", "mono",
                                       "f.flac/index.m3u8"};
    static const char *const groups[] = {"mp4a.40.2-2", "mp4a.40.2-2", "mp4a.40.2-1", "fLaC-2"};
    buf_adds(&want, STR("#EXTM3U\n"));
    for (int i = 1; i < 4; i++)
        buf_addf(&want,
                 "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"%s\",NAME=\"Audio\",LANGUAGE=\"und\","
                 "DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"%c\"\n",
                 groups[i], groups[i][strlen(groups[i]) - 1]);
    for (int i = 0; i < 4; i++)
        buf_addf(&want,
                 "#EXT-X-STREAM-INF:BANDWIDTH=%llu,AVERAGE-BANDWIDTH=%llu,CODECS=\"%s\","
                 "AUDIO=\"%s\"\n%s\n",
                 (unsigned long long)r[i].bandwidth, (unsigned long long)r[i].average,
                 i == 3 ? "fLaC" : "mp4a.40.2", groups[i], uris[i]);
    buf_adds(&want, STR("#DURATION:14\n")); /* 600 * 1024 / 44100, rounded up */
    assert_true(str_eq(buf_str(&out), buf_str(&want)));
    assert_true(r[0].average > 125000 && r[0].average < 135000);
    buf_fini(&out);
    buf_fini(&want);
    index_free(big);
    index_free(small);
    index_free(flac);
    index_free(mono);
}

static void a_target_is_shared_but_never_too_short(void **state)
{
    (void)state;
    struct index *x = make_aac(600);
    struct cut c = cut_make(x, 6000);
    struct buf out;
    buf_init(&out, BUF_MAX_PLAYLIST);
    assert_int_equal(playlist_media_within(&c, CONTAINER_FMP4, 5, STR("v/"), &out), ERR_NOT_FOUND);
    assert_int_equal(playlist_media_within(&c, CONTAINER_FMP4, 7, STR("v/"), &out), ERR_NONE);
    assert_true(str_starts(buf_str(&out), STR("#EXTM3U\n#EXT-X-VERSION:6\n"
                                              "#EXT-X-TARGETDURATION:7\n")));
    buf_fini(&out);
    index_free(x);
}

static void a_master_says_how_long_the_longest_plays(void **state)
{
    (void)state;
    struct index *x = make_aac(100), *y = make_aac(4307); /* 2.3 and 100.008 seconds */
    struct rendition r[] = {{cut_make(x, 6000), CONTAINER_FMP4, STR("a"), 0, 0, 0},
                            {cut_make(y, 6000), CONTAINER_FMP4, STR("b"), 0, 0, 0}};
    struct buf out;
    buf_init(&out, BUF_MAX_PLAYLIST);
    assert_int_equal(playlist_master(r, 1, &out), ERR_NONE);
    assert_true(str_ends(buf_str(&out), STR("\n" PLAYLIST_DURATION "3\n")));
    buf_reset(&out);
    assert_int_equal(playlist_master(r, 2, &out), ERR_NONE);
    assert_true(str_ends(buf_str(&out), STR("\n" PLAYLIST_DURATION "101\n")));
    buf_fini(&out);
    index_free(x);
    index_free(y);
}

static void a_master_is_independent_when_all_are(void **state)
{
    (void)state;
    struct index_info info = make_info(CODEC_FLAC, 44100);
    info.independent = 1;
    struct index *x = make_track(info, 100, 4096, 9000, STR("")), *y = make_aac(100);
    struct rendition r[] = {{cut_make(x, 6000), CONTAINER_FMP4, STR("a"), 0, 0, 0},
                            {cut_make(y, 6000), CONTAINER_FMP4, STR("b"), 0, 0, 0}};
    struct buf out;
    buf_init(&out, BUF_MAX_PLAYLIST);
    assert_int_equal(playlist_master(r, 1, &out), ERR_NONE);
    assert_true(str_starts(buf_str(&out), STR("#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n")));
    buf_reset(&out);
    assert_int_equal(playlist_master(r, 2, &out), ERR_NONE);
    assert_false(str_starts(buf_str(&out), STR("#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n")));
    r[0].in = CONTAINER_TS;
    assert_int_equal(playlist_master(r, 2, &out), ERR_NONE); /* sorted: that was the AAC */
    r[1].in = CONTAINER_TS;
    assert_int_equal(playlist_master(r, 2, &out), ERR_NOT_ACCEPTABLE);
    buf_fini(&out);
    index_free(x);
    index_free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_fmp4_playlist_reads_so),
        cmocka_unit_test(a_packed_playlist_reads_so),
        cmocka_unit_test(a_bytes_playlist_points_into_the_file),
        cmocka_unit_test(a_segment_in_two_places_is_no_byte_range),
        cmocka_unit_test(versions_are_the_lowest),
        cmocka_unit_test(the_target_rounds_from_version_6_on),
        cmocka_unit_test(durations_sum_up_without_drift),
        cmocka_unit_test(priming_and_padding_count_only_where_they_are_heard),
        cmocka_unit_test(priming_longer_than_a_segment_ends_at_zero),
        cmocka_unit_test(a_track_without_packets_has_an_empty_playlist),
        cmocka_unit_test(the_peak_is_that_of_the_worst_run),
        cmocka_unit_test(rates_hold_against_a_slow_count),
        cmocka_unit_test(codecs_are_named_exactly),
        cmocka_unit_test(a_master_is_sorted_and_encoded),
        cmocka_unit_test(a_target_is_shared_but_never_too_short),
        cmocka_unit_test(a_master_says_how_long_the_longest_plays),
        cmocka_unit_test(a_master_is_independent_when_all_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
