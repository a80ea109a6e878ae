/* Reading an open index. Every bound was checked when it was opened (index_open.c), so these are
 * array look-ups: sizes by running sums every INDEX_STRIDE packets, times by exceptions or running
 * sums, places by bisection of the extents. Nothing here writes, so any thread may read. */
#include "segments/index.h"

#include "edge/base/must.h"
#include "segments/index_layout.h"

#include <stdlib.h>

void index_free(struct index *x)
{
    if (!x)
        return;
    index_free(x->source);
    free(x->record);
    free(x);
}

const struct index_info *index_info(const struct index *x) { return &x->info; }

struct str index_record(const struct index *x)
{
    return (struct str){(const char *)x->record, x->length};
}

size_t index_memory(const struct index *x)
{
    return sizeof *x + x->length + (x->source ? index_memory(x->source) : 0);
}

struct str index_init(const struct index *x) { return x->init; }

struct str index_config(const struct index *x) { return x->config; }

const struct index *index_source(const struct index *x) { return x->source; }

struct str index_tags(const struct index *x) { return x->tags; }

uint32_t index_max_ticks(const struct index *x) { return x->max_ticks; }

uint32_t index_size(const struct index *x, uint32_t packet)
{
    must(packet < x->info.packets);
    if (x->size_width == 0)
        return x->info.max_size;
    return layout_number(x->sizes, x->size_width, packet);
}

/* The exception that comes last among those whose packet is below `packet`, or NULL. */
static const struct layout_exception *exception_before(const struct index *x, uint32_t packet)
{
    uint32_t low = 0, high = x->exceptions;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (le32toh(x->exception[middle].packet) < packet)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &x->exception[low - 1] : NULL;
}

uint32_t index_ticks(const struct index *x, uint32_t packet)
{
    must(packet < x->info.packets);
    if (x->ticks_width)
        return layout_number(x->ticks, x->ticks_width, packet);
    const struct layout_exception *e = exception_before(x, packet + 1);
    return e && le32toh(e->packet) == packet ? le32toh(e->ticks) : x->info.frame_ticks;
}

bool index_steady(const struct index *x, uint32_t from, uint32_t to)
{
    must(from <= to && to <= x->info.packets);
    return !x->ticks_width && exception_before(x, from) == exception_before(x, to);
}

/* The sum of `count` numbers from `from`; a loop for each width, since whole tracks go through. */
static uint64_t sum_numbers(const void *array, uint8_t width, uint32_t from, uint32_t count)
{
    uint64_t sum = 0;
    if (width == 2) {
        const uint16_t *at = (const uint16_t *)array + from;
        for (uint32_t i = 0; i < count; i++)
            sum += le16toh(at[i]);
        return sum;
    }
    const uint32_t *at = (const uint32_t *)array + from;
    for (uint32_t i = 0; i < count; i++)
        sum += le32toh(at[i]);
    return sum;
}

/* The sum of the first `packet` numbers. */
static uint64_t sum_before(const uint64_t *sums, const void *array, uint8_t width, uint32_t packet)
{
    uint32_t stride = packet / INDEX_STRIDE, rest = packet % INDEX_STRIDE;
    if (rest == 0 && stride > 0) /* the sum that stands at the very end may not be there */
        return le64toh(sums[stride - 1]) +
               sum_numbers(array, width, packet - INDEX_STRIDE, INDEX_STRIDE);
    if (rest == 0)
        return 0;
    return le64toh(sums[stride]) + sum_numbers(array, width, packet - rest, rest);
}

static uint64_t start_by_exceptions(const struct index *x, uint32_t packet)
{
    const struct layout_exception *e = exception_before(x, packet);
    if (!e)
        return (uint64_t)packet * x->info.frame_ticks;
    uint64_t since = packet - le32toh(e->packet) - 1;
    return le64toh(e->start) + le32toh(e->ticks) + since * x->info.frame_ticks;
}

uint64_t index_start(const struct index *x, uint32_t packet)
{
    must(packet <= x->info.packets);
    if (packet == x->info.packets)
        return x->info.duration;
    if (x->ticks_width)
        return sum_before(x->tick_sums, x->ticks, x->ticks_width, packet);
    return start_by_exceptions(x, packet);
}

/* The packet that sounds at `ticks` (below the duration): exceptions, then division. */
static uint32_t packet_by_exceptions(const struct index *x, uint64_t ticks)
{
    uint32_t low = 0, high = x->exceptions;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (le64toh(x->exception[middle].start) <= ticks)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return (uint32_t)(ticks / x->info.frame_ticks);
    const struct layout_exception *e = &x->exception[low - 1];
    uint64_t end = le64toh(e->start) + le32toh(e->ticks);
    if (ticks < end)
        return le32toh(e->packet);
    return le32toh(e->packet) + 1 + (uint32_t)((ticks - end) / x->info.frame_ticks);
}

/* The same where each packet has its own duration: bisect the sums, then walk one stride. */
static uint32_t packet_by_sums(const struct index *x, uint64_t ticks)
{
    uint32_t low = 1, high = layout_sums(x->info.packets);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (le64toh(x->tick_sums[middle]) <= ticks)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t packet = (low - 1) * INDEX_STRIDE;
    uint64_t end = le64toh(x->tick_sums[low - 1]);
    for (;; packet++) {
        end += layout_number(x->ticks, x->ticks_width, packet);
        if (ticks < end)
            return packet;
    }
}

uint32_t index_at(const struct index *x, uint64_t ticks)
{
    if (ticks >= x->info.duration)
        return x->info.packets;
    uint32_t packet = x->ticks_width ? packet_by_sums(x, ticks) : packet_by_exceptions(x, ticks);
    uint64_t before = ticks - index_start(x, packet);
    return before < index_start(x, packet + 1) - ticks ? packet : packet + 1;
}

uint64_t index_bytes(const struct index *x, uint32_t from, uint32_t to)
{
    must(from <= to && to <= x->info.packets);
    if (x->size_width == 0)
        return (uint64_t)(to - from) * x->info.max_size;
    if (to - from <= 2 * INDEX_STRIDE) /* shorter than going by way of two running sums */
        return sum_numbers(x->sizes, x->size_width, from, to - from);
    return sum_before(x->size_sums, x->sizes, x->size_width, to) -
           sum_before(x->size_sums, x->sizes, x->size_width, from);
}

static uint64_t payload_before(const struct index *x, uint32_t packet)
{
    if (x->size_width == 0)
        return (uint64_t)packet * x->info.max_size;
    return sum_before(x->size_sums, x->sizes, x->size_width, packet);
}

/* The extent that payload byte `at` (below the payload's length) lies in. */
static uint32_t extent_of(const struct index *x, uint64_t at)
{
    uint32_t low = 1, high = x->extents;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (le64toh(x->extent[middle].payload) <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

size_t index_spans(const struct index *x, uint32_t from, uint32_t to, struct index_span *out,
                   size_t room)
{
    must(from <= to && to <= x->info.packets);
    if (from == to)
        return 0;
    uint64_t at = payload_before(x, from), stop = at + index_bytes(x, from, to);
    size_t count = 0;
    for (uint32_t i = extent_of(x, at); at < stop; i++, count++) {
        uint64_t end = i + 1 < x->extents ? le64toh(x->extent[i + 1].payload) : x->info.payload;
        if (end > stop)
            end = stop;
        if (count < room)
            out[count] = (struct index_span){
                .offset = le64toh(x->extent[i].file) + (at - le64toh(x->extent[i].payload)),
                .length = end - at,
            };
        at = end;
    }
    return count;
}

/* The packet that payload byte `at` (below the payload's length) lies in. */
static uint32_t packet_of(const struct index *x, uint64_t at)
{
    if (x->size_width == 0)
        return (uint32_t)(at / x->info.max_size);
    uint32_t low = 1, high = layout_sums(x->info.packets);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (le64toh(x->size_sums[middle]) <= at)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t packet = (low - 1) * INDEX_STRIDE;
    uint64_t end = le64toh(x->size_sums[low - 1]);
    for (;; packet++) {
        end += layout_number(x->sizes, x->size_width, packet);
        if (at < end)
            return packet;
    }
}

uint32_t index_packet_at(const struct index *x, uint64_t offset)
{
    uint32_t low = 0, high = x->extents;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (le64toh(x->extent[middle].file) <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    uint64_t start = le64toh(x->extent[low - 1].payload);
    uint64_t end = low < x->extents ? le64toh(x->extent[low].payload) : x->info.payload;
    uint64_t into = offset - le64toh(x->extent[low - 1].file);
    uint64_t at = into < end - start ? start + into : end;
    return at < x->info.payload ? packet_of(x, at) : x->info.packets;
}

const char *codec_name(enum codec c)
{
    static const char *const names[CODEC_COUNT] = {
        [CODEC_NONE] = "none", [CODEC_AAC] = "aac",   [CODEC_MP3] = "mp3",
        [CODEC_FLAC] = "flac", [CODEC_ALAC] = "alac", [CODEC_OPUS] = "opus",
        [CODEC_AC3] = "ac3",   [CODEC_EAC3] = "eac3", [CODEC_VORBIS] = "vorbis",
        [CODEC_PCM] = "pcm",
    };
    return (unsigned)c < CODEC_COUNT ? names[c] : "none";
}
