/* edge/store/media.c with the real segue-media: files of every kind that ffmpeg makes are indexed
 * or refused with a reason, and damaged ones harm nobody. */
#include "edge/store/media.h"

#include "segments/order.h"
#include "tests/unit/store/media_kit.h"

#define SOUND "-f lavfi -i \"aevalsrc=0.3*sin(440*2*PI*t)|0.3*sin(660*2*PI*t):s=44100:d=7.77\" "
#define PICTURE "-f lavfi -i testsrc=s=64x64:d=1 -frames:v 1 "
#define LENGTH 342657 /* samples of SOUND */
#define ENCODED_FRAME_TICKS 4096

static struct media *real; /* with segue-media */

static const char *make(const char *arguments, const char *name)
{
    char command[2 * PATH_MAX];
    const char *path = path_of(name);
    (void)snprintf(command, sizeof command, "ffmpeg -nostdin -v error -y %s \"%s\"", arguments,
                   path);
    assert_int_equal(system(command), 0);
    return path;
}

static struct index *index_file(const char *path)
{
    struct media_result result;
    struct index *x;
    enum err rc = ask(real, path, &result);
    if (rc)
        fail_msg("%s: %s", path, result.why);
    assert_int_equal(index_open(result.record, result.len, &x), ERR_NONE);
    return x;
}

/* Files that are indexed */

static const struct want {
    const char *name;
    const char *arguments; /* after SOUND */
    enum codec codec;
    uint32_t priming;
    uint64_t heard; /* ticks without priming and padding; 0: not looked at */
    uint16_t strip;
} GOOD[] = {
    {"end.m4a", "-c:a aac", CODEC_AAC, 1024, LENGTH, 0},
    {"fast.m4a", "-c:a aac -movflags +faststart", CODEC_AAC, 1024, LENGTH, 0},
    {"frag.mp4", "-c:a aac -movflags empty_moov+delay_moov+frag_keyframe -frag_duration 2000000",
     CODEC_AAC, 1024, LENGTH, 0},
    {"alac.m4a", "-c:a alac", CODEC_ALAC, 0, LENGTH, 0},
    {"flac.flac", "-c:a flac", CODEC_FLAC, 0, LENGTH, 0},
    {"flac.oga", "-c:a flac", CODEC_FLAC, 0, LENGTH, 0},
    {"opus.opus", "-c:a libopus", CODEC_OPUS, 312, 372960, 0},
    {"opus60.ogg", "-c:a libopus -frame_duration 60", CODEC_OPUS, 312, 372960, 0},
    {"opus.mp4", "-c:a libopus", CODEC_OPUS, 312, 372960, 0},
    {"adts.aac", "-c:a aac", CODEC_AAC, 0, 0, 7},
    {"cbr.mp3", "-c:a libmp3lame -b:a 128k", CODEC_MP3, 1105, LENGTH, 0},
    {"vbr.mp3", "-c:a libmp3lame -q:a 4", CODEC_MP3, 1105, LENGTH, 0},
    {"plain.mp3", "-c:a libmp3lame -q:a 4 -write_xing 0", CODEC_MP3, 0, 0, 0},
    {"old.mp3", "-c:a libmp3lame -id3v2_version 0 -write_id3v1 1 -metadata title=T", CODEC_MP3,
     1105, LENGTH, 0},
};

static void sound_is_found_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        const struct want *w = &GOOD[i];
        char arguments[512];
        (void)snprintf(arguments, sizeof arguments, SOUND "%s", w->arguments);
        print_message("  %s\n", w->name);
        struct index *x = index_file(make(arguments, w->name));
        const struct index_info *info = index_info(x);
        assert_int_equal(info->codec, w->codec);
        assert_int_equal(info->channels, 2);
        assert_int_equal(info->priming, w->priming);
        assert_int_equal(info->strip, w->strip);
        if (w->heard)
            assert_int_equal(info->duration - info->priming - info->padding, w->heard);
        index_free(x);
    }
}

/* Sound that HLS can't carry as it is */

static const char *cut(const char *name, const char *cut_name, size_t n)
{
    static char bytes[1 << 16];
    FILE *f = fopen(path_of(name), "rb");
    assert_non_null(f);
    assert_true(n <= sizeof bytes && fread(bytes, 1, n, f) == n);
    fclose(f);
    return write_file(cut_name, bytes, n);
}

static const struct encoded_want {
    const char *name;
    const char *arguments; /* after SOUND */
    enum codec source;
    uint8_t bits;
    uint32_t frame;
    uint64_t heard;
} ENCODED[] = {
    {"16.wav", "", CODEC_PCM, 16, 4096, LENGTH},
    {"24.wav", "-c:a pcm_s24le", CODEC_PCM, 24, 4096, LENGTH},
    {"8.wav", "-c:a pcm_u8", CODEC_PCM, 16, 4096, LENGTH},
    {"law.wav", "-c:a pcm_alaw", CODEC_PCM, 16, 4096, LENGTH},
    {"low.wav", "-ar 8000", CODEC_PCM, 16, 1024, 0},
    {"16.aiff", "", CODEC_PCM, 16, 4096, LENGTH},
    {"24.aiff", "-c:a pcm_s24be", CODEC_PCM, 24, 4096, LENGTH},
    {"vorbis.ogg", "-c:a libvorbis -q:a 7", CODEC_VORBIS, 16, 4096, LENGTH},
    {"vorbis.mka", "-c:a libvorbis -q:a 7", CODEC_VORBIS, 16, 4096, 0},
};

static void what_is_to_be_encoded_is_frames_around_a_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ENCODED / sizeof *ENCODED; i++) {
        const struct encoded_want *w = &ENCODED[i];
        char arguments[512];
        (void)snprintf(arguments, sizeof arguments, SOUND "%s", w->arguments);
        print_message("  %s\n", w->name);
        struct index *x = index_file(make(arguments, w->name));
        const struct index_info *info = index_info(x);
        assert_true(info->codec == CODEC_FLAC && info->encoded == ENCODED_BOUND);
        assert_int_equal(info->bits, w->bits);
        assert_int_equal(info->frame_ticks, w->frame);
        assert_int_equal(index_info(index_source(x))->codec, w->source);
        if (w->heard)
            assert_int_equal(info->duration, w->heard);
        assert_non_null(memmem(index_init(x).p, index_init(x).n, "dfLa", 4));
        index_free(x);
    }
}

static void a_recording_that_was_cut_off_ends_where_its_file_does(void **state)
{
    (void)state;
    struct index *x = index_file(cut("16.wav", "cut.wav", 50000));
    struct index_span last;
    const struct index *source = index_source(x);
    uint32_t n = index_info(source)->packets;
    assert_int_equal(index_spans(source, n - 1, n, &last, 1), 1);
    assert_true(last.offset + last.length <= 50000 && last.offset + last.length > 50000 - 4);
    index_free(x);
}

/* The frames [from, to) of a file, as a helper encodes them. */
static struct media_result encode(const struct index *x, const char *path, uint32_t from,
                                  uint32_t to)
{
    struct buf order;
    struct media_task task;
    struct media_result result;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &st), 0);
    buf_init(&order, ORDER_MAX);
    assert_int_equal(order_write(x, from, to, false, &order), ERR_NONE);
    media_task_init(&task);
    enum err rc = media_encode(real, &task, fd, (uint64_t)st.st_size, buf_str(&order),
                               STR("a file"), &result);
    if (rc)
        fail_msg("%s: %s", path, result.why);
    assert_int_equal(result.packets, to - from);
    assert_int_equal(order_check((struct str){(char *)result.record, result.len}, to - from, false),
                     ERR_NONE);
    buf_fini(&order);
    close(fd);
    return result;
}

static struct str frame_of(const struct media_result *r, uint32_t frames, uint32_t i)
{
    struct str reply = {(char *)r->record, r->len}, all = order_frames(reply, frames);
    size_t at = 0;
    for (uint32_t k = 0; k < i; k++)
        at += order_frame(reply, k);
    return str_slice(all, at, at + order_frame(reply, i));
}

/* A frame is the same bytes whatever it is asked for with: edges agree, sizes that were measured in
 * slices are those of segments, and nothing is heard where segments meet. */
static void a_frame_is_the_same_in_every_order(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"24.wav", "16.aiff", "vorbis.ogg", "vorbis.mka"};
    for (size_t n = 0; n < sizeof NAMES / sizeof *NAMES; n++) {
        char path[PATH_MAX + 64];
        (void)snprintf(path, sizeof path, "%s", path_of(NAMES[n]));
        struct index *x = index_file(path);
        uint32_t count = index_info(x)->packets;
        struct media_result whole = encode(x, path, 0, count);
        for (uint32_t from = 0; from < count; from += 11) {
            uint32_t to = from + 11 < count ? from + 11 : count;
            struct media_result some = encode(x, path, from, to);
            for (uint32_t i = from; i < to; i++)
                assert_true(
                    str_eq(frame_of(&some, to - from, i - from), frame_of(&whole, count, i)));
            free(some.record);
        }
        free(whole.record);
        index_free(x);
    }
}

/* A packet that is lost takes nothing else along: what follows stays where it was. */
static void a_damaged_packet_is_a_hole_of_its_own_length(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"vorbis.mka", "vorbis.ogg"};
    for (size_t n = 0; n < 2 * sizeof NAMES / sizeof *NAMES; n++) {
        static char bytes[1 << 20];
        char whole[PATH_MAX + 64], hurt[PATH_MAX + 64];
        (void)snprintf(whole, sizeof whole, "%s", path_of(NAMES[n / 2]));
        FILE *f = fopen(whole, "rb");
        size_t size = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        struct index *x = index_file(whole);
        const struct index *source = index_source(x);
        uint32_t packet = index_info(source)->packets / 2, count = index_info(x)->packets;
        struct index_span at;
        index_spans(source, packet, packet + 1, &at, 1);
        if (n % 2)
            memset(bytes + at.offset + 1, 0xff, at.length / 2); /* something comes of it */
        else
            bytes[at.offset] |= 1; /* no packet of sound: nothing does */
        (void)snprintf(hurt, sizeof hurt, "%s", write_file("hurt.bin", bytes, size));
        uint32_t first = (uint32_t)(index_start(source, packet) / ENCODED_FRAME_TICKS);
        uint32_t last = (uint32_t)(index_start(source, packet + 2) / ENCODED_FRAME_TICKS);
        struct media_result good = encode(x, whole, 0, count), bad = encode(x, hurt, 0, count);
        uint32_t differ = 0;
        for (uint32_t i = 0; i < count; i++) {
            bool same = str_eq(frame_of(&good, count, i), frame_of(&bad, count, i));
            assert_true(same || (i >= first && i <= last));
            differ += !same;
        }
        assert_true(differ > 0);
        free(good.record);
        free(bad.record);
        index_free(x);
    }
}

static void a_file_that_shrank_is_no_longer_encoded(void **state)
{
    (void)state;
    struct index *x = index_file(path_of("16.wav"));
    struct buf order;
    struct media_task task;
    struct media_result result;
    int fd = open(cut("16.wav", "shrunk.wav", 60000), O_RDONLY | O_CLOEXEC);
    buf_init(&order, ORDER_MAX);
    assert_int_equal(order_write(x, 0, 10, false, &order), ERR_NONE);
    media_task_init(&task);
    assert_int_equal(media_encode(real, &task, fd, 60000, buf_str(&order), STR("f"), &result),
                     ERR_MEDIA);
    assert_string_equal(result.why, "the file ends too soon");
    assert_int_equal(media_deaths(real), 0);
    buf_fini(&order);
    close(fd);
    index_free(x);
}

static void cover_art_is_no_sound_and_tags_are_kept(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"cover.m4a", "cover.mp3", "cover.flac"};
    char arguments[PATH_MAX + 512];
    (void)snprintf(arguments, sizeof arguments,
                   SOUND "-i \"%.3000s\" -map 0 -map 1 -c:v copy -disposition:v attached_pic "
                         "-metadata title=\"Eins\xc3\xa4\" -metadata artist=Me",
                   make(PICTURE, "cover.png"));
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        struct index *x = index_file(make(arguments, NAMES[i]));
        assert_true(index_info(x)->packets > 10);
        assert_true(str_eq(index_tags(x), STR("title=Eins\xc3\xa4\nartist=Me\n")));
        index_free(x);
    }
}

static uint32_t mp3_size(const unsigned char *p)
{
    static const unsigned KBPS[] = {0,   32,  40,  48,  56,  64,  80, 96,
                                    112, 128, 160, 192, 224, 256, 320};
    assert_true(p[0] == 0xff && (p[1] & 0xfe) == 0xfa && p[2] >> 4 < 15);
    return 144000 * KBPS[p[2] >> 4] / 44100 + ((p[2] >> 1) & 1);
}

/* The places agree with a walk from header to header over the bytes themselves, and the frame that
 * holds LAME's notes is not among them. */
static void mp3_frames_are_where_their_headers_are(void **state)
{
    (void)state;
    const char *path = make(SOUND "-c:a libmp3lame -q:a 2", "walk.mp3");
    struct index *x = index_file(path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    struct index_span span;
    assert_int_equal(index_spans(x, 0, index_info(x)->packets, &span, 1), 1);
    assert_int_equal(span.offset + span.length, st.st_size);
    uint64_t at = span.offset;
    for (uint32_t i = 0; i < index_info(x)->packets; i++) {
        unsigned char head[64];
        assert_int_equal(pread(fd, head, sizeof head, (off_t)at), sizeof head);
        assert_int_equal(mp3_size(head), index_size(x, i));
        assert_null(memmem(head, sizeof head, "Info", 4));
        assert_null(memmem(head, sizeof head, "Xing", 4));
        at += index_size(x, i);
    }
    close(fd);
    index_free(x);
}

static uint32_t find_u32(struct str in, const char *box, size_t after)
{
    const unsigned char *p = memmem(in.p, in.n, box, 4);
    assert_non_null(p);
    p += after;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void init_segment_is_empty_and_names_the_priming(void **state)
{
    (void)state;
    struct index *x = index_file(path_of("end.m4a"));
    struct str init = index_init(x);
    assert_int_equal(find_u32(init, "elst", 16), 1024);
    assert_int_equal(find_u32(init, "mvhd", 20), 0); /* no duration */
    assert_int_equal(find_u32(init, "tkhd", 24), 0);
    assert_int_equal(find_u32(init, "mdhd", 16), 44100);
    assert_int_equal(find_u32(init, "stsz", 12), 0); /* no samples */
    assert_non_null(memmem(init.p, init.n, "iso6", 4));
    assert_true((const char *)memmem(init.p, init.n, "mvex", 4) >
                (const char *)memmem(init.p, init.n, "stsz", 4));
    assert_null(memmem(init.p, init.n, "Lavf", 4));
    index_free(x);
}

static void mp3_has_no_init_segment(void **state)
{
    (void)state;
    struct index *x = index_file(path_of("cbr.mp3"));
    assert_int_equal(index_init(x).n, 0);
    index_free(x);
}

/* The same file twice gives the same bytes: edges with the same tree agree. */
static void index_is_the_same_each_time(void **state)
{
    (void)state;
    struct media_result one, two;
    assert_int_equal(ask(real, path_of("end.m4a"), &one), ERR_NONE);
    assert_int_equal(ask(real, path_of("end.m4a"), &two), ERR_NONE);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.record, two.record, one.len);
    free(one.record);
    free(two.record);
}

/* Apple's note of priming and padding, where no edit list says it. */
static void itunes_note_is_read(void **state)
{
    (void)state;
    struct index *x =
        index_file(make(SOUND "-c:a aac -use_editlist 0 -movflags use_metadata_tags "
                              "-metadata iTunSMPB=\" 00000000 00000840 000001C0 0000000000053A81\"",
                        "itunes.m4a"));
    assert_int_equal(index_info(x)->priming, 0x840);
    index_free(x);
}

/* Files that are refused */

static void refused(const char *path, enum err want, const char *why)
{
    struct media_result result;
    print_message("  %s\n", path);
    assert_int_equal(ask(real, path, &result), want);
    assert_null(result.record);
    if (!strstr(result.why, why))
        fail_msg("%s: \"%s\", not \"%s\"", path, result.why, why);
}

static void codecs_that_hls_cannot_carry_are_named(void **state)
{
    (void)state;
    refused(make(SOUND "-c:a pcm_f32le", "float.wav"), ERR_UNSUPPORTED,
            "HLS cannot carry pcm_f32le: FLAC holds integers of at most 24 bits");
    refused(make(SOUND "-c:a pcm_s32be", "deep.aiff"), ERR_UNSUPPORTED, "pcm_s32be");
    refused(make(SOUND "-c:a adpcm_ima_wav", "adpcm.wav"), ERR_UNSUPPORTED,
            "HLS cannot carry adpcm_ima_wav");
    refused(make(SOUND "-ac 16", "many.wav"), ERR_UNSUPPORTED, "16 channels");
}

static void what_is_no_sound_is_refused(void **state)
{
    (void)state;
    refused(write_file("text.mp3", "this is text, of no use to a player\n", 36), ERR_MEDIA,
            "not recognised");
    refused(write_file("empty.mp3", "", 0), ERR_MEDIA, "empty");
    refused(make(PICTURE, "picture.png"), ERR_MEDIA, "not recognised");
    refused(make("-f lavfi -i testsrc=s=64x64:d=1", "silent.mp4"), ERR_MEDIA, "no sound");
    refused(cut("end.m4a", "cut.m4a", 50000), ERR_MEDIA, "moov");
}

static void what_is_cut_off_ends_early(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"fast.m4a", "cbr.mp3", "adts.aac", "flac.flac",
                                        "opus.opus"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        struct index *whole = index_file(path_of(NAMES[i]));
        uint32_t packets = index_info(whole)->packets;
        index_free(whole);
        struct index *x = index_file(cut(NAMES[i], "cut.bin", 50000));
        struct index_span last;
        uint32_t n = index_info(x)->packets;
        assert_true(n > 0 && n < packets);
        assert_int_equal(index_spans(x, n - 1, n, &last, 1), 1);
        assert_true(last.offset + last.length <= 50000);
        index_free(x);
    }
}

/* Whatever comes of it: frames or a reason. */
static void encode_damaged(const struct index *x, const char *path)
{
    struct buf order;
    struct media_task task;
    struct media_result result;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    buf_init(&order, ORDER_MAX);
    assert_int_equal(order_write(x, 0, index_info(x)->packets, false, &order), ERR_NONE);
    media_task_init(&task);
    enum err rc = media_encode(real, &task, fd, 30000, buf_str(&order), STR("f"), &result);
    assert_true(rc == ERR_NONE || rc == ERR_MEDIA);
    assert_true((rc == ERR_NONE) == (result.why[0] == '\0'));
    free(result.record);
    buf_fini(&order);
    close(fd);
}

/* Damage anywhere is an answer, never a dead helper, but where it asks for more memory than there
 * is. */
static void damage_kills_no_helper(void **state)
{
    (void)state;
    uint64_t deaths = media_deaths(real);
    static const char *const NAMES[] = {"fast.m4a",  "cbr.mp3",    "flac.flac",
                                        "opus.opus", "frag.mp4",   "16.wav",
                                        "24.aiff",   "vorbis.ogg", "vorbis.mka"};
    static char bytes[30000];
    uint32_t noise = 1;
    for (size_t i = 0; i < 360; i++) {
        FILE *f = fopen(path_of(NAMES[i % 9]), "rb");
        assert_non_null(f);
        assert_int_equal(fread(bytes, 1, sizeof bytes, f), sizeof bytes);
        fclose(f);
        for (unsigned k = 0; k < 20; k++) {
            noise = noise * 1664525 + 1013904223;
            bytes[(noise >> 8) % (k % 2 ? 2000 : sizeof bytes)] = (char)noise;
        }
        struct media_result result;
        enum err rc = ask(real, write_file("damaged.bin", bytes, sizeof bytes), &result);
        struct index *x;
        if (rc == ERR_NONE && index_open(result.record, result.len, &x) == ERR_NONE) {
            if (index_source(x) && index_info(x)->packets < ORDER_FRAMES_MAX)
                encode_damaged(x, path_of("damaged.bin"));
            index_free(x);
        }
        assert_true(rc == ERR_NONE || rc == ERR_MEDIA || rc == ERR_UNSUPPORTED);
        deaths += strcmp(result.why, "it needs more memory than a media helper may have") == 0;
    }
    assert_int_equal(media_deaths(real), deaths);
}

static int set_up(void **state)
{
    (void)state;
    if (kit_set_up("media"))
        return -1;
    real = new_media(kit_helper, 60000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    media_free(real);
    return kit_tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_is_found_whole),
        cmocka_unit_test(what_is_to_be_encoded_is_frames_around_a_source),
        cmocka_unit_test(a_recording_that_was_cut_off_ends_where_its_file_does),
        cmocka_unit_test(a_frame_is_the_same_in_every_order),
        cmocka_unit_test(a_damaged_packet_is_a_hole_of_its_own_length),
        cmocka_unit_test(a_file_that_shrank_is_no_longer_encoded),
        cmocka_unit_test(cover_art_is_no_sound_and_tags_are_kept),
        cmocka_unit_test(mp3_frames_are_where_their_headers_are),
        cmocka_unit_test(init_segment_is_empty_and_names_the_priming),
        cmocka_unit_test(mp3_has_no_init_segment),
        cmocka_unit_test(index_is_the_same_each_time),
        cmocka_unit_test(itunes_note_is_read),
        cmocka_unit_test(codecs_that_hls_cannot_carry_are_named),
        cmocka_unit_test(what_is_no_sound_is_refused),
        cmocka_unit_test(what_is_cut_off_ends_early),
        cmocka_unit_test(damage_kills_no_helper),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
