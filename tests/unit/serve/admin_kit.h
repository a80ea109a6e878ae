/* The admin listener's service: kit.h with what it may look at. */
#ifndef TESTS_UNIT_SERVE_ADMIN_KIT_H
#define TESTS_UNIT_SERVE_ADMIN_KIT_H

#include "edge/serve/admin.h"
#include "edge/store/purges.h"
#include "edge/store/root.h"
#include "edge/store/warm.h"
#include "tests/unit/serve/client.h"
#include "tests/unit/store/hold.h"

static struct admin_view view;
static struct root *root;
static struct purges *purges;
static struct warm *warm;
static atomic_bool draining;
static atomic_uint broken;
static struct counters *all_counters[2];
static struct histogram *histograms[2];

static inline int admin_begin(void **state)
{
    int rc = kit_begin(state);
    struct root_opts ro = {tree.root, loop, timers, service.seat.mailbox, io};
    assert_int_equal(root_new(&ro, &root), ERR_NONE);
    struct purges_opts po = {.supply = supply,
                             .loop = loop,
                             .timers = timers,
                             .mailbox = service.seat.mailbox,
                             .io = io,
                             .wall_ns = clock_wall_ns};
    assert_int_equal(purges_new(&po, &purges), ERR_NONE);
    struct warm_opts wo = {&service.seat, loop, io};
    assert_int_equal(warm_new(&wo, &warm), ERR_NONE);
    atomic_store(&draining, false);
    atomic_store(&broken, 0);
    all_counters[0] = service.counters;
    all_counters[1] = shared;
    histograms[0] = histograms[1] = service.histogram;
    view = (struct admin_view){
        .counters = all_counters,
        .histograms = histograms,
        .redis_answers = histograms,
        .threads = 2,
        .workers = 1,
        .redis_broken = &broken,
        .supply = supply,
        .version = "9.8.7",
        .started = loop_refresh(loop),
        .draining = &draining,
        .audio_prefix = "/audio/",
        .hls_prefix = "/hls/",
        .root = root,
        .purges = purges,
        .warm = warm,
    };
    opts.admin = true;
    service.admin = &view;
    const struct route more[] = {{STR("/health"), true, false, get_health},
                                 {STR("/metrics"), true, false, get_metrics},
                                 {STR("/status"), true, false, get_status},
                                 {STR("/status.json"), true, false, get_status_json},
                                 {STR("/purge"), true, true, post_purge},
                                 {STR("/warm"), true, true, post_warm},
                                 {STR("/warm"), true, false, get_warm},
                                 {STR("/hls/"), false, false, get_hls}};
    memcpy(&routes[2], more, sizeof more);
    return rc;
}

/* The tree is looked at by the pool: what is under way ends there first. */
static inline int admin_end(void **state)
{
    hold_release();
    root_stop(root);
    purges_stop(purges);
    warm_stop(warm);
    pool_free(io);
    mailbox_settle(service.seat.mailbox);
    root_free(root);
    purges_free(purges);
    warm_free(warm);
    assert_int_equal(pool_new(1, "io", &io), ERR_NONE);
    return kit_end(state);
}

#endif
