/* Names, texts and statuses of enum err, from err.def. */
#include "edge/base/err.h"

#include "edge/base/must.h"

struct row {
    const char *name;
    const char *text;
    int status;
};

static const struct row rows[] = {
#define ERR(name, status, text) {#name, text, status},
#include "edge/base/err.def"
#undef ERR
};

static const struct row *row_of(enum err e)
{
    must((unsigned)e < ERR_COUNT);
    return &rows[e];
}

const char *err_name(enum err e) { return row_of(e)->name; }
const char *err_text(enum err e) { return row_of(e)->text; }
int err_status(enum err e) { return row_of(e)->status; }
