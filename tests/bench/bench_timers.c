/* What a timer costs in the wheel, among a thousand and among a million: to set, to move, to turn
 * off and set again, and to let it fire; and the same of libevent's own timers, which lie in a
 * heap. Processor time of this thread, nanoseconds for each. */
#include "edge/loop/timer.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SPAN_MS = 50000 }; /* deadlines lie within so much */

static size_t fired;

static uint64_t cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * CLOCK_SECOND + (uint64_t)t.tv_nsec;
}

static uint64_t after(uint64_t i, uint64_t round)
{
    return (1 + (i * 2654435761u + round * 40503u) % SPAN_MS) * CLOCK_MS;
}

static void report(const char *what, uint64_t since, size_t count)
{
    printf("  %s %.0f", what, (double)(cpu() - since) / (double)count);
}

static void on_time(struct timer *t)
{
    (void)t;
    fired++;
}

static void wheel(size_t count)
{
    struct timers *w;
    uint64_t now = 1000 * CLOCK_SECOND;
    struct timer *t = calloc(count, sizeof *t);
    if (!t || timers_new(NULL, &w))
        exit(1);
    timers_advance(w, now);
    printf("wheel, %zu:", count);
    uint64_t since = cpu();
    for (size_t i = 0; i < count; i++) {
        t[i].on_time = on_time;
        timer_set(w, &t[i], now + after(i, 0));
    }
    report("set", since, count);
    since = cpu();
    for (size_t i = 0; i < count; i++)
        timer_set(w, &t[i], now + after(i, 1));
    report("move", since, count);
    since = cpu();
    for (size_t i = 0; i < count; i++) {
        timer_off(&t[i]);
        timer_set(w, &t[i], now + after(i, 2));
    }
    report("off and set", since, count);
    fired = 0;
    since = cpu();
    for (uint64_t end = now + 2 * SPAN_MS * CLOCK_MS; now < end; now += TIMER_TICK)
        timers_advance(w, now);
    report("fire", since, count);
    printf("  (%zu fired)\n", fired);
    timers_free(w);
    free(t);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static struct timeval in_time(uint64_t ns)
{
    return (struct timeval){(time_t)(ns / CLOCK_SECOND),
                            (suseconds_t)(ns % CLOCK_SECOND / CLOCK_MS * 1000)};
}

static void heap(size_t count)
{
    struct event_base *base = event_base_new();
    struct event *t = calloc(count, sizeof *t);
    if (!base || !t)
        exit(1);
    printf("heap, %zu: ", count);
    for (uint64_t round = 0; round < 3; round++) {
        static const char *const names[] = {"set", "move", "off and set"};
        uint64_t since = cpu();
        for (size_t i = 0; i < count; i++) {
            struct timeval at = in_time(after(i, round));
            if (round == 0)
                event_assign(&t[i], base, -1, 0, on_event, NULL);
            if (round == 2)
                event_del(&t[i]);
            event_add(&t[i], &at);
        }
        report(names[round], since, count);
    }
    printf("\n");
    for (size_t i = 0; i < count; i++)
        event_del(&t[i]);
    event_base_free(base);
    free(t);
}

int main(void)
{
    printf("nanoseconds of processor time for each timer\n");
    for (size_t count = 1000; count <= 1000 * 1000; count *= 1000) {
        wheel(count);
        heap(count);
    }
    return 0;
}
