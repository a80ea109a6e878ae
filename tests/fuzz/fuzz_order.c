/* Orders, as a helper reads them, and what a helper that was taken over may answer: any bytes. What
 * is read stays within the order; frames that are given other numbers stay frames. */
#include "segments/order.h"

#include "edge/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_order(struct str bytes)
{
    struct order o;
    if (order_read(bytes, &o))
        return;
    uint64_t places = 0, sizes = 0;
    for (uint32_t i = 0; i < o.spans; i++)
        places += order_span(&o, i).length;
    for (uint32_t i = 0; i < o.packets; i++)
        sizes += order_size(&o, i);
    must(places == sizes && o.frames > 0 && o.last > 0 && o.last <= o.shape.frame);
    must(order_samples(&o) >= o.frames && flac_fits(&o.shape));
    must(o.config.n <= bytes.n && o.config.p + o.config.n == bytes.p + bytes.n);
}

static void check_reply(struct str bytes, uint32_t frames, bool sizes_only)
{
    uint64_t sum = 0;
    if (order_check(bytes, frames, sizes_only))
        return;
    for (uint32_t i = 0; i < frames; i++)
        sum += order_frame(bytes, i);
    must(order_frames(bytes, frames).n == (sizes_only ? 0 : sum));
}

static void check_frame(struct str bytes, uint32_t number)
{
    struct buf out, back;
    buf_init(&out, bytes.n + 16);
    buf_init(&back, bytes.n + 16);
    if (flac_renumber(bytes, number, &out) == ERR_NONE) {
        must(out.len + 6 >= bytes.n && out.len <= bytes.n + 6);
        must(flac_renumber(buf_str(&out), 0, &back) == ERR_NONE && back.len <= out.len);
        buf_reset(&out);
        must(flac_renumber(buf_str(&back), 0, &out) == ERR_NONE);
        must(str_eq(buf_str(&out), buf_str(&back)));
    }
    buf_fini(&out);
    buf_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    check_order(bytes);
    if (size == 0)
        return 0;
    check_reply(str_from(bytes, 1), data[0] >> 1, data[0] & 1);
    check_frame(str_from(bytes, 1), data[0] * UINT32_C(8421505));
    return 0;
}
