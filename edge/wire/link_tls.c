/* OpenSSL's client: TLS 1.2 and later, the peer's chain and name checked by OpenSSL itself during
 * the greeting, so that nothing of ours, no password first of all, is written before. Sessions are
 * not kept: a connection lives for days. */
#include "edge/wire/link_tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct tls_trust {
    SSL_CTX *context;
};

struct link_tls {
    SSL *ssl;
};

static bool load(SSL_CTX *context, const char *authorities)
{
    return authorities ? SSL_CTX_load_verify_locations(context, authorities, NULL) == 1
                       : SSL_CTX_set_default_verify_paths(context) == 1;
}

/* What OpenSSL works out of a certificate it keeps in it, at first use, behind an atomic of its
 * own: that is done before threads share them. */
static void settle(SSL_CTX *context)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (certificate)
            (void)X509_check_purpose(certificate, -1, 0);
    }
}

enum err tls_trust_new(const char *authorities, struct tls_trust **out)
{
    struct tls_trust *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    ERR_clear_error();
    t->context = SSL_CTX_new(TLS_client_method());
    bool good = t->context && SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION) == 1;
    enum err e = !good ? ERR_NOMEM : load(t->context, authorities) ? ERR_NONE : ERR_CONFIG;
    if (e) {
        tls_trust_free(t);
        return e;
    }
    settle(t->context);
    SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(t->context, SSL_SESS_CACHE_OFF);
    /* Ours may move between two tries (a growing buffer), and is taken piece by piece. */
    SSL_CTX_set_mode(t->context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    *out = t;
    return ERR_NONE;
}

void tls_trust_free(struct tls_trust *t)
{
    if (!t)
        return;
    SSL_CTX_free(t->context);
    free(t);
}

/* RFC 6066 3: an address is no server name; RFC 6125 6.4: what is called has to be certified. */
static bool expect(SSL *ssl, const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    bool numeric =
        inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    if (numeric)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

enum err link_tls_new(struct tls_trust *t, int fd, const char *host, struct link_tls **out)
{
    struct link_tls *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->ssl = SSL_new(t->context);
    if (!l->ssl || SSL_set_fd(l->ssl, fd) != 1 || !expect(l->ssl, host)) {
        link_tls_free(l);
        return ERR_NOMEM;
    }
    SSL_set_connect_state(l->ssl);
    *out = l;
    return ERR_NONE;
}

void link_tls_free(struct link_tls *l)
{
    if (!l)
        return;
    SSL_free(l->ssl);
    free(l);
}

static struct link_result judge(const struct link_tls *l, int returned)
{
    switch (SSL_get_error(l->ssl, returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return (struct link_result){LINK_AGAIN, 0};
    case SSL_ERROR_ZERO_RETURN:
        return (struct link_result){LINK_END, 0};
    default:
        return (struct link_result){LINK_GONE, 0};
    }
}

struct link_result link_tls_greet(struct link_tls *l)
{
    ERR_clear_error(); /* SSL_get_error looks at all that is queued */
    int n = SSL_do_handshake(l->ssl);
    return n == 1 ? (struct link_result){LINK_OK, 0} : judge(l, n);
}

const char *link_tls_why(const struct link_tls *l)
{
    long verdict = SSL_get_verify_result(l->ssl);
    if (verdict != X509_V_OK)
        return X509_verify_cert_error_string(verdict);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "the connection broke off";
}

struct link_result link_tls_read(struct link_tls *l, void *at, size_t room)
{
    size_t got = 0;
    ERR_clear_error();
    int n = SSL_read_ex(l->ssl, at, room, &got);
    return n == 1 ? (struct link_result){LINK_OK, got} : judge(l, n);
}

struct link_result link_tls_write(struct link_tls *l, const void *bytes, size_t n)
{
    size_t took = 0;
    ERR_clear_error();
    int done = SSL_write_ex(l->ssl, bytes, n, &took);
    return done == 1 ? (struct link_result){LINK_OK, took} : judge(l, done);
}
