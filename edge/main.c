/* The program's arguments: one table of commands, each with its options, its help and what it runs.
 * Exit status: 0 done, 1 the input or the configuration is wrong (one line on stderr), 2 usage. */
#include "edge/config.h"
#include "edge/option_print.h"
#include "edge/probe.h"
#include "edge/remote.h"
#include "edge/server.h"
#include "edge/sign.h"

#include "edge/base/clock.h"
#include "edge/base/hash.h"
#include "edge/guard/crypto.h"
#include "edge/loop/loop.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

enum { STATUS_DONE, STATUS_INPUT, STATUS_USAGE };
enum { HELP_MAX = 64 * 1024 };

struct arguments {
    struct conf_source source; /* borrows from argv and environ */
    struct sign_opts sign;
    bool json;
    bool defaults;
    bool help;
    bool soft;
    const char *how; /* of a purge: "path", "prefix" or "tag"; the last one given */
    const char *what;
    unsigned hows; /* how many were given */
    char **rest;   /* what is no option; borrowed from argv */
    int rest_count;
    uint64_t started_ns;
};

struct command {
    const char *name;
    const char *title;   /* before messages about its arguments */
    const char *options; /* the letters of `letters` below that it takes */
    const char *files;   /* what it takes besides options, or NULL */
    const char *summary;
    const char *usage;
    int (*run)(const struct arguments *);
};

/* The long forms of all commands; those without a short form have a letter of their own here. */
static const struct option letters[] = {
    {"config", required_argument, NULL, 'c'},
    {"listen", required_argument, NULL, 'l'},
    {"root", required_argument, NULL, 'r'},
    {"defaults", no_argument, NULL, 'D'},
    {"key", required_argument, NULL, 'K'},
    {"expires", required_argument, NULL, 'E'},
    {"scope", required_argument, NULL, 'O'},
    {"style", required_argument, NULL, 'Y'},
    {"json", no_argument, NULL, 'J'},
    {"path", required_argument, NULL, 'P'},
    {"prefix", required_argument, NULL, 'X'},
    {"tag", required_argument, NULL, 'T'},
    {"soft", no_argument, NULL, 'S'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* A full disk or a closed pipe under stdout must not look like success. */
static int flushed(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fputs("segue: the output could not be written\n", stderr);
    return STATUS_INPUT;
}

static int print_table(void (*print)(struct buf *))
{
    struct buf text;
    buf_init(&text, HELP_MAX);
    print(&text);
    enum err e = buf_status(&text);
    if (e)
        fprintf(stderr, "segue: %s\n", err_text(e));
    else
        fwrite(text.data, 1, text.len, stdout);
    buf_fini(&text);
    return e ? STATUS_INPUT : STATUS_DONE;
}

/* Commands */

static int refuse_usage(const char *title, const char *what, const char *which)
{
    fprintf(stderr, "%s: %s%s; see %s --help\n", title, what, which, title);
    return STATUS_USAGE;
}

static struct conf *load(const struct conf_source *from)
{
    struct conf *conf;
    char why[CONF_WHY_MAX];
    if (conf_load(from, &conf, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        return NULL;
    }
    return conf;
}

static struct conf *load_checked(const struct conf_source *from)
{
    char why[CONF_WHY_MAX];
    struct conf *conf = load(from);
    if (!conf || conf_check(conf, why, sizeof why) == ERR_NONE)
        return conf;
    fprintf(stderr, "%s\n", why);
    conf_free(conf);
    return NULL;
}

static int run_serve(const struct arguments *a)
{
    struct conf *conf = load_checked(&a->source);
    if (!conf)
        return STATUS_INPUT;
    log_set_level(conf->log.level);
    int status = server_run(conf, a->started_ns);
    conf_free(conf);
    return status;
}

static int run_check(const struct arguments *a)
{
    if (a->defaults)
        return print_table(option_print_yaml);
    struct conf *conf = load_checked(&a->source);
    if (!conf)
        return STATUS_INPUT;
    conf_free(conf);
    printf("%s: ok\n", a->source.path ? a->source.path : "defaults");
    return STATUS_DONE;
}

static int run_probe(const struct arguments *a)
{
    struct conf *conf = load(&a->source);
    if (!conf)
        return STATUS_INPUT;
    uint32_t segment_ms = conf->hls.segment_duration_ms;
    conf_free(conf);
    return probe_run(a->rest_count, a->rest, a->json, segment_ms);
}

static int run_purge(const struct arguments *a)
{
    if (a->hows != 1)
        return refuse_usage("segue purge", "one of --path, --prefix and --tag is wanted", "");
    struct conf *conf = load(&a->source);
    if (!conf)
        return STATUS_INPUT;
    int status = remote_purge(conf, a->how, a->what, a->soft);
    conf_free(conf);
    return status;
}

static int run_warm(const struct arguments *a)
{
    if (a->hows != 1)
        return refuse_usage("segue warm", "--prefix is wanted", "");
    struct conf *conf = load(&a->source);
    if (!conf)
        return STATUS_INPUT;
    int status = remote_warm(conf, a->what);
    conf_free(conf);
    return status;
}

static int run_sign(const struct arguments *a)
{
    struct conf *conf = load(&a->source);
    int status = STATUS_DONE;
    if (!conf)
        return STATUS_INPUT;
    for (int i = 0; i < a->rest_count && status == STATUS_DONE; i++)
        status = sign_run(conf, &a->sign, a->rest[i]);
    conf_free(conf);
    return status;
}

static int run_version(const struct arguments *a)
{
    char xxhash[16];
    (void)a;
    printf("segue %s\n", SEGUE_VERSION);
    printf("libevent %s\n", loop_backend_version());
    printf("OpenSSL %s\n", crypto_version());
    printf("xxHash %s\n", hash_version(xxhash));
    printf("libyaml %s\n", yaml_get_version_string());
    return STATUS_DONE;
}

static int run_help(const struct arguments *a);

static const struct command commands[] = {
    {"serve", "segue serve", "clrh", NULL, "run the server in the foreground",
     "Usage: segue serve [-c FILE] [-l HOST:PORT] [-r DIR]\n\n"
     "Serve the audio below DIR, whole, by range and as HLS, in the foreground.\n\n"
     "  -c, --config FILE        read the configuration from a YAML file\n"
     "  -l, --listen HOST:PORT   listen there; [::1]:8080 for IPv6\n"
     "  -r, --root DIR           the folder of audio\n"
     "  -h, --help               this text\n\n"
     "Signals: TERM and INT drain and end, HUP reads the configuration again, USR1 reopens the\n"
     "access log. -l and -r win over the environment, the environment over FILE.\n\n"
     "Options of FILE with their defaults [and their variables in the environment]:\n",
     run_serve},
    {"check", "segue check", "cDh", NULL, "validate a configuration",
     "Usage: segue check [-c FILE] [--defaults]\n\n"
     "Validate FILE and the environment; without FILE, the built-in defaults.\n\n"
     "  -c, --config FILE   the YAML file to validate\n"
     "      --defaults      print every option with its default, as YAML\n"
     "  -h, --help          this text\n",
     run_check},
    {"purge", "segue purge", "cPXTSh", NULL, "drop what is kept of a file, a folder or a tag",
     "Usage: segue purge [-c FILE] [--soft] --path P | --prefix P | --tag T\n\n"
     "Ask the running server, at the admin address of FILE, to drop what it keeps in memory and "
     "in\n"
     "Redis; all edges on the same Redis do the same within a second.\n\n"
     "  -c, --config FILE   the YAML file the server runs with\n"
     "      --path P        all that is made of one file: its path below media.root, or a URL's\n"
     "      --prefix P      of all files whose path begins so\n"
     "      --tag T         track:/album/song.m4a or folder:/album\n"
     "      --soft          drop nothing, but look at the files again, serving them meanwhile\n"
     "  -h, --help          this text\n",
     run_purge},
    {"warm", "segue warm", "cXh", NULL, "load tracks into the caches ahead of time",
     "Usage: segue warm [-c FILE] --prefix P\n\n"
     "Have the running server, at the admin address of FILE, load playlists, init segments and "
     "first\n"
     "segments of all tracks whose path below media.root begins with P, and wait until it has.\n\n"
     "  -c, --config FILE   the YAML file the server runs with\n"
     "      --prefix P      as album/, or / for all\n"
     "  -h, --help          this text\n",
     run_warm},
    {"sign", "segue sign", "cKEOYh", "URL...", "sign URLs, so that they open what is protected",
     "Usage: segue sign [-c FILE] [--key ID] [--expires DURATION] [--scope PREFIX]\n"
     "                  [--style STYLE] URL...\n\n"
     "Print each URL with a signature that opens it.\n\n"
     "  -c, --config FILE        where sign.keys are\n"
     "      --key ID             the key; else the first one, of the style\n"
     "      --expires DURATION   as 90s, 24h, 7d; or stream, download, stem, of sign.lifetime\n"
     "      --scope PREFIX       open everything below it\n"
     "      --style STYLE        segue, path (segue's in the path), s3, cloudfront, akamai,\n"
     "                           secure_link\n"
     "  -h, --help               this text\n",
     run_sign},
    {"probe", "segue probe", "Jh", "FILE...",
     "codec, duration, bitrate, containers, tags of media files",
     "Usage: segue probe [--json] FILE...\n\n"
     "Say what the server sees in a media file: codec, duration, bitrate, segments.\n\n"
     "      --json   a JSON array instead of a table\n"
     "  -h, --help   this text\n",
     run_probe},
    {"version", "segue version", "h", NULL, "versions of segue and of what it is linked with",
     "Usage: segue version\n\n"
     "Print the versions of segue and of the libraries that it is linked with.\n\n"
     "  -h, --help   this text\n",
     run_version},
    {"help", "segue help", "h", NULL, "this text, or `segue COMMAND --help`",
     "Usage: segue help\n\nList the commands.\n\n"
     "  -h, --help   this text\n",
     run_help},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int run_help(const struct arguments *a)
{
    (void)a;
    fputs("Usage: segue COMMAND [OPTION...]\n\n"
          "Segue streams audio: whole files, ranges, and HLS made from them.\n\n",
          stdout);
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  segue %-8s  %s\n", commands[i].name, commands[i].summary);
    fputs("\nsegue COMMAND --help says more; segue --version prints versions.\n", stdout);
    return STATUS_DONE;
}

static int print_usage(const struct command *c)
{
    fputs(c->usage, stdout);
    return c->run == run_serve ? print_table(option_print_help) : STATUS_DONE;
}

/* Arguments */

static void take_how(struct arguments *a, int letter)
{
    a->how = letter == 'P' ? "path" : letter == 'X' ? "prefix" : "tag";
    a->what = optarg;
    a->hows++;
}

static void take_option(struct arguments *a, int letter)
{
    if (letter == 'c')
        a->source.path = optarg;
    else if (letter == 'l')
        a->source.listen = optarg;
    else if (letter == 'r')
        a->source.root = optarg;
    else if (letter == 'K')
        a->sign.key = optarg;
    else if (letter == 'E')
        a->sign.expires = optarg;
    else if (letter == 'O')
        a->sign.scope = optarg;
    else if (letter == 'Y')
        a->sign.style = optarg;
    else if (letter == 'J')
        a->json = true;
    else if (letter == 'D')
        a->defaults = true;
    else if (letter == 'S')
        a->soft = true;
    else if (letter == 'P' || letter == 'X' || letter == 'T')
        take_how(a, letter);
    else if (letter == 'h')
        a->help = true;
}

/* getopt stays silent (a leading ':'), so that every message has our form. The letters of long-only
 * options are not in its short list, but what a command does not take is refused in one place. */
static int read_options(const struct command *c, int argc, char **argv, struct arguments *a)
{
    for (;;) {
        int at = optind;
        int letter = getopt_long(argc, argv, ":c:l:r:h", letters, NULL);
        if (letter == -1)
            break;
        if (letter == ':')
            return refuse_usage(c->title, "a value is missing after ", argv[optind - 1]);
        if (letter == '?' || !strchr(c->options, letter))
            return refuse_usage(c->title, "unknown option ", argv[at < argc ? at : argc - 1]);
        take_option(a, letter);
    }
    a->rest = argv + optind;
    a->rest_count = argc - optind;
    if (a->help)
        return STATUS_DONE;
    if (a->rest_count && !c->files)
        return refuse_usage(c->title, "unexpected argument ", a->rest[0]);
    if (!a->rest_count && c->files)
        return refuse_usage(c->title, "nothing to do, expected ", c->files);
    return STATUS_DONE;
}

static int run_command(const struct command *c, int argc, char **argv, uint64_t started_ns)
{
    struct arguments a = {.source.environment = environ, .started_ns = started_ns};
    int status = read_options(c, argc, argv, &a);
    if (status)
        return status;
    return flushed(a.help ? print_usage(c) : c->run(&a));
}

static const struct command *find_command(const char *name)
{
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    else if (strcmp(name, "--version") == 0)
        name = "version";
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    uint64_t started_ns = clock_mono();
    if (argc < 2)
        return refuse_usage("segue", "no command, expected serve, check or probe", "");
    const struct command *c = find_command(argv[1]);
    if (!c)
        return refuse_usage("segue", "unknown command ", argv[1]);
    return run_command(c, argc - 1, argv + 1, started_ns);
}
