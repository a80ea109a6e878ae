/* What a helper that was taken over may send, and what a request may look like: any bytes. What is
 * accepted is within its limits and packs to a message that is accepted again, unchanged. */
#include "segments/record.h"

#include "edge/base/buf.h"
#include "edge/base/must.h"
#include "segments/order.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reply(const unsigned char *bytes, uint64_t job)
{
    struct record_reply reply, again;
    unsigned char packed[RECORD_REPLY];
    if (record_unpack_reply(bytes, job, &reply))
        return;
    must(reply.job == job && reply.payload <= BUF_MAX_INDEX);
    must((reply.err == ERR_NONE) == (reply.payload > 0));
    must(strlen(reply.why) <= RECORD_WHY);
    for (const char *p = reply.why; *p; p++)
        must(*p >= 0x20 && *p <= 0x7e);
    record_pack_reply(&reply, packed);
    enum err rc = record_unpack_reply(packed, job, &again);
    must(!rc && again.err == reply.err && again.packets == reply.packets);
    must(again.payload == reply.payload && strcmp(again.why, reply.why) == 0);
}

static void check_request(const unsigned char *bytes)
{
    struct record_request request;
    if (record_unpack_request(bytes, &request))
        return;
    must(request.op == RECORD_INDEX || request.op == RECORD_ENCODE);
    must((request.op == RECORD_ENCODE) == (request.more > 0) && request.more <= ORDER_MAX);
    must(request.job > 0 && request.size <= UINT64_C(1) << 62);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char bytes[RECORD_REPLY] = {0};
    memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
    check_reply(bytes, 1);
    check_request(bytes);
    return 0;
}
