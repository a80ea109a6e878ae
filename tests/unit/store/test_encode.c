/* edge/store/encode: what comes out decodes to what went in. */
#include "edge/store/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <brotli/decode.h>
#include <zlib.h>

static size_t gunzip(struct buf *in, unsigned char *out, size_t room)
{
    z_stream z = {.next_in = in->data,
                  .avail_in = (unsigned)in->len,
                  .next_out = out,
                  .avail_out = (unsigned)room};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    inflateEnd(&z);
    return z.total_out;
}

static size_t unbrotli(struct buf *in, unsigned char *out, size_t room)
{
    assert_int_equal(BrotliDecoderDecompress(in->len, in->data, &room, out),
                     BROTLI_DECODER_RESULT_SUCCESS);
    return room;
}

static void decodes_to_what_went_in(void **state)
{
    (void)state;
    enum { N = 300000 };
    char *text = malloc(N);
    unsigned char *back = malloc(N + 1);
    for (size_t i = 0; i < N; i++)
        text[i] = "#EXTINF:6.008163,\n0123456789.mp3\n"[(i * 7 + i / 91) % 33];
    static const size_t lengths[] = {0, 1, 200, N};
    for (size_t i = 0; i < 8; i++) {
        struct buf out;
        size_t n = lengths[i / 2];
        enum coding c = i % 2 ? CODING_GZIP : CODING_BROTLI;
        buf_init(&out, BUF_MAX_PLAYLIST);
        assert_int_equal(encode(c, (struct str){text, n}, &out), ERR_NONE);
        size_t got = i % 2 ? gunzip(&out, back, N + 1) : unbrotli(&out, back, N + 1);
        assert_int_equal(got, n);
        assert_memory_equal(back, text, n);
        buf_fini(&out);
    }
    free(text);
    free(back);
}

static void a_ceiling_is_an_error(void **state)
{
    (void)state;
    for (int c = CODING_GZIP; c <= CODING_BROTLI; c++) {
        struct buf out;
        buf_init(&out, 8);
        assert_int_equal(encode((enum coding)c, STR("#EXTM3U and more than that"), &out),
                         ERR_TOO_BIG);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_to_what_went_in),
        cmocka_unit_test(a_ceiling_is_an_error),
    };
    return cmocka_run_group_tests_name("store/encode", tests, NULL, NULL);
}
