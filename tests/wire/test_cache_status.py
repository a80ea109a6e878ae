"""What answers say of the caches (RFC 9211, RFC 9111 5.1), and the tags by which CDNs purge."""
import json
import os
import shutil

import pytest

from hls_cases import fixtures
from raw import fetch
from redis_kit import Redis
from segue import Segue, until

HIT = "segue; hit; detail=memory"
STORED = "segue; fwd=miss; stored"


@pytest.fixture
def own(own):
    shutil.copy(os.path.join(fixtures.make(), "aac.m4a"), own.path("track.m4a"))
    return own


def urls(server):
    lines = server.get("/hls/track.m4a/index.m3u8").body.decode().splitlines()
    init = [line.split('"')[1] for line in lines if line.startswith("#EXT-X-MAP")]
    first = [line for line in lines if line.startswith("v-")]
    return ["/hls/track.m4a/" + name for name in init[:1] + first[:1]]


def test_a_miss_is_stored_and_then_a_hit(own):
    with Segue(own.root) as server:
        for url in ["/audio/small.mp3", "/audio/song.mp3", "/hls/track.m4a/index.m3u8",
                    "/hls/track.m4a/master.m3u8"]:
            first, second = server.get(url), server.get(url, "Range: bytes=0-1")
            if "master" not in url:  # made at once from the index that is there
                assert first["Cache-Status"] == STORED and "Age" not in first, url
            assert second.status == 206
            assert second["Cache-Status"] == HIT and second["Age"] == "0", url
        for url in urls(server):
            server.get(url)
            assert server.get(url)["Cache-Status"] == HIT, url


def test_what_redis_had_says_so(own):
    with Redis() as redis:
        conf = {"cache": {"redis": {"url": redis.url, "timeout": "1s"}}}
        with Segue(own.root, conf) as a, Segue(own.root, conf) as b:
            assert a.get("/audio/small.mp3")["Cache-Status"] == STORED
            until(redis.keys, "it in Redis")
            a.until_metric('segue_redis_writes_total{result="stored"}', lambda n: n == 1)
            assert b.get("/audio/small.mp3")["Cache-Status"] == STORED + "; detail=redis"
            assert b.get("/audio/small.mp3")["Cache-Status"] == HIT


def test_what_is_looked_at_again_meanwhile_has_an_age(own):
    with Segue(own.root, {"cache": {"memory": {"ttl": "1s"}}}) as server:
        server.until_metric("segue_origin_watched_folders", lambda n: n == 1)
        server.get("/audio/small.mp3")
        answers = []

        def stale():
            answers.append(server.get("/audio/small.mp3"))
            return answers[-1]["Cache-Status"] != HIT
        until(stale, "a stale answer")
        assert answers[-1]["Cache-Status"] == "segue; hit; detail=stale"
        assert int(answers[-1]["Age"]) >= 1 and answers[-1].body == own["small.mp3"]
        assert server.metric('segue_cache_requests_total{tier="memory",result="stale"}') >= 1
        until(lambda: server.get("/audio/small.mp3")["Cache-Status"] == HIT, "a fresh one")
        assert server.metric("segue_origin_opens_total") == 1


def test_errors_say_nothing_of_caches(own):
    with Segue(own.root) as server:
        answer = server.get("/audio/nothing.mp3")
        assert answer.status == 404 and "Age" not in answer and "Cache-Status" not in answer


def test_tags_are_off_unless_asked_for(own):
    with Segue(own.root) as server:
        assert "Cache-Tag" not in server.get("/audio/small.mp3")


def test_everything_made_of_a_track_carries_its_tags(own):
    os.makedirs(own.path("album/song"))
    for rate in ("128", "256"):
        shutil.copy(own.path("track.m4a"), own.path(f"album/song/{rate}.m4a"))
    with Segue(own.root, {"http": {"cache_tags": "on"}}) as server:
        for url in ["/audio/track.m4a", "/hls/track.m4a/index.m3u8", "/hls/track.m4a/master.m3u8",
                    *urls(server)]:
            answers = [server.get(url), server.get(url), server.get(url, "Range: bytes=0-9")]
            assert {a["Cache-Tag"] for a in answers} == {"track:/track.m4a,folder:/"}, url
        master = server.get("/hls/album/song/master.m3u8")
        assert master["Cache-Tag"] == "track:/album/song,folder:/album,folder:/album/song"
        purged = fetch(server.admin_port, "/purge?tag=folder:/album/song", method="POST")
        assert json.loads(purged.body)["dropped"] >= 6
        assert server.get("/hls/album/song/master.m3u8")["Cache-Status"] != HIT
