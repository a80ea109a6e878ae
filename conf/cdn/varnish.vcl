# Varnish (7.1 or later) as a CDN node before Segue.
#
# To change: the origin. Start it with memory for what is heard often and a file for what is long:
#     varnishd -F -a :8000 -f "$PWD/varnish.vcl" -p nuke_limit=10000 \
#         -s memory=default,16G -s disk=file,/srv/cdn/disk.bin,200G
# nuke_limit: a song may push out as many segments as its room takes; 50, the default, are too few
# once memory is full, and the song would break off.
vcl 4.1;

import std;

backend segue {
    .host = "127.0.0.1";                    # the origin: `listen` in its segue.yaml
    .port = "8080";
    .connect_timeout = 2s;
    .first_byte_timeout = 15s;              # more than Segue's media.helper_deadline of 10 s
    .between_bytes_timeout = 15s;
    .max_connections = 1000;                # pulls at once; Segue's own bound is higher
    .probe = {
        .url = "/ping";                     # is it up? Told by vcl_recv's grace, below
        .interval = 5s;
        .timeout = 2s;
        .window = 4;                        # down when two of the last four failed
        .threshold = 3;
        .initial = 4;                       # taken for healthy until it has been asked
    }
}

# Who may purge. By Segue's tags (`http.cache_tags: on` in its segue.yaml):
#     curl -X PURGE -H 'Cache-Tag: folder:/album' http://127.0.0.1:8000/
acl purgers {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    # A ban: what carries that tag and was fetched before now is not given out any more. A tag is
    # compared as it stands (\Q and \E; a backslash is %5C in it), and whole.
    if (req.method == "PURGE") {
        if (client.ip !~ purgers) {
            return (synth(403, "Not from there"));
        }
        if (req.http.Cache-Tag !~ "^(track|folder):/[^,\\\s]*$") {
            return (synth(400, "Cache-Tag: track:PATH or folder:PATH is wanted"));
        }
        ban("obj.http.Cache-Tag ~ (^|,)\Q" + req.http.Cache-Tag + "\E(,|$)");
        return (synth(200, "Purged"));
    }
    unset req.http.X-Did;                   # ours, see vcl_deliver; nobody may send it
    # Nothing here depends on who asks; Varnish would not keep what is asked for with either.
    unset req.http.Cookie;
    unset req.http.Authorization;
    # What is no longer fresh is given out for 10 s more while it is asked for again, so that nobody
    # waits. When the origin is down, or has just failed (vcl_synth), it is given out for as long as
    # it is kept; and when nothing is, the error is the answer.
    if (req.restarts == 0 && std.healthy(req.backend_hint)) {
        set req.grace = 10s;
        unset req.http.X-Last;
    } else {
        set req.grace = 7d;
        set req.http.X-Last = "1";
    }
}

sub vcl_hash {
    hash_data(req.url);                     # without Host: one object, whatever the node is called
    return (lookup);
}

sub vcl_hit {
    set req.http.X-Did = "hit; ttl=" + std.integer(duration=obj.ttl, fallback=0);
}

sub vcl_miss {
    set req.http.X-Did = "fwd=miss";
    # A HEAD need not bring the body. Every other miss pulls the whole object, once for all who want
    # it; each gets the bytes as they come, and a range as soon as it is there. The pull is finished
    # when its client goes: the next one has it.
    if (req.method == "HEAD") {
        return (pass);
    }
}

sub vcl_pass {
    if (!req.http.X-Did) {
        set req.http.X-Did = "fwd=bypass";
    }
}

sub vcl_backend_response {
    # How long something is fresh is the origin's word alone (Cache-Control: files by
    # media.cache_control, playlists 10 s, segments for ever).
    set beresp.grace = 7d;                  # and then worth a question for so long (If-None-Match,
                                            # and 304), or given out as it is: vcl_recv

    # An error takes the place of nothing that is kept (which Varnish asks about with its ETag).
    # Where nothing is, all who wait for it get it, and who comes a second later asks again.
    if (beresp.status >= 500) {
        if (bereq.is_bgfetch || (bereq.http.If-None-Match && !bereq.http.X-Last)) {
            return (abandon);
        }
        set beresp.ttl = 1s;
        set beresp.grace = 0s;
        return (deliver);
    }
    # One long book would push a hundred songs out of memory.
    set beresp.storage = storage.memory;
    if (std.integer(beresp.http.Content-Length, 0) > 67108864) {
        set beresp.storage = storage.disk;
    }
    # Players by Apple's rules want playlists compressed; kept so, and unpacked for who can't.
    if (beresp.http.Content-Type ~ "mpegurl") {
        set beresp.do_gzip = true;
    }
}

sub vcl_deliver {
    unset resp.http.Cache-Tag;              # of use between caches of one operator only
    # RFC 9211: what this cache did, behind what the origin said when it was asked.
    if (resp.http.Cache-Status) {
        set resp.http.Cache-Status = resp.http.Cache-Status + ", varnish; " + req.http.X-Did;
    } else {
        set resp.http.Cache-Status = "varnish; " + req.http.X-Did;
    }
}

# The pull was abandoned: once more, and what is kept will do, however old.
sub vcl_synth {
    if (resp.status == 503 && req.restarts == 0) {
        return (restart);
    }
}

# The origin is down and nothing is kept: an error that a player in a browser may read.
sub vcl_backend_error {
    if (bereq.is_bgfetch || (bereq.http.If-None-Match && !bereq.http.X-Last)) {
        return (abandon);
    }
    set beresp.http.Content-Type = "application/problem+json";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "1";
    set beresp.http.Access-Control-Allow-Origin = "*";
    set beresp.body = """{"title":"Service Unavailable","status":503}""";
    return (deliver);
}
