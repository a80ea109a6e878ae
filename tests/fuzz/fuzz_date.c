/* Dates: what is read is written and read again as the same second, at any time of reading. */
#include "edge/base/must.h"
#include "edge/http/date.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t nows[] = {0,         1700000000, INT64_C(3800000000), INT64_C(253402300799),
                               INT64_MAX, INT64_MIN};
static const int64_t FIRST = INT64_C(-62135596800), LAST = INT64_C(253402300799);
static const int64_t FIFTY_YEARS = INT64_C(51) * 366 * 86400; /* and a little more */

static void check_written(int64_t t)
{
    char text[DATE_LENGTH];
    int64_t back = 0;
    date_format(t, text);
    must(date_parse((struct str){text, sizeof text}, 0, &back) == ERR_NONE);
    must(back == (t < FIRST ? FIRST : t > LAST ? LAST : t));
}

static void try_at(struct str s, int64_t now)
{
    int64_t t = 0;
    if (date_parse(s, now, &t))
        return;
    must(t >= FIRST - 1 && t <= LAST + 1); /* a leap second at the very end */
    check_written(t);
    if (str_find(s, '-') < s.n && now >= 0 && now < LAST) /* the form with two digits */
        must(t <= now + FIFTY_YEARS && t > now - INT64_C(101) * 366 * 86400);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t t = 0;
    for (size_t i = 0; i < sizeof nows / sizeof nows[0]; i++)
        try_at((struct str){(const char *)data, size}, nows[i]);
    memcpy(&t, data, size < sizeof t ? size : sizeof t);
    check_written(t);
    check_written(t % (LAST + 86400));
    return 0;
}
