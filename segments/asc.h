/* AudioSpecificConfig: what an AAC decoder has to know (ISO 14496-3 1.6.2.1). [any thread] */
#ifndef SEGMENTS_ASC_H
#define SEGMENTS_ASC_H

#include "edge/base/buf.h"

struct asc {
    unsigned object_type; /* of the whole: 2 LC, 5 HE-AAC, 29 HE-AAC v2, 42 xHE-AAC, ... */
    unsigned core_type;   /* of the core: 2 where object_type is 5 or 29, else object_type */
    uint32_t core_rate;   /* Hz */
    uint32_t rate;        /* Hz of the decoded sound: twice core_rate with SBR, as a rule */
    unsigned channels;    /* channelConfiguration: 0 means described elsewhere */
    bool short_frames;    /* frames of 960 samples instead of 1024 */
};

/* Reads the front of a config, SBR and PS signalled either way (1.6.5).
 *   ERR_MEDIA  it ends too early or names a reserved rate */
MUST_USE enum err asc_read(struct str config, struct asc *out);

/* Writes object types 2, 5 and 29, SBR and PS signalled explicitly and hierarchically (1.6.5.2).
 *   ERR_UNSUPPORTED  another type, or a rate without an index */
MUST_USE enum err asc_write(const struct asc *asc, struct buf *out);

#endif
