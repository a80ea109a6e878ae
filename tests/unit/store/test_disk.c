/* edge/store/disk: what is opened and what is not, what a file is known by, reading, warmth.
 * Includes the source file, for the way of opening that old sandboxes need. */
#include "edge/store/disk.c"

#include "tests/unit/store/tree.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SONG "/album/song.m4a"
#define THEN 784111777

static struct tree tree;
static struct disk *disk;
static uint32_t mark;

static struct disk *disk_of(const struct tree *t, uint32_t segment_ms)
{
    struct disk *d = NULL;
    struct disk_opts opts = {t->root, "public, max-age=5", segment_ms, false, false, NULL};
    assert_int_equal(disk_new(&opts, &d), ERR_NONE);
    return d;
}

static int begin(void **state)
{
    (void)state;
    tree_make(&tree);
    tree_folder(&tree, "album");
    tree_fill(&tree, "album/song.m4a", 300000);
    tree_touch(&tree, "album/song.m4a", THEN, 5);
    disk = disk_of(&tree, 6000);
    return 0;
}

static int end(void **state)
{
    (void)state;
    disk_free(disk);
    disk_free(NULL);
    tree_remove(&tree);
    return 0;
}

static struct object *open_in(struct disk *d, const char *path)
{
    struct object *o = NULL;
    assert_int_equal(disk_open(d, str_of(path), 77, &mark, &o), ERR_NONE);
    return o;
}

static bool has_line(const struct object *o, const char *line)
{
    return memmem(o->fields.p, o->fields.n, line, strlen(line)) != NULL;
}

static void the_root_has_to_be_a_folder(void **state)
{
    (void)state;
    struct disk *d;
    struct disk_opts missing = {"/nonexistent/root", "", 0, false, false, NULL};
    struct disk_opts file = {tree_path(&tree, "album/song.m4a"), "", 0, false, false, NULL};
    assert_int_equal(disk_new(&missing, &d), ERR_CONFIG);
    assert_int_equal(disk_new(&file, &d), ERR_CONFIG);
}

static void a_file_is_an_object_of_one_span(void **state)
{
    (void)state;
    struct object *o = open_in(disk, SONG);
    assert_int_equal(o->key.kind, OBJECT_SOURCE);
    assert_true(str_eq(o->key.path, STR(SONG)));
    assert_int_equal(o->size, 300000);
    assert_int_equal(o->body_len, 0);
    assert_int_equal(o->span_count, 1);
    assert_int_equal(o->spans[0].offset, 0);
    assert_int_equal(o->spans[0].length, 300000);
    assert_int_equal(o->modified, THEN);
    assert_int_equal(o->source->id.mtime_ns, THEN * INT64_C(1000000000) + 5);
    assert_int_equal(atomic_load(&o->source->checked), 77);
    assert_true(has_line(o, "Content-Type: audio/mp4\r\n"));
    assert_true(has_line(o, "Cache-Control: public, max-age=5\r\n"));
    assert_true(has_line(o, "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    object_unref(o);
}

static void an_empty_file_has_no_span(void **state)
{
    (void)state;
    tree_text(&tree, "empty.mp3", "");
    struct object *o = open_in(disk, "/empty.mp3");
    assert_int_equal(o->size, 0);
    assert_int_equal(o->span_count, 0);
    assert_int_equal(object_etag(o).n, OBJECT_ETAG);
    object_unref(o);
}

static unsigned looks;

/* The clock is read at each look; the writer goes on behind the first. */
static uint64_t write_at_the_second(void)
{
    if (++looks == 2) {
        tree_text(&tree, "torn.mp3", "whole");
        tree_touch(&tree, "torn.mp3", THEN, 5);
    }
    return (THEN + 1000) * CLOCK_SECOND;
}

/* In the midst of its truncation: no byte, and the old time of writing. */
static void an_empty_file_is_looked_at_again(void **state)
{
    (void)state;
    tree_text(&tree, "torn.mp3", "");
    tree_touch(&tree, "torn.mp3", THEN, 5);
    disk->opts.wall_ns = write_at_the_second;
    looks = 0;
    struct object *o = open_in(disk, "/torn.mp3");
    assert_int_equal(o->size, 5);
    object_unref(o);
}

static void a_file_from_before_1970_still_has_a_date(void **state)
{
    (void)state;
    tree_touch(&tree, "album/song.m4a", 0, 0);
    struct object *o = open_in(disk, SONG);
    assert_int_equal(o->modified, 1);
    object_unref(o);
}

static void make_oddities(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(name.sun_path, sizeof name.sun_path, "%.63s/socket.mp3", tree.root);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    close(fd);
    assert_int_equal(mkfifo(tree_path(&tree, "fifo.mp3"), 0644), 0);
    (void)!mknod(tree_path(&tree, "device.mp3"), S_IFCHR | 0644, 1 << 8 | 3); /* root alone may */
    tree_text(&tree, ".hidden.mp3", "x");
    tree_folder(&tree, ".folder");
    tree_text(&tree, ".folder/a.mp3", "x");
    assert_int_equal(symlink("/etc/passwd", tree_path(&tree, "absolute.mp3")), 0);
    assert_int_equal(symlink("../../etc/passwd", tree_path(&tree, "up.mp3")), 0);
    assert_int_equal(symlink("/etc", tree_path(&tree, "etc")), 0);
    assert_int_equal(symlink("..", tree_path(&tree, "parent")), 0);
    assert_int_equal(symlink("loop.mp3", tree_path(&tree, "loop.mp3")), 0);
    assert_int_equal(symlink("/proc/self/root", tree_path(&tree, "magic")), 0);
}

static const char *const NOTHING[] = {
    "/missing.mp3",
    "/missing/song.mp3",
    "/socket.mp3",
    "/fifo.mp3",
    "/device.mp3",
    "/.hidden.mp3",
    "/.folder/a.mp3",
    "/.folder",
    "/.",
    "/..",
    "/../../etc/passwd",
    "/album/../album/song.m4a",
    "/album/./song.m4a",
    "/absolute.mp3",
    "/up.mp3",
    "/etc/passwd",
    "/parent/passwd",
    "/loop.mp3",
    "/magic/etc/passwd",
    "//etc/passwd",
    "/album/song.m4a/",
    "/album/song.m4a/x",
};

static void what_is_no_file_of_ours_is_not_found(void **state)
{
    (void)state;
    make_oddities();
    for (size_t i = 0; i < sizeof NOTHING / sizeof NOTHING[0]; i++) {
        struct object *o = NULL;
        enum err e = disk_open(disk, str_of(NOTHING[i]), 1, &mark, &o);
        if (e != ERR_NOT_FOUND)
            fail_msg("%s: %s", NOTHING[i], err_name(e));
        assert_null(o);
    }
}

static void without_openat2_nothing_leads_out_either(void **state)
{
    (void)state;
    make_oddities();
    for (size_t i = 0; i < sizeof NOTHING / sizeof NOTHING[0]; i++) {
        struct stat st;
        if (has_dot_component(str_of(NOTHING[i])))
            continue; /* disk_open does not get this far */
        int fd = open_step_by_step(disk->root, NOTHING[i] + 1);
        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
            fail_msg("%s was opened", NOTHING[i]);
        if (fd >= 0)
            close(fd);
    }
    int fd = open_step_by_step(disk->root, SONG + 1);
    assert_true(fd >= 0);
    close(fd);
    fd = open_step_by_step(disk->root, "album/");
    assert_true(fd >= 0);
    close(fd);
}

static void very_long_paths_are_not_found(void **state)
{
    (void)state;
    static char path[2 * BUF_MAX_PATH];
    static const size_t lengths[] = {300, BUF_MAX_PATH - 1, BUF_MAX_PATH, 2 * BUF_MAX_PATH};
    struct object *o;
    memset(path, 'x', sizeof path);
    path[0] = '/';
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(disk_open(disk, (struct str){path, lengths[i]}, 1, &mark, &o),
                         ERR_NOT_FOUND);
    path[300] = '\0'; /* one name that is longer than names may be */
    assert_int_equal(open_step_by_step(disk->root, path + 1), -1);
}

static void a_link_that_stays_inside_is_followed(void **state)
{
    (void)state;
    assert_int_equal(symlink("album/song.m4a", tree_path(&tree, "best.m4a")), 0);
    struct object *o = open_in(disk, "/best.m4a");
    assert_int_equal(o->size, 300000);
    object_unref(o);
}

/* git-annex and its like keep files so; who has put the link there meant it. */
static void a_link_may_lead_to_what_begins_with_a_dot(void **state)
{
    (void)state;
    struct object *o = NULL;
    tree_folder(&tree, ".store");
    tree_fill(&tree, ".store/4711", 1234);
    assert_int_equal(symlink(".store/4711", tree_path(&tree, "kept.mp3")), 0);
    o = open_in(disk, "/kept.mp3");
    assert_int_equal(o->size, 1234);
    object_unref(o);
    assert_int_equal(disk_open(disk, STR("/.store/4711"), 1, &mark, &o), ERR_NOT_FOUND);
}

static uint64_t a_moment_in_1999(void) { return UINT64_C(930000000) * CLOCK_SECOND + 5; }

static void a_file_of_the_future_is_of_now(void **state)
{
    (void)state;
    struct disk *with_clock;
    struct disk_opts opts = {tree.root, "public, max-age=5", 6000, false, false, a_moment_in_1999};
    assert_int_equal(disk_new(&opts, &with_clock), ERR_NONE);
    tree_touch(&tree, "album/song.m4a", 930000001, 0);
    struct object *o = open_in(with_clock, SONG);
    assert_int_equal(o->modified, 930000000);
    struct hash128 version = {0, o->source->version};
    assert_true(o->source->id.mtime_ns == INT64_C(930000001) * (int64_t)CLOCK_SECOND);
    assert_non_null(
        memmem(o->fields.p, o->fields.n, "Last-Modified: Mon, 21 Jun 1999 21:20:00 GMT", 44));
    object_unref(o);
    tree_touch(&tree, "album/song.m4a", 929000000, 0);
    o = open_in(with_clock, SONG);
    assert_int_equal(o->modified, 929000000);
    assert_int_not_equal(o->source->version,
                         version.low); /* the true time is what it is known by */
    object_unref(o);
    disk_free(with_clock);
}

static void what_may_not_be_read_is_forbidden(void **state)
{
    (void)state;
    struct object *o;
    uid_t me = geteuid();
    assert_int_equal(chmod(tree.root, 0755), 0);
    assert_int_equal(chmod(tree_path(&tree, "album/song.m4a"), 0), 0);
    if (me == 0)
        assert_int_equal(seteuid(65534), 0);
    enum err e = disk_open(disk, STR(SONG), 1, &mark, &o);
    if (me == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(e, ERR_FORBIDDEN);
}

static void without_descriptors_it_is_busy(void **state)
{
    (void)state;
    struct object *o;
    struct rlimit kept, none;
    int next = dup(0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &kept), 0);
    none = kept;
    none.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum err e = disk_open(disk, STR(SONG), 1, &mark, &o);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &kept), 0);
    assert_int_equal(e, ERR_BUSY);
}

static void a_folder_is_its_audio_files_in_order(void **state)
{
    (void)state;
    static const char *const names[] = {"b.mp3",  ".c.mp3",    "cover.jpg",
                                        "a.flac", "notes.txt", "d.mp4"};
    for (size_t i = 0; i < 6; i++) {
        char name[32];
        snprintf(name, sizeof name, "album/%s", names[i]);
        tree_text(&tree, name, "x");
    }
    struct object *o = open_in(disk, "/album");
    assert_int_equal(o->source->fd, -1);
    assert_int_equal(o->size, 0);
    static const char *const want[] = {"a.flac", "b.mp3", "d.mp4", "song.m4a"};
    assert_int_equal(o->source->name_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(o->source->names[i], want[i]);
    assert_false(source_is_whole(o->source));
    object_unref(o);
}

static void the_root_is_a_folder_too(void **state)
{
    (void)state;
    struct object *o = open_in(disk, "/");
    assert_int_equal(o->source->fd, -1);
    assert_int_equal(o->source->name_count, 0);
    object_unref(o);
}

static void folders_of_renditions_have_an_end(void **state)
{
    (void)state;
    struct object *o = NULL;
    tree_folder(&tree, "many");
    for (int i = 0; i <= OBJECT_NAMES; i++) {
        char name[32];
        snprintf(name, sizeof name, "many/%d.mp3", i);
        tree_text(&tree, name, "x");
        enum err e = disk_open(disk, STR("/many"), 1, &mark, &o);
        assert_int_equal(e, i < OBJECT_NAMES ? ERR_NONE : ERR_NOT_FOUND);
        if (!e)
            object_unref(o);
    }
}

static void edges_with_the_same_tree_agree(void **state)
{
    (void)state;
    struct tree other;
    tree_make(&other);
    tree_folder(&other, "album");
    tree_fill(&other, "album/song.m4a", 300000);
    tree_touch(&other, "album/song.m4a", THEN, 5);
    struct disk *d = disk_of(&other, 6000);
    struct object *a = open_in(disk, SONG), *b = open_in(d, SONG);
    assert_true(str_eq(object_etag(a), object_etag(b)));
    assert_int_equal(a->source->version, b->source->version);
    assert_false(identity_eq(&a->source->id, &b->source->id)); /* but it is another file */
    object_unref(a);
    object_unref(b);
    disk_free(d);
    tree_remove(&other);
}

static void change_size(void) { tree_fill(&tree, "album/song.m4a", 300001); }
static void change_time(void) { tree_touch(&tree, "album/song.m4a", THEN + 1, 5); }
static void change_nanosecond(void) { tree_touch(&tree, "album/song.m4a", THEN, 6); }

static void any_change_makes_another_etag_and_version(void **state)
{
    (void)state;
    static void (*const changes[])(void) = {change_size, change_time, change_nanosecond};
    for (size_t i = 0; i < 3; i++) {
        tree_fill(&tree, "album/song.m4a", 300000);
        tree_touch(&tree, "album/song.m4a", THEN, 5);
        struct object *a = open_in(disk, SONG);
        changes[i]();
        if (i == 0)
            tree_touch(&tree, "album/song.m4a", THEN, 5);
        struct object *b = open_in(disk, SONG);
        assert_false(str_eq(object_etag(a), object_etag(b)));
        assert_int_not_equal(a->source->version, b->source->version);
        assert_false(identity_eq(&a->source->id, &b->source->id));
        assert_false(source_is_whole(a->source));
        assert_true(source_is_whole(b->source));
        object_unref(a);
        object_unref(b);
    }
}

static void another_name_is_another_etag(void **state)
{
    (void)state;
    struct object *a = open_in(disk, SONG);
    char from[512];
    snprintf(from, sizeof from, "%s", tree_path(&tree, "album/song.m4a"));
    assert_int_equal(link(from, tree_path(&tree, "album/copy.m4a")), 0);
    struct object *b = open_in(disk, "/album/copy.m4a");
    assert_true(identity_eq(&a->source->id, &b->source->id));
    assert_false(str_eq(object_etag(a), object_etag(b)));
    object_unref(a);
    object_unref(b);
}

static void other_segments_are_another_version_of_the_same_file(void **state)
{
    (void)state;
    struct disk *d = disk_of(&tree, 4000);
    struct object *a = open_in(disk, SONG), *b = open_in(d, SONG);
    assert_true(str_eq(object_etag(a), object_etag(b)));
    assert_int_not_equal(a->source->version, b->source->version);
    object_unref(a);
    object_unref(b);
    disk_free(d);
}

/* Reading */

static void expect_bytes(const unsigned char *got, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (got[i] != tree_byte(from + i))
            fail_msg("byte %zu is wrong", from + i);
}

static void reading_is_exact(void **state)
{
    (void)state;
    static const size_t cases[][2] = {{0, 0},         {0, 1},      {0, PIECE},  {1, PIECE},
                                      {5, PIECE + 1}, {0, 300000}, {299999, 1}, {300000, 0}};
    static unsigned char got[300000];
    struct object *o = open_in(disk, SONG);
    atomic_bool going_on = false;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(got, 0xee, sizeof got);
        assert_int_equal(source_read(o->source, cases[i][0], got, cases[i][1], &going_on),
                         ERR_NONE);
        expect_bytes(got, cases[i][0], cases[i][1]);
    }
    assert_int_equal(source_read(o->source, 299999, got, 2, NULL), ERR_IO); /* it ends before */
    assert_int_equal(source_read(o->source, 400000, got, 1, NULL), ERR_IO);
    object_unref(o);
}

static void a_cancelled_reading_ends(void **state)
{
    (void)state;
    unsigned char got[16] = {0};
    _Atomic uint64_t read = 0;
    struct index_span all = {0, 300000};
    atomic_bool cancelled = true;
    struct object *o = open_in(disk, SONG);
    assert_int_equal(source_read(o->source, 100, got, sizeof got, &cancelled), ERR_CANCELLED);
    assert_int_equal(got[0], 0);
    assert_int_equal(source_warm(o->source, all, PIECE, &cancelled, &read), ERR_CANCELLED);
    assert_int_equal(read, 0);
    object_unref(o);
}

static void what_was_opened_keeps_its_bytes_when_it_is_replaced(void **state)
{
    (void)state;
    unsigned char got[1000];
    char to[512];
    struct object *o = open_in(disk, SONG);
    tree_text(&tree, "new.m4a", "something else");
    snprintf(to, sizeof to, "%s/album/song.m4a", tree.root);
    assert_int_equal(rename(tree_path(&tree, "new.m4a"), to), 0);
    assert_true(source_is_whole(o->source));
    assert_int_equal(source_read(o->source, 200000, got, sizeof got, NULL), ERR_NONE);
    expect_bytes(got, 200000, sizeof got);
    object_unref(o);
}

/* Warmth */

static bool make_cold(const struct source *s)
{
    assert_int_equal(fsync(s->fd), 0);
    assert_int_equal(posix_fadvise(s->fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    return !byte_is_warm(s->fd, 0);
}

static void what_was_just_written_is_warm(void **state)
{
    (void)state;
    struct object *o = open_in(disk, SONG);
    unsigned char got[1000];
    assert_int_equal(source_read(o->source, 0, got, sizeof got, NULL), ERR_NONE);
    assert_true(source_is_warm(o->source, 0, 300000, 0));
    assert_true(source_is_warm(o->source, 299999, 1000, 0)); /* clamped to the file */
    assert_true(source_is_warm(o->source, 400000, 1, 0));
    object_unref(o);
}

static void cold_is_seen_warmed_and_remembered_for_ten_seconds(void **state)
{
    enum { SIZE = 3 * CHUNK + 1000 };
    (void)state;
    uint64_t now = 1000 * CLOCK_SECOND;
    _Atomic uint64_t read = 0;
    struct index_span all = {0, SIZE + 5};
    tree_fill(&tree, "big.wav", SIZE);
    struct object *o = open_in(disk, "/big.wav");
    if (!make_cold(o->source)) {
        object_unref(o);
        skip(); /* a file system that lives in memory */
    }
    assert_false(source_is_warm(o->source, 0, SIZE, now));
    assert_int_equal(source_warm(o->source, all, 5000, NULL, &read), ERR_NONE);
    assert_int_equal(read, SIZE);
    assert_true(source_is_warm(o->source, 0, SIZE, now));
    assert_true(make_cold(o->source));
    assert_true(source_is_warm(o->source, 0, SIZE, now + 9 * CLOCK_SECOND));
    assert_false(source_is_warm(o->source, 0, SIZE, now + 10 * CLOCK_SECOND));
    object_unref(o);
}

/* The walk */

struct listed {
    char text[4096];
    enum err answer;
};

static enum err note_folder(void *arg, struct str path, const struct disk_entry *list, size_t count)
{
    struct listed *l = arg;
    size_t n = strlen(l->text);
    n += (size_t)snprintf(l->text + n, sizeof l->text - n, "%.*s:", STR_ARG(path));
    for (size_t i = 0; i < count; i++)
        n += (size_t)snprintf(l->text + n, sizeof l->text - n, " %.*s=%u", STR_ARG(list[i].path),
                              (unsigned)list[i].size);
    snprintf(l->text + n, sizeof l->text - n, "\n");
    return l->answer;
}

static void make_library(void)
{
    tree_folder(&tree, "album/disc 2");
    tree_folder(&tree, "album/disc 2/deep");
    tree_folder(&tree, ".trash");
    tree_text(&tree, ".trash/x.mp3", "x");
    tree_text(&tree, "z.mp3", "four");
    tree_text(&tree, "a.ogg", "12");
    tree_text(&tree, ".b.ogg", "12");
    tree_text(&tree, "readme.txt", "12");
    tree_text(&tree, "album/disc 2/1.flac", "1");
    tree_text(&tree, "album/disc 2/deep/2.flac", "22");
    assert_int_equal(symlink("z.mp3", tree_path(&tree, "link.mp3")), 0);
    assert_int_equal(symlink("album", tree_path(&tree, "mirror")), 0);
}

static void the_walk_lists_audio_files_by_folder_and_name(void **state)
{
    (void)state;
    struct listed l = {.answer = ERR_NONE};
    make_library();
    assert_int_equal(disk_walk(disk, 8, note_folder, &l), ERR_NONE);
    assert_string_equal(l.text, "/: /a.ogg=2 /z.mp3=4\n"
                                "/album: /album/song.m4a=300000\n"
                                "/album/disc 2: /album/disc 2/1.flac=1\n"
                                "/album/disc 2/deep: /album/disc 2/deep/2.flac=2\n");
}

static void the_walk_goes_no_deeper_than_told(void **state)
{
    (void)state;
    struct listed l = {.answer = ERR_NONE};
    make_library();
    assert_int_equal(disk_walk(disk, 1, note_folder, &l), ERR_NONE);
    assert_string_equal(l.text, "/: /a.ogg=2 /z.mp3=4\n"
                                "/album: /album/song.m4a=300000\n");
}

static void an_error_ends_the_walk(void **state)
{
    (void)state;
    struct listed l = {.answer = ERR_CANCELLED};
    make_library();
    assert_int_equal(disk_walk(disk, 8, note_folder, &l), ERR_CANCELLED);
    assert_string_equal(l.text, "/: /a.ogg=2 /z.mp3=4\n");
}

static void a_folder_that_is_not_ours_to_read_is_passed_over(void **state)
{
    (void)state;
    struct listed l = {.answer = ERR_NONE};
    uid_t me = geteuid();
    make_library();
    assert_int_equal(chmod(tree.root, 0755), 0);
    assert_int_equal(chmod(tree_path(&tree, "album/disc 2"), 0), 0);
    if (me == 0)
        assert_int_equal(seteuid(65534), 0);
    enum err e = disk_walk(disk, 8, note_folder, &l);
    if (me == 0)
        assert_int_equal(seteuid(0), 0);
    chmod(tree_path(&tree, "album/disc 2"), 0755);
    assert_int_equal(e, ERR_NONE);
    assert_non_null(strstr(l.text, "/album: /album/song.m4a=300000\n"));
    assert_null(strstr(l.text, "1.flac"));
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TREE(the_root_has_to_be_a_folder),
        IN_TREE(a_file_is_an_object_of_one_span),
        IN_TREE(an_empty_file_has_no_span),
        IN_TREE(an_empty_file_is_looked_at_again),
        IN_TREE(a_file_from_before_1970_still_has_a_date),
        IN_TREE(what_is_no_file_of_ours_is_not_found),
        IN_TREE(without_openat2_nothing_leads_out_either),
        IN_TREE(very_long_paths_are_not_found),
        IN_TREE(a_link_that_stays_inside_is_followed),
        IN_TREE(a_link_may_lead_to_what_begins_with_a_dot),
        IN_TREE(a_file_of_the_future_is_of_now),
        IN_TREE(what_may_not_be_read_is_forbidden),
        IN_TREE(without_descriptors_it_is_busy),
        IN_TREE(a_folder_is_its_audio_files_in_order),
        IN_TREE(the_root_is_a_folder_too),
        IN_TREE(folders_of_renditions_have_an_end),
        IN_TREE(edges_with_the_same_tree_agree),
        IN_TREE(any_change_makes_another_etag_and_version),
        IN_TREE(another_name_is_another_etag),
        IN_TREE(other_segments_are_another_version_of_the_same_file),
        IN_TREE(reading_is_exact),
        IN_TREE(a_cancelled_reading_ends),
        IN_TREE(what_was_opened_keeps_its_bytes_when_it_is_replaced),
        IN_TREE(what_was_just_written_is_warm),
        IN_TREE(cold_is_seen_warmed_and_remembered_for_ten_seconds),
        IN_TREE(the_walk_lists_audio_files_by_folder_and_name),
        IN_TREE(the_walk_goes_no_deeper_than_told),
        IN_TREE(an_error_ends_the_walk),
        IN_TREE(a_folder_that_is_not_ours_to_read_is_passed_over),
    };
    hash_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
