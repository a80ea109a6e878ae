/* Values of options: text to number, word, path or address, its limits, and the field it goes to.
 * Every refusal is one sentence: what stood there, what is wrong with it, what was expected. */
#include "edge/options.h"

#include "edge/config_keys.h"

#include "edge/base/must.h"
#include "edge/base/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX_MAX = 256 };

struct unit {
    const char *name;
    uint64_t factor;
};

/* From large to small, so that a number is printed with the largest unit that divides it. */
static const struct unit sizes[] = {
    {"GB", UINT64_C(1) << 30}, {"MB", UINT64_C(1) << 20}, {"KB", UINT64_C(1) << 10}, {"", 1}};
static const struct unit durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit integers[] = {{"", 1}};

struct units {
    const struct unit *unit;
    size_t count;
};

static struct units units_of(const struct option *o)
{
    if (o->type == OPTION_SIZE)
        return (struct units){sizes, sizeof sizes / sizeof *sizes};
    if (o->type == OPTION_DURATION)
        return (struct units){durations, sizeof durations / sizeof *durations};
    return (struct units){integers, 1};
}

static bool is_number(const struct option *o)
{
    return o->type == OPTION_SIZE || o->type == OPTION_DURATION || o->type == OPTION_INTEGER;
}

static bool is_word(const struct option *o, struct str text, unsigned *which)
{
    struct str words = str_of(o->words);
    for (unsigned i = 0; words.n; i++) {
        if (!str_eq(str_cut(&words, '|'), text))
            continue;
        *which = i;
        return true;
    }
    return false;
}

/* What was expected */

static void write_number(const struct option *o, uint64_t value, struct buf *out)
{
    struct units units = units_of(o);
    size_t i = 0;
    while (i + 1 < units.count && (value == 0 || value % units.unit[i].factor))
        i++;
    buf_addf(out, "%llu%s", (unsigned long long)(value / units.unit[i].factor), units.unit[i].name);
}

static void write_words(const struct option *o, struct buf *out)
{
    struct str words = str_of(o->words);
    while (words.n) {
        struct str word = str_cut(&words, '|');
        const char *joint = words.n || o->type == OPTION_FILE ? ", " : " or ";
        buf_addf(out, "%s%.*s", out->len ? joint : "", STR_ARG(word));
    }
}

static void write_limits(const struct option *o, const char *what, struct buf *out)
{
    if (o->words[0])
        buf_addf(out, "%s or ", o->words);
    buf_addf(out, "%s from ", what);
    write_number(o, o->minimum, out);
    buf_adds(out, STR(" to "));
    write_number(o, o->maximum, out);
    if (!o->words[0])
        buf_addf(out, ", as %s", o->standard);
}

static void write_expected(const struct option *o, struct buf *out)
{
    switch (o->type) {
    case OPTION_SIZE:
        write_limits(o, "a size", out);
        break;
    case OPTION_DURATION:
        write_limits(o, "a duration", out);
        break;
    case OPTION_INTEGER:
        write_limits(o, "a whole number", out);
        break;
    case OPTION_CHOICE:
        write_words(o, out);
        break;
    case OPTION_TEXTS:
        buf_addf(out, "a list, or at most %llu printable ASCII characters",
                 (unsigned long long)o->maximum);
        break;
    case OPTION_TEXT:
        buf_addf(out, "%llu to %llu printable ASCII characters", (unsigned long long)o->minimum,
                 (unsigned long long)o->maximum);
        break;
    case OPTION_PREFIX:
        buf_addf(out, "a path that begins and ends with /, as %s", o->standard);
        break;
    case OPTION_FILE:
        write_words(o, out);
        buf_addf(out, "%s", out->len ? " or the name of a file" : "the name of a file");
        break;
    case OPTION_DIRECTORY:
        buf_addf(out, "a directory, as %s", o->standard);
        break;
    case OPTION_ADDRESS:
        buf_addf(out, "HOST:PORT, as %s%s%s", o->standard, o->words[0] ? ", or " : "", o->words);
        break;
    case OPTION_ADDRESSES:
        buf_addf(out, "HOST:PORT, as %s, or a list of them", o->standard);
        break;
    case OPTION_PREFIXES:
        buf_adds(out, STR("a list of paths that begin and end with /"));
        break;
    case OPTION_RATE:
        buf_adds(out, STR("off or {rate: 100/s, burst: 200}"));
        break;
    case OPTION_BANDWIDTH:
        buf_adds(out, STR("off or {rate: 1.5x, after: 30s}, a rate from 1x to 1000x or from 1KB"));
        break;
    case OPTION_KEYS:
        buf_adds(out, STR("a list of {id, secret or secret_file, style}"));
        break;
    }
}

static void write_default_only(const struct option *o, struct buf *out)
{
    bool quoted = o->type == OPTION_TEXT && !o->standard[0];
    buf_addf(out, "nothing but the default, %s", quoted ? "\"\"" : o->standard);
}

const char *option_expected(const struct option *o, char *out)
{
    struct buf text;
    buf_init(&text, OPTION_EXPECTED_MAX);
    if (o->later)
        write_default_only(o, &text);
    else
        write_expected(o, &text);
    struct str s = buf_str(&text);
    snprintf(out, OPTION_EXPECTED_MAX, "%.*s", STR_ARG(s));
    buf_fini(&text);
    return out;
}

static enum err refuse_text(const struct option *o, struct str text, const char *wrong,
                            struct why *why)
{
    char expected[OPTION_EXPECTED_MAX], quote[WHY_QUOTE_MAX];
    return why_say(why, "%s: \"%s\" is %s, expected %s", o->path, why_quote(quote, text), wrong,
                   option_expected(o, expected));
}

static enum err refuse_later(const struct option *o, struct why *why)
{
    char expected[OPTION_EXPECTED_MAX];
    return why_say(why, "%s: this build has no %s yet, expected %s", o->path, o->later,
                   option_expected(o, expected));
}

enum err option_refuse(const struct option *o, const char *what, struct why *why)
{
    char expected[OPTION_EXPECTED_MAX];
    if (o->later)
        return refuse_later(o, why);
    return why_say(why, "%s: %s, expected %s", o->path, what, option_expected(o, expected));
}

/* Numbers */

static bool read_number(const struct option *o, struct str text, uint64_t *out)
{
    struct units units = units_of(o);
    uint64_t value;
    if (!scan_u64(&text, &value))
        return false;
    for (size_t i = 0; i < units.count; i++)
        if (str_eq(text, str_of(units.unit[i].name)))
            return !__builtin_mul_overflow(value, units.unit[i].factor, out);
    *out = 0;
    return value == 0 && text.n == 0; /* nothing needs no unit */
}

static void write_field(const struct option *o, uint64_t value, struct conf *conf)
{
    char *field = (char *)conf + o->offset;
    uint32_t narrow = (uint32_t)value;
    if (o->type == OPTION_SIZE) {
        memcpy(field, &value, sizeof value);
        return;
    }
    must(value <= UINT32_MAX);
    memcpy(field, &narrow, sizeof narrow);
}

static enum err set_number(const struct option *o, struct str text, struct conf *conf,
                           struct why *why)
{
    unsigned word;
    uint64_t value = 0;
    if (is_word(o, text, &word)) {
        write_field(o, 0, conf);
        return ERR_NONE;
    }
    const char *wrong = o->type == OPTION_SIZE       ? "no size"
                        : o->type == OPTION_DURATION ? "no duration"
                                                     : "no whole number";
    if (!read_number(o, text, &value))
        return refuse_text(o, text, wrong, why);
    if (value < o->minimum)
        return refuse_text(o, text, "too small", why);
    if (value > o->maximum)
        return refuse_text(o, text, "too large", why);
    write_field(o, value, conf);
    return ERR_NONE;
}

static enum err set_choice(const struct option *o, struct str text, struct conf *conf,
                           struct why *why)
{
    unsigned which;
    if (!is_word(o, text, &which))
        return refuse_text(o, text, "not known", why);
    write_field(o, which, conf);
    return ERR_NONE;
}

/* Strings: each check answers what is wrong, or NULL. */

static const char *wrong_text(const struct option *o, struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] > 0x7e)
            return "not printable";
    if (text.n < o->minimum)
        return "too short";
    return text.n > o->maximum ? "too long" : NULL;
}

/* RFC 3986 3.3: pchar without percent-encoding, so that a prefix compares with decoded paths. */
static bool is_path_char(char c)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || (c && strchr("-._~!$&'()*+,;=:@/", c));
}

static const char *wrong_segment(struct str segment)
{
    if (segment.n == 0)
        return "no path: it has an empty segment";
    if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
        return "no path: it has a dot segment";
    return NULL;
}

static const char *wrong_prefix(struct str text)
{
    if (text.n == 0 || text.p[0] != '/')
        return "no prefix: it does not begin with /";
    if (text.p[text.n - 1] != '/')
        return "no prefix: it does not end with /";
    if (text.n > PREFIX_MAX)
        return "too long";
    for (size_t i = 0; i < text.n; i++)
        if (!is_path_char(text.p[i]))
            return "no prefix: a character in it does not go into a path";
    if (str_starts(text, STR("/player/")) || str_starts(text, STR("/s/")))
        return "taken by the server itself";
    for (struct str rest = str_from(text, 1); rest.n;) {
        const char *wrong = wrong_segment(str_cut(&rest, '/'));
        if (wrong)
            return wrong;
    }
    return NULL;
}

static const char *wrong_file(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return "no file name: it has a control character";
    if (text.n == 0)
        return "empty";
    return text.n >= BUF_MAX_PATH ? "too long" : NULL;
}

static enum err set_string(const struct option *o, struct str text, struct conf *conf,
                           struct why *why)
{
    const char *wrong = o->type == OPTION_TEXT || o->type == OPTION_TEXTS ? wrong_text(o, text)
                        : o->type == OPTION_PREFIX                        ? wrong_prefix(text)
                                                                          : wrong_file(text);
    if (wrong)
        return refuse_text(o, text, wrong, why);
    char *copy = str_dup(text);
    if (!copy)
        return why_nomem(why);
    char **field = (char **)(void *)((char *)conf + o->offset);
    free(*field);
    *field = copy;
    return ERR_NONE;
}

/* "100/s" or "100/s,200": a rate and its burst, which is a second's worth where none is said */

static bool read_rate(struct str text, struct conf_rate *out)
{
    uint64_t count, burst;
    static const struct unit units[] = {{"/s", 1000}, {"/m", 60000}, {"/h", 3600000}};
    struct str rate = str_trim(str_cut(&text, ',')), rest = str_trim(text);
    if (!scan_u64(&rate, &count) || !count || count > 1000000)
        return false;
    burst = count;
    if (rest.n && (!scan_u64(&rest, &burst) || rest.n || !burst || burst > 1000000))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (str_eq(rate, str_of(units[i].name))) {
            *out = (struct conf_rate){(uint32_t)count, (uint32_t)units[i].factor, (uint32_t)burst};
            return true;
        }
    return false;
}

static enum err set_rate(const struct option *o, struct str text, struct conf *conf,
                         struct why *why)
{
    unsigned word;
    struct conf_rate rate = {0, 0, 0};
    if (!is_word(o, text, &word) && !read_rate(text, &rate))
        return refuse_text(o, text, "no rate", why);
    memcpy((char *)conf + o->offset, &rate, sizeof rate);
    return ERR_NONE;
}

/* "1.5x,30s" or "256KB,30s": a pace and what goes at once, 30 seconds where nothing is said */

/* Up to three decimals. */
static bool read_times(struct str text, uint32_t *permille)
{
    uint64_t whole, part = 0;
    uint32_t unit = 1000;
    if (!scan_u64(&text, &whole) || whole > 1000)
        return false;
    if (scan_char(&text, '.')) {
        size_t digits = text.n;
        if (!scan_u64(&text, &part) || digits - text.n > 3)
            return false;
        for (digits -= text.n; digits > 0; digits--)
            unit /= 10;
    }
    *permille = (uint32_t)(whole * 1000 + part * unit);
    return str_eq(text, STR("x")) && *permille >= 1000 && *permille <= 1000 * 1000;
}

static bool read_bandwidth(struct str text, struct conf_bandwidth *out)
{
    enum { AFTER = 30000, AFTER_MAX = 86400000 };
    const struct option as_size = {.type = OPTION_SIZE};
    struct str rate = str_trim(str_cut(&text, ',')), rest = str_trim(text);
    uint64_t after = AFTER;
    if (rest.n && (!option_duration(rest, &after) || after > AFTER_MAX))
        return false;
    *out = (struct conf_bandwidth){.after_ms = (uint32_t)after};
    if (read_times(rate, &out->permille))
        return true;
    out->permille = 0;
    return read_number(&as_size, rate, &out->rate) && out->rate >= 1024 &&
           out->rate <= UINT64_C(1) << 40;
}

static enum err set_bandwidth(const struct option *o, struct str text, struct conf *conf,
                              struct why *why)
{
    unsigned word;
    struct conf_bandwidth b = {0};
    if (!is_word(o, text, &word) && !read_bandwidth(text, &b))
        return refuse_text(o, text, "no pace", why);
    memcpy((char *)conf + o->offset, &b, sizeof b);
    return ERR_NONE;
}

/* Lists of prefixes */

const char *option_wrong_prefix(struct str text) { return wrong_prefix(text); }

bool option_duration(struct str text, uint64_t *ms)
{
    const struct option as_duration = {.type = OPTION_DURATION};
    return read_number(&as_duration, text, ms);
}

struct conf_texts *option_texts(const struct option *o, struct conf *conf)
{
    must(o->type == OPTION_PREFIXES);
    return (struct conf_texts *)(void *)((char *)conf + o->offset);
}

void option_free_texts(struct conf_texts *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->items[i]);
    free(t->items);
    *t = (struct conf_texts){NULL, 0};
}

enum err option_add_prefix(const struct option *o, struct str text, struct conf_texts *to,
                           struct why *why)
{
    const char *wrong = wrong_prefix(text);
    if (wrong)
        return refuse_text(o, text, wrong, why);
    char **more = realloc(to->items, (to->count + 1) * sizeof *more);
    if (!more)
        return why_nomem(why);
    to->items = more;
    more[to->count] = str_dup(text);
    return more[to->count++] ? ERR_NONE : why_nomem(why);
}

static enum err set_prefixes(const struct option *o, struct str text, struct conf *conf,
                             struct why *why)
{
    struct conf_texts read = {NULL, 0};
    enum err e = ERR_NONE;
    while (text.n && !str_eq(text, STR("[]")) && !e)
        e = option_add_prefix(o, str_trim(str_cut(&text, ',')), &read, why);
    struct conf_texts *field = e ? &read : option_texts(o, conf);
    option_free_texts(field);
    if (!e)
        *field = read;
    return e;
}

/* Addresses */

struct conf_listens *option_addresses(const struct option *o, struct conf *conf)
{
    must(!o->later && (o->type == OPTION_ADDRESS || o->type == OPTION_ADDRESSES));
    return (struct conf_listens *)(void *)((char *)conf + o->offset);
}

static void free_listen(struct conf_listen *l)
{
    free(l->address);
    free(l->host);
    free(l->tls_certificate);
    free(l->tls_key);
}

void option_free_addresses(struct conf_listens *l)
{
    for (size_t i = 0; i < l->count; i++)
        free_listen(&l->items[i]);
    free(l->items);
    *l = (struct conf_listens){0};
}

static bool is_listed(const struct conf_listens *l, struct str host, uint16_t port)
{
    for (size_t i = 0; port && i < l->count; i++)
        if (l->items[i].port == port && str_ieq(str_of(l->items[i].host), host))
            return true;
    return false;
}

enum err option_add_address(const struct option *o, struct str text, struct conf_listens *to,
                            struct why *why)
{
    struct str host;
    uint16_t port;
    text = str_trim(text);
    if (!conf_address(text, &host, &port))
        return refuse_text(o, text, "no address", why);
    if (is_listed(to, host, port))
        return refuse_text(o, text, "there twice", why);
    if (to->count == CONF_LISTEN_MAX)
        return why_say(why, "%s: too many addresses, expected at most %d", o->path,
                       CONF_LISTEN_MAX);
    struct conf_listen *more = realloc(to->items, (to->count + 1) * sizeof *more);
    if (!more)
        return why_nomem(why);
    to->items = more;
    struct conf_listen new = {.address = str_dup(text), .host = str_dup(host), .port = port};
    more[to->count++] = new;
    return new.address &&new.host ? ERR_NONE : why_nomem(why);
}

static enum err read_addresses(const struct option *o, struct str text, struct conf_listens *to,
                               struct why *why)
{
    unsigned word;
    if (is_word(o, text, &word))
        return ERR_NONE;
    if (o->type == OPTION_ADDRESS)
        return option_add_address(o, text, to, why);
    do {
        TRY(option_add_address(o, str_cut(&text, ','), to, why));
    } while (text.n);
    return ERR_NONE;
}

static enum err set_addresses(const struct option *o, struct str text, struct conf *conf,
                              struct why *why)
{
    struct conf_listens read = {0};
    enum err e = read_addresses(o, text, &read, why);
    if (e) {
        option_free_addresses(&read);
        return e;
    }
    struct conf_listens *field = option_addresses(o, conf);
    option_free_addresses(field);
    *field = read;
    return ERR_NONE;
}

/* A key whose feature is not built yet may say what is true without it. */
static enum err set_later(const struct option *o, struct str text, struct why *why)
{
    uint64_t given, standard;
    if (text.n == 0 || str_eq(text, STR("off")) || str_eq(text, str_of(o->standard)))
        return ERR_NONE;
    if (is_number(o) && read_number(o, text, &given) &&
        read_number(o, str_of(o->standard), &standard) && given == standard)
        return ERR_NONE;
    return refuse_later(o, why);
}

enum err option_set(const struct option *o, struct str text, struct conf *conf, struct why *why)
{
    if (o->later)
        return set_later(o, text, why);
    if (is_number(o))
        return set_number(o, text, conf, why);
    if (o->type == OPTION_CHOICE)
        return set_choice(o, text, conf, why);
    if (o->type == OPTION_ADDRESS || o->type == OPTION_ADDRESSES)
        return set_addresses(o, text, conf, why);
    if (o->type == OPTION_RATE)
        return set_rate(o, text, conf, why);
    if (o->type == OPTION_BANDWIDTH)
        return set_bandwidth(o, text, conf, why);
    if (o->type == OPTION_PREFIXES)
        return set_prefixes(o, text, conf, why);
    if (o->type == OPTION_KEYS)
        return text.n == 0 || str_eq(text, STR("[]"))
                   ? ERR_NONE
                   : option_refuse(o, "a word, which may hold a secret", why);
    return set_string(o, text, conf, why);
}

void option_free_fields(struct conf *conf)
{
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        if (o->later || is_number(o) || o->type == OPTION_CHOICE || o->type == OPTION_RATE ||
            o->type == OPTION_BANDWIDTH)
            continue;
        if (o->type == OPTION_ADDRESS || o->type == OPTION_ADDRESSES)
            option_free_addresses(option_addresses(o, conf));
        else if (o->type == OPTION_PREFIXES)
            option_free_texts(option_texts(o, conf));
        else if (o->type == OPTION_KEYS)
            conf_keys_free(&conf->sign.keys);
        else
            free(*(char **)(void *)((char *)conf + o->offset));
    }
}
