/* The tools of one loop, and the list of its connections. */
#include "edge/serve/service.h"

#include "edge/base/clock.h"
#include "edge/base/must.h"
#include "edge/guard/recall.h"
#include "edge/http/date.h"
#include "edge/serve/conn.h"
#include "edge/serve/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_MORE = 16 * 1024 }; /* read beyond a head: requests sent ahead */

enum err service_init(struct service *s)
{
    s->input_room = s->opts->max_header + INPUT_MORE;
    s->input = malloc(s->input_room);
    return s->input ? ERR_NONE : ERR_NOMEM;
}

void service_fini(struct service *s)
{
    must(!s->conns);
    exchange_free_spares(s);
    free(s->input);
    s->input = NULL;
    recall_free(s->recall);
    s->recall = NULL;
}

struct keyring *service_retune(struct service *s, const struct service_opts *opts)
{
    struct keyring *old = s->opts->keys;
    s->opts = opts;
    recall_clear(s->recall);
    return old;
}

/* The wall clock is asked once a second; a step of it is noticed a second late. */
static void refresh_date(struct service *s)
{
    uint64_t now = loop_now(s->loop);
    if (now < s->second_until)
        return;
    uint64_t wall = clock_wall_ns();
    s->second_until = now + CLOCK_SECOND - wall % CLOCK_SECOND;
    s->second = (int64_t)(wall / CLOCK_SECOND);
    memcpy(s->date, "Date: ", 6);
    date_format(s->second, s->date + 6);
    memcpy(s->date + 6 + DATE_LENGTH, "\r\n", 2);
}

struct str service_date(struct service *s)
{
    refresh_date(s);
    return (struct str){s->date, sizeof s->date};
}

int64_t service_second(struct service *s)
{
    refresh_date(s);
    return s->second;
}

void service_drain(struct service *s)
{
    s->draining = true;
    struct conn *next;
    for (struct conn *c = s->conns; c; c = next) {
        next = c->next;
        conn_drain(c);
    }
}

void service_cut(struct service *s)
{
    s->draining = true;
    while (s->conns)
        conn_end(s->conns, CLOSE_DRAIN);
}
