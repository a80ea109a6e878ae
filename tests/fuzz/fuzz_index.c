/* An index record from a helper that was taken over, or from Redis: any bytes. What is opened may
 * be asked everything: no reader leaves the record, all of them agree with each other, and each
 * container's segments have the sizes that were promised. Bytes that do not begin as a record are a
 * script for the builder instead, since few mutations keep a record's sums. */
#include "segments/index_layout.h"
#include "segments/order.h"
#include "segments/playlist.h"

#include "edge/base/must.h"

#include <stdlib.h>
#include <string.h>

enum {
    WALKED = 300,    /* packets looked at one by one */
    BUILT = 1 << 13, /* bytes of a segment that is built */
    SCRIPT = 256,    /* bytes of a script: 256 packets and more */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_packets(const struct index *x)
{
    const struct index_info *info = index_info(x);
    uint64_t ticks = 0, bytes = 0;
    for (uint32_t i = 0; i < info->packets && i < WALKED; i++) {
        must(index_start(x, i) == ticks && index_bytes(x, 0, i) == bytes);
        must(index_at(x, ticks) == i);
        must(index_size(x, i) > 0 && index_size(x, i) <= info->max_size);
        must(index_ticks(x, i) > 0 && index_ticks(x, i) <= index_max_ticks(x));
        ticks += index_ticks(x, i);
        bytes += index_size(x, i);
    }
    must(index_start(x, info->packets) == info->duration);
    must(index_bytes(x, 0, info->packets) == info->payload);
}

static void check_spans(const struct index *x, uint32_t from, uint32_t to)
{
    struct index_span spans[16];
    size_t n = index_spans(x, from, to, spans, 16);
    uint64_t sum = 0;
    for (size_t i = 0; i < n && i < 16; i++) {
        must(spans[i].length > 0 && spans[i].offset <= INT64_MAX - spans[i].length);
        sum += spans[i].length;
    }
    must(n > 16 || sum == index_bytes(x, from, to));
}

/* Any byte of the file is asked about when its track is paced. */
static void check_places(const struct index *x)
{
    uint32_t packets = index_info(x)->packets;
    struct index_span span;
    must(index_packet_at(x, UINT64_MAX) <= packets && index_packet_at(x, 0) <= packets);
    for (uint32_t i = 0; i < packets && i < WALKED; i++) {
        must(index_spans(x, i, i + 1, &span, 1) > 0);
        must(index_packet_at(x, span.offset) <= packets);
        must(index_packet_at(x, span.offset + span.length) <= packets);
    }
}

static void check_build(const struct cut *c, enum container in, uint32_t k, uint64_t bytes)
{
    struct buf out;
    unsigned char *payload = calloc(1, (size_t)bytes + 1);
    must(payload);
    buf_init(&out, 4 * BUILT);
    enum err e = segment_build(c, in, k, (struct str){(char *)payload, (size_t)bytes}, &out);
    must(e == ERR_NONE || e == ERR_MEDIA || e == ERR_TOO_BIG);
    must(e || out.len == segment_size(c, in, k));
    buf_fini(&out);
    free(payload);
}

/* What is made of a consistent index is a consistent order. */
static void check_order(const struct cut *c, uint32_t k)
{
    struct buf out;
    struct order o;
    uint32_t from, to;
    cut_segment(c, k, &from, &to);
    buf_init(&out, ORDER_MAX);
    enum err e = order_write(c->index, from, to, false, &out);
    must(e == ERR_NONE || e == ERR_TOO_BIG);
    must(e || order_read(buf_str(&out), &o) == ERR_NONE);
    must(e || o.frames == to - from);
    buf_fini(&out);
}

static void check_segment(const struct cut *c, enum container in, uint32_t k)
{
    struct buf head;
    uint32_t from = 0, to = 0;
    bool by_span = true;
    buf_init(&head, BUILT);
    enum err e = segment_head(c, in, k, &head, &from, &to, &by_span);
    must(e == ERR_NONE || e == ERR_NOT_ACCEPTABLE || e == ERR_TOO_BIG);
    if (e == ERR_NONE) {
        uint64_t bytes = index_bytes(c->index, from, to);
        check_spans(c->index, from, to);
        must(!by_span || head.len + bytes == segment_size(c, in, k));
        if (!by_span && bytes <= BUILT)
            check_build(c, in, k, bytes);
    }
    buf_fini(&head);
}

static void check_container(const struct index *x, enum container in, uint32_t target_ms)
{
    struct cut c = target_ms & 1 ? cut_make_fast(x, target_ms) : cut_make(x, target_ms);
    if (c.count > WALKED)
        return;
    uint32_t next = 0;
    for (uint32_t k = 0; k < c.count; k++) {
        uint32_t from, to;
        cut_segment(&c, k, &from, &to);
        must(from == next && to > from);
        next = to;
    }
    must(next == index_info(x)->packets);
    for (uint32_t k = 0; k < c.count && k < 3 && index_source(x); k++)
        check_order(&c, k);
    for (uint32_t k = 0; k < c.count && k < 3; k++)
        check_segment(&c, in, k);
    if (c.count)
        check_segment(&c, in, c.count - 1);
    struct buf out;
    buf_init(&out, BUF_MAX_PLAYLIST);
    struct rendition r = {c, in, STR("a"), 0, 0, 0};
    enum err e = playlist_media(&c, in, STR("v/"), &out);
    must(e == ERR_NONE || e == ERR_NOT_ACCEPTABLE);
    e = playlist_master(&r, 1, &out);
    must(e == ERR_NONE || e == ERR_NOT_ACCEPTABLE);
    must(e || r.bandwidth >= r.average);
    buf_fini(&out);
}

static void check_record(const unsigned char *record, size_t size, bool good)
{
    unsigned char *copy = malloc(size ? size : 1);
    struct index *x;
    must(copy);
    memcpy(copy, record, size);
    enum err e = index_open(copy, size, &x);
    must(e == ERR_MEDIA || e == ERR_NONE);
    must(e == ERR_NONE || !good);
    if (e)
        return;
    must(index_record(x).n == size && memcmp(index_record(x).p, record, size) == 0);
    check_packets(x);
    check_places(x);
    for (unsigned in = 0; in < CONTAINER_COUNT; in++) {
        check_container(x, (enum container)in, 6000);
        check_container(x, (enum container)in, 100);
    }
    index_free(x);
}

/* Numbers from the front of the script; zeros when it is over. */
struct script {
    const uint8_t *at;
    size_t left;
};

static uint32_t take(struct script *s, size_t bytes)
{
    uint32_t value = 0;
    for (; bytes && s->left; bytes--, s->left--)
        value = value << 8 | *s->at++;
    return value;
}

static struct index_info take_info(struct script *s)
{
    static const uint8_t types[] = {2, 5, 29, 42};
    static const uint16_t strips[] = {0, 7, 9, 8};
    enum codec codec = (enum codec)(take(s, 1) % (CODEC_COUNT + 1));
    uint32_t more = take(s, 1);
    return (struct index_info){
        .codec = codec,
        .aac_object_type = codec == CODEC_AAC ? types[more & 3] : 0,
        .strip = codec == CODEC_AAC ? strips[more >> 2 & 3] : 0,
        .independent = more >> 4 & 1,
        .mpeg_layer3_lsf = more >> 5 & 1,
        .preroll = more >> 6,
        .channels = 2,
        .sample_rate = 44100,
        .timescale = take(s, 3),
        .priming = take(s, 2),
        .padding = take(s, 2),
    };
}

static void play_script(struct script s)
{
    struct index_info info = take_info(&s);
    struct index_builder *b = index_build();
    must(b);
    uint64_t offset = 0;
    while (s.left) {
        uint32_t how = take(&s, 1), size = take(&s, how & 1 ? 3 : 1);
        uint32_t ticks = how & 2 ? take(&s, how & 4 ? 3 : 2) : 1024;
        offset += how & 8 ? take(&s, 2) : 0;
        for (uint32_t n = how >> 4; n < 16; n++, offset += size) {
            enum err e = index_build_packet(b, offset, size, ticks);
            must(e == ERR_NONE || e == ERR_MEDIA);
        }
    }
    struct buf out;
    buf_init(&out, BUF_MAX_INDEX);
    if (!index_build_finish(b, info, STR("INIT"), STR("\x12\x10"), STR("a=b\n"), &out))
        check_record(out.data, out.len, true);
    buf_fini(&out);
    index_build_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 4 && memcmp(data, "SGIX", 4) == 0)
        check_record(data, size, false);
    else
        play_script((struct script){data, size < SCRIPT ? size : SCRIPT});
    return 0;
}
