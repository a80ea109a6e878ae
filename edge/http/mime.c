/* Endings and their types, from mime.def. A look through two dozen rows is made once an object. */
#include "edge/http/mime.h"

struct row {
    struct str ending;
    const char *type;
};

static const struct row rows[] = {
#define MIME(ending, type) {{ending, sizeof(ending) - 1}, type},
#include "edge/http/mime.def"
#undef MIME
};

const char *mime_of(struct str path)
{
    size_t slash = str_rfind(path, '/');
    struct str name = slash < path.n ? str_from(path, slash + 1) : path;
    struct str ending = str_from(name, str_rfind(name, '.') + 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (str_ieq(ending, rows[i].ending))
            return rows[i].type;
    return "application/octet-stream";
}
