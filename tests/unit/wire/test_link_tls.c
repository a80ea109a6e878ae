/* edge/wire/link_tls, against OpenSSL's own server side over a socket pair, turn by turn. */
#include "edge/wire/link_tls.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { MUCH = 600 * 1000 };

static EVP_PKEY *key;
static X509 *certificate;
static char pem[] = "/tmp/segue-test-tls-XXXXXX";

static void add_name(const char *names)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, names);
    assert_non_null(e);
    X509_add_ext(certificate, e, -1);
    X509_EXTENSION_free(e);
}

/* A certificate of its own making, for one name and one address. */
static int make_certificate(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    alarm(60);
    key = EVP_EC_gen("P-256");
    certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    add_name("DNS:redis.test,IP:127.0.0.9");
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    FILE *f = fdopen(mkstemp(pem), "w");
    PEM_write_X509(f, certificate);
    return fclose(f);
}

static int forget_certificate(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    X509_free(certificate);
    return unlink(pem);
}

struct pair {
    int fd[2];
    SSL_CTX *context;
    SSL *server;
    struct tls_trust *trust;
    struct link_tls *client;
};

static void pair_make(struct pair *p, const char *authorities, const char *host)
{
    int small = 4096;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd), 0);
    for (int i = 0; i < 2; i++)
        setsockopt(p->fd[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    p->context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(p->context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(p->context, key), 1);
    SSL_CTX_set_mode(p->context, SSL_MODE_ENABLE_PARTIAL_WRITE);
    p->server = SSL_new(p->context);
    SSL_set_fd(p->server, p->fd[1]);
    SSL_set_accept_state(p->server);
    assert_int_equal(tls_trust_new(authorities, &p->trust), ERR_NONE);
    assert_int_equal(link_tls_new(p->trust, p->fd[0], host, &p->client), ERR_NONE);
}

static void pair_end(struct pair *p)
{
    link_tls_free(p->client);
    tls_trust_free(p->trust);
    SSL_free(p->server);
    SSL_CTX_free(p->context);
    close(p->fd[0]);
    if (p->fd[1] >= 0)
        close(p->fd[1]);
}

static enum link_state greet(struct pair *p)
{
    for (;;) {
        struct link_result r = link_tls_greet(p->client);
        if (r.state != LINK_AGAIN)
            return r.state;
        SSL_do_handshake(p->server);
    }
}

static unsigned char byte_at(size_t i) { return (unsigned char)(i * 7 + (i >> 8)); }

/* From a buffer that is somewhere else each time, as one that grows is. */
static void bytes_go_out_whole_and_in_order(void **state)
{
    struct pair p;
    unsigned char in[3000];
    size_t sent = 0, seen = 0, got;
    (void)state;
    pair_make(&p, pem, "redis.test");
    assert_int_equal(greet(&p), LINK_OK);
    assert_string_equal(SSL_get_servername(p.server, TLSEXT_NAMETYPE_host_name), "redis.test");
    while (seen < MUCH) {
        unsigned char *rest = malloc(MUCH - sent + 1);
        for (size_t i = sent; i < MUCH; i++)
            rest[i - sent] = byte_at(i);
        struct link_result r = {LINK_OK, 0};
        while (sent < MUCH && r.state == LINK_OK) {
            r = link_tls_write(p.client, rest, MUCH - sent);
            sent += r.state == LINK_OK ? r.n : 0;
            if (r.state == LINK_OK)
                memmove(rest, rest + r.n, MUCH - sent);
        }
        assert_true(r.state == LINK_OK || r.state == LINK_AGAIN);
        free(rest);
        while (SSL_read_ex(p.server, in, sizeof in, &got))
            for (size_t i = 0; i < got; i++)
                assert_int_equal(in[i], byte_at(seen++));
    }
    pair_end(&p);
}

static void bytes_come_in_whole_and_the_end_is_seen(void **state)
{
    struct pair p;
    unsigned char out[1000], in[77];
    size_t sent = 0, seen = 0, took;
    struct link_result r = {LINK_AGAIN, 0};
    (void)state;
    pair_make(&p, pem, "127.0.0.9");
    assert_int_equal(greet(&p), LINK_OK);
    assert_null(SSL_get_servername(p.server, TLSEXT_NAMETYPE_host_name));
    SSL_do_handshake(p.server);
    while (r.state != LINK_END) {
        for (size_t i = 0; i < sizeof out; i++)
            out[i] = byte_at(sent + i);
        if (sent < MUCH && SSL_write_ex(p.server, out, sizeof out, &took))
            sent += took;
        if (sent >= MUCH)
            SSL_shutdown(p.server);
        while ((r = link_tls_read(p.client, in, sizeof in)).state == LINK_OK)
            for (size_t i = 0; i < r.n; i++)
                assert_int_equal(in[i], byte_at(seen++));
        assert_true(r.state == LINK_AGAIN || r.state == LINK_END);
    }
    assert_int_equal(seen, sent);
    pair_end(&p);
}

static void who_is_not_who_was_called_is_refused(void **state)
{
    static const struct {
        bool known;
        const char *host;
        const char *why;
    } cases[] = {
        {true, "other.test", "mismatch"},
        {true, "edis.test", "mismatch"},
        {true, "127.0.0.8", "mismatch"},
        {true, "::1", "mismatch"},
        {false, "redis.test", "self-signed certificate"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair p;
        pair_make(&p, cases[i].known ? pem : NULL, cases[i].host);
        assert_int_equal(greet(&p), LINK_GONE);
        assert_non_null(strstr(link_tls_why(p.client), cases[i].why));
        pair_end(&p);
    }
}

static void a_peer_that_speaks_no_tls_or_goes_is_gone(void **state)
{
    static const char plain[] = "-ERR unknown command\r\n";
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pair p;
        pair_make(&p, pem, "redis.test");
        assert_int_equal(link_tls_greet(p.client).state, LINK_AGAIN);
        if (i == 0)
            assert_int_equal(write(p.fd[1], plain, sizeof plain - 1), sizeof plain - 1);
        SSL_free(p.server);
        p.server = NULL;
        close(p.fd[1]);
        p.fd[1] = -1;
        assert_int_equal(link_tls_greet(p.client).state, LINK_GONE);
        assert_true(strlen(link_tls_why(p.client)) > 0);
        pair_end(&p);
    }
}

static void a_file_without_certificates_is_refused(void **state)
{
    struct tls_trust *t = NULL;
    (void)state;
    assert_int_equal(tls_trust_new("/nonexistent/ca.pem", &t), ERR_CONFIG);
    assert_int_equal(tls_trust_new("/dev/null", &t), ERR_CONFIG);
    assert_null(t);
    tls_trust_free(NULL);
    link_tls_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_out_whole_and_in_order),
        cmocka_unit_test(bytes_come_in_whole_and_the_end_is_seen),
        cmocka_unit_test(who_is_not_who_was_called_is_refused),
        cmocka_unit_test(a_peer_that_speaks_no_tls_or_goes_is_gone),
        cmocka_unit_test(a_file_without_certificates_is_refused),
    };
    return cmocka_run_group_tests(tests, make_certificate, forget_certificate);
}
