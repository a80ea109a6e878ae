/* edge/serve/admit: who may have it, by signature, address and page; what playlists hand on. */
#include "edge/serve/admit.h"

#include "edge/guard/guard.h"
#include "edge/serve/hand_on.h"
#include "tests/unit/serve/client.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static struct keyring *keys;
static const struct str protected[] = {STR("/audio/paid/")};

static enum step give_playlist(struct exchange *x, struct str rest)
{
    static const char text[] = "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:6.000000,\n"
                               "v-1/0.m4s\n#EXTINF:4.000000,\n/root.m4s\nhttps://h/x.m4s\n";
    struct key key = key_make(OBJECT_PLAYLIST, STR("/a b.m4a"), 1, CONTAINER_COUNT, 0);
    x->reply.object = object_of_bytes(&key, (unsigned char *)str_dup(str_of(text)), strlen(text));
    assert_int_equal(object_describe(x->reply.object, "application/x", "public"), ERR_NONE);
    x->wish.track = (struct str){rest.p - 1, str_rfind(rest, '/') + 1};
    x->wish.kind = WISH_PLAYLIST;
    enum err e = x->heir && hand_on_settle(x) ? hand_on(x) : ERR_NONE;
    if (e)
        return exchange_fail(x, e, STR(""));
    struct object *o = object_ref(x->reply.object);
    return exchange_give(x, 200, o);
}

static int begin(void **state)
{
    size_t which;
    const char *why;
    struct key_spec spec = {.id = STR("k1"), .scheme = SCHEME_SEGUE, .secret = STR(SECRET)};
    int rc = kit_begin(state);
    assert_int_equal(keyring_new(&spec, 1, &keys, &which, &why), ERR_NONE);
    routes[2] = (struct route){STR("/list/"), false, false, give_playlist};
    tree_folder(&tree, "paid");
    tree_text(&tree, "paid/a.mp3", "sound");
    tree_text(&tree, "free.mp3", "sound");
    return rc;
}

static int end(void **state)
{
    int rc = kit_end(state);
    keyring_unref(keys);
    limiter_free(opts.buckets);
    return rc;
}

static void protect(const struct str *prefixes, size_t count)
{
    opts.keys = keys;
    opts.protect = prefixes;
    opts.protect_count = count;
}

/* The status of a GET, and what came in *c, which is the caller's. */
static int get(struct client *c, const char *path, const char *lines)
{
    char all[2048];
    *c = client_new();
    snprintf(all, sizeof all, "Connection: close\r\n%s", lines);
    ask(c, path, all);
    hear_end(c);
    assert_true(c->n > 12);
    return (int)strtol(c->got + 9, NULL, 10);
}

static void expect(const char *path, const char *lines, int status)
{
    struct client c;
    int got = get(&c, path, lines);
    if (got != status)
        fail_msg("%s (%s): %d, not %d", path, lines, got, status);
    client_free(&c);
}

/* The signed form of a path, valid for `seconds`. */
static const char *sign(const char *path, int64_t seconds)
{
    static char text[2048];
    struct buf b;
    buf_init(&b, sizeof text);
    struct guard_wish w = {.method = STR("GET"),
                           .path = str_of(path),
                           .raw = str_of(path),
                           .now = clock_wall(),
                           .expires = clock_wall() + seconds};
    assert_int_equal(guard_sign(&keys->keys[0], &w, &b), ERR_NONE);
    snprintf(text, sizeof text, "%.*s", (int)b.len, (const char *)b.data);
    buf_fini(&b);
    return text;
}

static void what_is_protected_needs_a_signature(void **state)
{
    (void)state;
    protect(protected, 1);
    expect("/audio/free.mp3", "", 200);
    expect("/audio/paid/a.mp3", "", 403);
    expect("/audio/./paid/a.mp3", "", 403);
    expect("/audio/%70aid/a.mp3", "", 403);
    expect(sign("/audio/paid/a.mp3", 60), "", 200);
    expect(sign("/audio/paid/a.mp3", -60), "", 403);
    struct client c;
    assert_int_equal(get(&c, "/audio/paid/a.mp3?expires=1&key=k1&signature=AAAA", ""), 403);
    assert_null(strstr(c.got, "sound"));
    client_free(&c);
    assert_int_equal(counted(COUNTER_DENIED_MISSING), 3);
    assert_int_equal(counted(COUNTER_DENIED_EXPIRED), 1);
    assert_int_equal(counted(COUNTER_DENIED_MALFORMED), 1);
}

static void a_signature_may_not_last_too_long(void **state)
{
    (void)state;
    protect(protected, 1);
    opts.max_expires = 3600;
    expect(sign("/audio/paid/a.mp3", 3000), "", 200);
    expect(sign("/audio/paid/a.mp3", 4000), "", 403);
}

static void a_playlist_hands_on_what_opened_it(void **state)
{
    static const struct str list[] = {STR("/list/")};
    (void)state;
    struct client c;
    protect(list, 1);
    assert_int_equal(get(&c, sign("/list/song/index.m3u8", 60), ""), 200);
    assert_non_null(strstr(c.got, "\r\nCache-Control: private, max-age=10\r\n"));
    const char *body = strstr(c.got, "\r\n\r\n") + 4;
    assert_non_null(strstr(body, "#EXT-X-MAP:URI=\"../../s/"));
    assert_non_null(strstr(body, "\n../../s/"));
    assert_non_null(strstr(body, "/list/song/v-1/0.m4s\n"));
    assert_non_null(strstr(body, "\n/root.m4s\n"));       /* that is where it is */
    assert_non_null(strstr(body, "\nhttps://h/x.m4s\n")); /* and that is not ours */
    /* What it names opens. */
    char path[512];
    const char *from = strstr(body, "\n../../s/") + 6, *to = strchr(from, '\n');
    snprintf(path, sizeof path, "%.*s", (int)(to - from), from);
    client_free(&c);
    expect(path, "", 200);
    path[6] ^= 1;
    expect(path, "", 403);
}

static void a_playlist_that_needs_no_signature_is_as_it_is(void **state)
{
    (void)state;
    struct client c;
    protect(protected, 1);
    assert_int_equal(get(&c, "/list/song/index.m3u8", ""), 200);
    assert_non_null(strstr(c.got, "\nv-1/0.m4s\n"));
    client_free(&c);
}

static void an_address_has_its_rate(void **state)
{
    (void)state;
    assert_int_equal(limiter_new(64, &opts.buckets), ERR_NONE);
    opts.requests = (struct limiter_rate){30 * CLOCK_SECOND, 2};
    expect("/ping", "", 200);
    expect("/ping", "", 200);
    struct client c;
    assert_int_equal(get(&c, "/ping", ""), 429);
    long wait = strtol(strstr(c.got, "\r\nRetry-After: ") + 15, NULL, 10);
    assert_true(wait >= 29 && wait <= 31);
    assert_int_equal(counted(COUNTER_DENIED_RATE), 1);
    client_free(&c);
}

/* Behind a proxy that is trusted it is the client whom that speaks for; nobody else is believed. */
static void a_trusted_proxy_speaks_for_others(void **state)
{
    static const struct network nets[] = {
        {{[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2}, 120},    /* 192.0.2.0/24 */
        {{[10] = 0xff, [11] = 0xff, [12] = 203, [14] = 113}, 120}}; /* 203.0.113.0/24 */
    (void)state;
    assert_int_equal(limiter_new(64, &opts.buckets), ERR_NONE);
    opts.requests = (struct limiter_rate){30 * CLOCK_SECOND, 1};
    expect("/ping", "X-Forwarded-For: 198.51.100.7\r\n", 200);
    opts.proxies = (struct networks){&nets[1], 1};
    expect("/ping", "X-Forwarded-For: 198.51.100.8\r\n", 429); /* it is no proxy */
    limiter_free(opts.buckets);
    assert_int_equal(limiter_new(64, &opts.buckets), ERR_NONE);
    opts.proxies = (struct networks){nets, 1};
    expect("/ping", "X-Forwarded-For: 198.51.100.7\r\n", 200);
    expect("/ping", "X-Forwarded-For: 198.51.100.8\r\n", 200);
    expect("/ping", "X-Forwarded-For: 203.0.113.1, 198.51.100.8\r\n", 429);
    expect("/ping", "Forwarded: for=198.51.100.9\r\n", 200);
    expect("/ping", "Forwarded: for=198.51.100.9\r\n", 429);
    /* Two fields that contradict each other: the proxy itself is the one. */
    expect("/ping", "Forwarded: for=198.51.100.10\r\nX-Forwarded-For: 198.51.100.11\r\n", 200);
    expect("/ping", "Forwarded: for=198.51.100.12\r\nX-Forwarded-For: 198.51.100.13\r\n", 429);
}

static void media_are_linked_from_named_pages_alone(void **state)
{
    static const struct str pages[] = {STR("https://radio.example/")};
    (void)state;
    opts.referers = pages;
    opts.referer_count = 1;
    expect("/audio/free.mp3", "", 200); /* who says nothing */
    expect("/audio/free.mp3", "Referer: https://radio.example/show\r\n", 200);
    expect("/audio/free.mp3", "Referer: https://radio.example.evil/\r\n", 403);
    expect("/ping", "Referer: https://elsewhere/\r\n", 200); /* no media */
    assert_int_equal(counted(COUNTER_DENIED_REFERER), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(what_is_protected_needs_a_signature),
        TEST(a_signature_may_not_last_too_long),
        TEST(a_playlist_hands_on_what_opened_it),
        TEST(a_playlist_that_needs_no_signature_is_as_it_is),
        TEST(an_address_has_its_rate),
        TEST(a_trusted_proxy_speaks_for_others),
        TEST(media_are_linked_from_named_pages_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
