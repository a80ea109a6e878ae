/* One order at a time, each of them short: a helper is free for others in between. */
#include "segments/measure.h"

#include "edge/base/must.h"
#include "segments/order.h"

#include <stdlib.h>

enum { AT_ONCE = 256 /* frames: some twenty seconds of sound */ };

struct measure {
    const struct index *x;
    struct index_builder *builder;
    uint32_t at; /* frames that are in the builder */
    uint32_t under_way;
    uint64_t payload;
};

bool measure_wanted(const struct index *x)
{
    const struct index_info *info = index_info(x);
    return info->encoded == ENCODED_BOUND && info->duration * info->channels <= MEASURE_MAX;
}

struct measure *measure_new(const struct index *x)
{
    struct measure *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->x = x;
    m->builder = index_build();
    if (m->builder)
        return m;
    free(m);
    return NULL;
}

void measure_free(struct measure *m)
{
    if (!m)
        return;
    index_build_free(m->builder);
    free(m);
}

enum err measure_next(struct measure *m, struct buf *order, uint32_t *frames)
{
    uint32_t left = index_info(m->x)->packets - m->at;
    m->under_way = *frames = left < AT_ONCE ? left : AT_ONCE;
    return left ? order_write(m->x, m->at, m->at + m->under_way, true, order) : ERR_NONE;
}

enum err measure_take(struct measure *m, struct str reply)
{
    TRY(order_check(reply, m->under_way, true));
    for (uint32_t i = 0; i < m->under_way; i++, m->at++) {
        uint32_t size = order_frame(reply, i);
        TRY(index_build_packet(m->builder, m->payload, size, index_ticks(m->x, m->at)));
        m->payload += size;
    }
    m->under_way = 0;
    return ERR_NONE;
}

enum err measure_finish(struct measure *m, struct buf *out)
{
    struct index_info info = *index_info(m->x);
    must(m->at == info.packets);
    info.encoded = ENCODED_EXACT;
    return index_build_finish(m->builder, info, index_init(m->x), index_config(m->x),
                              index_tags(m->x), out);
}
