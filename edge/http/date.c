/* Dates by arithmetic: days since 0001-01-01 of the Gregorian calendar run backwards for ever are
 * the one number that everything goes through. */
#include "edge/http/date.h"

#include "edge/base/scan.h"

#include <string.h>

enum {
    DAY = 86400,
    DAYS_TO_1970 = 719162, /* from 0001-01-01, a Monday */
    DAYS_400 = 146097,     /* in 400, 100 and 4 years */
    DAYS_100 = 36524,
    DAYS_4 = 1461,
    WINDOW = 50, /* years: RFC 9110 5.6.7 */
    LAST_YEAR = 9999,
};

struct civil {
    int64_t year;   /* from 1 */
    unsigned month; /* 1 to 12 */
    unsigned day;   /* 1 to 31 */
    unsigned hour, minute, second;
};

static const struct str days_short[] = {{"Sun", 3}, {"Mon", 3}, {"Tue", 3}, {"Wed", 3},
                                        {"Thu", 3}, {"Fri", 3}, {"Sat", 3}};
static const struct str days_long[] = {{"Sunday", 6},    {"Monday", 6},   {"Tuesday", 7},
                                       {"Wednesday", 9}, {"Thursday", 8}, {"Friday", 6},
                                       {"Saturday", 8}};
static const struct str months[] = {{"Jan", 3}, {"Feb", 3}, {"Mar", 3}, {"Apr", 3},
                                    {"May", 3}, {"Jun", 3}, {"Jul", 3}, {"Aug", 3},
                                    {"Sep", 3}, {"Oct", 3}, {"Nov", 3}, {"Dec", 3}};
/* Days of a common year before each month, and before the next year. */
static const unsigned days_before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

static bool is_leap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

/* Days of that year before the month (1 to 13). */
static unsigned before_month(int64_t year, unsigned month)
{
    return days_before[month - 1] + (month > 2 && is_leap(year) ? 1 : 0);
}

static int64_t seconds_of(const struct civil *c)
{
    int64_t past = c->year - 1;
    int64_t days = past * 365 + past / 4 - past / 100 + past / 400 +
                   before_month(c->year, c->month) + c->day - 1;
    return (days - DAYS_TO_1970) * DAY + c->hour * 3600 + c->minute * 60 + c->second;
}

/* `day` is the day of the year, from 0. */
static void set_month(struct civil *c, unsigned day)
{
    c->month = 1;
    while (day >= before_month(c->year, c->month + 1))
        c->month++;
    c->day = day - before_month(c->year, c->month) + 1;
}

/* The last year of a run of 100 or 4 has a day more than the others: hence the two limits. */
static void set_date(struct civil *c, int64_t days)
{
    int64_t n400 = days / DAYS_400;
    days %= DAYS_400;
    int64_t n100 = days / DAYS_100 < 3 ? days / DAYS_100 : 3;
    days -= n100 * DAYS_100;
    int64_t n4 = days / DAYS_4;
    days %= DAYS_4;
    int64_t n1 = days / 365 < 3 ? days / 365 : 3;
    c->year = n400 * 400 + n100 * 100 + n4 * 4 + n1 + 1;
    set_month(c, (unsigned)(days - n1 * 365));
}

static int64_t clamp(int64_t seconds)
{
    const int64_t first = -(int64_t)DAYS_TO_1970 * DAY;
    const int64_t last = INT64_C(253402300799); /* 9999-12-31T23:59:59Z */
    return seconds < first ? first : seconds > last ? last : seconds;
}

/* Returns the day of the week, 0 for Sunday. */
static unsigned civil_of(int64_t seconds, struct civil *c)
{
    int64_t since = clamp(seconds) + (int64_t)DAYS_TO_1970 * DAY;
    unsigned rest = (unsigned)(since % DAY);
    set_date(c, since / DAY);
    c->hour = rest / 3600;
    c->minute = rest / 60 % 60;
    c->second = rest % 60;
    return (unsigned)((since / DAY + 1) % 7);
}

static void put2(char *at, unsigned value)
{
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
}

void date_format(int64_t unix_seconds, char out[DATE_LENGTH])
{
    struct civil c;
    unsigned weekday = civil_of(unix_seconds, &c);
    memcpy(out, "Day, 00 Mon 0000 00:00:00 GMT", DATE_LENGTH);
    memcpy(out, days_short[weekday].p, 3);
    put2(out + 5, c.day);
    memcpy(out + 8, months[c.month - 1].p, 3);
    put2(out + 12, (unsigned)(c.year / 100));
    put2(out + 14, (unsigned)(c.year % 100));
    put2(out + 17, c.hour);
    put2(out + 20, c.minute);
    put2(out + 23, c.second);
}

/* Which of the names is in front, from 1; 0 for none. */
static unsigned scan_name(struct str *s, const struct str *names, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (scan_lit(s, names[i]))
            return i + 1;
    return 0;
}

static bool scan_month(struct str *s, struct civil *c)
{
    c->month = scan_name(s, months, 12);
    return c->month > 0;
}

static bool scan_time(struct str *s, struct civil *c)
{
    return scan_digits(s, 2, &c->hour) && scan_char(s, ':') && scan_digits(s, 2, &c->minute) &&
           scan_char(s, ':') && scan_digits(s, 2, &c->second);
}

static bool scan_year(struct str *s, struct civil *c)
{
    unsigned year = 0;
    bool ok = scan_digits(s, 4, &year);
    c->year = year;
    return ok;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool scan_fixdate(struct str s, struct civil *c)
{
    return scan_name(&s, days_short, 7) && scan_lit(&s, STR(", ")) && scan_digits(&s, 2, &c->day) &&
           scan_char(&s, ' ') && scan_month(&s, c) && scan_char(&s, ' ') && scan_year(&s, c) &&
           scan_char(&s, ' ') && scan_time(&s, c) && str_eq(s, STR(" GMT"));
}

/* "Sunday, 06-Nov-94 08:49:37 GMT"; the year stays 0 to 99. */
static bool scan_rfc850(struct str s, struct civil *c)
{
    unsigned year = 0;
    bool ok = scan_name(&s, days_long, 7) && scan_lit(&s, STR(", ")) &&
              scan_digits(&s, 2, &c->day) && scan_char(&s, '-') && scan_month(&s, c) &&
              scan_char(&s, '-') && scan_digits(&s, 2, &year) && scan_char(&s, ' ') &&
              scan_time(&s, c) && str_eq(s, STR(" GMT"));
    c->year = year;
    return ok;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool scan_asctime(struct str s, struct civil *c)
{
    if (!scan_name(&s, days_short, 7) || !scan_char(&s, ' ') || !scan_month(&s, c) ||
        !scan_char(&s, ' '))
        return false;
    int digits = scan_char(&s, ' ') ? 1 : 2;
    return scan_digits(&s, digits, &c->day) && scan_char(&s, ' ') && scan_time(&s, c) &&
           scan_char(&s, ' ') && scan_year(&s, c) && s.n == 0;
}

static bool is_real(const struct civil *c)
{
    return c->year >= 1 && c->day >= 1 &&
           c->day <= before_month(c->year, c->month + 1) - before_month(c->year, c->month) &&
           c->hour <= 23 && c->minute <= 59 && c->second <= 60; /* 60: a leap second */
}

/* RFC 9110 5.6.7: the latest year with these two digits that is not over 50 years ahead. */
static void set_century(struct civil *c, int64_t now)
{
    struct civil limit;
    civil_of(now, &limit);
    limit.year = limit.year + WINDOW < LAST_YEAR ? limit.year + WINDOW : LAST_YEAR;
    c->year += limit.year / 100 * 100;
    if (seconds_of(c) > seconds_of(&limit))
        c->year -= 100;
}

enum err date_parse(struct str s, int64_t now, int64_t *out)
{
    struct civil c = {.year = 0};
    if (!scan_fixdate(s, &c) && !scan_asctime(s, &c)) {
        if (!scan_rfc850(s, &c))
            return ERR_SYNTAX;
        set_century(&c, now);
    }
    if (!is_real(&c))
        return ERR_SYNTAX;
    *out = seconds_of(&c);
    return ERR_NONE;
}
