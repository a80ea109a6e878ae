/* Cursor parsing: a struct str that is eaten from the front. [any thread]
 * Every function consumes what it names and answers true, or leaves the cursor where it was and
 * answers false; bounds are checked here and nowhere else. Numbers that overflow do not match. */
#ifndef EDGE_BASE_SCAN_H
#define EDGE_BASE_SCAN_H

#include "edge/base/str.h"

bool scan_char(struct str *s, char c);
bool scan_lit(struct str *s, struct str literal);
bool scan_icase(struct str *s, struct str literal);        /* ASCII letters without case */
bool scan_u64(struct str *s, uint64_t *out);               /* 1*DIGIT */
bool scan_digits(struct str *s, int count, unsigned *out); /* exactly `count` (1 to 9) digits */
bool scan_hex2(struct str *s, unsigned char *out);         /* two hexadecimal digits */
bool scan_token(struct str *s, struct str *out);           /* RFC 9110 5.6.2: 1*tchar */
size_t scan_blank(struct str *s);                          /* SP and HTAB; how many were eaten */

bool scan_is_tchar(unsigned char c); /* RFC 9110 5.6.2 */
int scan_hex(char c);                /* 0 to 15, or -1 */

#endif
