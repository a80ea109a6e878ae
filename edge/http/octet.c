/* The classes of all 256 bytes. */
#include "edge/http/octet.h"

/* Rows by what a byte is in the grammars; the names are short because the table is wide. */
enum {
    TK = OCTET_TOKEN,
    VA = OCTET_VALUE,
    VIS = OCTET_VALUE | OCTET_TARGET | OCTET_ETAG, /* every visible character, but '"' and '#' */
    ALNUM = VIS | OCTET_TOKEN | OCTET_HOST | OCTET_PATH,
    SUB = VIS | OCTET_HOST | OCTET_PATH, /* sub-delims that are no tchar */
};

const uint8_t octet_class[256] = {
    ['\t'] = VA,
    [' '] = VA,
    ['!'] = ALNUM,
    ['"'] = OCTET_VALUE | OCTET_TARGET,
    ['#'] = OCTET_VALUE | OCTET_TOKEN | OCTET_ETAG,
    ['$'] = ALNUM,
    ['%'] = VIS | TK,
    ['&'] = ALNUM,
    ['\''] = ALNUM,
    ['('] = SUB,
    [')'] = SUB,
    ['*'] = ALNUM,
    ['+'] = ALNUM,
    [','] = SUB,
    ['-'] = ALNUM,
    ['.'] = ALNUM,
    ['/'] = VIS | OCTET_PATH,
    ['0' ... '9'] = ALNUM,
    [':'] = VIS | OCTET_PATH,
    [';'] = SUB,
    ['<'] = VIS,
    ['='] = SUB,
    ['>'] = VIS,
    ['?'] = VIS,
    ['@'] = VIS | OCTET_PATH,
    ['A' ... 'Z'] = ALNUM,
    ['['] = VIS,
    ['\\'] = VIS,
    [']'] = VIS,
    ['^'] = VIS | TK,
    ['_'] = ALNUM,
    ['`'] = VIS | TK,
    ['a' ... 'z'] = ALNUM,
    ['{'] = VIS,
    ['|'] = VIS | TK,
    ['}'] = VIS,
    ['~'] = ALNUM,
    [0x80 ... 0xff] = VIS, /* obs-text */
};
