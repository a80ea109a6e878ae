/* edge/serve/post_admin: purging and warming by request. */
#include "edge/serve/admin.h"

#include "tests/unit/serve/admin_kit.h"

#include <jansson.h>

/* A POST without a body; its JSON answer, which is the caller's. */
static json_t *post(const char *target, int status)
{
    char text[8192];
    struct client c = client_new();
    snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", target);
    say(&c, text);
    hear_end(&c);
    snprintf(text, sizeof text, "HTTP/1.1 %d ", status);
    if (strncmp(c.got, text, strlen(text)) != 0)
        fail_msg("%s: not %d: %s", target, status, c.got);
    const char *body = strstr(c.got, "\r\n\r\n");
    json_t *answer = json_loads(body + 4, 0, NULL);
    assert_non_null(answer);
    client_free(&c);
    return answer;
}

static long long number(json_t *answer, const char *name)
{
    json_t *n = json_object_get(answer, name);
    assert_true(json_is_integer(n));
    long long value = json_integer_value(n);
    json_decref(answer);
    return value;
}

/* How many are dropped (or doubted) by it, after these files were asked for. */
static long long dropped(const char *target, const char *what)
{
    static const char *const files[] = {"/audio/a/one.mp3", "/audio/a/two.mp3", "/audio/b.mp3"};
    json_decref(post("/purge?prefix=/", 200));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct client c = client_new();
        ask(&c, files[i], "");
        hear(&c, "sound");
        client_free(&c);
    }
    return number(post(target, 200), what);
}

static void a_tree_of_files(void)
{
    tree_folder(&tree, "a");
    tree_text(&tree, "a/one.mp3", "sound");
    tree_text(&tree, "a/two.mp3", "sound");
    tree_text(&tree, "b.mp3", "sound");
}

/* A file is two objects: its source and its bytes. */
static void a_purge_is_of_what_it_names(void **state)
{
    (void)state;
    a_tree_of_files();
    assert_int_equal(dropped("/purge?path=/a/one.mp3", "dropped"), 2);
    assert_int_equal(dropped("/purge?path=a/one.mp3", "dropped"), 2);
    assert_int_equal(dropped("/purge?path=%2Fa%2Fone.mp3", "dropped"), 2);
    assert_int_equal(dropped("/purge?path=/audio/a/one.mp3", "dropped"), 2); /* a URL's path */
    assert_int_equal(dropped("/purge?prefix=/a/", "dropped"), 4);
    assert_int_equal(dropped("/purge?prefix=/audio/a/", "dropped"), 4);
    assert_int_equal(dropped("/purge?prefix=/", "dropped"), 6);
    assert_int_equal(dropped("/purge?tag=track:/a/two.mp3", "dropped"), 2);
    assert_int_equal(dropped("/purge?tag=folder:/a", "dropped"), 4);
    assert_int_equal(dropped("/purge?path=/none.mp3", "dropped"), 0);
}

static void a_soft_purge_doubts(void **state)
{
    (void)state;
    a_tree_of_files();
    assert_int_equal(dropped("/purge?path=/a/one.mp3&soft", "dropped"), 0);
    assert_true(dropped("/purge?path=/a/one.mp3&soft", "doubted") > 0);
}

static void it_is_said_who_else_is_told(void **state)
{
    (void)state;
    json_t *answer = post("/purge?prefix=/", 200);
    assert_string_equal(json_string_value(json_object_get(answer, "others")), "none");
    json_decref(answer);
}

static void what_names_nothing_is_refused(void **state)
{
    static const char *const wrong[] = {
        "/purge",          "/purge?",         "/purge?path=/a&prefix=/a", "/purge?path=%zz",
        "/purge?path=%00", "/purge?tag=/a",   "/purge?tag=artist:/a",     "/purge?path=%0a",
        "/warm",           "/warm?prefix=%z", "/warm?prefix=%01",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        json_decref(post(wrong[i], 400));
}

static void purging_needs_a_post(void **state)
{
    (void)state;
    struct client c = client_new();
    ask(&c, "/purge?prefix=/", "Connection: close\r\n");
    hear_end(&c);
    assert_non_null(strstr(c.got, "HTTP/1.1 405 "));
    client_free(&c);
}

static void warming_is_begun_and_told_of(void **state)
{
    (void)state;
    a_tree_of_files();
    json_t *answer = post("/warm?prefix=a", 200);
    assert_true(json_is_true(json_object_get(answer, "running")));
    json_decref(answer);
    while (warm_state(warm).running)
        turns(1);
    struct client c = client_new();
    ask(&c, "/warm", "");
    hear(&c, "\"running\":false,\"tracks\":2,\"done\":2,");
    client_free(&c);
}

static void one_warming_at_a_time(void **state)
{
    (void)state;
    hold_pool(io, KIT_THREADS);
    json_decref(post("/warm?prefix=/a/", 200));
    json_t *answer = post("/warm?prefix=/b/", 503);
    assert_string_equal(json_string_value(json_object_get(answer, "detail")),
                        "another prefix is being warmed");
    json_decref(answer);
    hold_release();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, admin_begin, admin_end)
    const struct CMUnitTest tests[] = {
        TEST(a_purge_is_of_what_it_names), TEST(a_soft_purge_doubts),
        TEST(it_is_said_who_else_is_told), TEST(what_names_nothing_is_refused),
        TEST(purging_needs_a_post),        TEST(warming_is_begun_and_told_of),
        TEST(one_warming_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
