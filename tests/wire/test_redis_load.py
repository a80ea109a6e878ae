"""Everything that may become of Redis, under load: no answer fails and no byte is wrong.

Eight clients ask an edge that keeps next to nothing in memory, so that Redis is needed all the time:
playlists, init segments, built segments of two chunks, small files, and songs that are cold on the
disk. Each mishap has three spells of as many answers: before, during, after. What the slowest took
is printed (pytest -rP), not judged.
"""
import concurrent.futures
import os
import shutil
import signal
import sys
import threading
import time

import pytest

from redis_kit import Proxy, Redis, chill
from segue import REPO, Segue

sys.path.insert(0, os.path.join(REPO, "tests", "media"))
import fixtures  # noqa: E402

HIT = 'segue_cache_requests_total{tier="redis",result="hit"}'
STORED = 'segue_redis_writes_total{result="stored"}'
BREAKER = "segue_redis_breaker_open"
HLS = {"segment_duration": "60s"}  # a segment of the whole piece: two chunks
CHUNK = 256 * 1024
CLIENTS = 8
SPELL = 240  # answers
SONGS = 3 * 3


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    root = tmp_path_factory.mktemp("library")
    shutil.copy(os.path.join(fixtures.make(), "aac.m4a"), root / "song.m4a")
    for i in range(4):
        shutil.copy(os.path.join(fixtures.make(), "short.m4a"), root / f"short{i}.m4a")
        (root / f"small{i}.mp3").write_bytes(os.urandom(60_000))
    for i in range(SONGS):
        (root / f"cold{i}.mp3").write_bytes(os.urandom(3 * CHUNK + 5))
    return root


@pytest.fixture(scope="module")
def right(library):
    """URL: what an edge without Redis answers."""
    urls = [f"/audio/small{i}.mp3" for i in range(4)]
    with Segue(library, {"hls": HLS}) as server:
        for track in ["song.m4a/ts"] + [f"short{i}.m4a" for i in range(4)]:
            base = f"/hls/{track}"
            urls += [f"{base}/master.m3u8", f"{base}/index.m3u8"]
            for line in server.get(urls[-1]).body.decode().splitlines():
                if line.startswith("#EXT-X-MAP"):
                    urls.append(f"{base}/{line.split(chr(34))[1]}")
                elif line and not line.startswith("#"):
                    urls.append(f"{base}/{line}")
        return {u: seen(server.get(u)) for u in urls}


def seen(r):
    assert r.status in (200, 206), r
    return r["ETag"], r["Content-Type"], r.body


class Load:
    """Clients that ask on and check all they get; `spell` waits for so many answers of theirs."""

    def __init__(self, server, library, right):
        self.server, self.library, self.right = server, library, right
        self.urls = list(right)
        self.cold = {f"/audio/cold{i}.mp3": (library / f"cold{i}.mp3").read_bytes() for i in range(SONGS)}
        self.songs, self.times, self.ended = [], [], False
        self.changed = threading.Condition()
        self.pool = concurrent.futures.ThreadPoolExecutor(CLIENTS)
        self.clients = [self.pool.submit(self._listen, i) for i in range(CLIENTS)]

    def _listen(self, number):
        try:
            with self.server.connect() as c:
                i = number
                while not self.ended:
                    begin = time.monotonic()
                    if i % 4 == 0 and self.songs:
                        url = self.songs[i // 4 % len(self.songs)]
                        at = i * 7919 % len(self.cold[url])
                        r = c.request(url, f"Range: bytes={at}-")
                        assert r.status == 206 and r.body == self.cold[url][at:], url
                    else:
                        url = self.urls[i % len(self.urls)]
                        assert seen(c.request(url)) == self.right[url], url
                    with self.changed:
                        self.times.append(time.monotonic() - begin)
                        self.changed.notify_all()
                    i += 1
        finally:
            with self.changed:
                self.ended = True
                self.changed.notify_all()

    def spell(self, number, name):
        """With songs that nobody has asked for yet."""
        songs = [f"/audio/cold{i}.mp3" for i in range(number, SONGS, 3)]
        for url in songs:
            chill(self.library / os.path.basename(url))
        with self.changed:
            self.songs, self.times = songs, []
            self.changed.wait_for(lambda: self.ended or len(self.times) >= SPELL)
            times = sorted(self.times)
        if not self.ended:
            print(f"{name:>28}: {len(times)} answers, median {times[len(times) // 2] * 1000:6.1f} ms, "
                  f"99th percentile {times[len(times) * 99 // 100] * 1000:6.1f} ms, "
                  f"slowest {times[-1] * 1000:6.1f} ms")

    def end(self):
        self.ended = True
        self.pool.shutdown()
        for c in self.clients:
            c.result()


def each_key(redis, spoil):
    for key in redis.keys("segue:1:*"):
        if redis("TYPE", key) == b"string":
            spoil(redis, key)


def kill(redis, _):
    redis.kill()


def start(redis, _):
    if os.path.exists(redis.socket):
        os.unlink(redis.socket)
    redis.start()


def lock(redis, _):
    """Another password than the edge has, from now on."""
    redis("CONFIG", "SET", "requirepass", "another")
    redis.password = "another"
    redis("CLIENT", "KILL", "TYPE", "normal")


def unlock(redis, _):
    redis("CONFIG", "SET", "requirepass", "")
    redis.password = None


def fill_up(redis, _):
    redis("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis("CONFIG", "SET", "maxmemory", 1)


def empty(redis, _):
    redis("FLUSHALL")
    redis("CONFIG", "SET", "maxmemory", "512mb")


def retype(redis, key):
    """In one go: the edge writes too."""
    redis("EVAL", "redis.call('DEL', KEYS[1]) redis.call('LPUSH', KEYS[1], 'x') return 1", 1, key)


def corrupt(redis, key):
    value = redis("GET", key)
    if value:
        redis("SETRANGE", key, len(value) // 2, bytes([value[len(value) // 2] ^ 1]))


def drop_chunk(redis, key):
    if key.count(b":") == 4:
        redis("DEL", key)


def swap_chunks(redis, key):
    """The first with the second, where there is one."""
    if key.count(b":") == 4 and key.endswith(b":0"):
        other = key[:-1] + b"1"
        a, b = redis("GET", key), redis("GET", other)
        if a and b:
            redis("MSET", key, b, other, a)


def mood(name):
    return lambda _, proxy: setattr(proxy, "mood", name)


def of_all(spoil):
    return lambda redis, _: each_key(redis, spoil)


MISHAPS = {
    "killed": (kill, start),
    "stopped": (lambda r, _: r.signal(signal.SIGSTOP), lambda r, _: r.signal(signal.SIGCONT)),
    "restarted": (lambda r, p: (kill(r, p), start(r, p)), None),
    "flushed": (lambda r, _: r("FLUSHALL"), None),
    "full": (fill_up, empty),
    "wrong password": (lock, unlock),
    "wrong type": (of_all(retype), None),
    "corrupted": (of_all(corrupt), None),
    "chunks missing": (of_all(drop_chunk), None),
    "chunks swapped": (of_all(swap_chunks), None),
    "slow": (mood("slow"), mood("pass")),
    "cut": (mood("cut"), mood("pass")),
    "garbage": (mood("garbage"), mood("pass")),
    "mute": (mood("mute"), mood("pass")),
}


@pytest.mark.parametrize("mishap", MISHAPS)
def test_no_answer_fails_and_no_byte_is_wrong(library, right, mishap):
    begin, heal = MISHAPS[mishap]
    conf = {"workers": 2, "hls": HLS,
            "cache": {"memory": {"size": "1MB", "max_object": "64KB"}, "redis": {"timeout": "100ms"}}}
    with Redis() as redis, Proxy(redis) as proxy:
        conf["cache"]["redis"]["url"] = proxy.url
        with Segue(library, conf) as server:
            load = Load(server, library, right)
            try:
                load.spell(0, f"before: {mishap}")
                server.until_metric(STORED, lambda n: n > 0)
                begin(redis, proxy)
                load.spell(1, f"during: {mishap}")
                if heal and mishap != "full":  # who is full answers, and may be asked
                    server.until_metric(BREAKER, lambda n: n == 1)
                if heal:
                    heal(redis, proxy)
                server.until_metric(BREAKER, lambda n: n == 0)
                hits = server.metric(HIT)
                load.spell(2, f"after: {mishap}")
                server.until_metric(HIT, lambda n: n > hits)
            finally:
                load.end()
