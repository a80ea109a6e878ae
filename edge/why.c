/* What is wrong with a configuration, as one line: see why.h. Messages are cut, never refused: a
 * long path must not hide the mistake it is part of. */
#include "edge/why.h"

#include "edge/base/log.h"

#include <stdarg.h>
#include <stdio.h>

void why_init(struct why *w, char *text, size_t room)
{
    *w = (struct why){.text = text, .room = room};
    if (room)
        text[0] = '\0';
}

static size_t write_at(struct why *w, size_t from, const char *format, va_list args)
{
    if (from >= w->room)
        return from;
    int n = vsnprintf(w->text + from, w->room - from, format, args);
    size_t end = from + (n > 0 ? (size_t)n : 0);
    return end < w->room ? end : w->room - 1;
}

void why_at(struct why *w, const char *format, ...)
{
    if (w->said)
        return;
    va_list args;
    va_start(args, format);
    w->used = write_at(w, 0, format, args);
    va_end(args);
}

enum err why_say(struct why *w, const char *format, ...)
{
    if (w->said)
        return ERR_CONFIG;
    va_list args;
    va_start(args, format);
    write_at(w, w->used, format, args);
    va_end(args);
    w->said = true;
    return ERR_CONFIG;
}

enum err why_nomem(struct why *w)
{
    enum err e = why_say(w, "%s", err_text(ERR_NOMEM));
    return e ? ERR_NOMEM : e;
}

const char *why_quote(char out[WHY_QUOTE_MAX], struct str s)
{
    return log_text(out, WHY_QUOTE_MAX, s);
}
