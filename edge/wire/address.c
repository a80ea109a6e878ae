/* Addresses as 18 bytes and as text. */
#include "edge/wire/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct address address_of(const struct sockaddr *sa)
{
    struct address a = {{0}, 0};
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;
        memcpy(a.ip, v4_prefix, sizeof v4_prefix);
        memcpy(a.ip + 12, &in->sin_addr, 4);
        a.port = ntohs(in->sin_port);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
        memcpy(a.ip, &in6->sin6_addr, 16);
        a.port = ntohs(in6->sin6_port);
    }
    return a;
}

bool address_is_v4(const struct address *a)
{
    return memcmp(a->ip, v4_prefix, sizeof v4_prefix) == 0;
}

const char *address_text(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
    bool v4 = address_is_v4(a);
    if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->ip + 12 : a->ip, out, ADDRESS_TEXT_MAX))
        out[0] = '\0';
    return out;
}

void address_sockaddr(const struct address *a, struct sockaddr_storage *out)
{
    *out = (struct sockaddr_storage){0};
    if (address_is_v4(a)) {
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(a->port);
        memcpy(&in->sin_addr, a->ip + 12, 4);
        return;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(a->port);
    memcpy(&in6->sin6_addr, a->ip, 16);
}
