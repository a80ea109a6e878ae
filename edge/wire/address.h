/* Socket addresses of clients and listeners, small. [any thread] */
#ifndef EDGE_WIRE_ADDRESS_H
#define EDGE_WIRE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT_MAX = 64 };

/* An IPv4 address is kept as an IPv4-mapped IPv6 one. */
struct address {
    uint8_t ip[16];
    uint16_t port; /* host order */
};

struct address address_of(const struct sockaddr *sa);
/* "192.0.2.1" or "2001:db8::1", without the port; returns out. */
const char *address_text(const struct address *a, char out[ADDRESS_TEXT_MAX]);
/* The same as a socket address: AF_INET or AF_INET6. */
void address_sockaddr(const struct address *a, struct sockaddr_storage *out);
bool address_is_v4(const struct address *a);

#endif
