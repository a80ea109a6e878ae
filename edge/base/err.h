/* The one error type of the project. [any thread]
 * Three grades of check: must() for our own bugs (must.h), audit() for costly checks in debug
 * builds, enum err for a world that misbehaves. */
#ifndef EDGE_BASE_ERR_H
#define EDGE_BASE_ERR_H

enum err {
#define ERR(name, status, text) ERR_##name,
#include "edge/base/err.def"
#undef ERR
    ERR_COUNT
};

/* Goes before every declaration that returns enum err: the answer has to be looked at. */
#define MUST_USE __attribute__((warn_unused_result))

/* Leave the function with the error, when there is one: the only macro that returns. */
#define TRY(expr)             \
    do {                      \
        enum err e_ = (expr); \
        if (e_)               \
            return e_;        \
    } while (0)

/* "NOT_FOUND", "there is nothing here", 404: static, never NULL. */
const char *err_name(enum err e);
const char *err_text(enum err e);
int err_status(enum err e);

#endif
