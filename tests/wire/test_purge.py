"""Purging what is kept: here, in Redis, on every edge that shares it."""
import json
import os
import shutil
import subprocess
import time

import pytest

import raw
from conftest import noise
from hls_cases import fixtures
from redis_kit import Authority, Redis
from segue import PROGRAM, Segue, until

NAMES = ["album/1.mp3", "album/2.mp3", "album/deep/3.mp3", "other, one/4.mp3", "top.mp3"]


@pytest.fixture
def own(own):
    for name in NAMES:
        own.add(name, noise(name, 2000))
    return own


def watching(server):
    server.until_metric("segue_origin_watched_folders", lambda n: n >= 1)


@pytest.fixture
def server(own):
    with Segue(own.root) as s:
        watching(s)
        yield s


@pytest.fixture
def redis():
    with Redis() as r:
        yield r


def edge(own, redis):
    return Segue(own.root, {"cache": {"redis": {"url": redis.url, "timeout": "1s"}}})


def post(server, target):
    answer = raw.fetch(server.admin_port, target, method="POST")
    assert answer.status == 200, answer
    return json.loads(answer.body)


def load(server, names=tuple(NAMES)):
    for name in names:
        assert server.get("/audio/" + name.replace(" ", "%20")).status == 200


def kept(server, names=tuple(NAMES)):
    """Which of them are answered without a look at the disk."""
    status = {n: server.get("/audio/" + n.replace(" ", "%20"))["Cache-Status"] for n in names}
    return [n for n in names if status[n].startswith("segue; hit")]


@pytest.mark.parametrize("query,gone", [
    ("path=/album/1.mp3", NAMES[:1]),
    ("path=album/1.mp3", NAMES[:1]),
    ("path=/audio/album/1.mp3", NAMES[:1]),
    ("path=/hls/album/1.mp3/index.m3u8", NAMES[:1]),
    ("path=other%2C%20one/4.mp3", NAMES[3:4]),
    ("prefix=/album/", NAMES[:3]),
    ("prefix=album/", NAMES[:3]),
    ("prefix=/audio/album/d", NAMES[2:3]),
    ("prefix=/", NAMES),
    ("tag=track:/album/2.mp3", NAMES[1:2]),
    ("tag=folder:/album", NAMES[:2]),
    ("tag=folder:/", NAMES[4:]),
    ("tag=folder:/other%252C%2520one", NAMES[3:4]),
    ("path=/nothing.mp3", []),
])
def test_what_a_purge_is_of(server, query, gone):
    load(server)
    answer = post(server, "/purge?" + query)
    assert answer["dropped"] == 2 * len(gone), "a file is two objects: open, and its bytes"
    assert answer["others"] == "none"
    assert kept(server) == [n for n in NAMES if n not in gone]


def test_a_purged_track_is_made_anew(server, own):
    shutil.copy(os.path.join(fixtures.make(), "aac.m4a"), own.path("song.m4a"))
    for _ in range(2):
        assert server.get("/hls/song.m4a/index.m3u8").status == 200
    assert server.metric("segue_index_builds_total") == 1
    assert post(server, "/purge?path=song.m4a")["dropped"] == 3
    server.get("/hls/song.m4a/index.m3u8")
    assert server.metric("segue_index_builds_total") == 2
    assert server.metric('segue_cache_evictions_total{reason="purged"}') == 3


@pytest.mark.parametrize("query", ["", "?", "?path=a&prefix=b", "?tag=song", "?path=%zz",
                                   "?path=%00", "?path=a%0ab", "?tag=track:song.mp3"])
def test_what_is_no_purge(server, query):
    load(server)
    answer = raw.fetch(server.admin_port, "/purge" + query, method="POST")
    assert answer.status == 400, answer
    assert kept(server) == NAMES


def test_a_purge_is_a_post(server):
    assert server.admin("/purge?prefix=/").status == 405
    assert server.admin("/warm").status == 200
    assert raw.fetch(server.port, "/purge?prefix=/", method="POST").status == 405


def test_a_soft_purge_serves_what_it_has_and_looks_again(server, own):
    load(server)
    checks = server.metric("segue_origin_checks_total")
    answer = post(server, "/purge?path=album/1.mp3&soft")
    assert answer["dropped"] == 0 and answer["doubted"] == 2
    assert server.get("/audio/album/1.mp3")["Cache-Status"].startswith("segue; hit")
    server.until_metric("segue_origin_checks_total", lambda n: n == checks + 1)
    assert server.metric('segue_cache_requests_total{tier="memory",result="stale"}') == 1
    assert kept(server) == NAMES


# Several edges on one Redis

def listening(redis, count):
    until(lambda: redis("PUBSUB", "NUMSUB", "segue:1:purge")[1] == count, "subscribers")


def test_another_edge_is_told_within_a_second(own, redis):
    with edge(own, redis) as a, edge(own, redis) as b:
        load(a)
        load(b)
        listening(redis, 2)
        for query, count in (("path=album/1.mp3", 2), ("prefix=/album/deep", 4),
                             ("tag=folder:/", 6)):
            begin = time.monotonic()
            assert post(a, "/purge?" + query)["others"] == "told"
            b.until_metric('segue_cache_evictions_total{reason="purged"}', lambda n: n == count)
            print(f"{query}: told after {time.monotonic() - begin:.3f} s")
        assert kept(b) == [NAMES[1], NAMES[3]]


def test_a_soft_purge_is_told_too(own, redis):
    with edge(own, redis) as a, edge(own, redis) as b:
        watching(b)
        load(b)
        listening(redis, 2)
        post(a, "/purge?prefix=/&soft")
        b.until_metric("segue_purges_total", lambda n: n == 1)
        assert b.get("/audio/top.mp3")["Cache-Status"].startswith("segue; hit")
        b.until_metric("segue_origin_checks_total", lambda n: n >= 1)


def test_by_tls_another_edge_is_told_too(own, tmp_path):
    """The subscription, the publishing and the log, each on a link that has checked Redis's certificate; with a user
    who may do that and no more; and again after Redis was gone."""
    authority = Authority(tmp_path)
    with Redis().uses_tls(authority) as redis:
        may = ["+" + command for command in
               ("get", "set", "append", "pexpire", "publish", "subscribe", "ping", "select")]
        user = ["ACL", "SETUSER", "edge", "on", ">p/w", "~segue:*", "&segue:*", *may]
        redis(*user)

        def secured():
            url = f"rediss://edge:p%2Fw@localhost:{redis.port}/3"
            return Segue(own.root, {"cache": {"redis": {"url": url, "ca": str(authority.file), "timeout": "5s"}}})
        with secured() as a, secured() as b:
            load(a)
            load(b)
            listening(redis, 2)
            assert post(a, "/purge?prefix=/album/")["others"] == "told"
            b.until_metric('segue_cache_evictions_total{reason="purged"}', lambda n: n == 6)
            assert kept(b) == NAMES[3:]
            redis.kill()
            until(lambda: post(a, "/purge?path=nothing")["others"] == "later", "no Redis")
            assert post(a, "/purge?path=" + NAMES[4])["others"] == "later"
            redis.start()
            redis(*user)
            b.until_metric('segue_cache_evictions_total{reason="purged"}', lambda n: n == 8)
            assert kept(b) == NAMES[:4]


def from_redis(server, name):
    return "detail=redis" in server.get("/audio/" + name)["Cache-Status"]


def stored(server, count):
    server.until_metric('segue_redis_writes_total{result="stored"}', lambda n: n == count)


def test_what_redis_has_is_of_no_use_after_a_purge(own, redis):
    with edge(own, redis) as a:
        load(a, NAMES[:2])
        stored(a, 2)
        with edge(own, redis) as b:
            assert from_redis(b, NAMES[1])
            post(b, "/purge?path=" + NAMES[0])
            assert not from_redis(b, NAMES[0])
            stored(b, 1)
        # One that begins later knows of the purge, and finds what was written since.
        with edge(own, redis) as c:
            until(lambda: c.metric("segue_purges_total") == 1, "the log")
            assert from_redis(c, NAMES[0]) and from_redis(c, NAMES[1])


def test_edges_that_begin_after_a_purge_do_not_find_the_old(own, redis):
    with edge(own, redis) as a:
        load(a, NAMES[:1])
        stored(a, 1)
        post(a, "/purge?path=" + NAMES[0])
    with edge(own, redis) as b:
        until(lambda: b.metric("segue_purges_total") == 1, "the log")
        assert not from_redis(b, NAMES[0])


def test_who_was_not_told_is_told_when_redis_is_back(own, redis):
    with edge(own, redis) as a, edge(own, redis) as b:
        load(b)
        listening(redis, 2)
        redis.kill()
        until(lambda: post(a, "/purge?path=nothing")["others"] == "later", "no Redis")
        assert post(a, "/purge?prefix=/album/")["others"] == "later"
        redis.start()
        b.until_metric('segue_cache_evictions_total{reason="purged"}', lambda n: n == 6)
        assert kept(b) == NAMES[3:]


def test_garbage_in_the_log_and_the_channel_is_passed_over(own, redis):
    with edge(own, redis) as a:
        watching(a)
        load(a)
        redis("SET", "segue:1:purges", b"\x00garbage\n0123456789abcdef path hard\n\nzz prefix hard /\n")
        listening(redis, 1)
        redis("PUBLISH", "segue:1:purge", b"\xff" * 1000)
        redis("PUBLISH", "segue:1:purge", "00000000000000ff prefix hard relative\n")
        redis("PUBLISH", "segue:1:purge", "0000000000000001 prefix soft /\n")
        a.until_metric("segue_purges_total", lambda n: n == 1)
        assert kept(a) == NAMES


# The command

def run(server, *args):
    file = os.path.join(server.dir, "cli.yaml")
    with open(file, "w", encoding="utf-8") as f:
        f.write(f"admin: 127.0.0.1:{server.admin_port}\n")
    return subprocess.run([PROGRAM, args[0], "-c", file, *args[1:]], capture_output=True, text=True,
                          timeout=60)


def test_the_command_purges(server):
    load(server)
    done = run(server, "purge", "--prefix", "/album/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "6 objects dropped\n", "")
    assert run(server, "purge", "--tag", "folder:/").stdout == "2 objects dropped\n"
    assert run(server, "purge", "--path", "other, one/4.mp3").stdout == "2 objects dropped\n"
    load(server)
    assert run(server, "purge", "--soft", "--path", "top.mp3").stdout == "2 objects marked stale\n"


def test_the_command_says_what_is_wrong(server):
    assert run(server, "purge").returncode == 2
    assert run(server, "purge", "--path", "a", "--tag", "b").returncode == 2
    assert run(server, "warm").returncode == 2
    wrong = run(server, "purge", "--tag", "song")
    assert wrong.returncode == 1 and "track:PATH" in wrong.stderr
    server.admin_port, right = 1, server.admin_port
    nobody = run(server, "purge", "--path", "a")
    server.admin_port = right
    assert nobody.returncode == 1 and nobody.stderr.count("\n") == 1, nobody


# Warming

def tracks(own, count):
    for i in range(count):
        shutil.copy(os.path.join(fixtures.make(), "aac.m4a"), own.path(f"album/{i}.m4a"))


def test_warm_loads_what_is_asked_for_first(own):
    tracks(own, 6)
    with Segue(own.root) as server:
        done = run(server, "warm", "--prefix", "album/")
        assert done.returncode == 0, done
        assert done.stdout == "6 tracks loaded, 3 without HLS\n"
        assert done.stderr.endswith("9/9 tracks\n")
        builds = server.metric("segue_index_builds_total")
        assert builds == 6
        for i in range(6):
            for url in ("master.m3u8", "index.m3u8"):
                answer = server.get(f"/hls/album/{i}.m4a/{url}")
                assert answer["Cache-Status"].startswith("segue; hit"), url
            lines = answer.body.decode().splitlines()
            first = [line for line in lines if line.startswith("v-")][0]
            init = [line.split('"')[1] for line in lines if line.startswith("#EXT-X-MAP")][0]
            for url in (first, init):
                answer = server.get(f"/hls/album/{i}.m4a/{url}")
                assert answer["Cache-Status"].startswith("segue; hit"), url
        assert server.metric("segue_index_builds_total") == builds


def test_warm_fills_redis(own, redis):
    tracks(own, 1)
    with edge(own, redis) as a:
        assert run(a, "warm", "--prefix", "/album/0").returncode == 0
        until(lambda: len([k for k in redis.keys() if b":index:" in k]) == 2, "the index")
    with edge(own, redis) as b:
        assert b.get("/hls/album/0.m4a/index.m3u8").status == 200
        assert b.metric("segue_index_builds_total") == 0


def test_warming_nothing_is_an_error(server):
    done = run(server, "warm", "--prefix", "/nowhere")
    assert done.returncode == 1 and "no track" in done.stderr


def test_warming_ends_with_the_server(own):
    tracks(own, 40)
    with Segue(own.root) as server:
        post(server, "/warm?prefix=/")
        second = raw.fetch(server.admin_port, "/warm?prefix=/", method="POST")
        assert second.status in (200, 503)  # it may be done by then


# What the server is doing

def test_status_is_a_page_and_json(server):
    load(server)
    answer = server.admin("/status.json")
    status = json.loads(answer.body)
    assert answer["Content-Type"] == "application/json"
    assert status["server"]["workers"] == 2 and status["server"]["redis state"] == "off"
    assert status["requests"]["answered"] == len(NAMES)
    assert status["memory"]["misses"] > 0 and status["server"]["objects in memory"] == 2 * len(NAMES)
    page = server.admin("/status")
    assert page["Content-Type"] == "text/html; charset=utf-8"
    text = page.body.decode()
    assert text.startswith("<!doctype html>") and text.endswith("</html>\n")
    for section, values in status.items():
        assert f"<caption>{section}</caption>" in text
        for name in values:
            assert f">{name}</th>" in text


def test_status_says_how_redis_is(own, redis):
    with edge(own, redis) as a:
        def state():
            return json.loads(a.admin("/status.json").body)["server"]["redis state"]
        until(lambda: state() == "up", "Redis")
        redis.kill()
        until(lambda: state() == "left alone", "the breaker")
