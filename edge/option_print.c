/* The table for people: conf/segue.yaml, which loads and says what is the default anyway, and the
 * list in `segue serve --help`. Both come from the rows alone, so neither can be out of date. */
#include "edge/option_print.h"

#include "edge/options.h"

#include <string.h>

enum { WIDTH = 98 };

static void write_indent(struct buf *out, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        buf_adds(out, STR("  "));
}

/* Words into comment lines of at most WIDTH characters. */
static void write_comment(struct buf *out, struct str text, size_t depth)
{
    size_t column = WIDTH;
    bool first = true;
    while (text.n) {
        struct str word = str_cut(&text, ' ');
        if (first || column + 1 + word.n > WIDTH) {
            buf_adds(out, first ? STR("") : STR("\n"));
            write_indent(out, depth);
            buf_addc(out, '#');
            column = 2 * depth + 1;
            first = false;
        }
        buf_addf(out, " %.*s", STR_ARG(word));
        column += 1 + word.n;
    }
    buf_addc(out, '\n');
}

static void write_about(struct buf *out, const struct option *o, size_t depth)
{
    char expected[OPTION_EXPECTED_MAX], name[OPTION_PATH_MAX], line[OPTION_EXPECTED_MAX + 96];
    struct buf about;
    buf_init(&about, sizeof line);
    if (o->later)
        buf_addf(&about, "(Not built yet: %s.)", o->later);
    else
        buf_addf(&about, "(%s: %s)", option_environment(o, name), option_expected(o, expected));
    write_comment(out, str_of(o->help), depth);
    write_comment(out, buf_str(&about), depth);
    buf_fini(&about);
}

static void write_value(struct buf *out, const struct option *o)
{
    bool quoted =
        (o->type == OPTION_TEXT || o->type == OPTION_TEXTS) && strcmp(o->standard, "off") != 0;
    buf_adds(out, quoted ? STR("\"") : STR(""));
    for (const char *p = o->standard; *p; p++) {
        if (quoted && (*p == '"' || *p == '\\'))
            buf_addc(out, '\\');
        buf_addc(out, *p);
    }
    buf_adds(out, quoted ? STR("\"") : STR(""));
}

/* The section lines that lie between the row before and this one; returns the depth of the key. */
static size_t write_sections(struct buf *out, struct str before, struct str path)
{
    size_t depth = 0;
    bool same = true;
    for (;;) {
        struct str a = str_cut(&before, '.');
        struct str b = str_cut(&path, '.');
        if (path.n == 0)
            return depth;
        same = same && str_eq(a, b);
        if (!same) {
            write_indent(out, depth);
            buf_addf(out, "%.*s:\n", STR_ARG(b));
        }
        depth++;
    }
}

static struct str first_word(struct str path) { return str_cut(&path, '.'); }

static struct str last_word(struct str path)
{
    size_t dot = str_rfind(path, '.');
    return dot < path.n ? str_from(path, dot + 1) : path;
}

void option_print_yaml(struct buf *out)
{
    struct str before = {0};
    buf_adds(out, STR("# Every option of Segue with its default. Written by `segue check "
                      "--defaults` from\n# edge/options.def. A key that is left out has its "
                      "default; an unknown one is an error.\n# Sizes take KB, MB, GB (1024-based), "
                      "durations ms, s, m, h, d. A variable of the\n# environment, named below, "
                      "wins over the file; -l and -r win over both.\n"));
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        struct str path = str_of(o->path);
        bool opens = !str_eq(first_word(path), first_word(before));
        buf_adds(out, opens ? STR("\n") : STR(""));
        size_t depth = write_sections(out, before, path);
        struct str key = last_word(path);
        write_about(out, o, depth);
        write_indent(out, depth);
        buf_addf(out, "%.*s: ", STR_ARG(key));
        write_value(out, o);
        buf_addc(out, '\n');
        before = path;
    }
}

static struct str first_sentence(struct str text)
{
    for (size_t i = 0; i + 1 < text.n; i++)
        if (text.p[i] == '.' && text.p[i + 1] == ' ')
            return str_slice(text, 0, i + 1);
    return text;
}

void option_print_help(struct buf *out)
{
    char name[OPTION_PATH_MAX];
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        if (o->later)
            continue;
        struct str help = first_sentence(str_of(o->help));
        buf_addf(out, "  %s: ", o->path);
        write_value(out, o);
        buf_addf(out, "   [%s]\n      %.*s\n", option_environment(o, name), STR_ARG(help));
    }
}
