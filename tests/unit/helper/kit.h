/* The index that the helper makes of a file in memory, and the packets that libavformat's demuxers
 * find in the same bytes. */
#ifndef TESTS_UNIT_HELPER_KIT_H
#define TESTS_UNIT_HELPER_KIT_H

#include "segments/helper/probe.h"
#include "tests/unit/helper/media.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- the index of it ---- */

struct kit_result {
    enum err e;
    struct index *x; /* on ERR_NONE */
    char why[RECORD_WHY + 1];
    uint64_t packets; /* that the page says were read */
};

static inline int kit_fd(struct str file)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file.p, file.n), file.n);
    return fd;
}

static inline struct kit_result kit_probe(struct str file)
{
    struct record_page page = {0};
    struct kit_result r = {.e = ERR_NONE};
    struct source source = {.fd = kit_fd(file), .size = file.n, .job = 1, .page = &page};
    struct buf out;
    buf_init(&out, BUF_MAX_INDEX);
    memset(r.why, 'x', sizeof r.why);
    r.e = probe_index(&source, &out, r.why);
    r.packets = atomic_load(&page.packets);
    if (!r.e) {
        size_t n;
        unsigned char *record = buf_take(&out, &n);
        r.e = index_open(record, n, &r.x);
        assert_int_equal(r.e, ERR_NONE); /* what it makes is what the server takes */
    }
    buf_fini(&out);
    close(source.fd);
    return r;
}

static inline void kit_free(struct kit_result *r)
{
    index_free(r->x);
    r->x = NULL;
}

/* What may come of a hostile file; ERR_NOMEM: of one that asks for more than there is. */
static inline bool is_an_answer(enum err e)
{
    return e == ERR_NONE || e == ERR_MEDIA || e == ERR_UNSUPPORTED || e == ERR_NOMEM;
}

static inline void kit_refused(struct str file, enum err e, const char *why)
{
    struct kit_result r = kit_probe(file);
    if (r.e != e || !strstr(r.why, why))
        fail_msg("%s, \"%s\"; not %s, \"%s\"", err_name(r.e), r.why, err_name(e), why);
    kit_free(&r);
}

/* ---- the packets of it ---- */

/* Reads the next packet of the first stream from `file` by libavformat alone. */
struct kit_demuxer {
    AVFormatContext *format;
    AVIOContext *io;
    AVPacket *packet;
    struct source source;
    struct record_page page;
};

static inline void kit_demux(struct kit_demuxer *d, struct str file)
{
    memset(d, 0, sizeof *d);
    d->source = (struct source){.fd = kit_fd(file), .size = file.n, .job = 1, .page = &d->page};
    d->format = avformat_alloc_context();
    d->io = d->format->pb = source_avio(&d->source);
    d->packet = av_packet_alloc();
    AVDictionary *options = NULL;
    av_dict_set(&options, "advanced_editlist", "0", 0);
    assert_int_equal(avformat_open_input(&d->format, "", NULL, &options), 0);
    av_dict_free(&options);
    assert_true(avformat_find_stream_info(d->format, NULL) >= 0);
}

static inline bool kit_next(struct kit_demuxer *d)
{
    av_packet_unref(d->packet);
    return av_read_frame(d->format, d->packet) >= 0;
}

static inline void kit_demux_end(struct kit_demuxer *d)
{
    av_packet_free(&d->packet);
    avformat_close_input(&d->format);
    source_avio_free(&d->io);
    close(d->source.fd);
}

/* The index has the demuxer's packets: as many, as long in bytes, and at their places the same
 * bytes. `strip`: bytes of framing that the demuxer takes off. */
static inline void kit_same_packets(struct str file, const struct index *x)
{
    struct kit_demuxer d;
    uint32_t n = 0;
    kit_demux(&d, file);
    for (; kit_next(&d); n++) {
        struct index_span at[8];
        if (n >= index_info(x)->packets)
            fail_msg("the index has only %u packets", n);
        size_t count = index_spans(x, n, n + 1, at, 8), left = (size_t)d.packet->size;
        const uint8_t *data = d.packet->data;
        assert_in_range(count, 1, 8);
        if (index_size(x, n) != left)
            fail_msg("packet %u has %u bytes, not %zu", n, index_size(x, n), left);
        for (size_t i = 0; i < count; i++) {
            assert_true(at[i].offset + at[i].length <= file.n);
            assert_memory_equal(file.p + at[i].offset, data, at[i].length);
            data += at[i].length;
        }
    }
    kit_demux_end(&d);
    assert_int_equal(n, index_info(x)->packets);
}

#endif
