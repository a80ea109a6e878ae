/* Accept-Encoding: a list of codings, each with a weight that is 1 where it is not said. */
#include "edge/http/coding.h"

#include "edge/base/scan.h"

enum { UNSAID = -1, WEIGHT_ONE = 1000 };

/* Weights in thousandths. */
struct wish_list {
    int weight[CODING_COUNT];
    int any; /* of "*" */
};

const char *coding_name(enum coding c)
{
    static const char *const names[CODING_COUNT] = {[CODING_GZIP] = "gzip", [CODING_BROTLI] = "br"};
    return names[c];
}

/* RFC 9110 12.4.2: "0", "1" and up to three digits behind the point. */
static bool scan_weight(struct str *s, int *out)
{
    static const int places[3] = {100, 10, 1};
    unsigned digit;
    if (!scan_digits(s, 1, &digit) || digit > 1)
        return false;
    *out = (int)digit * WEIGHT_ONE;
    if (!scan_char(s, '.'))
        return true;
    for (int i = 0; i < 3 && scan_digits(s, 1, &digit); i++)
        *out += (int)digit * places[i];
    return *out <= WEIGHT_ONE;
}

static bool scan_parameter(struct str *s, int *weight)
{
    *weight = WEIGHT_ONE;
    (void)scan_blank(s);
    if (s->n == 0)
        return true;
    if (!scan_char(s, ';'))
        return false;
    (void)scan_blank(s);
    return scan_icase(s, STR("q=")) && scan_weight(s, weight) && s->n == 0;
}

static void take(struct wish_list *list, struct str name, int weight)
{
    if (str_eq(name, STR("*")))
        list->any = weight;
    else if (str_ieq(name, STR("gzip")) || str_ieq(name, STR("x-gzip"))) /* RFC 9110 8.4.1.3 */
        list->weight[CODING_GZIP] = weight;
    else if (str_ieq(name, STR("br")))
        list->weight[CODING_BROTLI] = weight;
    else if (str_ieq(name, STR("identity")))
        list->weight[CODING_NONE] = weight;
}

static void take_line(struct wish_list *list, struct str line)
{
    while (line.n) {
        struct str one = str_trim(str_cut(&line, ',')), name;
        int weight;
        if (scan_token(&one, &name) && scan_parameter(&one, &weight))
            take(list, name, weight);
    }
}

static int weight_of(const struct wish_list *list, enum coding c)
{
    if (list->weight[c] != UNSAID)
        return list->weight[c];
    return list->any != UNSAID ? list->any : 0;
}

enum coding coding_choose(const struct h1_request *r)
{
    struct wish_list list = {{UNSAID, UNSAID, UNSAID}, UNSAID};
    struct str line;
    size_t cursor = 0;
    if (!(r->seen >> FIELD_ACCEPT_ENCODING & 1))
        return CODING_NONE;
    while (h1_field_next(r, FIELD_ACCEPT_ENCODING, &cursor, &line))
        take_line(&list, line);
    int gzip = weight_of(&list, CODING_GZIP), brotli = weight_of(&list, CODING_BROTLI);
    enum coding best = brotli >= gzip ? CODING_BROTLI : CODING_GZIP;
    int most = brotli >= gzip ? brotli : gzip;
    return most > 0 && most >= list.weight[CODING_NONE] ? best : CODING_NONE;
}
