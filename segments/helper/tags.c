/* Tags, as the index keeps them. Only names that a player would show are taken; values are made
 * one line of valid UTF-8 each. */
#include "segments/helper/track.h"

#include <libavutil/dict.h>
#include <string.h>

enum { VALUE_MAX = 512 };

static const char *const NAMES[] = {
    "title", "artist",   "album",     "album_artist", "track",     "disc",      "date",
    "genre", "composer", "performer", "comment",      "copyright", "publisher", "language"};

/* Bytes of the UTF-8 character in front of s; 0: there is none (RFC 3629 4). */
static size_t utf8_length(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || s.n < n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool outside = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
    return overlong || outside ? 0 : n;
}

static void add_value(struct buf *out, struct str value)
{
    size_t end = out->len + VALUE_MAX;
    while (value.n > 0) {
        size_t n = utf8_length(value);
        bool plain = n > 1 || (n == 1 && (unsigned char)value.p[0] >= 0x20 && value.p[0] != 0x7f);
        if (out->len + (n ? n : 1) > end || out->failed)
            return;
        if (plain)
            buf_add(out, value.p, n);
        else
            buf_addc(out, n ? ' ' : '?');
        value = str_from(value, n ? n : 1);
    }
}

/* One line, or nothing when it does not fit. */
static void add_tag(struct buf *out, const char *name, struct str value)
{
    if (value.n == 0 || out->len + strlen(name) + VALUE_MAX + 2 > out->max)
        return;
    buf_adds(out, str_of(name));
    buf_addc(out, '=');
    add_value(out, value);
    buf_addc(out, '\n');
}

void tags_write(const AVFormatContext *format, const AVStream *stream, struct buf *out)
{
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        const AVDictionaryEntry *tag = av_dict_get(format->metadata, NAMES[i], NULL, 0);
        if (!tag) /* Ogg keeps them with the stream */
            tag = av_dict_get(stream->metadata, NAMES[i], NULL, 0);
        if (tag && tag->value && strcmp(tag->value, "und") != 0) /* MP4 for "no language" */
            add_tag(out, NAMES[i], str_of(tag->value));
    }
}
