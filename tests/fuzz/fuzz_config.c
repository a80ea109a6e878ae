/* The configuration: any bytes as a YAML document. What loads keeps its promises; what does not
 * says where and why in one printable line. */
#include "edge/config.h"

#include "edge/base/must.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_conf(const struct conf *c)
{
    must(c->listen.count >= 1 && c->listen.count <= CONF_LISTEN_MAX && c->admin.count <= 1);
    must(c->media.audio_prefix[0] == '/' && c->media.hls_prefix[0] == '/');
    must(strcmp(c->media.audio_prefix, c->media.hls_prefix) != 0);
    must(c->http.max_connections && c->http.buffer && c->hls.segment_duration_ms);
    must(!strpbrk(c->http.cors_origin, "\r\n") && !strpbrk(c->media.cache_control, "\r\n"));
}

static void check_why(const char *why)
{
    must(strncmp(why, "f.yaml:", 7) == 0 || strncmp(why, "default: ", 9) == 0);
    for (const char *p = why; *p; p++)
        must(*p >= 0x20 && *p <= 0x7e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf *conf;
    char why[CONF_WHY_MAX];
    struct str yaml = {(const char *)data, size};
    enum err e = conf_parse(yaml, "f.yaml", &conf, why, sizeof why);
    must((e == ERR_NONE) == (conf != NULL));
    if (conf)
        check_conf(conf);
    else if (e == ERR_CONFIG)
        check_why(why);
    conf_free(conf);
    return 0;
}
