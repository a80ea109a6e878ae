/* The command line: see options.h. */
#include "tools/listeners/options.h"

#include "edge/base/scan.h"

#include <getopt.h>
#include <stdio.h>

static const char USAGE[] =
    "usage: listeners [OPTION...] URL...\n"
    "Many listeners at once, each from an address of its own in 127.0.0.0/8, each playing the "
    "URLs\n"
    "in turn at their own pace: a URL that ends with .m3u8 as HLS, any other by ranges.\n"
    "  -n N          listeners (100)\n"
    "  -d SECONDS    how long, from the first one on (60)\n"
    "  -r SECONDS    in which all of them come, at most the time of -d (10)\n"
    "  -a N          segments or ranges that a listener has ready at most (2)\n"
    "  -b BITS       of a ladder: the highest variant of at most so many bits a second (256000)\n"
    "  -k KBITS      pace of a URL that is no playlist (128)\n"
    "  -q            no line every second\n"
    "      --json    the report as JSON\n"
    "      --seed N  of what is random: when listeners come and how far ahead they ask\n"
    "      --anywhere  targets that are not on this machine, too\n"
    "Exit status: 0 done, 1 there were errors, or nobody heard anything, 2 usage.\n";

struct number {
    int letter;
    uint64_t min, max;
    uint64_t *value;
    uint64_t unit;
};

static enum err parse_number(const struct number *n, const char *text)
{
    struct str s = str_of(text);
    if (!scan_u64(&s, n->value) || s.n > 0 || *n->value < n->min || *n->value > n->max) {
        fprintf(stderr, "listeners: \"%s\" is no number from %llu to %llu\n", text,
                (unsigned long long)n->min, (unsigned long long)n->max);
        return ERR_CONFIG;
    }
    *n->value *= n->unit;
    return ERR_NONE;
}

static enum err parse_one(struct options *o, int letter, const char *text)
{
    const struct number numbers[] = {
        {'n', 1, 100000, &o->listeners, 1},
        {'d', 1, 24 * 3600, &o->seconds, 1},
        {'r', 0, 24 * 3600, &o->ramp, 1},
        {'a', 2, 100, &o->ahead, 1},
        {'b', 1, UINT64_C(1) << 40, &o->max_bandwidth, 1},
        {'k', 1, 1000 * 1000, &o->file_rate, 1000},
        {'s', 0, UINT64_MAX, &o->seed, 1},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].letter == letter)
            return parse_number(&numbers[i], text);
    }
    o->json |= letter == 'j';
    o->quiet |= letter == 'q';
    o->anywhere |= letter == 'w';
    if (letter == 'h')
        fputs(USAGE, stdout);
    if (letter == '?')
        fputs("listeners --help says how\n", stderr);
    return letter == 'h' ? ERR_IGNORE : letter == '?' ? ERR_CONFIG : ERR_NONE;
}

static enum err parse_options(struct options *o, int argc, char **argv)
{
    static const struct option names[] = {
        {"json", no_argument, NULL, 'j'},
        {"seed", required_argument, NULL, 's'},
        {"anywhere", no_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},
        {"listeners", required_argument, NULL, 'n'},
        {"duration", required_argument, NULL, 'd'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "n:d:r:a:b:k:qh", names, NULL)) >= 0;)
        TRY(parse_one(o, c, optarg));
    return ERR_NONE;
}

static enum err add_target(struct options *o, const char *text)
{
    struct target *t = &o->targets[o->target_count];
    if (o->target_count == TARGETS_MAX || url_parse(str_of(text), &t->url)) {
        fprintf(stderr, "listeners: \"%s\": http://HOST[:PORT]/PATH is expected, at most %d\n",
                text, TARGETS_MAX);
        return ERR_CONFIG;
    }
    enum err e = url_address(&t->url, o->anywhere, &t->address);
    if (e) {
        fprintf(stderr, "listeners: \"%s\": %s\n", text,
                e == ERR_FORBIDDEN ? "not in 127.0.0.0/8 (--anywhere lets it)" : "no address");
        return ERR_CONFIG;
    }
    t->hls = str_ends(str_slice(t->url.path, 0, str_find(t->url.path, '?')), STR(".m3u8"));
    o->target_count++;
    return ERR_NONE;
}

enum err options_parse(struct options *out, int argc, char **argv)
{
    *out = (struct options){.listeners = 100,
                            .seconds = 60,
                            .ramp = 10,
                            .ahead = 2,
                            .max_bandwidth = 256000,
                            .file_rate = 128000,
                            .seed = 1};
    TRY(parse_options(out, argc, argv));
    for (int i = optind; i < argc; i++)
        TRY(add_target(out, argv[i]));
    if (out->target_count == 0) {
        fputs(USAGE, stderr);
        return ERR_CONFIG;
    }
    if (out->ramp > out->seconds)
        out->ramp = out->seconds;
    return ERR_NONE;
}
