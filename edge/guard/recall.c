/* One place for each hash; who comes later has it. */
#include "edge/guard/recall.h"

#include "edge/base/hash.h"
#include "edge/guard/crypto.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    uint16_t n; /* 0: empty */
    char text[RECALL_TEXT];
};

struct recall {
    struct entry entries[RECALL_ENTRIES];
};

enum err recall_new(struct recall **out)
{
    *out = calloc(1, sizeof **out); /* pages that are touched when they are used */
    return *out ? ERR_NONE : ERR_NOMEM;
}

void recall_clear(struct recall *r)
{
    if (r)
        crypto_wipe(r, sizeof *r);
}

void recall_free(struct recall *r)
{
    recall_clear(r);
    free(r);
}

/* Each part behind its length, so that no two lists of parts are the same text. Empty: too long. */
static struct str join(const struct str *parts, size_t count, char room[RECALL_TEXT])
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].n + 2 > RECALL_TEXT - n)
            return (struct str){NULL, 0};
        room[n++] = (char)(parts[i].n >> 8);
        room[n++] = (char)(parts[i].n & 0xff);
        if (parts[i].n)
            memcpy(room + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    return (struct str){room, n};
}

bool recall_has(const struct recall *r, const struct str *parts, size_t count)
{
    char room[RECALL_TEXT];
    if (!r)
        return false;
    struct str text = join(parts, count, room);
    const struct entry *e = &r->entries[hash_table(text) % RECALL_ENTRIES];
    return text.n && e->n == text.n && crypto_same(text, (struct str){e->text, e->n});
}

void recall_note(struct recall *r, const struct str *parts, size_t count)
{
    char room[RECALL_TEXT];
    if (!r)
        return;
    struct str text = join(parts, count, room);
    if (!text.n)
        return;
    struct entry *e = &r->entries[hash_table(text) % RECALL_ENTRIES];
    memcpy(e->text, text.p, text.n);
    e->n = (uint16_t)text.n;
}
