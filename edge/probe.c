/* The work of `segue probe`. It asks the same helper as the server does and shows what the server
 * would make of the file: an index that it could not open, or could not cut, is a failure here too.
 */
#include "edge/probe.h"

#include "edge/base/log.h"
#include "edge/store/media.h"
#include "segments/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROBE_MEMORY = 256 * 1024 * 1024, PROBE_DEADLINE_MS = 60 * 1000, NAME_MAX_SHOWN = 512 };

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

static const char *codec_title(const struct index_info *info)
{
    if (info->codec != CODEC_AAC || info->aac_object_type == 2)
        return codec_name(info->codec);
    return info->aac_object_type == 5    ? "he-aac"
           : info->aac_object_type == 29 ? "he-aacv2"
                                         : "xhe-aac";
}

static void print_head(void)
{
    printf("%-9s %-5s %-7s %-15s %-11s %-9s %-9s %s\n", "CODEC", "CHAN", "RATE", "DURATION",
           "SAMPLES", "KBIT/S", "SEGMENTS", "FILE");
}

static void print_row(const char *file, const struct index_info *info, uint32_t segments)
{
    char name[NAME_MAX_SHOWN], duration[32];
    uint64_t us = (uint64_t)(seconds(info) * 1e6 + 0.5);
    (void)snprintf(duration, sizeof duration, "%" PRIu64 ":%02u:%02u.%06u", us / 3600000000,
                   (unsigned)(us / 60000000 % 60), (unsigned)(us / 1000000 % 60),
                   (unsigned)(us % 1000000));
    printf("%-9s %-5u %-7" PRIu32 " %-15s %-11" PRIu64 " %-9.1f %-9" PRIu32 " %s\n",
           codec_title(info), info->channels, info->sample_rate, duration, samples(info),
           (double)bitrate(info) / 1000, segments, log_text(name, sizeof name, str_of(file)));
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

static void append_json(struct probe *p, const char *file, const struct index *x, uint32_t segments)
{
    const struct index_info *info = index_info(x);
    json_t *one = json_pack("{s:o, s:s, s:i, s:i, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o}",
                            "file", name_json(file), "codec", codec_title(info), "channels",
                            (int)info->channels, "sample_rate", (int)info->sample_rate, "duration",
                            seconds(info), "samples", (json_int_t)samples(info), "bitrate",
                            (json_int_t)bitrate(info), "packets", (json_int_t)info->packets,
                            "segments", (json_int_t)segments, "priming", (json_int_t)info->priming,
                            "padding", (json_int_t)info->padding, "segment_duration",
                            (double)p->segment_ms / 1000, "tags", tags_json(index_tags(x)));
    if (one)
        json_array_append_new(p->list, one);
}

static int show(struct probe *p, const char *file, struct media_result *result)
{
    struct index *x = NULL;
    enum err rc = index_open(result->record, result->len, &x);
    result->record = NULL;
    if (rc)
        return fail(file, err_text(rc));
    struct cut cut = cut_make(x, p->segment_ms);
    if (p->list)
        append_json(p, file, x, cut.count);
    else
        print_row(file, index_info(x), cut.count);
    index_free(x);
    return 0;
}

static int ask(struct probe *p, const char *file, int fd, uint64_t size)
{
    struct media_task task;
    struct media_result result;
    media_task_init(&task);
    enum err rc = media_index(p->media, &task, fd, size, str_of(file), &result);
    return rc ? fail(file, result.why) : show(p, file, &result);
}

static int probe_file(struct probe *p, const char *file)
{
    struct stat st;
    /* O_NONBLOCK: a named pipe must not hold us up before it is refused. */
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(file, strerror(errno));
    int failed = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? ask(p, file, fd, (uint64_t)st.st_size)
                                                            : fail(file, "not a regular file");
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
