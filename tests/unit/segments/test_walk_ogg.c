/* segments/walk_ogg.c: packets of an Ogg stream are found where they stand, whatever the pages do.
 */
#include "segments/walk_ogg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { CONTINUED = 1, FIRST = 2, LAST = 4, SEEN_MAX = 64 };

static const unsigned char HEAD_LACING[] = {19};
#define MAGIC STR("OpusHead")

/* What the hooks were told. */
struct seen {
    size_t packets;
    uint64_t size[SEEN_MAX];
    size_t pieces[SEEN_MAX];
    struct index_span first[SEEN_MAX];
    struct index_span last[SEEN_MAX];
    unsigned char head[SEEN_MAX];
    int64_t granule;
    unsigned granules;
    bool ended;
    enum err answer;
};

static enum err on_packet(void *context, const struct walk_ogg_packet *p)
{
    struct seen *s = context;
    assert_true(s->packets < SEEN_MAX);
    s->size[s->packets] = p->size;
    s->pieces[s->packets] = p->count;
    s->head[s->packets] = p->head_len ? p->head[0] : 0;
    if (p->count > 0) {
        s->first[s->packets] = p->pieces[0];
        s->last[s->packets] = p->pieces[p->count - 1];
    }
    s->packets++;
    return s->answer;
}

static void on_granule(void *context, int64_t granule, bool last)
{
    struct seen *s = context;
    s->granule = granule;
    s->granules++;
    s->ended = last;
}

struct stream {
    struct buf file;
    struct seen seen;
    struct walk_ogg walk;
};

static void put_le(struct buf *b, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_addc(b, (char)(value >> (8 * i)));
}

/* One page with `n` lacing values; the body's bytes count up from `fill`. */
static void add_page(struct stream *s, unsigned flags, uint32_t serial, const unsigned char *lacing,
                     unsigned n)
{
    buf_add(&s->file, "OggS", 5);
    buf_addc(&s->file, (char)flags);
    put_le(&s->file, s->file.len, 8); /* a granule position that differs on each page */
    put_le(&s->file, serial, 4);
    put_le(&s->file, 0, 8);
    buf_addc(&s->file, (char)n);
    buf_add(&s->file, lacing, n);
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < lacing[i]; k++)
            buf_addc(&s->file, (char)('a' + i));
    }
}

static void begin(struct stream *s)
{
    memset(s, 0, sizeof *s);
    buf_init(&s->file, 1 << 22);
    walk_ogg_init(&s->walk, (struct walk_ogg_hooks){&s->seen, on_packet, on_granule});
}

static void begin_with_head(struct stream *s)
{
    begin(s);
    add_page(s, FIRST, 1, HEAD_LACING, 1);
    memcpy(s->file.data + 28, "OpusHead", 8);
}

static enum err run(struct stream *s)
{
    size_t at = 0, n = 0;
    while (at < s->file.len) {
        struct str rest = str_from(buf_str(&s->file), at);
        TRY(walk_ogg_page(rest, &n));
        TRY(walk_ogg_take(&s->walk, str_slice(rest, 0, n), at, MAGIC));
        at += n;
    }
    return ERR_NONE;
}

static void end(struct stream *s)
{
    walk_ogg_fini(&s->walk);
    buf_fini(&s->file);
}

static void packets_of_a_page_stand_side_by_side(void **state)
{
    (void)state;
    struct stream s;
    begin_with_head(&s);
    size_t page = s.file.len;
    add_page(&s, 0, 1, (const unsigned char[]){10, 255, 5, 0}, 4);
    assert_int_equal(run(&s), ERR_NONE);
    assert_int_equal(s.seen.packets, 4);
    assert_int_equal(s.seen.size[1], 10);
    assert_int_equal(s.seen.first[1].offset, page + 27 + 4);
    assert_int_equal(s.seen.size[2], 260);
    assert_int_equal(s.seen.pieces[2], 1);
    assert_int_equal(s.seen.first[2].offset, page + 27 + 4 + 10);
    assert_int_equal(s.seen.size[3], 0);
    assert_int_equal(s.seen.head[2], 'b');
    end(&s);
}

static void packet_over_two_pages_has_two_pieces(void **state)
{
    (void)state;
    struct stream s;
    begin_with_head(&s);
    size_t one = s.file.len;
    add_page(&s, 0, 1, (const unsigned char[]){255, 255}, 2);
    size_t two = s.file.len;
    add_page(&s, CONTINUED, 1, (const unsigned char[]){7, 3}, 2);
    assert_int_equal(run(&s), ERR_NONE);
    assert_int_equal(s.seen.packets, 3);
    assert_int_equal(s.seen.size[1], 517);
    assert_int_equal(s.seen.pieces[1], 2);
    assert_int_equal(s.seen.first[1].offset, one + 29);
    assert_int_equal(s.seen.first[1].length, 510);
    assert_int_equal(s.seen.last[1].offset, two + 29);
    assert_int_equal(s.seen.last[1].length, 7);
    assert_int_equal(s.seen.size[2], 3);
    assert_int_equal(s.seen.granules, 2); /* RFC 3533 6: not for a page on which no packet ends */
    end(&s);
}

static void packet_of_255_bytes_ends_with_an_empty_piece(void **state)
{
    (void)state;
    struct stream s;
    begin_with_head(&s);
    add_page(&s, 0, 1, (const unsigned char[]){255}, 1);
    add_page(&s, CONTINUED, 1, (const unsigned char[]){0}, 1);
    assert_int_equal(run(&s), ERR_NONE);
    assert_int_equal(s.seen.packets, 2);
    assert_int_equal(s.seen.size[1], 255);
    assert_int_equal(s.seen.pieces[1], 1);
    end(&s);
}

static void packet_without_its_start_is_passed_over(void **state)
{
    (void)state;
    struct stream s;
    begin_with_head(&s);
    add_page(&s, CONTINUED, 1, (const unsigned char[]){255, 9, 4}, 3);
    assert_int_equal(run(&s), ERR_NONE);
    assert_int_equal(s.seen.packets, 2);
    assert_int_equal(s.seen.size[1], 4);
    end(&s);
}

static void packet_without_its_end_is_dropped(void **state)
{
    (void)state;
    struct stream s;
    begin_with_head(&s);
    add_page(&s, 0, 1, (const unsigned char[]){255}, 1);
    add_page(&s, 0, 1, (const unsigned char[]){6}, 1);
    assert_int_equal(run(&s), ERR_NONE);
    assert_int_equal(s.seen.packets, 2);
    assert_int_equal(s.seen.size[1], 6);
    end(&s);
}

static void other_streams_are_passed_over(void **state)
{
    (void)state;
    struct stream s;
    begin(&s);
    add_page(&s, FIRST, 9, (const unsigned char[]){30}, 1);
    size_t head = s.file.len;
    add_page(&s, FIRST, 1, HEAD_LACING, 1);
    memcpy(s.file.data + head + 28, "OpusHead", 8);
    add_page(&s, 0, 9, (const unsigned char[]){40, 40}, 2);
    add_page(&s, 0, 1, (const unsigned char[]){5}, 1);
    assert_int_equal(run(&s), ERR_NONE);
    assert_int_equal(s.seen.packets, 2);
    assert_int_equal(s.seen.size[1], 5);
    end(&s);
}

static void nothing_comes_after_the_last_page(void **state)
{
    (void)state;
    struct stream s;
    begin_with_head(&s);
    size_t last = s.file.len;
    add_page(&s, LAST, 1, (const unsigned char[]){5}, 1);
    add_page(&s, 0, 1, (const unsigned char[]){6}, 1);
    assert_int_equal(run(&s), ERR_NONE);
    assert_int_equal(s.seen.packets, 2);
    assert_true(s.seen.ended);
    assert_int_equal(s.seen.granule, last + 6);
    end(&s);
}

static void packet_in_too_many_pieces_is_refused(void **state)
{
    (void)state;
    struct stream s;
    begin_with_head(&s);
    for (unsigned i = 0; i <= WALK_OGG_PIECES; i++)
        add_page(&s, i ? CONTINUED : 0, 1, (const unsigned char[]){255}, 1);
    assert_int_equal(run(&s), ERR_MEDIA);
    end(&s);
}

static void what_the_caller_answers_ends_the_walk(void **state)
{
    (void)state;
    struct stream s;
    begin_with_head(&s);
    s.seen.answer = ERR_CANCELLED;
    assert_int_equal(run(&s), ERR_CANCELLED);
    end(&s);
}

static void every_part_of_a_page_asks_for_more(void **state)
{
    (void)state;
    struct stream s;
    size_t n;
    begin_with_head(&s);
    struct str page = buf_str(&s.file);
    for (size_t i = 0; i < page.n; i++)
        assert_int_equal(walk_ogg_page(str_slice(page, 0, i), &n), ERR_AGAIN);
    assert_int_equal(walk_ogg_page(page, &n), ERR_NONE);
    assert_int_equal(n, page.n);
    assert_int_equal(walk_ogg_page(STR("OggX"), &n), ERR_MEDIA);
    assert_int_equal(walk_ogg_page(STR("OggS\1"), &n), ERR_MEDIA);
    end(&s);
}

/* RFC 6716 3.1: configuration in the upper five bits, frame count code in the lower two. */
static void opus_durations(void **state)
{
    (void)state;
    static const struct {
        unsigned char head[2];
        size_t len;
        uint32_t ticks;
    } CASES[] = {
        {{0 << 3}, 1, 480},
        {{3 << 3}, 1, 2880},
        {{12 << 3}, 1, 480},
        {{13 << 3}, 1, 960},
        {{16 << 3}, 1, 120},
        {{31 << 3}, 1, 960},
        {{31 << 3 | 1}, 1, 1920},
        {{31 << 3 | 2}, 1, 1920},
        {{31 << 3 | 3, 6}, 2, 5760},
        {{31 << 3 | 3, 7}, 2, 0},
        {{31 << 3 | 3, 0}, 2, 0},
        {{31 << 3 | 3}, 1, 0},
        {{3 << 3 | 3, 2}, 2, 5760},
        {{16 << 3 | 3, 48}, 2, 5760},
        {{0}, 0, 0},
        {{31 << 3 | 3, 0xc2}, 2, 1920}, /* the flags above the count do not count */
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_int_equal(walk_opus_ticks(CASES[i].head, CASES[i].len, CASES[i].len),
                         CASES[i].ticks);
}

/* RFC 9639 9.1.1, table 14. */
static void flac_durations(void **state)
{
    (void)state;
    static const struct {
        unsigned char head[10];
        size_t len;
        uint32_t ticks;
    } CASES[] = {
        {{0xff, 0xf8, 0xc9, 0x18, 0x00, 0, 0}, 7, 4096},
        {{0xff, 0xf9, 0x19, 0x18, 0x00, 0, 0}, 7, 192},
        {{0xff, 0xf8, 0x59, 0x18, 0x00, 0, 0}, 7, 4608},
        {{0xff, 0xf8, 0x69, 0x18, 0x05, 9, 0}, 7, 10},
        {{0xff, 0xf8, 0x79, 0x18, 0x05, 1, 0}, 7, 257},
        {{0xff, 0xf8, 0x79, 0x18, 0xc2, 0x80, 1, 1}, 8, 258}, /* the number takes two bytes */
        {{0xff, 0xf8, 0x79, 0x18, 0xfe, 0x80, 1, 1}, 8, 0}, /* ... seven, and they are not there */
        {{0xff, 0xf8, 0x09, 0x18, 0x00, 0, 0}, 7, 0},       /* reserved */
        {{0xff, 0xf8, 0xc9, 0x18, 0x80, 0, 0}, 7, 0},
        {{0xff, 0xfb, 0xc9, 0x18, 0x00, 0, 0}, 7, 0}, /* MPEG audio */
        {{0xff, 0xf8, 0xc9, 0x18}, 4, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_int_equal(walk_flac_ticks(CASES[i].head, CASES[i].len), CASES[i].ticks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_of_a_page_stand_side_by_side),
        cmocka_unit_test(packet_over_two_pages_has_two_pieces),
        cmocka_unit_test(packet_of_255_bytes_ends_with_an_empty_piece),
        cmocka_unit_test(packet_without_its_start_is_passed_over),
        cmocka_unit_test(packet_without_its_end_is_dropped),
        cmocka_unit_test(other_streams_are_passed_over),
        cmocka_unit_test(nothing_comes_after_the_last_page),
        cmocka_unit_test(packet_in_too_many_pieces_is_refused),
        cmocka_unit_test(what_the_caller_answers_ends_the_walk),
        cmocka_unit_test(every_part_of_a_page_asks_for_more),
        cmocka_unit_test(opus_durations),
        cmocka_unit_test(flac_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
