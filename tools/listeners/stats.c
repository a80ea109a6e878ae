/* Counting and saying what was counted: see stats.h. */
#include "tools/listeners/stats.h"

#include "edge/base/clock.h"

#include <string.h>

static const char *const NAMES[] = {
#define FAULT(name, text) #name,
    FAULTS(FAULT)
#undef FAULT
};

static const char *const TEXTS[] = {
#define FAULT(name, text) text,
    FAULTS(FAULT)
#undef FAULT
};

const char *fault_name(enum fault f) { return NAMES[f]; }

uint64_t stats_faults(const struct stats *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < FAULT_COUNT; i++)
        sum += s->faults[i];
    return sum;
}

/* Values up to 15 us have a bucket each, others one of 16 in their octave. */
static size_t bucket_of(uint64_t us)
{
    if (us < 16)
        return (size_t)us;
    size_t octave = (size_t)(63 - __builtin_clzll(us)) - 4;
    size_t bucket = 16 + octave * 16 + ((us >> octave) & 15);
    return bucket < TIMES_BUCKETS ? bucket : TIMES_BUCKETS - 1;
}

static double upper_ms(size_t bucket)
{
    if (bucket < 16)
        return (double)(bucket + 1) / 1000;
    uint64_t octave = bucket / 16 - 1;
    return (double)((16 + bucket % 16 + 1) << octave) / 1000;
}

void times_add(struct times *t, uint64_t ns)
{
    t->counts[bucket_of(ns / 1000)]++;
    t->count++;
    if (ns > t->max)
        t->max = ns;
}

double times_ms(const struct times *t, double share)
{
    double want = share * (double)t->count, max = (double)t->max / (double)CLOCK_MS;
    uint64_t seen = 0;
    for (size_t i = 0; i < TIMES_BUCKETS; i++) {
        seen += t->counts[i];
        if (seen > 0 && (double)seen >= want)
            return upper_ms(i) < max ? upper_ms(i) : max;
    }
    return max;
}

static double megabits(uint64_t bytes, double seconds)
{
    return seconds > 0 ? (double)bytes * 8 / 1e6 / seconds : 0;
}

static double rebuffer_ratio(const struct stats *s)
{
    double all = (double)s->played + (double)s->stalled;
    return all > 0 ? (double)s->stalled / all : 0;
}

void stats_live(struct stats *s, FILE *out, double at, double seconds)
{
    fprintf(out,
            "%4.0f s  %6llu listeners  %8.1f Mbit/s  %7llu starts  %5llu stalls  "
            "p99 TTFB %7.2f ms  %llu errors\n",
            at, (unsigned long long)s->playing, megabits(s->second_bytes, seconds),
            (unsigned long long)s->starts, (unsigned long long)s->stalls,
            times_ms(&s->second_ttfb, 0.99), (unsigned long long)stats_faults(s));
    fflush(out);
    s->second_bytes = 0;
    memset(&s->second_ttfb, 0, sizeof s->second_ttfb);
}

static void report_times(FILE *out, const char *name, const struct times *t)
{
    fprintf(out, "%-16s p50 %.2f ms, p95 %.2f ms, p99 %.2f ms, max %.2f ms\n", name,
            times_ms(t, 0.5), times_ms(t, 0.95), times_ms(t, 0.99), times_ms(t, 1));
}

void stats_report(const struct stats *s, FILE *out, uint64_t listeners, double seconds)
{
    fprintf(out, "%-16s %llu for %.1f s, %llu at once at most\n", "listeners",
            (unsigned long long)listeners, seconds, (unsigned long long)s->peak);
    fprintf(out, "%-16s %llu\n", "starts", (unsigned long long)s->starts);
    fprintf(out, "%-16s %llu, rebuffer ratio %.6f\n", "stalls", (unsigned long long)s->stalls,
            rebuffer_ratio(s));
    report_times(out, "start-up", &s->startup);
    report_times(out, "first byte", &s->ttfb);
    fprintf(out, "%-16s %llu, %llu bytes, %.1f Mbit/s, %llu reconnects\n", "requests",
            (unsigned long long)s->requests, (unsigned long long)s->bytes,
            megabits(s->bytes, seconds), (unsigned long long)s->reconnects);
    fprintf(out, "%-16s %llu\n", "errors", (unsigned long long)stats_faults(s));
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        if (s->faults[i])
            fprintf(out, "  %-14s %llu %s\n", NAMES[i], (unsigned long long)s->faults[i], TEXTS[i]);
    }
}

static void json_times(FILE *out, const char *name, const struct times *t)
{
    fprintf(out, "  \"%s\": {\"p50\": %.3f, \"p95\": %.3f, \"p99\": %.3f, \"max\": %.3f},\n", name,
            times_ms(t, 0.5), times_ms(t, 0.95), times_ms(t, 0.99), times_ms(t, 1));
}

static void json_number(FILE *out, const char *name, uint64_t value)
{
    fprintf(out, "  \"%s\": %llu,\n", name, (unsigned long long)value);
}

void stats_json(const struct stats *s, FILE *out, uint64_t listeners, double seconds)
{
    fprintf(out, "{\n");
    json_number(out, "listeners", listeners);
    fprintf(out, "  \"seconds\": %.3f,\n", seconds);
    json_number(out, "peak_listeners", s->peak);
    json_number(out, "starts", s->starts);
    json_number(out, "stalls", s->stalls);
    fprintf(out, "  \"played_seconds\": %.3f,\n", (double)s->played / (double)CLOCK_SECOND);
    fprintf(out, "  \"stalled_seconds\": %.3f,\n", (double)s->stalled / (double)CLOCK_SECOND);
    fprintf(out, "  \"rebuffer_ratio\": %.9f,\n", rebuffer_ratio(s));
    json_times(out, "startup_ms", &s->startup);
    json_times(out, "ttfb_ms", &s->ttfb);
    json_number(out, "requests", s->requests);
    json_number(out, "bytes", s->bytes);
    fprintf(out, "  \"mbit_per_second\": %.3f,\n", megabits(s->bytes, seconds));
    json_number(out, "reconnects", s->reconnects);
    json_number(out, "errors", stats_faults(s));
    fprintf(out, "  \"errors_by_kind\": {");
    for (size_t i = 0; i < FAULT_COUNT; i++)
        fprintf(out, "%s\"%s\": %llu", i ? ", " : "", NAMES[i], (unsigned long long)s->faults[i]);
    fprintf(out, "}\n}\n");
}
