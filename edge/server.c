/* Building and ending everything, in one order and its reverse: descriptors and media helpers
 * before any thread, then pools, the store, workers; at the end the workers drain, the pools run
 * dry, and what is left is freed. The main thread runs the admin listener and takes the signals. */
#include "edge/server.h"

#include "edge/config_keys.h"

#include "edge/base/clock.h"
#include "edge/base/hash.h"
#include "edge/base/log.h"
#include "edge/base/must.h"
#include "edge/recipe.h"
#include "edge/serve/assets.h"
#include "edge/store/media.h"
#include "edge/store/purges.h"
#include "edge/store/root.h"
#include "edge/store/warm.h"
#include "edge/terms.h"
#include "edge/wire/link_tls.h"
#include "edge/wire/listen.h"
#include "edge/worker.h"

#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    WORKERS_MAX = 256,
    IO_THREADS = 4,
    SMALL_FILE = 64 * 1024, /* bytes: files up to this are kept in memory */
    OWN_DESCRIPTORS = 256,  /* beside connections and media files */
    SOURCES_MIN = 64,
};

struct seat {
    struct worker *worker;
    struct counters *counters;
    struct histogram *histogram;
    struct histogram *redis_answers;
    struct letter drained;
    struct server *server;
    int listeners[CONF_LISTEN_MAX];
};

struct server {
    const struct conf *conf;
    uint64_t started; /* monotonic ns */
    struct media *media;
    struct pool *io;
    struct pool *media_pool;
    struct supply *supply;
    struct recipe recipe;
    struct redis_opts redis;
    struct access *access;
    struct terms_tables tables; /* pages that are touched when used */
    struct terms *terms;
    struct terms *admin_terms;
    struct route routes[TERMS_ROUTES];
    struct route admin_routes[TERMS_ROUTES];
    struct seat *seats; /* `workers` of them */
    size_t workers;
    size_t running;    /* workers that have not drained */
    bool cutting;      /* they were told to end what is left */
    struct seat admin; /* the main thread's */
    struct counters *pool_counters;
    struct counters *main_counters; /* of what the main thread asks for itself: warming */
    struct supply_seat main_seat;
    struct purges *purges;
    struct warm *warm;
    struct root *root;
    struct histogram *pool_histogram; /* empty: every row of counters has one */
    struct counters **all_counters;
    struct histogram **all_histograms;
    struct histogram **all_redis;
    struct admin_view view;
    atomic_bool draining;
    atomic_size_t open;       /* connections of the workers */
    atomic_size_t admin_open; /* the admin listener has a ceiling of its own: it is needed most
                                 when the public ones are full */
    struct loop_io signals;
    int signal_fd;
    struct timer drain_timer;
    bool proxied[CONF_LISTEN_MAX];       /* of each listening address: see worker.h */
    char (*bound)[ADDRESS_TEXT_MAX + 8]; /* the same */
};

static int fail(const char *what)
{
    fprintf(stderr, "segue: %s\n", what);
    return 1;
}

/* ---- descriptors ---- */

static size_t raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 1u << 20 ? 1u << 20 : (size_t)limit.rlim_cur;
}

/* Connections come first; open media files share what they leave. */
static size_t sources_allowed(const struct conf *conf, size_t descriptors)
{
    size_t taken = (size_t)conf->http.max_connections + OWN_DESCRIPTORS;
    size_t left = descriptors > taken ? (descriptors - taken) / 2 : 0;
    return left > SOURCES_MIN ? left : SOURCES_MIN;
}

static void port_text(uint16_t port, char out[8]) { snprintf(out, 8, "%u", (unsigned)port); }

/* The port of "HOST:PORT" that the kernel chose, for the other workers to share. */
static const char *port_of(const char *bound) { return strrchr(bound, ':') + 1; }

/* SO_REUSEPORT would share the port with another server without a word. */
static enum err probe_address(const struct conf_listen *l, char why[256])
{
    char port[8];
    port_text(l->port, port);
    return listen_probe(l->host, port, why);
}

static enum err open_address(struct server *s, const struct conf_listen *l, size_t at,
                             char why[256])
{
    char port[8];
    port_text(l->port, port);
    for (size_t i = 0; i < s->workers; i++) {
        const char *which = i == 0 ? port : port_of(s->bound[at]);
        TRY(listen_open(l->host, which, &s->seats[i].listeners[at], s->bound[at], why));
    }
    return ERR_NONE;
}

static enum err open_listeners(struct server *s, char admin_bound[ADDRESS_TEXT_MAX + 8],
                               char why[256])
{
    char port[8];
    for (size_t at = 0; at < s->conf->listen.count; at++)
        TRY(probe_address(&s->conf->listen.items[at], why));
    if (s->conf->admin.count)
        TRY(probe_address(&s->conf->admin.items[0], why));
    for (size_t at = 0; at < s->conf->listen.count; at++)
        TRY(open_address(s, &s->conf->listen.items[at], at, why));
    if (s->conf->admin.count == 0)
        return ERR_NONE;
    const struct conf_listen *l = &s->conf->admin.items[0];
    port_text(l->port, port);
    return listen_open(l->host, port, &s->admin.listeners[0], admin_bound, why);
}

/* ---- building ---- */

static size_t worker_count(const struct conf *conf)
{
    cpu_set_t set;
    if (conf->workers)
        return conf->workers < WORKERS_MAX ? conf->workers : WORKERS_MAX;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : (size_t)count;
}

static bool allocate(struct server *s)
{
    size_t n = s->workers;
    s->seats = calloc(n, sizeof *s->seats);
    s->bound = calloc(s->conf->listen.count, sizeof *s->bound);
    s->all_counters = calloc(n + 2, sizeof(struct counters *));
    s->all_histograms = calloc(n + 2, sizeof(struct histogram *));
    s->all_redis = calloc(n + 2, sizeof(struct histogram *));
    s->pool_counters = counters_new();
    s->main_counters = counters_new();
    s->admin.redis_answers = histogram_new();
    s->pool_histogram = histogram_new();
    s->admin.counters = counters_new();
    s->admin.histogram = histogram_new();
    s->terms = terms_new(s->conf, false);
    s->admin_terms = terms_new(s->conf, true);
    if (!s->seats || !s->bound || !s->all_counters || !s->all_histograms || !s->all_redis ||
        !s->pool_counters || !s->main_counters || !s->admin.redis_answers || !s->pool_histogram ||
        !s->admin.counters || !s->admin.histogram || !s->terms || !s->admin_terms ||
        terms_tables_new(&s->tables))
        return false;
    terms_limit(s->terms, s->conf, &s->tables);
    for (size_t i = 0; i < n; i++) {
        s->all_counters[i] = s->seats[i].counters = counters_new();
        s->all_histograms[i] = s->seats[i].histogram = histogram_new();
        s->all_redis[i] = s->seats[i].redis_answers = histogram_new();
        if (!s->seats[i].counters || !s->seats[i].histogram || !s->seats[i].redis_answers)
            return false;
    }
    s->all_counters[n] = s->pool_counters;
    s->all_counters[n + 1] = s->main_counters;
    s->all_histograms[n] = s->all_histograms[n + 1] = s->all_redis[n] = s->pool_histogram;
    s->all_redis[n + 1] = s->admin.redis_answers;
    return true;
}

static enum err build_store(struct server *s, size_t descriptors)
{
    const struct conf *c = s->conf;
    TRY(pool_new(IO_THREADS, "io", &s->io));
    TRY(pool_new(c->media.helpers, "media", &s->media_pool));
    struct supply_opts opts = {
        .cache = {c->cache.memory.size, c->cache.memory.max_object,
                  sources_allowed(c, descriptors)},
        .disk = {c->media.root, c->media.cache_control, s->recipe.number, true,
                 c->http.cache_tags == CONF_ON, clock_wall_ns},
        .make = s->recipe.make,
        .library = {c->media.audio_prefix, c->media.hls_prefix},
        .small_file =
            c->cache.memory.max_object < SMALL_FILE ? c->cache.memory.max_object : SMALL_FILE,
        .ttl = c->cache.memory.ttl_ms * CLOCK_MS,
        .metadata_ttl = c->cache.metadata.ttl_ms * CLOCK_MS,
        .io = s->io,
        .media_pool = s->media_pool,
        .media = s->media,
        .counters = s->pool_counters,
    };
    return supply_new(&opts, &s->supply);
}

/* Products are named by the program's version and what chooses their container: an edge of another
 * version has others. */
static enum err build_redis(struct server *s)
{
    const struct conf_redis *c = &s->conf->cache.redis;
    const char *why;
    if (!c->url[0])
        return ERR_NONE;
    s->redis = (struct redis_opts){.timeout = c->timeout_ms * CLOCK_MS,
                                   .ttl = c->ttl_ms / 1000,
                                   .max_object = c->max_object,
                                   .io = s->io};
    /* Byte ranges name the files' own URLs. */
    uint64_t prefixes[2] = {hash_stable(str_of(s->conf->media.audio_prefix)).low,
                            hash_stable(str_of(s->conf->media.hls_prefix)).low};
    struct hash128 h = hash_stable((struct str){(const char *)prefixes, sizeof prefixes});
    snprintf(s->redis.generation, sizeof s->redis.generation, "%s/%s/%016" PRIx64, SEGUE_VERSION,
             container_name(s->conf->hls.container), h.low);
    TRY(redis_url_parse(str_of(c->url), &s->redis.url, &why));
    if (!s->redis.url.tls)
        return ERR_NONE;
    return tls_trust_new(strcmp(c->ca, "system") == 0 ? NULL : c->ca, &s->redis.trust);
}

static enum err build_access(struct server *s)
{
    const struct conf_log *l = &s->conf->log;
    struct access_opts opts = {
        .where = l->access,
        .format = l->format == CONF_FORMAT_JSON ? ACCESS_JSON : ACCESS_COMBINED,
        .slow_ns = l->slow_ms * CLOCK_MS,
    };
    bool wanted = strcmp(l->access, "off") != 0 || l->slow_ms;
    if (!wanted)
        return ERR_NONE;
    s->access = access_new(&opts);
    return s->access ? ERR_NONE : ERR_CONFIG;
}

static void on_worker_drained(struct letter *letter);

static struct worker_opts worker_opts_of(struct server *s, struct seat *seat)
{
    seat->server = s;
    seat->drained.deliver = on_worker_drained;
    return (struct worker_opts){
        .supply = s->supply,
        .io = s->io,
        .counters = seat->counters,
        .histogram = seat->histogram,
        .redis_answers = seat->redis_answers,
        .listeners = seat->listeners,
    };
}

static enum err build_admin(struct server *s)
{
    struct worker_opts opts = worker_opts_of(s, &s->admin);
    s->view = (struct admin_view){
        .counters = s->all_counters,
        .histograms = s->all_histograms,
        .redis_answers = s->all_redis,
        .threads = s->workers + 2,
        .workers = s->workers,
        .redis_broken = s->conf->cache.redis.url[0] ? &s->redis.broken : NULL,
        .supply = s->supply,
        .access = s->access,
        .version = SEGUE_VERSION,
        .started = s->started,
        .draining = &s->draining,
        .audio_prefix = s->conf->media.audio_prefix,
        .hls_prefix = s->conf->media.hls_prefix,
    };
    terms_admin_routes(s->admin_routes);
    opts.service = &s->admin_terms->opts;
    opts.routes = s->admin_routes;
    opts.admin = &s->view;
    opts.open = &s->admin_open;
    opts.listener_count = s->conf->admin.count ? 1 : 0;
    opts.redis = s->conf->cache.redis.url[0] ? &s->redis : NULL;
    return worker_new(&opts, &s->admin.worker);
}

/* What the main thread does beside answering the admin listener. */
static enum err build_main(struct server *s)
{
    struct worker *w = s->admin.worker;
    const struct conf_redis *c = &s->conf->cache.redis;
    s->main_seat =
        (struct supply_seat){s->supply, worker_mailbox(w), s->main_counters, worker_redis(w), NULL};
    struct warm_opts warm = {&s->main_seat, worker_loop(w), s->io};
    struct purges_opts purges = {
        .supply = s->supply,
        .loop = worker_loop(w),
        .timers = worker_timers(w),
        .mailbox = worker_mailbox(w),
        .io = s->io,
        .url = c->url[0] ? &s->redis.url : NULL,
        .trust = s->redis.trust,
        .timeout = c->timeout_ms * CLOCK_MS,
        .ttl = (uint64_t)c->ttl_ms * 11 / 10 * CLOCK_MS,
        .broken = &s->redis.broken,
        .answers = s->admin.redis_answers,
        .wall_ns = clock_wall_ns,
    };
    struct root_opts root = {s->conf->media.root, worker_loop(w), worker_timers(w),
                             worker_mailbox(w), s->io};
    TRY(root_new(&root, &s->root));
    TRY(warm_new(&warm, &s->warm));
    TRY(purges_new(&purges, &s->purges));
    s->redis.purges = s->purges;
    s->view.root = s->root;
    s->view.warm = s->warm;
    s->view.purges = s->purges;
    return ERR_NONE;
}

static enum err build_worker(struct server *s, struct seat *seat)
{
    struct worker_opts opts = worker_opts_of(s, seat);
    opts.service = &s->terms->opts;
    opts.routes = s->routes;
    opts.open = &s->open;
    opts.access = s->access ? access_join(s->access) : NULL;
    opts.redis = s->conf->cache.redis.url[0] ? &s->redis : NULL;
    opts.listener_count = s->conf->listen.count;
    opts.proxied = s->proxied;
    opts.owner = worker_mailbox(s->admin.worker);
    opts.drained = &seat->drained;
    return worker_new(&opts, &seat->worker);
}

static enum err build_workers(struct server *s)
{
    terms_public_routes(s->conf, s->routes);
    for (size_t i = 0; i < s->conf->listen.count; i++)
        s->proxied[i] = s->conf->listen.items[i].proxy_protocol;
    TRY(build_admin(s));
    TRY(build_main(s));
    for (size_t i = 0; i < s->workers; i++)
        TRY(build_worker(s, &s->seats[i]));
    for (size_t i = 0; i < s->workers; i++) {
        TRY(worker_start(s->seats[i].worker));
        s->running++;
    }
    return ERR_NONE;
}

/* ---- draining ---- */

static void on_worker_drained(struct letter *letter)
{
    struct seat *seat = (struct seat *)(void *)((char *)letter - offsetof(struct seat, drained));
    struct server *s = seat->server;
    if (--s->running == 0)
        loop_stop(worker_loop(s->admin.worker));
}

/* Once: a worker that has drained already takes no letters any more, so a second would find the
 * first still in its mailbox. */
static void cut(struct server *s)
{
    if (s->cutting)
        return;
    s->cutting = true;
    for (size_t i = 0; i < s->workers; i++)
        worker_cut(s->seats[i].worker);
}

static void on_drain_timeout(struct timer *t)
{
    struct server *s = (struct server *)(void *)((char *)t - offsetof(struct server, drain_timer));
    log_write(LOG_WARN, "drain_timeout is over: cutting what is left");
    cut(s);
}

/* The second signal is of somebody who will not wait. */
static void drain(struct server *s)
{
    if (atomic_exchange(&s->draining, true)) {
        cut(s);
        return;
    }
    log_write(LOG_INFO, "draining");
    s->drain_timer.on_time = on_drain_timeout;
    timer_set(worker_timers(s->admin.worker), &s->drain_timer,
              clock_mono() + s->conf->drain_timeout_ms * CLOCK_MS + 1);
    for (size_t i = 0; i < s->workers; i++)
        worker_drain(s->seats[i].worker);
}

/* ---- signals ---- */

/* New terms in front of the old ones. What was sized by the old configuration stays as it was. */
static bool renew(struct terms **list, const struct conf *fresh, bool admin)
{
    struct terms *t = terms_new(fresh, admin);
    if (!t)
        return false;
    t->opts.max_header = (*list)->opts.max_header;
    keyring_adopt(t->keys, (*list)->keys);
    t->older = *list;
    *list = t;
    return true;
}

/* Terms that nobody was told of. */
static void take_back(struct terms **list)
{
    struct terms *t = *list;
    *list = t->older;
    t->older = NULL;
    terms_free(t);
}

static bool renew_both(struct server *s, const struct conf *fresh)
{
    if (!renew(&s->terms, fresh, false))
        return false;
    if (renew(&s->admin_terms, fresh, true))
        return true;
    take_back(&s->terms);
    return false;
}

static void reload(struct server *s)
{
    char why[CONF_WHY_MAX];
    struct conf *fresh;
    if (conf_reload(s->conf, &fresh, why, sizeof why)) {
        log_write(LOG_ERROR, "the configuration is kept as it was: %s", why);
        return;
    }
    if (renew_both(s, fresh)) {
        log_set_level(fresh->log.level);
        terms_limit(s->terms, fresh, &s->tables);
        for (size_t i = 0; i < s->workers; i++)
            worker_retune(s->seats[i].worker, &s->terms->opts);
        worker_retune(s->admin.worker, &s->admin_terms->opts);
        terms_retire(s->terms->older);
        log_write(LOG_INFO, "reloaded: timeouts, max_connections, cors_origin, sign, limit and "
                            "log.level are in force; other keys need a restart");
    } else {
        log_write(LOG_ERROR, "the configuration is kept as it was");
    }
    conf_free(fresh);
}

static void on_signal(struct loop_io *io, unsigned what)
{
    struct server *s = (struct server *)(void *)((char *)io - offsetof(struct server, signals));
    struct signalfd_siginfo info;
    (void)what;
    if (read(s->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGHUP)
        reload(s);
    else if (info.ssi_signo == SIGUSR1 && s->access)
        access_reopen(s->access);
    else if (info.ssi_signo != SIGUSR1)
        drain(s);
}

/* Before any thread, so that all have them blocked and none is interrupted. */
static int take_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* under `ulimit -f` a write fails; that is all */
    must(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* ---- the whole ---- */

static void announce(struct server *s, const char *admin_bound)
{
    if (loop_backend_is_old())
        log_write(LOG_WARN, "libevent %s has known holes: 2.1.12 or newer is wanted",
                  loop_backend_version());
    for (size_t i = 0; i < s->conf->listen.count; i++)
        log_write(LOG_INFO, "listening on http://%s", s->bound[i]);
    if (*admin_bound)
        log_write(LOG_INFO, "admin on http://%s", admin_bound);
    if (player_asset_count)
        log_write(LOG_INFO, "player at http://%s/player/", s->bound[0]);
}

static int build(struct server *s, char admin_bound[ADDRESS_TEXT_MAX + 8])
{
    char why[256] = "";
    size_t descriptors = raise_descriptors();
    const struct conf_media *m = &s->conf->media;
    struct media_opts mo = {NULL, m->helpers, m->helper_memory, m->helper_deadline_ms};
    if (!allocate(s))
        return fail(err_text(ERR_NOMEM));
    if (open_listeners(s, admin_bound, why))
        return fail(why);
    if (media_new(&mo, &s->media))
        return fail("segue-media, which has to lie beside segue, could not be started");
    if (recipe_init(&s->recipe, s->conf))
        return fail("hls.encryption_secret_file must be a file of 16 to 1023 bytes");
    if (build_store(s, descriptors))
        return fail("media.root could not be opened, or there is no memory");
    if (build_redis(s))
        return fail("cache.redis.ca: there are no certificates in it");
    if (build_access(s))
        return fail("the access log could not be opened");
    if (build_workers(s))
        return fail("the workers could not be started");
    struct loop *loop = worker_loop(s->admin.worker);
    if (s->signal_fd < 0 || loop_watch_level(loop, &s->signals, s->signal_fd, on_signal))
        return fail("signals could not be taken");
    return 0;
}

static void end_seat(struct seat *seat)
{
    worker_free(seat->worker);
    counters_free(seat->counters);
    histogram_free(seat->histogram);
    histogram_free(seat->redis_answers);
}

/* Workers first, then the pools they feed, then what the pools' last letters refer to. */
static void end(struct server *s)
{
    for (size_t i = 0; i < s->workers && s->seats; i++)
        worker_join(s->seats[i].worker);
    root_stop(s->root);
    warm_stop(s->warm);
    purges_stop(s->purges);
    worker_stop(s->admin.worker);
    pool_free(s->io);
    pool_free(s->media_pool);
    loop_unwatch(&s->signals);
    timer_drop(&s->drain_timer);
    for (size_t i = 0; i < s->workers && s->seats; i++)
        end_seat(&s->seats[i]);
    worker_settle(s->admin.worker);
    root_free(s->root);
    warm_free(s->warm);
    purges_free(s->purges);
    end_seat(&s->admin);
    tls_trust_free(s->redis.trust);
    access_free(s->access);
    supply_free(s->supply);
    media_free(s->media);
    counters_free(s->pool_counters);
    counters_free(s->main_counters);
    histogram_free(s->pool_histogram);
    terms_free(s->terms);
    terms_free(s->admin_terms);
    terms_tables_free(&s->tables);
    free(s->seats);
    free(s->bound);
    free((void *)s->all_counters);
    free((void *)s->all_histograms);
    free((void *)s->all_redis);
    if (s->signal_fd >= 0)
        close(s->signal_fd);
}

int server_run(struct conf *conf, uint64_t started)
{
    char admin_bound[ADDRESS_TEXT_MAX + 8] = "";
    struct server s = {.conf = conf, .started = started};
    hash_seed();
    s.workers = worker_count(conf);
    s.signal_fd = take_signals();
    int status = build(&s, admin_bound);
    conf_keys_free(&conf->sign.keys); /* they are in the keyring now, which is not dumped */
    if (status == 0) {
        announce(&s, admin_bound);
        loop_run(worker_loop(s.admin.worker));
        log_write(LOG_INFO, "drained");
    } else if (s.running) {
        drain(&s);
        loop_run(worker_loop(s.admin.worker));
    }
    end(&s);
    return status;
}
