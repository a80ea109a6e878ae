/* Slow requests: see slow.h. What counts is the wait for the first byte of the answer: a listener
 * who plays while he downloads holds a healthy answer open as long as the song lasts. */
#include "edge/watch/slow.h"

#include "edge/base/buf.h"
#include "edge/base/clock.h"
#include "edge/base/log.h"
#include "edge/watch/line.h"

static bool may_show(struct slow *s, uint64_t second)
{
    if (second != s->second) {
        s->second = second;
        s->shown = 0;
    }
    return s->shown < SLOW_PER_SECOND;
}

static void show(const struct slow *s, const struct access_entry *e)
{
    char method[64], target[512];
    struct buf client;
    buf_init(&client, 64);
    line_add_client(&client, e->client);
    log_write(LOG_WARN,
              "slow request: %llu ms to the first byte of %s %s for %.*s, status %d (%u not shown)",
              (unsigned long long)(e->wait_ns / CLOCK_MS),
              log_text(method, sizeof method, e->method),
              log_text(target, sizeof target, e->target), STR_ARG(buf_str(&client)), e->status,
              s->hidden);
    buf_fini(&client);
}

bool slow_note(struct slow *s, const struct access_entry *e)
{
    if (s->limit_ns == 0 || e->wait_ns <= s->limit_ns)
        return false;
    if (!may_show(s, e->when_ns / CLOCK_SECOND)) {
        s->hidden++;
        return false;
    }
    show(s, e);
    s->shown++;
    s->hidden = 0;
    return true;
}
