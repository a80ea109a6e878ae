/* edge/serve/reply: what is decided of an object and a request, and the bytes that are laid out.
 * What would be sent is put together here from the spans, and compared with the object's bytes. */
#include "edge/serve/reply.h"

#include "edge/serve/body.h"

#include "tests/unit/loop/turn.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define ETAG "\"0123456789abcdeffedcba9876543210\""
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static struct service service;
static struct exchange x;
static struct h1_request request;
static char sent[16384];
static size_t sent_len, head_len;

/* Byte `offset` of the media file that spans are of. */
static unsigned char file_byte(uint64_t offset)
{
    return (unsigned char)('A' + (offset * 7 + (offset >> 5)) % 26);
}

static int begin(void **state)
{
    static const struct service_opts opts = {.common = STR("Server: segue\r\n")};
    (void)state;
    service.loop = turn_loop();
    service.opts = &opts;
    service.second_until = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    loop_free(service.loop);
    return 0;
}

/* An object of `body_len` bytes and spans of the file. */
static struct object *object_of(size_t body_len, const struct index_span *spans, uint32_t count)
{
    struct key key = key_make(OBJECT_SEGMENT, STR("/a"), 1, CONTAINER_FMP4, 0);
    unsigned char *body = malloc(body_len + 1);
    for (size_t i = 0; i < body_len; i++)
        body[i] = (unsigned char)('a' + i % 26);
    struct object *o = object_of_bytes(&key, body, body_len);
    struct hash128 h = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};
    o->span_count = count;
    for (uint32_t i = 0; i < count; i++) {
        o->spans[i] = spans[i];
        o->size += spans[i].length;
    }
    o->modified = 784111777;
    object_set_etag(o, h);
    assert_int_equal(object_describe(o, "audio/mp4", "public, max-age=5"), ERR_NONE);
    return o;
}

static char object_byte(const struct object *o, uint64_t at)
{
    if (at < o->body_len)
        return (char)o->body[at];
    at -= o->body_len;
    for (uint32_t i = 0; i < o->span_count; i++) {
        if (at < o->spans[i].length)
            return (char)file_byte(o->spans[i].offset + at);
        at -= o->spans[i].length;
    }
    fail();
    return 0;
}

/* A found object and a request for it: lines are complete field lines. The object is taken. */
static void start(const char *method, const char *lines, struct object *o)
{
    static char head[2048];
    size_t searched = 0;
    struct h1_limits limits = {sizeof head, sizeof head};
    int n = snprintf(head, sizeof head, "%s /a HTTP/1.1\r\nHost: h\r\n%s\r\n", method, lines);
    assert_int_equal(h1_parse((struct str){head, (size_t)n}, &limits, false, &searched, &request),
                     ERR_NONE);
    memset(&x, 0, sizeof x);
    arena_init(&x.arena, EXCHANGE_MEMORY);
    x.service = &service;
    x.request = &request;
    x.minor = 1;
    x.keep_alive = true;
    x.reply.status = 200;
    x.reply.head_only = request.method == METHOD_HEAD;
    x.reply.object = o;
}

/* What body.c would send, byte for byte. */
static void gather(void)
{
    uint64_t left = x.body.left;
    sent_len = 0;
    for (unsigned i = 0; i < x.body.count; i++) {
        const struct span *s = &x.body.spans[i];
        assert_true(left >= s->length && sent_len + s->length < sizeof sent);
        left -= s->length;
        for (uint64_t j = 0; j < s->length; j++)
            sent[sent_len++] = s->memory ? (char)s->memory[j] : (char)file_byte(s->offset + j);
    }
    assert_int_equal(left, 0);
    sent[sent_len] = '\0';
    head_len = x.head_bytes;
    assert_memory_equal(sent + head_len - 4, "\r\n\r\n", 4);
}

static void answer(const char *method, const char *lines, struct object *o)
{
    start(method, lines, o);
    reply_decide(&x);
    assert_int_equal(reply_write(&x), ERR_NONE);
    gather();
}

static void finish(void)
{
    object_unref(x.reply.object);
    arena_fini(&x.arena);
}

static bool has_line(const char *line)
{
    char *end = strstr(sent, "\r\n\r\n"), *at = strstr(sent, line);
    return at && at < end && at[-1] == '\n' && at[strlen(line)] == '\r';
}

static bool has_field(const char *name)
{
    char *end = strstr(sent, "\r\n\r\n"), *at = strstr(sent, name);
    return at && at < end && at[-1] == '\n';
}

static void expect_length(uint64_t n)
{
    char line[64];
    snprintf(line, sizeof line, "Content-Length: %llu", (unsigned long long)n);
    if (!has_line(line))
        fail_msg("not %s: %s", line, sent);
}

static void expect_object_bytes(const char *got, const struct object *o, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        if (got[i - from] != object_byte(o, i))
            fail_msg("byte %u of [%u, %u) is wrong", (unsigned)i, (unsigned)from, (unsigned)to);
}

/* The whole */

static void the_whole_is_head_body_and_spans(void **state)
{
    (void)state;
    struct index_span spans[] = {{1000, 50}, {3000, 7}};
    answer("GET", "", object_of(10, spans, 2));
    assert_int_equal(x.reply.status, 200);
    assert_memory_equal(sent, "HTTP/1.1 200 OK\r\nDate: ", 23);
    assert_true(has_line("ETag: " ETAG));
    assert_true(has_line("Last-Modified: " DATE));
    assert_true(has_line("Cache-Control: public, max-age=5"));
    assert_true(has_line("Content-Type: audio/mp4"));
    assert_true(has_line("Accept-Ranges: bytes"));
    assert_true(has_line("Server: segue"));
    assert_false(has_field("Connection:"));
    expect_length(67);
    assert_int_equal(sent_len, head_len + 67);
    expect_object_bytes(sent + head_len, x.reply.object, 0, 67);
    finish();
}

static void head_says_the_same_without_the_body(void **state)
{
    (void)state;
    struct index_span span = {1000, 50};
    answer("HEAD", "Range: bytes=0-4\r\n", object_of(10, &span, 1));
    assert_int_equal(x.reply.status, 200); /* RFC 9110 14.2: ranges are for GET */
    expect_length(60);
    assert_int_equal(sent_len, head_len);
    assert_int_equal(x.reply.length, 60);
    finish();
}

static void an_empty_object_is_a_head_alone(void **state)
{
    (void)state;
    answer("GET", "", object_of(0, NULL, 0));
    expect_length(0);
    assert_int_equal(sent_len, head_len);
    finish();
}

static void without_an_object_the_head_must_do(void **state)
{
    (void)state;
    start("GET", "", NULL);
    x.reply.status = 503;
    assert_int_equal(reply_write(&x), ERR_NONE);
    gather();
    assert_memory_equal(sent, "HTTP/1.1 503 ", 13);
    expect_length(0);
    finish();
}

static void the_connection_s_fate_is_said(void **state)
{
    (void)state;
    start("GET", "", object_of(1, NULL, 0));
    x.keep_alive = false;
    assert_int_equal(reply_write(&x), ERR_NONE);
    gather();
    assert_true(has_line("Connection: close"));
    finish();
    start("GET", "", object_of(1, NULL, 0));
    x.minor = 0; /* 1.0 closes unless it is told otherwise */
    assert_int_equal(reply_write(&x), ERR_NONE);
    gather();
    assert_true(has_line("Connection: keep-alive"));
    finish();
}

static void more_fields_than_a_head_holds_are_an_error(void **state)
{
    (void)state;
    static char much[SERVICE_HEAD];
    memset(much, 'x', sizeof much);
    start("GET", "", object_of(1, NULL, 0));
    x.reply.extra = (struct str){much, sizeof much};
    assert_int_equal(reply_write(&x), ERR_TOO_BIG);
    finish();
}

/* One range, at every boundary */

static void expect_range(const struct object *o, uint64_t from, uint64_t to)
{
    char line[96];
    assert_int_equal(x.reply.status, 206);
    snprintf(line, sizeof line, "Content-Range: bytes %u-%u/%u", (unsigned)from, (unsigned)to - 1,
             (unsigned)o->size);
    assert_true(has_line(line));
    expect_length(to - from);
    assert_int_equal(sent_len, head_len + (to - from));
    expect_object_bytes(sent + head_len, o, from, to);
}

/* "bytes=0-" has a way of its own. */
static void the_whole_as_a_range(void **state)
{
    (void)state;
    struct index_span span = {1000, 50};
    answer("GET", "Range: bytes=0-\r\n", object_of(10, &span, 1));
    assert_null(x.reply.ranges);
    expect_range(x.reply.object, 0, 60);
    finish();
    answer("GET", "Range: bytes=0-\r\nIf-Range: " ETAG "\r\n", object_of(10, &span, 1));
    expect_range(x.reply.object, 0, 60);
    finish();
}

static void the_whole_as_a_range_is_conditional_too(void **state)
{
    (void)state;
    struct index_span span = {1000, 50};
    answer("GET", "Range: bytes=0-\r\nIf-Range: \"other\"\r\n", object_of(10, &span, 1));
    assert_int_equal(x.reply.status, 200);
    assert_false(has_field("Content-Range:"));
    finish();
    answer("GET", "Range: bytes=0-\r\nIf-None-Match: " ETAG "\r\n", object_of(10, &span, 1));
    assert_int_equal(x.reply.status, 304);
    assert_false(has_field("Content-Range:"));
    assert_false(has_field("Content-Length:"));
    finish();
    answer("GET", "Range: bytes=0-\r\n", object_of(0, NULL, 0)); /* an empty one has no range */
    assert_int_equal(x.reply.status, 200);
    assert_false(has_field("Content-Range:"));
    expect_length(0);
    finish();
}

static const struct layout {
    size_t body;
    uint32_t count;
    struct index_span spans[OBJECT_SPANS];
} LAYOUTS[] = {
    {12, 0, {{0, 0}}},
    {0, 1, {{0, 12}}},
    {0, 1, {{UINT64_C(1) << 40, 12}}},
    {1, 1, {{100, 9}}},
    {5, 2, {{100, 3}, {50, 4}}}, /* spans need not rise */
    {3, 4, {{0, 1}, {9, 2}, {100, 1}, {7, 5}}},
    {0, 4, {{10, 3}, {20, 3}, {30, 3}, {40, 3}}},
};

static void any_range_of_any_layout_is_its_bytes(void **state)
{
    (void)state;
    for (size_t l = 0; l < sizeof LAYOUTS / sizeof LAYOUTS[0]; l++) {
        const struct layout *a = &LAYOUTS[l];
        struct object *o = object_of(a->body, a->spans, a->count);
        for (uint64_t from = 0; from < o->size; from++) {
            for (uint64_t to = from + 1; to <= o->size; to++) {
                char field[64];
                snprintf(field, sizeof field, "Range: bytes=%u-%u\r\n", (unsigned)from,
                         (unsigned)to - 1);
                answer("GET", field, object_ref(o));
                expect_range(o, from, to);
                finish();
            }
        }
        object_unref(o);
    }
}

static void open_and_suffix_ranges_are_the_rest_and_the_end(void **state)
{
    (void)state;
    struct index_span span = {500, 90};
    struct object *o = object_of(10, &span, 1);
    static const struct {
        const char *field;
        uint64_t from, to;
    } cases[] = {
        {"Range: bytes=0-\r\n", 0, 100},    {"Range: bytes=99-\r\n", 99, 100},
        {"Range: bytes=-1\r\n", 99, 100},   {"Range: bytes=-1000\r\n", 0, 100},
        {"Range: bytes=5-500\r\n", 5, 100},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        answer("GET", cases[i].field, object_ref(o));
        expect_range(o, cases[i].from, cases[i].to);
        finish();
    }
    object_unref(o);
}

static void a_range_outside_is_416_with_the_size(void **state)
{
    (void)state;
    answer("GET", "Range: bytes=67-\r\n", object_of(67, NULL, 0));
    assert_int_equal(x.reply.status, 416);
    assert_true(has_line("Content-Range: bytes */67"));
    assert_true(has_line("Content-Type: application/problem+json"));
    assert_false(has_field("ETag:"));
    finish();
}

/* Whoever stands between may take the first or the last: the whole is never wrong. */
static void two_fields_of_ranges_are_none(void **state)
{
    (void)state;
    struct object *o = object_of(1000, NULL, 0);
    answer("GET", "Range: bytes=0-9\r\nRange: bytes=0-9\r\n", o);
    assert_int_equal(x.reply.status, 200);
    expect_length(1000);
    finish();
    o = object_of(1000, NULL, 0);
    answer("GET", "Range: bytes=0-9\r\nX: y\r\nRange: junk\r\nRange: bytes=5000-\r\n", o);
    assert_int_equal(x.reply.status, 200);
    finish();
}

static void what_has_no_etag_has_no_ranges(void **state)
{
    (void)state;
    struct object *o = object_of(67, NULL, 0);
    o->etag[0] = '\0';
    answer("GET", "Range: bytes=0-4\r\n", o);
    assert_int_equal(x.reply.status, 200);
    finish();
}

/* Several ranges */

/* Read one part at *at: its fields, then the object's bytes. */
static void expect_part(const char **at, const char *boundary, uint64_t from, uint64_t to)
{
    char head[256];
    const struct object *o = x.reply.object;
    int n = snprintf(head, sizeof head,
                     "\r\n--%s\r\nContent-Type: audio/mp4\r\nContent-Range: bytes %u-%u/%u\r\n\r\n",
                     boundary, (unsigned)from, (unsigned)to - 1, (unsigned)o->size);
    assert_memory_equal(*at, head, (size_t)n);
    expect_object_bytes(*at + n, o, from, to);
    *at += (size_t)n + (to - from);
}

static void several_ranges_are_parts_of_a_whole(void **state)
{
    (void)state;
    struct index_span spans[] = {{1000, 30}, {5000, 30}, {3000, 30}};
    char boundary[64], end_line[80];
    answer("GET", "Range: bytes=8-12, 38-72, -1, 0-0\r\n", object_of(10, spans, 3));
    assert_int_equal(x.reply.status, 206);
    const char *type = strstr(sent, "\r\nContent-Type: multipart/byteranges; boundary=");
    assert_non_null(type);
    assert_int_equal(sscanf(strstr(type, "boundary="), "boundary=%60[^\r]", boundary), 1);
    assert_false(has_line("Content-Type: audio/mp4"));
    assert_false(has_field("Content-Range:"));
    assert_true(has_line("ETag: " ETAG));
    assert_true(has_line("Accept-Ranges: bytes"));
    expect_length(sent_len - head_len);
    const char *at = sent + head_len;
    expect_part(&at, boundary, 8, 13);
    expect_part(&at, boundary, 38, 73);
    expect_part(&at, boundary, 99, 100);
    expect_part(&at, boundary, 0, 1);
    snprintf(end_line, sizeof end_line, "\r\n--%s--\r\n", boundary);
    assert_string_equal(at, end_line);
    finish();
}

static void sixteen_ranges_over_all_spans_have_room(void **state)
{
    (void)state;
    struct index_span spans[] = {{1000, 100}, {5000, 100}, {3000, 100}, {9000, 100}};
    char field[256];
    int n = snprintf(field, sizeof field, "Range: bytes=0-20");
    for (int i = 1; i < 16; i++)
        n += snprintf(field + n, sizeof field - (size_t)n, ",%d-%d", i * 25, i * 25 + 20);
    snprintf(field + n, sizeof field - (size_t)n, "\r\n");
    answer("GET", field, object_of(10, spans, 4));
    assert_int_equal(x.reply.status, 206);
    assert_int_equal(x.reply.ranges->count, 16);
    expect_length(sent_len - head_len);
    finish();
}

/* Preconditions: that they are asked at all; precond's own tests have the rules */

static void preconditions_are_weighed(void **state)
{
    static const struct {
        const char *lines;
        int status;
    } cases[] = {
        {"If-None-Match: " ETAG "\r\n", 304},
        {"If-None-Match: \"other\"\r\n", 200},
        {"If-None-Match: " ETAG "\r\nRange: bytes=0-1\r\n", 304},
        {"If-Modified-Since: " DATE "\r\n", 304},
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 200},
        {"If-Match: \"other\"\r\n", 412},
        {"If-Match: " ETAG "\r\n", 200},
        {"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 412},
        {"If-Range: " ETAG "\r\nRange: bytes=0-1\r\n", 206},
        {"If-Range: \"other\"\r\nRange: bytes=0-1\r\n", 200},
        {"If-Range: " ETAG "\r\n", 200},
        {"Range: bytes=0-1\r\n", 206},
        {"Range: bites=0-1\r\n", 200},
        {"", 200},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        answer("GET", cases[i].lines, object_of(67, NULL, 0));
        if (x.reply.status != cases[i].status)
            fail_msg("%s: %d", cases[i].lines, x.reply.status);
        finish();
    }
}

static void a_304_has_what_a_cache_keeps_and_nothing_of_the_body(void **state)
{
    (void)state;
    answer("GET", "If-None-Match: *\r\n", object_of(67, NULL, 0));
    assert_int_equal(x.reply.status, 304);
    assert_true(has_line("ETag: " ETAG));
    assert_true(has_line("Cache-Control: public, max-age=5"));
    assert_true(has_field("Date:"));
    assert_true(has_line("Server: segue"));
    assert_false(has_field("Content-Length:"));
    assert_false(has_field("Content-Type:"));
    assert_int_equal(sent_len, head_len);
    finish();
}

static void an_answer_that_is_settled_already_is_left_alone(void **state)
{
    (void)state;
    start("GET", "If-None-Match: *\r\nRange: bytes=0-1\r\n", object_of(67, NULL, 0));
    x.reply.status = 503;
    reply_decide(&x);
    assert_int_equal(x.reply.status, 503);
    assert_null(x.reply.ranges);
    finish();
}

enum { SONG = 400 * 1024 };

/* A song of which there is a copy in memory; `exists`: its file can still be read. */
static void start_song(const char *lines, struct source *source, struct object *file, bool exists)
{
    *source = (struct source){.fd = memfd_create("song", 0), .id.size = exists ? SONG : 0};
    source->warm = calloc(1 + SONG / (512 * 1024), sizeof *source->warm);
    assert_int_equal(ftruncate(source->fd, SONG), 0);
    *file = (struct object){.source = source, .mark = 1};
    struct object *copy = object_of(SONG, NULL, 0);
    copy->key.kind = OBJECT_BODY;
    start("GET", lines, copy);
    x.reply.source = exists ? file : NULL;
    reply_decide(&x);
    assert_int_equal(reply_write(&x), ERR_NONE);
}

static void finish_song(struct source *source)
{
    close(source->fd);
    free((void *)source->warm);
    finish();
}

static void a_long_piece_of_a_copied_song_comes_from_its_file(void **state)
{
    struct source source;
    struct object file;
    (void)state;
    start_song("Range: bytes=1000-\r\n", &source, &file, true);
    assert_int_equal(x.body.count, 2);
    assert_null(x.body.spans[1].memory);
    assert_int_equal(x.body.spans[1].offset, 1000);
    assert_int_equal(x.body.spans[1].length, SONG - 1000);
    finish_song(&source);
}

static void a_short_piece_comes_from_the_copy_and_so_does_what_has_no_file(void **state)
{
    struct source source;
    struct object file;
    (void)state;
    start_song("Range: bytes=1000-62439\r\n", &source, &file, true);
    assert_ptr_equal(x.body.spans[1].memory, x.reply.object->body + 1000);
    assert_int_equal(x.body.spans[1].length, 60 * 1024);
    finish_song(&source);
    start_song("", &source, &file, false);
    assert_ptr_equal(x.body.spans[1].memory, x.reply.object->body);
    assert_int_equal(x.body.spans[1].length, SONG);
    finish_song(&source);
}

static void a_song_that_may_be_written_to_comes_from_the_copy(void **state)
{
    struct source source;
    struct object file;
    (void)state;
    start_song("", &source, &file, true);
    atomic_store(&file.mark, NOTICE_BLIND);
    x.body = (struct body){0};
    assert_int_equal(reply_write(&x), ERR_NONE);
    assert_ptr_equal(x.body.spans[1].memory, x.reply.object->body);
    finish_song(&source);
}

/* A range of a file of which there is no copy: it is a span of itself. */
static void start_file(const char *lines, struct source *source, struct object *file)
{
    struct index_span whole = {0, SONG};
    start_song(lines, source, file, true);
    x.reply.object->key.kind = OBJECT_SOURCE;
    x.reply.object->body_len = 0;
    x.reply.object->span_count = 1;
    x.reply.object->spans[0] = whole;
    x.body = (struct body){0};
}

static void the_end_of_a_file_at_risk_is_held_back(void **state)
{
    struct source source;
    struct object file;
    (void)state;
    start_file("Range: bytes=1000-\r\n", &source, &file);
    source.young_until = UINT64_MAX;
    assert_int_equal(reply_write(&x), ERR_NONE);
    assert_int_equal(x.body.count, 3);
    assert_int_equal(x.body.guard, 2);
    assert_int_equal(x.body.spans[1].length, SONG - 1000 - BODY_TAIL);
    assert_int_equal(x.body.spans[2].offset, SONG - BODY_TAIL);
    assert_int_equal(x.body.spans[2].length, BODY_TAIL);
    assert_int_equal(x.body.left, x.head_bytes + SONG - 1000);
    finish_song(&source);
    start_file("Range: bytes=-10, 0-9\r\n", &source, &file);
    source.young_until = UINT64_MAX;
    assert_int_equal(reply_write(&x), ERR_NONE);
    assert_null(x.body.spans[x.body.guard].memory); /* the last of the file: text follows */
    assert_int_equal(x.body.spans[x.body.guard].length, 10);
    assert_int_equal(x.body.guard, x.body.count - 2);
    finish_song(&source);
}

static void nothing_is_held_back_of_a_file_at_rest(void **state)
{
    struct source source;
    struct object file;
    (void)state;
    start_file("", &source, &file);
    assert_int_equal(reply_write(&x), ERR_NONE);
    assert_int_equal(x.body.count, 2);
    assert_int_equal(x.body.guard, 0);
    finish_song(&source);
}

#define ANSWERED(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ANSWERED(the_whole_is_head_body_and_spans),
        ANSWERED(head_says_the_same_without_the_body),
        ANSWERED(an_empty_object_is_a_head_alone),
        ANSWERED(without_an_object_the_head_must_do),
        ANSWERED(the_connection_s_fate_is_said),
        ANSWERED(the_whole_as_a_range),
        ANSWERED(the_whole_as_a_range_is_conditional_too),
        ANSWERED(more_fields_than_a_head_holds_are_an_error),
        ANSWERED(any_range_of_any_layout_is_its_bytes),
        ANSWERED(open_and_suffix_ranges_are_the_rest_and_the_end),
        ANSWERED(a_range_outside_is_416_with_the_size),
        ANSWERED(two_fields_of_ranges_are_none),
        ANSWERED(what_has_no_etag_has_no_ranges),
        ANSWERED(several_ranges_are_parts_of_a_whole),
        ANSWERED(sixteen_ranges_over_all_spans_have_room),
        ANSWERED(preconditions_are_weighed),
        ANSWERED(a_304_has_what_a_cache_keeps_and_nothing_of_the_body),
        ANSWERED(an_answer_that_is_settled_already_is_left_alone),
        ANSWERED(a_long_piece_of_a_copied_song_comes_from_its_file),
        ANSWERED(a_short_piece_comes_from_the_copy_and_so_does_what_has_no_file),
        ANSWERED(a_song_that_may_be_written_to_comes_from_the_copy),
        ANSWERED(the_end_of_a_file_at_risk_is_held_back),
        ANSWERED(nothing_is_held_back_of_a_file_at_rest),
    };
    hash_seed();
    return cmocka_run_group_tests(tests, turn_setup, NULL);
}
