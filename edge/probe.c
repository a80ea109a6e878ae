/* The work of `segue probe`. It asks the same helper as the server does and shows what the server
 * would make of the file: an index that it could not open, or could not cut, is a failure here too.
 */
#include "edge/probe.h"

#include "edge/base/log.h"
#include "edge/store/media.h"
#include "segments/measure.h"
#include "segments/order.h"
#include "segments/playlist.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PROBE_MEMORY = 256 * 1024 * 1024,
    PROBE_DEADLINE_MS = 60 * 1000,
    NAME_MAX_SHOWN = 512,
    CONTAINERS_SHOWN = 64
};

struct probe {
    struct media *media;
    json_t *list; /* owned; NULL when a table is printed */
    uint32_t segment_ms;
};

static int fail(const char *file, const char *why)
{
    char name[NAME_MAX_SHOWN];
    fprintf(stderr, "%s: %s\n", log_text(name, sizeof name, str_of(file)), why);
    return 1;
}

/* Ticks of sound that a listener hears. */
static uint64_t heard(const struct index_info *info)
{
    return info->duration - info->priming - info->padding;
}

static double seconds(const struct index_info *info)
{
    return (double)heard(info) / info->timescale;
}

static uint64_t samples(const struct index_info *info)
{
    return (uint64_t)(((unsigned __int128)heard(info) * info->sample_rate + info->timescale / 2) /
                      info->timescale);
}

/* Bits a second of the packets alone. */
static uint64_t bitrate(const struct index_info *info)
{
    if (info->duration == 0)
        return 0;
    return (uint64_t)((double)info->payload * 8 * info->timescale / (double)info->duration + 0.5);
}

/* Of what is in the file; how it is sent stands with the containers. */
static const char *codec_title(const struct index *x)
{
    const struct index_info *info = index_info(x);
    if (index_source(x))
        return codec_name(index_info(index_source(x))->codec);
    if (info->codec != CODEC_AAC || info->aac_object_type == 2)
        return codec_name(info->codec);
    return info->aac_object_type == 5    ? "he-aac"
           : info->aac_object_type == 29 ? "he-aacv2"
                                         : "xhe-aac";
}

/* Bits a second of the busiest run of segments, as BANDWIDTH has it, in the first container that
 * takes the track. */
static uint64_t peak(const struct cut *cut)
{
    uint64_t most = 0, mean;
    unsigned c = 0;
    while (c < CONTAINER_COUNT && !segment_fits(cut->index, (enum container)c))
        c++;
    if (c < CONTAINER_COUNT)
        playlist_rates(cut, (enum container)c, &most, &mean);
    return most;
}

/* "fmp4,ts,packed", "fmp4 (as flac)" */
static void list_containers(const struct index *x, char out[CONTAINERS_SHOWN])
{
    size_t n = 0;
    out[0] = '\0';
    for (unsigned c = 0; c < CONTAINER_COUNT; c++)
        if (segment_fits(x, (enum container)c))
            n += (size_t)snprintf(out + n, CONTAINERS_SHOWN - n, "%s%s", n ? "," : "",
                                  container_name((enum container)c));
    if (index_source(x))
        (void)snprintf(out + n, CONTAINERS_SHOWN - n, " (as %s)", codec_name(index_info(x)->codec));
}

static void print_head(void)
{
    printf("%-9s %-5s %-7s %-15s %-11s %-9s %-9s %-7s %-7s %-9s %-22s %s\n", "CODEC", "CHAN",
           "RATE", "DURATION", "SAMPLES", "KBIT/S", "PEAK", "DELAY", "PADDING", "SEGMENTS",
           "CONTAINERS", "FILE");
}

/* Each tag below the row: they are lines already. */
static void print_tags(struct str tags)
{
    while (tags.n) {
        struct str line = str_cut(&tags, '\n');
        printf("          %.*s\n", STR_ARG(line));
    }
}

static void print_row(const char *file, const struct cut *cut)
{
    const struct index_info *info = index_info(cut->index);
    char name[NAME_MAX_SHOWN], duration[32], containers[CONTAINERS_SHOWN];
    list_containers(cut->index, containers);
    uint64_t us = (uint64_t)(seconds(info) * 1e6 + 0.5);
    (void)snprintf(duration, sizeof duration, "%" PRIu64 ":%02u:%02u.%06u", us / 3600000000,
                   (unsigned)(us / 60000000 % 60), (unsigned)(us / 1000000 % 60),
                   (unsigned)(us % 1000000));
    printf("%-9s %-5u %-7" PRIu32 " %-15s %-11" PRIu64 " %-9.1f %-9.1f %-7" PRIu32 " %-7" PRIu32
           " %-9" PRIu32 " %-22s %s\n",
           codec_title(cut->index), info->channels, info->sample_rate, duration, samples(info),
           (double)bitrate(info) / 1000, (double)peak(cut) / 1000, info->priming, info->padding,
           cut->count, containers, log_text(name, sizeof name, str_of(file)));
    print_tags(index_tags(cut->index));
}

/* "name=value\n" lines to an object. */
static json_t *tags_json(struct str tags)
{
    json_t *object = json_object();
    while (object && tags.n > 0) {
        struct str value = str_cut(&tags, '\n');
        struct str name = str_cut(&value, '=');
        char *key = str_dup(name);
        if (key)
            json_object_set_new(object, key, json_stringn(value.p, value.n));
        free(key);
    }
    return object;
}

/* A file name need not be UTF-8, JSON has to be. */
static json_t *name_json(const char *file)
{
    char name[NAME_MAX_SHOWN];
    json_t *plain = json_string(file);
    return plain ? plain : json_string(log_text(name, sizeof name, str_of(file)));
}

static json_t *containers_json(const struct index *x)
{
    json_t *list = json_array();
    for (unsigned c = 0; list && c < CONTAINER_COUNT; c++)
        if (segment_fits(x, (enum container)c))
            json_array_append_new(list, json_string(container_name((enum container)c)));
    return list;
}

static void append_json(struct probe *p, const char *file, const struct cut *cut)
{
    const struct index *x = cut->index;
    const struct index_info *info = index_info(x);
    json_t *one = json_pack(
        "{s:o, s:s, s:s, s:s, s:i, s:i, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
        "s:I, s:i, s:f, s:o, s:o}",
        "file", name_json(file), "codec", codec_title(x), "sent_as", codec_name(info->codec),
        "codecs", playlist_codecs(info), "channels", (int)info->channels, "sample_rate",
        (int)info->sample_rate, "duration", seconds(info), "samples", (json_int_t)samples(info),
        "bitrate", (json_int_t)bitrate(info), "bitrate_peak", (json_int_t)peak(cut), "packets",
        (json_int_t)info->packets, "index_bytes", (json_int_t)index_memory(x), "segments",
        (json_int_t)cut->count, "priming", (json_int_t)info->priming, "padding",
        (json_int_t)info->padding, "timescale", (int)info->timescale, "segment_duration",
        (double)p->segment_ms / 1000, "containers", containers_json(x), "tags",
        tags_json(index_tags(x)));
    if (one)
        json_array_append_new(p->list, one);
}

static int show(struct probe *p, const char *file, const struct index *x)
{
    struct cut cut = cut_make(x, p->segment_ms);
    if (p->list)
        append_json(p, file, &cut);
    else
        print_row(file, &cut);
    return 0;
}

/* The file at hand. */
struct asked {
    struct media *media;
    struct media_task task;
    const char *name;
    int fd;
    uint64_t size;
};

/* One order of a measure; *more is false when there was none left. */
static enum err measure_some(struct asked *a, struct measure *m, bool *more)
{
    struct media_result result = {0};
    struct buf order;
    uint32_t frames;
    buf_init(&order, ORDER_MAX);
    enum err rc = measure_next(m, &order, &frames);
    *more = frames > 0;
    if (!rc && *more)
        rc = media_encode(a->media, &a->task, a->fd, a->size, buf_str(&order), str_of(a->name),
                          &result);
    if (!rc && *more)
        rc = measure_take(m, (struct str){(const char *)result.record, result.len});
    free(result.record);
    buf_fini(&order);
    return rc;
}

/* The index with true sizes takes the place of *x, where these can be had. */
static enum err measure(struct asked *a, struct index **x)
{
    struct measure *m = measure_new(*x);
    struct index *exact = NULL;
    struct buf record;
    size_t len;
    bool more = true;
    enum err rc = m ? ERR_NONE : ERR_NOMEM;
    while (!rc && more)
        rc = measure_some(a, m, &more);
    buf_init(&record, BUF_MAX_INDEX);
    if (!rc)
        rc = measure_finish(m, &record);
    unsigned char *bytes = rc ? NULL : buf_take(&record, &len);
    buf_fini(&record);
    measure_free(m);
    if (!rc)
        rc = index_open(bytes, len, &exact);
    if (rc)
        return rc;
    index_free(*x);
    *x = exact;
    return ERR_NONE;
}

static int ask(struct probe *p, struct asked *a)
{
    struct media_result result;
    struct index *x = NULL;
    enum err rc = media_index(a->media, &a->task, a->fd, a->size, str_of(a->name), &result);
    if (rc)
        return fail(a->name, result.why);
    rc = index_open(result.record, result.len, &x);
    if (!rc && measure_wanted(x))
        rc = measure(a, &x);
    int failed = rc ? fail(a->name, err_text(rc)) : show(p, a->name, x);
    index_free(x);
    return failed;
}

static int probe_file(struct probe *p, const char *file)
{
    struct stat st;
    /* O_NONBLOCK: a named pipe must not hold us up before it is refused. */
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(file, strerror(errno));
    struct asked a = {.media = p->media, .name = file, .fd = fd};
    media_task_init(&a.task);
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    a.size = regular ? (uint64_t)st.st_size : 0;
    int failed = regular ? ask(p, &a) : fail(file, "not a regular file");
    close(fd);
    return failed;
}

static int probe_all(struct probe *p, int count, char **files)
{
    int failed = 0;
    if (!p->list)
        print_head();
    for (int i = 0; i < count; i++)
        failed |= probe_file(p, files[i]);
    if (p->list) {
        json_dumpf(p->list, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        putchar('\n');
    }
    return failed;
}

int probe_run(int count, char **files, bool json, uint32_t segment_ms)
{
    struct probe p = {.segment_ms = segment_ms, .list = json ? json_array() : NULL};
    struct media_opts opts = {
        .helpers = 1, .memory = PROBE_MEMORY, .deadline_ms = PROBE_DEADLINE_MS};
    if (media_new(&opts, &p.media)) {
        fputs("segue: segue-media, which reads the files, cannot be started\n", stderr);
        json_decref(p.list);
        return 1;
    }
    int failed = probe_all(&p, count, files);
    media_free(p.media);
    json_decref(p.list);
    return failed;
}
