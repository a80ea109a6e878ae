/* Status lines and reason phrases, from status.def. */
#include "edge/http/status.h"

#include "edge/base/must.h"

struct str status_line(int status)
{
    switch (status) {
#define STATUS(code, text) \
    case code:             \
        return STR("HTTP/1.1 " #code " " text "\r\n");
#include "edge/http/status.def"
#undef STATUS
    default:
        must_fail("a status of status.def", __FILE__, __LINE__, __func__);
    }
}

const char *status_text(int status)
{
    switch (status) {
#define STATUS(code, text) \
    case code:             \
        return text;
#include "edge/http/status.def"
#undef STATUS
    default:
        return "Unknown";
    }
}
