/* The table of options.def as an array, and finding things in it. The rows are few and are looked
 * at while a configuration is read, so a walk over all of them is the right search. */
#include "edge/options.h"

#include "edge/base/must.h"

#include <stddef.h>
#include <string.h>

#define KB UINT64_C(1024)
#define MB (1024 * KB)
#define GB (1024 * MB)
#define MINUTE UINT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* A row whose field has another type than the row says must not compile: values are written
 * through its offset. */
#define FITS_SIZE(x) _Generic((x), uint64_t : 1, default : 0)
#define FITS_DURATION(x) _Generic((x), uint32_t : 1, default : 0)
#define FITS_INTEGER(x) _Generic((x), uint32_t : 1, default : 0)
#define FITS_CHOICE(x) (sizeof(x) == sizeof(unsigned))
#define FITS_TEXT(x) _Generic((x), char * : 1, default : 0)
#define FITS_TEXTS(x) FITS_TEXT(x)
#define FITS_PREFIX(x) FITS_TEXT(x)
#define FITS_FILE(x) FITS_TEXT(x)
#define FITS_DIRECTORY(x) FITS_TEXT(x)
#define FITS_ADDRESS(x) _Generic((x), struct conf_listens : 1, default : 0)
#define FITS_ADDRESSES(x) FITS_ADDRESS(x)
#define FITS_PREFIXES(x) _Generic((x), struct conf_texts : 1, default : 0)
#define FITS_RATE(x) _Generic((x), struct conf_rate : 1, default : 0)
#define FITS_BANDWIDTH(x) _Generic((x), struct conf_bandwidth : 1, default : 0)
#define FITS_KEYS(x) _Generic((x), struct conf_keys : 1, default : 0)

#define OPTION(path, type, field, standard, minimum, maximum, words, help) \
    _Static_assert(FITS_##type(((struct conf *)0)->field), path);
#define LATER(path, type, standard, feature, help)
#include "edge/options.def"
#undef OPTION
#undef LATER

static const struct option table[] = {
#define OPTION(path, type, field, standard, minimum, maximum, words, help)                 \
    {path, OPTION_##type, offsetof(struct conf, field), standard, minimum, maximum, words, \
     NULL, help},
#define LATER(path, type, standard, feature, help) \
    {path, OPTION_##type, 0, standard, 0, UINT64_MAX, "", feature, help},
#include "edge/options.def"
#undef OPTION
#undef LATER
};

enum { COUNT = sizeof table / sizeof *table };

size_t option_count(void) { return COUNT; }

const struct option *option_at(size_t number)
{
    must(number < COUNT);
    return &table[number];
}

size_t option_number(const struct option *o)
{
    must(o >= table && o < table + COUNT);
    return (size_t)(o - table);
}

const struct option *option_find(struct str path)
{
    for (size_t i = 0; i < COUNT; i++)
        if (str_eq(str_of(table[i].path), path))
            return &table[i];
    return NULL;
}

static bool lies_below(const struct option *o, struct str section)
{
    struct str path = str_of(o->path);
    return section.n == 0 ||
           (path.n > section.n && path.p[section.n] == '.' && str_starts(path, section));
}

bool option_is_section(struct str path)
{
    for (size_t i = 0; path.n && i < COUNT; i++)
        if (lies_below(&table[i], path))
            return true;
    return false;
}

const char *option_environment(const struct option *o, char *out)
{
    struct str path = str_of(o->path);
    struct str prefix = STR("SEGUE_");
    must(prefix.n + path.n < OPTION_PATH_MAX);
    memcpy(out, prefix.p, prefix.n);
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        bool lower = c >= 'a' && c <= 'z';
        out[prefix.n + i] = (char)(c == '.' ? '_' : lower ? c - 'a' + 'A' : c);
    }
    out[prefix.n + path.n] = '\0';
    return out;
}

/* What was likely meant */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein distance, in one row of the matrix; longer words than that are far from everything.
 */
static size_t distance(struct str a, struct str b)
{
    size_t row[OPTION_PATH_MAX];
    if (a.n >= OPTION_PATH_MAX || b.n >= OPTION_PATH_MAX)
        return OPTION_PATH_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t above = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1, corner + (a.p[i - 1] != b.p[j - 1]));
            corner = above;
        }
    }
    return row[b.n];
}

static size_t section_length(struct str path)
{
    size_t dot = str_rfind(path, '.');
    return dot < path.n ? dot + 1 : 0;
}

/* The option's path cut to as many words as `path` has, or the empty str when it has fewer. */
static struct str same_depth(const struct option *o, struct str path)
{
    struct str whole = str_of(o->path);
    struct str rest = whole;
    for (str_cut(&path, '.'); path.n && rest.n; str_cut(&path, '.'))
        str_cut(&rest, '.');
    str_cut(&rest, '.');
    size_t end = whole.n - rest.n;
    return str_slice(whole, 0, rest.n ? end - 1 : end);
}

/* How far `path` is from a key of its own section. */
static size_t distance_of_key(struct str path, struct str key)
{
    size_t from = section_length(path);
    if (from != section_length(key) || !str_eq(str_slice(path, 0, from), str_slice(key, 0, from)))
        return OPTION_PATH_MAX;
    return distance(str_from(path, from), str_from(key, from));
}

static struct str same_last_word(struct str path)
{
    struct str word = str_from(path, section_length(path));
    for (size_t i = 0; i < COUNT; i++) {
        struct str other = str_of(table[i].path);
        if (str_eq(str_from(other, section_length(other)), word))
            return other;
    }
    return (struct str){0};
}

struct str option_nearest(struct str path)
{
    struct str best = {0};
    /* One slip in four letters, and at least one. */
    size_t limit = 2 + (path.n - section_length(path)) / 4;
    for (size_t i = 0; i < COUNT; i++) {
        struct str key = same_depth(&table[i], path);
        size_t d = distance_of_key(path, key);
        if (d >= limit)
            continue;
        best = key;
        limit = d;
    }
    return best.n ? best : same_last_word(path);
}

const struct option *option_nearest_variable(struct str name)
{
    char text[OPTION_PATH_MAX];
    for (size_t i = 0; i < COUNT; i++)
        if (distance(name, str_of(option_environment(&table[i], text))) <= 2)
            return &table[i];
    return NULL;
}

/* The key of o right below the section, or the empty str when it was the one of the row before. */
static struct str key_below(size_t number, struct str section)
{
    size_t from = section.n ? section.n + 1 : 0;
    struct str rest = str_from(str_of(table[number].path), from);
    struct str key = str_cut(&rest, '.');
    if (number == 0 || !lies_below(&table[number - 1], section))
        return key;
    rest = str_from(str_of(table[number - 1].path), from);
    return str_eq(key, str_cut(&rest, '.')) ? (struct str){0} : key;
}

void option_list_keys(struct str section, struct buf *out)
{
    struct str held = {0};
    for (size_t i = 0; i < COUNT; i++) {
        struct str key = lies_below(&table[i], section) ? key_below(i, section) : (struct str){0};
        if (key.n == 0)
            continue;
        if (held.n)
            buf_addf(out, "%s%.*s", out->len ? ", " : "", STR_ARG(held));
        held = key;
    }
    if (held.n)
        buf_addf(out, "%s%.*s", out->len ? " or " : "", STR_ARG(held));
}
