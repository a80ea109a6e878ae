"""The second tier, with a real Redis: what it gives, and everything it may do wrong.

Whatever happens to Redis, every answer is right and none fails; the slowest is bounded by the
configured deadline and what the work itself costs.
"""
import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

import raw
from redis_kit import Authority, Proxy, Redis, Refused
from segue import BUILD, REPO, Segue, until

sys.path.insert(0, os.path.join(REPO, "tests", "media"))
import fixtures  # noqa: E402

HIT = 'segue_cache_requests_total{tier="redis",result="hit"}'
MISS = 'segue_cache_requests_total{tier="redis",result="miss"}'
ERROR = 'segue_cache_requests_total{tier="redis",result="error"}'
STORED = 'segue_redis_writes_total{result="stored"}'
FAILED = 'segue_redis_writes_total{result="failed"}'
BREAKER = "segue_redis_breaker_open"
BUILDS = "segue_index_builds_total"

# A segment of the whole piece, so that it needs two chunks.
HLS = {"segment_duration": "60s"}
PLAYLIST = "/hls/song.m4a/ts/index.m3u8"
URLS = ["/audio/small.mp3", "/hls/song.m4a/master.m3u8", "/hls/song.m4a/index.m3u8", PLAYLIST]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    root = tmp_path_factory.mktemp("library")
    shutil.copy(os.path.join(fixtures.make(), "aac.m4a"), root / "song.m4a")
    for i in range(6):
        shutil.copy(os.path.join(fixtures.make(), "short.m4a"), root / f"song{i}.m4a")
    (root / "small.mp3").write_bytes(os.urandom(60_000))
    return root


def edge(root, url, timeout="2s", **more):
    """An edge that is patient with Redis: what is looked at is not how fast this machine is."""
    redis = {"url": url, "timeout": timeout}
    return Segue(root, {"workers": 2, "hls": HLS, "cache": {"redis": redis}, **more})


@pytest.fixture(scope="module")
def truth(library):
    """URL: (ETag, body), from an edge without Redis; with all that the playlists name."""
    with Segue(library, {"hls": HLS}) as server:
        urls = list(URLS)
        for playlist in (u for u in URLS if u.endswith("index.m3u8")):
            base = playlist.rsplit("/", 1)[0]
            for line in server.get(playlist).body.decode().splitlines():
                if line.startswith("#EXT-X-MAP"):
                    urls.append(f"{base}/{line.split(chr(34))[1]}")
                elif line and not line.startswith("#"):
                    urls.append(f"{base}/{line}")
        return {u: seen(server.get(u)) for u in urls}


def seen(r):
    assert r.status == 200, r
    return r["ETag"], r["Content-Type"], r["Cache-Control"], r.get("Last-Modified"), r.body


def check(server, truth):
    """Everything, and the slowest answer in seconds."""
    slowest = 0.0
    for url, expected in truth.items():
        begin = time.monotonic()
        assert seen(server.get(url)) == expected, url
        slowest = max(slowest, time.monotonic() - begin)
    return slowest


def until_stored(server, redis, count=7):
    """Six objects that are kept: small file, master, two playlists, init, index, segment."""
    server.until_metric(STORED, lambda n: n >= count)
    return redis.keys()


@pytest.fixture
def redis():
    with Redis() as r:
        yield r


@pytest.fixture
def filled(redis, library, truth):
    """A Redis that one edge has filled."""
    with edge(library, redis.url) as server:
        check(server, truth)
        until_stored(server, redis)
    return redis


def test_what_is_written(filled):
    kinds = sorted(k.decode().split(":")[2] for k in filled.keys() if k.count(b":") == 3)
    assert kinds == ["body", "index", "init", "master", "playlist", "playlist", "segment"]
    assert len(filled.keys("segue:1:segment:*")) == 3, "a record and two chunks"
    for key in filled.keys():
        assert 3240 - 30 <= filled("TTL", key) <= 3960


def test_an_edge_that_starts_again_finds_all_in_redis(filled, library, truth):
    with edge(library, filled.url) as server:
        check(server, truth)
        m = server.metrics()
        assert m[HIT] == 7 and m[BUILDS] == 0 and m[ERROR] == 0
        assert m["segue_redis_duration_seconds_count"] > 7
        check(server, truth)
        assert server.metric(HIT) == 7, "then it is in memory"


def test_cache_status_says_where_it_came_from(filled, library):
    with edge(library, filled.url) as server:
        for url in URLS:
            assert server.get(url)["Cache-Status"] == "segue; fwd=miss; stored; detail=redis"
            assert server.get(url)["Cache-Status"].startswith("segue; hit")


def test_two_edges_share_what_one_has_indexed(redis, library, truth):
    with edge(library, redis.url) as one, edge(library, redis.url) as two:
        check(one, truth)
        until_stored(one, redis)
        check(two, truth)
        assert one.metric(BUILDS) == 1 and two.metric(BUILDS) == 0
        assert two.metric(STORED) == 0, "what came from there is not written back"


def test_many_at_once_ask_redis_once(filled, library, truth):
    with edge(library, filled.url) as server:
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            for r in pool.map(lambda _: server.get(PLAYLIST), range(64)):
                assert seen(r) == truth[PLAYLIST]
        assert server.metric(HIT) == 1


def test_edges_of_other_segments_do_not_mix(filled, library):
    with Segue(library) as plain, Segue(library, {"cache": {"redis": {"url": filled.url}}}) as other:
        for url in URLS:
            assert seen(plain.get(url)) == seen(other.get(url))


def test_redis_is_killed_and_comes_back(redis, library, truth):
    """With one worker, so with four links (three are the main thread's), each of which leaves Redis alone on its own
    judgement. From then on no request asks it, whether a probe is under way or not."""
    with edge(library, redis.url, workers=1) as server:
        def left_alone():
            return json.loads(server.admin("/status.json").body)["server"]["redis links left alone"]
        check(server, truth)
        redis.kill()
        check(server, truth)
        until(lambda: left_alone() == 4, "each link")
        assert server.metric(BREAKER) == 1
        health = server.admin("/health")
        assert health.status == 200 and health.json()["status"] == "warn"
        before = server.metrics()
        for i in range(5):
            assert server.get(f"/hls/song{i}.m4a/index.m3u8").status == 200
        after = server.metrics()
        assert after[BUILDS] - before[BUILDS] == 5
        assert [after[n] - before[n] for n in (ERROR, MISS, HIT)] == [0, 0, 0], "it is not left alone"
        os.unlink(redis.socket)
        redis.start()
        server.until_metric(BREAKER, lambda n: n == 0)
        assert server.admin("/health").json()["status"] == "pass"
        before = server.metric(STORED)
        assert server.get("/hls/song5.m4a/index.m3u8").status == 200
        server.until_metric(STORED, lambda n: n >= before + 2)


def test_redis_is_stopped_and_continued(redis, library, truth):
    with edge(library, redis.url, timeout="100ms") as server:
        server.get("/audio/small.mp3")
        server.until_metric(STORED, lambda n: n == 1)
        redis.signal(signal.SIGSTOP)
        try:
            slowest = check(server, truth)
            for i in range(6):
                assert server.get(f"/hls/song{i}.m4a/index.m3u8").status == 200
            server.until_metric(BREAKER, lambda n: n == 1)
            print(f"slowest answer while Redis stood still: {slowest * 1000:.0f} ms")
        finally:
            redis.signal(signal.SIGCONT)
        server.until_metric(BREAKER, lambda n: n == 0)
        check(server, truth)


@pytest.mark.parametrize("mood", ["garbage", "cut", "slow", "mute"])
def test_answers_that_are_none(filled, library, truth, mood):
    with Proxy(filled, mood) as proxy, edge(library, proxy.url, timeout="100ms") as server:
        check(server, truth)
        server.until_metric(BREAKER, lambda n: n == 1)
        check(server, truth)
        assert server.metric(HIT) == 0
        proxy.mood = "pass"
        server.until_metric(BREAKER, lambda n: n == 0)
        assert server.get("/hls/song0.m4a/index.m3u8").status == 200


def test_a_wrong_password(library, truth):
    with Redis(password="s3cret:/@") as redis:
        wrong = redis.url.replace("s3cret:/@", "other")
        with edge(library, wrong) as server:
            check(server, truth)
            server.until_metric(BREAKER, lambda n: n == 1)
            assert server.admin("/health").status == 200
            assert "other" not in server.err.text()
            assert "WRONGPASS" in server.err.text()
        with edge(library, redis.url.replace("s3cret:/@", "s3cret%3A%2F%40")) as server:
            check(server, truth)
            until_stored(server, redis)
            assert len(redis.keys()) > 7
            assert server.metric(BREAKER) == 0


def test_by_tcp_as_a_user_that_may_little(library, truth):
    """GET, SET and PING beneath segue:, in database 2, is all that is needed."""
    with Redis().at_a_port() as redis:
        redis("ACL", "SETUSER", "edge", "on", ">p/w", "~segue:*", "+get", "+set", "+ping", "+select")
        with edge(library, f"redis://edge:p%2Fw@localhost:{redis.port}/2") as server:
            check(server, truth)
            server.until_metric(STORED, lambda n: n >= 7)
            assert server.metric(BREAKER) == 0
        assert b"db2:keys" in redis("INFO", "keyspace")
        with edge(library, f"redis://nobody:p%2Fw@localhost:{redis.port}/2") as server:
            server.err.wait("WRONGPASS")
            check(server, truth)
            assert server.metric(HIT) == 0


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def by_tls(library, redis, ca, name="localhost", timeout="5s"):
    url = f"rediss://:s3cret@{name}:{redis.port}/1"
    return Segue(library, {"workers": 2, "hls": HLS,
                           "cache": {"redis": {"url": url, "timeout": timeout, "ca": str(ca)}}})


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_by_tls_with_password_and_database(library, truth, authority, name):
    with Redis(password="s3cret").uses_tls(authority, name) as redis:
        with by_tls(library, redis, authority.file, name) as server:
            check(server, truth)
            server.until_metric(STORED, lambda n: n >= 7)
        assert b"db1:keys" in redis("INFO", "keyspace")
        with by_tls(library, redis, authority.file, name) as server:
            check(server, truth)
            m = server.metrics()
            assert m[HIT] == 7 and m[BUILDS] == 0 and m[ERROR] == 0 and m[BREAKER] == 0


@pytest.mark.parametrize("wrong, why", [("ca", "self-signed certificate|unable to get local issuer"),
                                        ("system", "self-signed certificate|unable to get local"),
                                        ("name", "hostname mismatch"), ("address", "IP address mismatch"),
                                        ("plain", None)])
def test_by_tls_who_cannot_be_trusted_is_told_nothing(library, truth, authority, tmp_path, wrong, why):
    """Neither the password nor a command, and every answer is right all the same."""
    ca, name = authority.file, "localhost"
    if wrong == "ca":
        ca = Authority(tmp_path, "other").file
    elif wrong == "system":
        ca = "system"
    elif wrong == "name":
        name = "redis.example"
    elif wrong == "address":
        name = "127.0.0.2"
    called = "127.0.0.1" if wrong == "address" else "localhost"
    with Redis(password="s3cret").uses_tls(authority, name) as redis:
        if wrong == "plain":
            redis("CONFIG", "SET", "tls-port", 0)
            redis("CONFIG", "SET", "port", redis.port)
        # One that speaks no TLS only waits for the end of the line.
        with by_tls(library, redis, ca, called, "5s" if why else "300ms") as server:
            server.err.wait(f"redis: TLS with .*({why})" if why else "is left alone")
            check(server, truth)
            server.until_metric(BREAKER, lambda n: n == 1)
            assert server.metric(HIT) == 0 and "s3cret" not in server.err.text()
        assert redis("INFO", "keyspace").strip() == b"# Keyspace"


def test_a_file_without_certificates_is_refused_at_the_start(library, tmp_path):
    (tmp_path / "ca.pem").write_text("nothing\n")
    done = subprocess.run([os.path.join(BUILD, "segue"), "serve", "-l", "127.0.0.1:0", "-r", library],
                          env={**os.environ, "SEGUE_ADMIN": "off", "SEGUE_CACHE_REDIS_URL": "rediss://h",
                               "SEGUE_CACHE_REDIS_CA": str(tmp_path / "ca.pem")},
                          capture_output=True, text=True, timeout=raw.DEADLINE)
    assert done.returncode == 1 and "cache.redis.ca" in done.stderr


def spoil_type(redis, key):
    redis("DEL", key)
    redis("LPUSH", key, "x")


def spoil_byte(redis, key):
    value = redis("GET", key)
    redis("SETRANGE", key, len(value) // 2, bytes([value[len(value) // 2] ^ 1]))


def spoil_length(redis, key):
    redis("SET", key, redis("GET", key)[:-1])


def spoil_empty(redis, key):
    redis("SET", key, "")


SPOILS = [spoil_type, spoil_byte, spoil_length, spoil_empty, lambda redis, key: redis("DEL", key)]


@pytest.mark.parametrize("spoil", SPOILS, ids=["type", "byte", "short", "empty", "missing"])
@pytest.mark.parametrize("chunk", [":0", ":1", ""])
def test_a_value_that_is_wrong_is_made_and_written_anew(filled, library, truth, spoil, chunk):
    """Of a segment: the first chunk, the second, the record; of an index the first and the record."""
    segment = filled.keys("segue:1:segment:*")[0].decode()
    index = filled.keys("segue:1:index:*")[0].decode()
    names = [segment + chunk] + ([index + chunk] if chunk != ":1" else [])
    good = {name: filled("GET", name) for name in names}
    for name in names:
        spoil(filled, name)
    with edge(library, filled.url) as server:
        check(server, truth)
        m = server.metrics()
        missing = m[ERROR] == 0 and m[MISS] == len(names)  # without a record nothing is there
        assert m[ERROR] == len(names) or missing and chunk == "", m
        assert m[BREAKER] == 0
        server.until_metric(STORED, lambda n: n == len(names))
    assert {name: filled("GET", name) for name in names} == good


def test_chunks_that_are_swapped(filled, library, truth):
    segment = filled.keys("segue:1:segment:*")[0].decode()
    a, b = filled("GET", segment + ":0"), filled("GET", segment + ":1")
    filled("SET", segment + ":0", b)
    filled("SET", segment + ":1", a)
    with edge(library, filled.url) as server:
        check(server, truth)
        assert server.metric(ERROR) == 1


def test_a_value_under_another_objects_key(filled, library, truth):
    one, two = (k.decode() for k in filled.keys("segue:1:playlist:*") if k.count(b":") == 3)
    for suffix in ("", ":0"):
        filled("SET", two + suffix, filled("GET", one + suffix))
    with edge(library, filled.url) as server:
        check(server, truth)
        assert server.metric(ERROR) == 1


def test_all_keys_are_flushed(filled, library, truth):
    with edge(library, filled.url) as server:
        server.get(PLAYLIST)
        filled("FLUSHALL")
        check(server, truth)
        until_stored(server, filled, 6)


def test_a_full_redis_that_evicts_nothing(library, truth):
    with Redis("--maxmemory-policy", "noeviction") as redis:
        redis("SET", "ballast", b"x" * 32768)
        redis("CONFIG", "SET", "maxmemory", 1)
        with pytest.raises(Refused):
            redis("SET", "more", "x")
        with edge(library, redis.url) as server:
            check(server, truth)
            server.until_metric(FAILED, lambda n: n >= 7)
            assert server.metric(BREAKER) == 0, "it answers, so it may be asked"
            assert redis.keys() == []


def test_a_file_that_is_replaced_is_never_answered_from_redis(redis, library, tmp_path):
    (tmp_path / "small.mp3").write_bytes(b"one")
    with edge(tmp_path, redis.url) as one:
        assert one.get("/audio/small.mp3").body == b"one"
        one.until_metric(STORED, lambda n: n == 1)
    (tmp_path / "small.mp3").write_bytes(b"two")
    with edge(tmp_path, redis.url) as two:
        assert two.get("/audio/small.mp3").body == b"two"


def test_a_client_that_leaves_while_redis_is_asked(filled, library, truth):
    with Proxy(filled, "mute") as proxy, edge(library, proxy.url, timeout="500ms") as server:
        for url in truth:
            with server.connect() as c:
                c.send(raw.head(url))
        check(server, truth)
        until(lambda: server.metric("segue_connections") <= 1)
