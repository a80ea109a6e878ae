/* The transport stream writer. A segment is PAT, PMT and PES packets of as many frames as fill TS
 * packets best: each PES packet takes whole ones, padded by its adaptation field, and at low rates
 * that padding is most of what a container costs. The number of TS packets in a segment follows
 * from sizes alone, and the continuity counter at the start of segment k is their sum over the
 * segments before it, modulo 16: a pass over the sizes, some half a millisecond an hour of sound.
 * PAT and PMT come once a segment: their counters are the segment's number. */
#include "segments/ts.h"

#include "edge/base/must.h"
#include "segments/adts.h"

#include <string.h>

enum {
    PACKET = 188,
    ROOM = 184, /* behind the four bytes of a TS packet's head */
    PES_HEAD = 14,
    PES_COUNTED = 8, /* of which PES_packet_length counts these */
    PES_MAX = 0xffff - PES_COUNTED,
    CLOCK_FIELD = 8, /* an adaptation field with a PCR */
    TABLES = 2,      /* PAT and PMT */
    PES_MS = 690,    /* 13818-1 2.7.4: timestamps are at most 0.7 s apart */
    PID_PAT = 0,
    PID_AUDIO = 0x100,
    PID_PMT = 0x1000,
};

/* How far the clock reference runs ahead of the sound: what a decoder may buffer. */
#define LEAD (PART_CLOCK / 2)

/* How a codec is announced (13818-1 2.4.4.9; ATSC A/52 A4 for AC-3's). */
struct kind {
    unsigned char stream_type;
    unsigned char stream_id;
    const char *registration; /* format_identifier, or NULL */
};

static struct kind kind_of(const struct index *x)
{
    switch (index_info(x)->codec) {
    case CODEC_MP3:
        return (struct kind){index_info(x)->mpeg_layer3_lsf ? 0x04 : 0x03, 0xc0, NULL};
    case CODEC_AC3:
        return (struct kind){0x81, 0xbd, "AC-3"};
    case CODEC_EAC3:
        return (struct kind){0x87, 0xbd, "EAC3"};
    default:
        return (struct kind){0x0f, 0xc0, NULL};
    }
}

/* Frames in a PES packet, at most: PES_MS of them, and never more than its length field can say. */
static uint32_t frames_in_pes(const struct index *x)
{
    const struct index_info *info = index_info(x);
    uint64_t frames = (uint64_t)info->timescale * PES_MS / 1000 / info->frame_ticks;
    uint64_t most = PES_MAX / (info->max_size + adts_missing(x));
    if (frames > most)
        frames = most;
    return frames ? (uint32_t)frames : 1;
}

static uint64_t packets_of_pes(uint64_t bytes)
{
    return (CLOCK_FIELD + PES_HEAD + bytes + ROOM - 1) / ROOM;
}

/* A PES packet: `frames` from the one it begins with, `bytes` with their headers. */
struct pes {
    uint32_t frames;
    uint64_t bytes;
};

/* The next one of the sound in [from, to): all that is left where that fits, else of those that are
 * at least half as long as they may be the one with the least around a byte of sound. Taken one by
 * one this comes within a five-hundredth of what trying all ways to part a segment would give. */
static struct pes next_pes(const struct index *x, uint32_t from, uint32_t to, uint32_t most)
{
    uint32_t framing = adts_missing(x), left = to - from, half = (most + 1) / 2;
    bool all = left <= most;
    uint32_t frames = all ? left : half, last = all ? left : most;
    uint64_t bytes = index_bytes(x, from, from + frames) + (uint64_t)frames * framing;
    struct pes best = {frames, bytes};
    uint64_t least = packets_of_pes(bytes) * PACKET - bytes; /* around the best one's bytes */
    while (frames < last) {
        bytes += index_size(x, from + frames++) + framing;
        uint64_t around = packets_of_pes(bytes) * PACKET - bytes;
        if (around * best.bytes > least * bytes)
            continue;
        best = (struct pes){frames, bytes};
        least = around;
    }
    return best;
}

/* TS packets that the sound of [from, to) takes. */
static uint64_t count_packets(const struct index *x, uint32_t from, uint32_t to)
{
    uint32_t most = frames_in_pes(x);
    uint64_t count = 0;
    while (from < to) {
        struct pes pes = next_pes(x, from, to, most);
        count += packets_of_pes(pes.bytes);
        from += pes.frames;
    }
    return count;
}

/* The audio PID's counter at the start of segment `number`. */
static unsigned counter_at(const struct cut *c, uint32_t number)
{
    uint64_t count = 0;
    for (uint32_t k = 0, from = 0; k < number; k++) {
        uint32_t to = cut_boundary(c, k + 1);
        count += count_packets(c->index, from, to);
        from = to;
    }
    return (unsigned)(count % 16);
}

/* 13818-1 annex A: polynomial 0x04c11db7, from all ones, not reflected. */
static uint32_t crc_of(const unsigned char *bytes, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint32_t)bytes[i] << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x80000000u ? crc << 1 ^ 0x04c11db7u : crc << 1;
    }
    return crc;
}

static void packet_head(unsigned char *at, unsigned pid, bool start, unsigned control)
{
    at[0] = 0x47;
    at[1] = (unsigned char)((start ? 0x40 : 0) | pid >> 8);
    at[2] = (unsigned char)pid;
    at[3] = (unsigned char)control;
}

/* One packet with one section (13818-1 2.4.4), given without its CRC. */
static void write_section(struct buf *out, unsigned pid, unsigned counter,
                          const unsigned char *section, size_t n)
{
    unsigned char *at = buf_reserve(out, PACKET);
    if (!at)
        return;
    memset(at, 0xff, PACKET);
    packet_head(at, pid, true, 0x10 | counter);
    at[4] = 0; /* pointer_field */
    memcpy(at + 5, section, n);
    uint32_t crc = crc_of(section, n);
    for (size_t i = 0; i < 4; i++)
        at[5 + n + i] = (unsigned char)(crc >> (24 - 8 * i));
    buf_wrote(out, PACKET);
}

static void write_pat(struct buf *out, unsigned counter)
{
    static const unsigned char section[] = {
        0x00,           0xb0, 13,
        0x00,           0x01, 0xc1,
        0x00,           0x00, /* program_association_section */
        0x00,           0x01, 0xe0 | PID_PMT >> 8,
        PID_PMT & 0xff, /* program 1 */
    };
    write_section(out, PID_PAT, counter, section, sizeof section);
}

static void write_pmt(struct buf *out, struct kind kind, unsigned counter)
{
    unsigned char section[32] = {
        0x02,
        0xb0,
        18,
        0x00,
        0x01,
        0xc1,
        0x00,
        0x00, /* TS_program_map_section */
        0xe0 | PID_AUDIO >> 8,
        PID_AUDIO & 0xff,
        0xf0,
        0x00, /* PCR_PID, no program_info */
        kind.stream_type,
        0xe0 | PID_AUDIO >> 8,
        PID_AUDIO & 0xff,
        0xf0,
        0x00,
    };
    size_t n = 17;
    if (kind.registration) { /* 2.6.8 registration_descriptor */
        section[2] += 6;
        section[16] = 6;
        section[17] = 0x05;
        section[18] = 4;
        memcpy(section + 19, kind.registration, 4);
        n += 6;
    }
    write_section(out, PID_PMT, counter, section, n);
}

/* 2.4.3.4: an adaptation field of `size` bytes, with a clock reference where there is one. */
static void write_adaptation(unsigned char *at, size_t size, const uint64_t *clock)
{
    memset(at, 0xff, size);
    at[0] = (unsigned char)(size - 1);
    if (size == 1)
        return;
    at[1] = clock ? 0x50 : 0x00; /* random_access_indicator and PCR_flag */
    if (!clock)
        return;
    uint64_t field = *clock << 15 | 0x3f << 9; /* base, reserved bits, extension 0 */
    for (size_t i = 0; i < 6; i++)
        at[2 + i] = (unsigned char)(field >> (40 - 8 * i));
}

/* 2.4.3.6: the head of a PES packet with a PTS. */
static void write_pes_head(unsigned char at[PES_HEAD], unsigned char id, size_t bytes, uint64_t pts)
{
    size_t length = bytes + PES_COUNTED;
    unsigned char head[PES_HEAD] = {
        0,
        0,
        1,
        id,
        (unsigned char)(length >> 8),
        (unsigned char)length,
        0x84,
        0x80,
        5, /* data_alignment_indicator; PTS; its five bytes */
        (unsigned char)(0x21 | (pts >> 29 & 0x0e)),
        (unsigned char)(pts >> 22),
        (unsigned char)(pts >> 14 | 1),
        (unsigned char)(pts >> 7),
        (unsigned char)(pts << 1 | 1),
    };
    memcpy(at, head, PES_HEAD);
}

/* One TS packet of a PES packet: takes what fits from *head, then from *data. */
static void write_packet(unsigned char *at, unsigned counter, const uint64_t *clock,
                         struct str *head, struct str *data)
{
    size_t field = clock ? CLOCK_FIELD : 0, left = head->n + data->n;
    if (left < ROOM - field)
        field = ROOM - left;
    packet_head(at, PID_AUDIO, head->n > 0, (field ? 0x30u : 0x10u) | counter);
    if (field)
        write_adaptation(at + 4, field, clock);
    size_t from_head = head->n, from_data = ROOM - field - from_head;
    if (from_head)
        memcpy(at + 4 + field, head->p, from_head);
    if (from_data)
        memcpy(at + 4 + field + from_head, data->p, from_data);
    *head = str_from(*head, from_head);
    *data = str_from(*data, from_data);
}

static void write_pes(struct buf *out, unsigned char id, uint64_t pts, struct str data,
                      unsigned *counter)
{
    unsigned char bytes[PES_HEAD];
    size_t count = (size_t)packets_of_pes(data.n);
    unsigned char *at = buf_reserve(out, count * PACKET);
    if (!at)
        return;
    write_pes_head(bytes, id, data.n, pts);
    struct str head = {(const char *)bytes, sizeof bytes};
    uint64_t clock = (pts - LEAD) & PART_CLOCK_MASK;
    for (size_t i = 0; i < count; i++, at += PACKET) {
        write_packet(at, *counter, i == 0 ? &clock : NULL, &head, &data);
        *counter = (*counter + 1) % 16;
    }
    buf_wrote(out, count * PACKET);
}

/* `frames` is the sound of the part, with all its headers. */
static void write_sound(const struct part *p, struct str frames, struct buf *out)
{
    const struct index *x = p->cut->index;
    uint32_t most = frames_in_pes(x);
    unsigned counter = counter_at(p->cut, p->number);
    for (uint32_t i = p->from; i < p->to;) {
        struct pes pes = next_pes(x, i, p->to, most);
        write_pes(out, kind_of(x).stream_id, part_stamp(x, i),
                  str_slice(frames, 0, (size_t)pes.bytes), &counter);
        frames = str_from(frames, (size_t)pes.bytes);
        i += pes.frames;
    }
}

bool ts_fits(const struct index *x)
{
    return adts_stands_alone(x) && index_info(x)->max_size + adts_missing(x) <= PES_MAX;
}

bool ts_by_span(const struct index *x)
{
    (void)x;
    return false;
}

uint64_t ts_size(const struct part *p)
{
    return PACKET * (TABLES + count_packets(p->cut->index, p->from, p->to));
}

void ts_head(const struct part *p, struct buf *out)
{
    (void)p;
    (void)out;
}

enum err ts_build(const struct part *p, struct str payload, struct buf *out)
{
    const struct index *x = p->cut->index;
    struct buf frames;
    buf_init(&frames, BUF_MAX_SEGMENT);
    if (adts_missing(x))
        adts_frames(x, p->from, p->to, payload, &frames);
    enum err e = buf_status(&frames);
    if (e == ERR_NONE) {
        write_pat(out, p->number % 16);
        write_pmt(out, kind_of(x), p->number % 16);
        write_sound(p, adts_missing(x) ? buf_str(&frames) : payload, out);
        e = buf_status(out);
    }
    buf_fini(&frames);
    return e;
}
