/* jansson reads the JSON; here each object is held to the names that it may have. */
#include "edge/guard/cloudfront_policy.h"

#include "edge/guard/policy.h"

#include <jansson.h>
#include <string.h>

/* The member of an object that has this one alone. NULL: it is no such object. */
static json_t *only(json_t *object, const char *name)
{
    return json_object_size(object) == 1 ? json_object_get(object, name) : NULL;
}

/* {"AWS:EpochTime": 1700000000} */
static bool read_time_of(json_t *condition, int64_t *out)
{
    json_t *time = only(condition, "AWS:EpochTime");
    if (!json_is_integer(time) || json_integer_value(time) < 1 || json_integer_value(time) >> 53)
        return false;
    *out = json_integer_value(time);
    return true;
}

/* {"AWS:SourceIp": "192.0.2.0/24"} */
static bool read_network(json_t *condition, struct cloudfront_policy *out)
{
    json_t *network = only(condition, "AWS:SourceIp");
    struct str text = {json_string_value(network), json_string_length(network)};
    out->bound = true;
    return text.p && policy_network(text, out->network, &out->bits);
}

/* The times are not of the policy: it is open after the one and before the other. */
static bool read_conditions(json_t *conditions, struct cloudfront_policy *out)
{
    json_t *until = json_object_get(conditions, "DateLessThan");
    json_t *from = json_object_get(conditions, "DateGreaterThan");
    json_t *network = json_object_get(conditions, "IpAddress");
    size_t known = (until ? 1u : 0) + (from ? 1u : 0) + (network ? 1u : 0);
    int64_t before = 0, after = 0;
    if (json_object_size(conditions) != known || !read_time_of(until, &before) ||
        (from && !read_time_of(from, &after)) || (network && !read_network(network, out)))
        return false;
    out->not_before = from ? after + 1 : 0;
    out->expires = before - 1;
    return out->not_before <= out->expires;
}

static bool read_statement(json_t *statement, struct buf *resource, struct cloudfront_policy *out)
{
    json_t *url = json_object_get(statement, "Resource");
    if (json_object_size(statement) != 2 || !json_is_string(url) || !json_string_length(url))
        return false;
    buf_add(resource, json_string_value(url), json_string_length(url));
    return buf_status(resource) == ERR_NONE &&
           read_conditions(json_object_get(statement, "Condition"), out);
}

bool cloudfront_policy_read(struct str json, struct buf *resource, struct cloudfront_policy *out)
{
    json_error_t why;
    if (!json.n || json.n > CLOUDFRONT_POLICY_MAX)
        return false;
    json_t *policy = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, &why);
    json_t *statements = only(policy, "Statement");
    *out = (struct cloudfront_policy){0};
    bool good = json_array_size(statements) == 1 &&
                read_statement(json_array_get(statements, 0), resource, out);
    json_decref(policy);
    return good;
}
