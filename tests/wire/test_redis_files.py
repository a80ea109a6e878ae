"""Files that are cold on an edge's disk come from Redis, chunk by chunk.

A song in the page cache is sent from there and Redis is not asked; so each test puts its files out
of it first. The edge remembers for ten seconds what it saw there: each test has edges of its own.
Looking whether a page is there makes the kernel read on from it, so what is asked of Redis is at
most what is said here.
"""
import concurrent.futures
import os

import pytest

import raw
from redis_kit import Proxy, Redis, chill
from segue import Segue

HIT = 'segue_cache_requests_total{tier="redis",result="hit"}'
MISS = 'segue_cache_requests_total{tier="redis",result="miss"}'
ERROR = 'segue_cache_requests_total{tier="redis",result="error"}'
STORED = 'segue_redis_writes_total{result="stored"}'
DROPPED = 'segue_redis_writes_total{result="dropped"}'
READS = "segue_origin_reads_total"
BREAKER = "segue_redis_breaker_open"
CHUNK = 256 * 1024
SIZE = 5 * CHUNK + 1000
BODY = os.urandom(SIZE)
URL = "/audio/song.mp3"


@pytest.fixture
def redis():
    with Redis() as r:
        yield r


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.mp3"
    path.write_bytes(BODY)
    if not chill(path):
        pytest.skip("this file system keeps files in memory")
    return path


def edge(song, url, timeout="2s", workers=2, **redis):
    return Segue(song.parent, {"workers": workers, "cache": {"redis": {"url": url, "timeout": timeout, **redis}}})


@pytest.fixture
def filled(redis, song):
    """A Redis that has the song, which is cold."""
    with edge(song, redis.url) as server:
        chill(song)  # once more: only what is cold is written to Redis
        assert server.get(URL).body == BODY
        server.until_metric(STORED, lambda n: n == 1)
    assert chill(song)
    return redis


def test_a_cold_file_is_written_in_chunks_and_a_record(redis, song):
    with edge(song, redis.url) as server:
        assert server.get(URL).body == BODY
        server.until_metric(STORED, lambda n: n == 1)
        m = server.metrics()
        assert m[HIT] == 0 and m[MISS] == 1 and m[READS] > 0
    [record] = [k.decode() for k in redis.keys() if k.count(b":") == 3]
    assert record.startswith("segue:1:body:") and len(redis("GET", record)) < 500
    assert len(redis.keys()) == 7
    assert b"".join(redis("GET", f"{record}:{i}") for i in range(6)) == BODY
    ttls = {redis("TTL", k) for k in redis.keys()}
    assert max(ttls) - min(ttls) <= 2 and all(3240 - 30 <= t <= 3960 for t in ttls)


def test_another_edge_has_it_from_there_and_not_from_the_disk(filled, song):
    with edge(song, filled.url) as server:
        assert server.get(URL).body == BODY
        m = server.metrics()
        assert 1 <= m[HIT] <= 6 and m[MISS] == m[ERROR] == m[READS] == 0
        assert server.get(URL).body == BODY
        again = server.metrics()
        assert again[HIT] == m[HIT] and again[STORED] == 0, "then it is in memory"


@pytest.mark.parametrize("first, last, chunks", [(0, 0, 1), (CHUNK - 1, CHUNK - 1, 1),
                                                 (CHUNK - 1, CHUNK, 2), (5 * CHUNK, SIZE - 1, 1),
                                                 (100, 3 * CHUNK, 4)])
def test_a_range_fetches_only_its_chunks(filled, song, first, last, chunks):
    with edge(song, filled.url) as server:
        before = int(stat(filled, "total_net_output_bytes"))
        r = server.get(URL, f"Range: bytes={first}-{last}")
        assert r.status == 206 and r.body == BODY[first:last + 1]
        assert 1 <= server.metric(HIT) <= chunks and server.metric(READS) == 0
        assert int(stat(filled, "total_net_output_bytes")) - before < chunks * (CHUNK + 2048) + 20000


def stat(redis, name):
    return dict(l.split(b":") for l in redis("INFO", "stats").split(b"\r\n") if b":" in l)[
        name.encode()]


def test_a_file_in_the_page_cache_is_not_asked_for(redis, song):
    song.read_bytes()
    with edge(song, redis.url) as server:
        assert server.get(URL).body == BODY
        m = server.metrics()
        assert m[HIT] == m[MISS] == m[STORED] == 0 and redis.keys() == []


def test_a_file_larger_than_max_object_is_the_disks_alone(redis, song):
    with edge(song, redis.url, max_object="1MB") as server:
        assert server.get(URL).body == BODY
        m = server.metrics()
        assert m[HIT] == m[MISS] == m[STORED] == 0 and m[READS] > 0


def test_listeners_of_a_cold_song_share_each_chunk(filled, song):
    with edge(song, filled.url) as server, concurrent.futures.ThreadPoolExecutor(16) as pool:
        for r in pool.map(lambda _: server.get(URL), range(32)):
            assert r.body == BODY
        assert 1 <= server.metric(HIT) <= 7 and server.metric(READS) <= 1, "and one copy, as it is hot"


def test_a_hot_song_that_is_cold_on_disk_is_copied_from_redis(filled, song):
    """After eight askings it is wanted in memory as a whole."""
    with edge(song, filled.url, workers=1) as server:
        for _ in range(8):
            assert server.get(URL, "Range: bytes=0-9").body == BODY[:10]
        server.until_metric(HIT, lambda n: n == 2)
        assert server.get(URL).body == BODY and server.metric(READS) == 0


def spoil_type(redis, key):
    redis("DEL", key)
    redis("LPUSH", key, "x")


def spoil_byte(redis, key):
    value = redis("GET", key)
    redis("SETRANGE", key, len(value) // 2, bytes([value[len(value) // 2] ^ 1]))


def spoil_length(redis, key):
    redis("SET", key, redis("GET", key)[:-1])


def spoil_missing(redis, key):
    redis("DEL", key)


def spoil_swap(redis, key):
    """With the chunk behind it; the record with a chunk."""
    other = key[:-1] + str(int(key[-1]) + 1) if key.count(":") == 4 else key + ":0"
    a, b = redis("GET", key), redis("GET", other)
    redis("SET", key, b)
    redis("SET", other, a)


@pytest.mark.parametrize("spoil", [spoil_type, spoil_byte, spoil_length, spoil_missing, spoil_swap])
@pytest.mark.parametrize("chunk", ["", ":0", ":2"])
def test_what_is_wrong_is_read_from_the_disk_and_written_anew(filled, song, spoil, chunk):
    [record] = [k.decode() for k in filled.keys() if k.count(b":") == 3]
    good = {k: filled("GET", k) for k in filled.keys()}
    spoil(filled, record + chunk)
    at = int(chunk[1:] or 0) * CHUNK
    with edge(song, filled.url) as server:
        r = server.get(URL, f"Range: bytes={at}-{at + CHUNK - 1}")
        assert r.body == BODY[at:at + CHUNK]
        server.until_metric(STORED, lambda n: n == 1)
        m = server.metrics()
        nothing = spoil is spoil_missing and not chunk
        assert m[MISS] == nothing and m[ERROR] == (not nothing)
        assert m[HIT] == m[BREAKER] == 0
        assert server.get(URL).body == BODY
    assert {k: filled("GET", k) for k in filled.keys()} == good


def test_a_song_that_was_replaced_is_another(filled, song):
    other = os.urandom(SIZE)
    song.write_bytes(other)
    assert chill(song)
    with edge(song, filled.url) as server:
        assert server.get(URL).body == other
        assert server.metric(HIT) == 0


@pytest.mark.parametrize("mood", ["garbage", "cut", "slow", "mute"])
def test_a_redis_that_misbehaves(filled, song, mood):
    with Proxy(filled, mood) as proxy, edge(song, proxy.url, timeout="100ms") as server:
        assert server.get(URL).body == BODY
        assert server.metric(READS) > 0 and server.metric(HIT) == 0


def test_a_listener_who_leaves_while_a_chunk_is_asked_for(filled, song):
    with Proxy(filled, "mute") as proxy, edge(song, proxy.url, timeout="500ms", workers=1) as server:
        for _ in range(4):
            with server.connect() as c:
                c.send(raw.head(URL))
        assert server.get(URL).body == BODY
        server.until_metric("segue_connections", lambda n: n <= 1)


def test_a_slow_listener_gets_all_of_it(filled, song):
    """One who takes less than a chunk at a time, and has the chunk held meanwhile."""
    with edge(song, filled.url, workers=1) as server, server.connect() as slow:
        slow.send(raw.head(URL))
        for _ in range(8):
            assert server.get(URL).body == BODY
        assert slow.read_response().body == BODY
        assert server.metric(HIT) <= 7
