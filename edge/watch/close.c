/* Names and texts of close.def. */
#include "edge/watch/close.h"

#include "edge/base/must.h"

static const struct {
    const char *name;
    const char *text;
} ROWS[CLOSE_COUNT] = {
#define REASON(name, label, text) {label, text},
#include "edge/watch/close.def"
#undef REASON
};

const char *close_name(enum close_reason reason)
{
    must((unsigned)reason < CLOSE_COUNT);
    return ROWS[reason].name;
}

const char *close_text(enum close_reason reason)
{
    must((unsigned)reason < CLOSE_COUNT);
    return ROWS[reason].text;
}
