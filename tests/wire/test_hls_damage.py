"""Broken media: seeded mutations of every fixture. An answer of 4xx or a right one, no job of a helper over two seconds
of processor or its ceiling of memory, helpers that do not grow, and a server that goes on.

SEGUE_MUTATIONS sets how many of each fixture (60, 20 under a sanitizer; `make mutate` takes 1000).
"""
import os
import random
import re
import struct

import pytest

import hls
import hls_lint
import raw
from hls_cases import CASES, fixtures
from segue import Segue

BATCH = 50  # files that lie in the tree at once
SANITIZED = "san" in os.environ.get("SEGUE_BUILD", "")
COUNT = int(os.environ.get("SEGUE_MUTATIONS") or (20 if SANITIZED else 60))
SECONDS = 2.0 * (4 if SANITIZED else 1)  # of processor, for one job: a sanitizer takes its time
MEMORY = 256 << 20
GROWTH = 24 << 20  # of a helper's memory between two fixtures' ends
SIZES = [0, 1, 7, 8, 9, 0x7fffffff, 0x80000000, 0xffffffff]
OTHERS = ("vorbis.ogg", "pcm.wav")


def flip(rng, data):
    for _ in range(rng.choice([1, 3, 30])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def flip_front(rng, data):
    for _ in range(rng.choice([1, 3, 10])):
        data[rng.randrange(min(len(data), 4096))] ^= 1 << rng.randrange(8)


def truncate(rng, data):
    del data[rng.randrange(len(data)):]


def drop(rng, data):
    at = rng.randrange(len(data))
    del data[at:at + rng.choice([1, 4, 188, 5000])]


def double(rng, data):
    at = rng.randrange(len(data))
    data[at:at] = data[at:at + rng.choice([1, 64, 5000])]


def number(rng, data):
    """A size, count or offset that lies: 32 bits anywhere in the structure, which is at the front or the end."""
    span = min(len(data) - 4, 6000)
    at = rng.randrange(span) if rng.random() < 0.5 else len(data) - 4 - rng.randrange(span)
    struct.pack_into(rng.choice("><") + "I", data, at, rng.choice(SIZES))


def box(rng, data):
    """The size of an MP4 box, where there is one."""
    names = [b"moov", b"trak", b"mdia", b"stbl", b"stsz", b"stco", b"stsc", b"stts", b"stsd", b"elst", b"esds", b"mdhd"]
    at = data.find(rng.choice(names))
    if at >= 4:
        struct.pack_into(">I", data, at - rng.choice([4, -4, -8]), rng.choice(SIZES))
    else:
        flip_front(rng, data)


KINDS = [flip, flip_front, truncate, drop, double, number, box]


def mutate(seed, data):
    rng, data = random.Random(seed), bytearray(data)
    rng.choice(KINDS)(rng, data)
    return bytes(data)


class Helper:
    """The one helper of a server, by what the kernel says of it."""

    def __init__(self, server):
        self.server, self.pid, self.worst, self.used = server, None, 0.0, 0.0
        self.look()

    def _find(self):
        tasks = f"/proc/{self.server.pid}/task"
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/children", encoding="ascii") as file:
                for pid in file.read().split():
                    return int(pid)
        return None

    def look(self):
        """Seconds of processor since the last look; 0 where another process has taken its place."""
        pid = self._find()
        try:
            with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
                used = int(file.read().split()[0]) / 1e9
        except OSError:
            return 0.0  # it is being replaced
        took = used - self.used if pid == self.pid else 0.0
        self.pid, self.used, self.worst = pid, used, max(self.worst, took)
        return took

    def memory(self):
        """Bytes resident now, and at most since it began."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            text = file.read()
        return [int(re.search(f"{name}:\\s+(\\d+) kB", text)[1]) << 10 for name in ("VmRSS", "VmHWM")]


@pytest.fixture(scope="module")
def hurt(tmp_path_factory):
    root = tmp_path_factory.mktemp("damage")
    (root / "x").mkdir()
    conf = {"media": {"helpers": 1, "helper_deadline": "60s"}, "cache": {"memory": {"size": "16MB"}}}
    with Segue(root, conf) as server:
        server.root = root
        (root / "first.m4a").write_bytes(read(os.path.join(fixtures.make(), "short.m4a")))
        assert server.get("/hls/first.m4a/index.m3u8").status == 200
        yield server


def sample_sizes(segment):
    """Of an fMP4 segment, as its trun lists them, or its tfhd for all."""
    tfhd, trun = hls.box(segment, "moof/traf/tfhd"), hls.box(segment, "moof/traf/trun")
    has = struct.unpack(">I", tfhd[:4])[0]
    at = 8 + 4 * bool(has & 0x2) + 4 * bool(has & 0x8)
    every = struct.unpack_from(">I", tfhd, at)[0] if has & 0x10 else None
    has, count = struct.unpack_from(">II", trun)
    has &= 0xffffff
    if not has & 0x200:
        return [every] * count
    at = 8 + 4 * bool(has & 0x1) + 4 * bool(has & 0x4) + 4 * bool(has & 0x100)
    width = 4 * bin(has & 0xf00).count("1")
    return [struct.unpack_from(">I", trun, at + i * width)[0] for i in range(count)]


def fetch_all(server, name):
    """The status of its playlist; the first, last and middle segments are sent, or refused as broken."""
    answer = raw.fetch(server.port, f"/hls/{name}/index.m3u8")
    assert answer.status in (200, 406, 415, 422), f"{name}: {answer!r}"
    if answer.status != 200:
        return answer.status
    text = answer.body.decode()
    container = "fmp4" if "#EXT-X-MAP" in text else "ts" if ".ts\n" in text else "packed"
    media = hls_lint.parse_media(answer.body, container)
    uris = [segment.uri for segment in media.segments]
    for uri in {uris[0], uris[-1], uris[len(uris) // 2]}:
        segment = raw.fetch(server.port, f"/hls/{name}/{uri}")
        assert segment.status in (200, 422), f"{name}: {segment!r}"
        if segment.status == 200 and container == "fmp4":
            assert sum(sample_sizes(segment.body)) == len(hls.box(segment.body, "mdat")), f"{name}: {uri}"
    return 200


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has no ceiling of memory")
@pytest.mark.parametrize("memory,count", [("256MB", 67108608), ("16MB", 1 << 23)])
def test_a_helper_that_outgrows_its_memory_is_replaced(tmp_path, memory, count):
    """A table of samples that promises more than the helper may have."""
    whole = read(os.path.join(fixtures.make(), "aac.m4a"))
    lying = bytearray(whole)
    struct.pack_into(">I", lying, lying.index(b"stsz") + 12, count)
    (tmp_path / "lying.m4a").write_bytes(lying)
    (tmp_path / "good.m4a").write_bytes(whole)
    with Segue(tmp_path, {"media": {"helpers": 1, "helper_memory": memory}}) as s:
        r = s.get("/hls/lying.m4a/index.m3u8")
        assert r.status == 422 and "more memory than a media helper may have" in r.json()["detail"], r
        s.err.wait("a helper was replaced at /lying.m4a: it needs more memory")
        assert s.metric("segue_helper_deaths_total") == 1
        assert s.metric("segue_helper_starts_total") == 2
        assert s.metric("segue_index_failures_total") == 1
        assert s.get("/hls/good.m4a/index.m3u8").status == 200
        assert s.get("/hls/lying.m4a/index.m3u8").status == 422  # remembered: nobody is asked again
        assert s.metric("segue_helper_deaths_total") == 1
        assert s.get("/audio/lying.m4a").body == bytes(lying)


def damaged(hurt, name, first, count):
    """Mutations of a fixture, below the root while they are looked at."""
    whole = read(os.path.join(fixtures.make(), name))
    names = [f"x/{n}-{os.path.basename(name)}" for n in range(first, first + count)]
    for n, path in enumerate(names, first):
        with open(hurt.root / path, "wb") as file:
            file.write(mutate(f"{name} {n}", whole))
    yield from names
    for path in names:
        os.remove(hurt.root / path)


@pytest.mark.parametrize("name", sorted(CASES) + list(OTHERS))
def test_damaged_files_are_answered_and_harm_nobody(hurt, name):
    deaths, helper, seen = hurt.metric("segue_helper_deaths_total"), Helper(hurt), {}
    good = f"good-{name}"
    (hurt.root / good).write_bytes(read(os.path.join(fixtures.make(), name)))
    whole, before = fetch_all(hurt, good), helper.memory()[0]
    for first in range(0, COUNT, BATCH):
        for path in damaged(hurt, name, first, min(BATCH, COUNT - first)):
            status = fetch_all(hurt, path)
            seen[status] = seen.get(status, 0) + 1
            took = helper.look()
            assert took <= SECONDS, f"{path} took the helper {took:.2f} s"
    deaths = hurt.metric("segue_helper_deaths_total") - deaths
    now, most = helper.memory()
    print(f"{name}: {seen}, {deaths:.0f} helpers replaced, the longest job {helper.worst * 1000:.0f} ms of processor, "
          f"memory {now >> 20} MB, {(now - before) / 1048576:+.1f}, at most {most >> 20}")
    assert raw.fetch(hurt.admin_port, f"/purge?path={good}", method="POST").status == 200
    assert fetch_all(hurt, good) == whole
    os.remove(hurt.root / good)
    assert hurt.running()
    if not SANITIZED:  # these have no ceiling, and keep what was freed for a while
        assert most <= MEMORY
        assert deaths or now - before <= GROWTH, "it keeps what its jobs have used"


def read(path):
    with open(path, "rb") as file:
        return file.read()
