/* The Ogg walker over any bytes: each piece of a packet lies in the page that was given, in the
 * order of the file, and pieces add up to the packet. */
#include "segments/walk_ogg.h"

#include "edge/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t size; /* of the file */
    uint64_t at;   /* end of the last piece */
};

static enum err on_packet(void *context, const struct walk_ogg_packet *p)
{
    struct seen *s = context;
    uint64_t sum = 0;
    for (size_t i = 0; i < p->count; i++) {
        must(p->pieces[i].length > 0 && p->pieces[i].offset >= s->at);
        s->at = p->pieces[i].offset + p->pieces[i].length;
        must(s->at <= s->size);
        sum += p->pieces[i].length;
    }
    must(sum == p->size && p->count <= WALK_OGG_PIECES);
    must(p->head_len == (p->size < WALK_OGG_HEAD ? p->size : WALK_OGG_HEAD));
    must(walk_opus_ticks(p->head, p->head_len, p->size) <= 5760);
    must(walk_flac_ticks(p->head, p->head_len) <= 65536);
    return ERR_NONE;
}

static void on_granule(void *context, int64_t granule, bool last)
{
    (void)context, (void)granule, (void)last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen seen = {.size = size};
    struct walk_ogg w;
    struct str rest = {(const char *)data, size};
    size_t n;
    walk_ogg_init(&w, (struct walk_ogg_hooks){&seen, on_packet, on_granule});
    while (walk_ogg_page(rest, &n) == ERR_NONE) {
        must(n > 0 && n <= WALK_OGG_PAGE_MAX && n <= rest.n);
        if (walk_ogg_take(&w, str_slice(rest, 0, n), size - rest.n, STR("OpusHead")))
            break;
        rest = str_from(rest, n);
    }
    walk_ogg_fini(&w);
    return 0;
}
