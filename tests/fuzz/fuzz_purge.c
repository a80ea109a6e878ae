/* Purges as Redis tells of them, and tags as people write them: what is read is a path, and is
 * written as it was. */
#include "edge/base/must.h"
#include "edge/store/purge.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void look_at_lines(struct str text)
{
    struct purge p;
    struct buf b;
    buf_init(&b, 2 * BUF_MAX_PATH);
    while (text.n) {
        if (!purge_read(&text, &p))
            continue;
        struct purge again;
        buf_reset(&b);
        purge_write(&p, &b);
        struct str line = buf_str(&b);
        must(buf_status(&b) == ERR_NONE && purge_read(&line, &again) && line.n == 0);
        must(again.id == p.id && again.kind == p.kind && again.soft == p.soft);
        must(str_eq(again.path, p.path) && p.path.p[0] == '/');
        (void)purge_covers(&p, text);
    }
    buf_fini(&b);
}

static void look_at_tag(struct str tag)
{
    struct purge p;
    struct buf room;
    buf_init(&room, BUF_MAX_PATH);
    if (purge_of_tag(tag, &room, &p) == ERR_NONE)
        must(p.path.n && p.path.p[0] == '/' && purge_covers(&p, p.path));
    buf_fini(&room);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct str text = {(const char *)data, size};
    look_at_lines(text);
    look_at_tag(text);
    return 0;
}
