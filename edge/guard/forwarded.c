/* Two spellings of one list. What cannot be read ends it. */
#include "edge/guard/forwarded.h"

#include "edge/base/scan.h"
#include "edge/guard/policy.h"

#include <string.h>

bool networks_have(const struct networks *n, const uint8_t address[16])
{
    for (size_t i = 0; i < n->count; i++)
        if (policy_within(address, n->list[i].address, n->list[i].bits))
            return true;
    return false;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80". */
static bool read_node(struct str s, uint8_t address[16])
{
    unsigned bits;
    uint64_t port;
    if (scan_char(&s, '[')) {
        bool closed = str_find(s, ']') < s.n;
        struct str inner = str_cut(&s, ']');
        if (!closed)
            return false;
        if (s.n && (!scan_char(&s, ':') || !scan_u64(&s, &port) || s.n))
            return false;
        s = inner;
    } else if (str_find(s, '.') < s.n && str_find(s, ':') == str_rfind(s, ':')) {
        s = str_cut(&s, ':');
    }
    return str_find(s, '/') == s.n && policy_network(s, address, &bits);
}

static void take(struct forwarded *f, struct str node)
{
    uint8_t address[16];
    if (!read_node(node, address)) {
        f->done = true;
        return;
    }
    memcpy(f->client, address, sizeof address);
    f->done = !networks_have(f->trusted, address);
}

/* The last item of the list, which loses it. */
static struct str take_last(struct str *line)
{
    size_t comma = str_rfind(*line, ',');
    struct str item = comma == line->n ? *line : str_from(*line, comma + 1);
    *line = str_slice(*line, 0, comma == line->n ? 0 : comma);
    return str_trim(item);
}

void forwarded_for(struct forwarded *f, struct str line)
{
    while (line.n && !f->done)
        take(f, take_last(&line));
}

/* The value of `for`, without its quotes; empty where there is none, or two. */
static struct str for_of(struct str item)
{
    struct str found = {NULL, 0};
    while (item.n) {
        struct str value = str_trim(str_cut(&item, ';'));
        if (!str_ieq(str_cut(&value, '='), STR("for")))
            continue;
        if (found.p)
            return (struct str){NULL, 0};
        bool quoted = value.n > 1 && value.p[0] == '"' && value.p[value.n - 1] == '"';
        found = quoted ? str_slice(value, 1, value.n - 1) : value;
    }
    return found;
}

void forwarded_rfc7239(struct forwarded *f, struct str line)
{
    while (line.n && !f->done)
        take(f, for_of(take_last(&line)));
}
