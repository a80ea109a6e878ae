/* Look-ups in the memory cache by 1, 2 and 4 threads: bench_hits [SECONDS]
 * What a worker does for each hit: find, take a reference, give it up; of 10,000 objects chosen as
 * listeners do, Zipf(0.9), and, for the worst case, always the same one. */
#include "edge/base/clock.h"
#include "edge/base/hash.h"
#include "edge/store/cache.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { OBJECTS = 10000, ORDER = 1 << 16, THREADS_MAX = 4, BATCH = 1000 };

static struct cache *cache;
static struct key keys[OBJECTS];
static char paths[OBJECTS][32];
static unsigned order[ORDER];
static _Atomic uint64_t total;
static atomic_bool over;

static void *look_up(void *arg)
{
    size_t at = (size_t)(uintptr_t)arg * (ORDER / THREADS_MAX);
    uint64_t count = 0;
    while (!atomic_load_explicit(&over, memory_order_relaxed)) {
        for (int i = 0; i < BATCH; i++)
            object_unref(cache_get(cache, &keys[order[at++ % ORDER]]));
        count += BATCH;
    }
    atomic_fetch_add(&total, count);
    return NULL;
}

static double measure(unsigned threads, unsigned seconds)
{
    pthread_t ids[THREADS_MAX];
    struct timespec pause = {seconds, 0};
    atomic_store(&total, 0);
    atomic_store(&over, false);
    uint64_t begin = clock_mono();
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, look_up, (void *)(uintptr_t)i))
            abort();
    nanosleep(&pause, NULL);
    atomic_store(&over, true);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    return (double)atomic_load(&total) * 1e9 / (double)(clock_mono() - begin);
}

static void fill(size_t bytes)
{
    struct cache_opts opts = {bytes, 1 << 20, 100};
    if (cache_new(&opts, &cache))
        abort();
    for (unsigned i = 0; i < OBJECTS; i++) {
        int n = snprintf(paths[i], sizeof paths[i], "/track-%u.m4a", i);
        keys[i] = key_make(OBJECT_PLAYLIST, (struct str){paths[i], (size_t)n}, 7, 0, 0);
        struct object *o = object_of_bytes(&keys[i], calloc(1, 3000), 3000);
        cache_put(cache, o);
        object_unref(o);
    }
}

static void choose(bool one)
{
    double below[OBJECTS], sum = 0;
    for (unsigned i = 0; i < OBJECTS; i++)
        below[i] = sum += 1 / pow(i + 1, 0.9);
    srandom(1);
    for (unsigned n = 0; n < ORDER; n++) {
        double at = (double)random() / 2147483648.0 * sum;
        unsigned i = 0;
        while (!one && below[i] < at)
            i++;
        order[n] = i;
    }
}

int main(int argc, char **argv)
{
    unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    hash_seed();
    fill((size_t)256 << 20);
    for (int one = 0; one < 2; one++) {
        choose(one);
        printf("%s\n", one ? "always the same object" : "10,000 objects, Zipf(0.9)");
        double alone = 0;
        for (unsigned threads = 1; threads <= THREADS_MAX; threads *= 2) {
            double rate = measure(threads, seconds);
            alone = threads == 1 ? rate : alone;
            printf("  %u threads: %7.2f million look-ups a second, %.2f of one thread's\n", threads,
                   rate / 1e6, rate / alone);
        }
    }
    cache_free(cache);
    return 0;
}
