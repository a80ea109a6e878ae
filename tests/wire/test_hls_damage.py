"""Broken media: seeded mutations of every fixture. An answer of 4xx or a playlist whose segments can be fetched, no
job over two seconds, and a server that goes on.

SEGUE_MUTATIONS sets how many of each fixture (6; a long run takes 1000).
"""
import os
import random
import struct
import time

import pytest

import hls_lint
import raw
from hls_cases import CASES, library  # noqa: F401
from segue import Segue

COUNT = int(os.environ.get("SEGUE_MUTATIONS") or 6)
EACH = 2.0  # seconds
SIZES = [0, 1, 7, 8, 9, 0x7fffffff, 0x80000000, 0xffffffff]


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


@pytest.fixture(scope="module")
def hurt(tmp_path_factory):
    root = tmp_path_factory.mktemp("damage")
    (root / "x").mkdir()
    with Segue(root, {"media": {"helper_deadline": "2s"}}) as server:
        server.root = root
        yield server


def fetch_all(server, name):
    """200 or what else the playlist's answer was; every segment of it is sent, or refused as broken."""
    answer = raw.fetch(server.port, f"/hls/{name}/index.m3u8")
    assert answer.status in (200, 406, 415, 422), f"{name}: {answer!r}"
    if answer.status != 200:
        return answer.status
    text = answer.body.decode()
    container = "fmp4" if "#EXT-X-MAP" in text else "ts" if ".ts\n" in text else "packed"
    uris = [line for line in text.split("\n") if line and not line.startswith("#")]
    if uris:
        hls_lint.parse_media(answer.body, container)
    for uri in {uris[0], uris[-1]} if uris else ():
        segment = raw.fetch(server.port, f"/hls/{name}/{uri}")
        assert segment.status in (200, 422), f"{name}: {segment!r}"
    return 200


@pytest.mark.skipif("asan" in os.environ.get("SEGUE_BUILD", "") or "tsan" in os.environ.get("SEGUE_BUILD", ""),
                    reason="a sanitizer has no ceiling of memory")
@pytest.mark.parametrize("memory,count", [("256MB", 67108608), ("16MB", 1 << 23)])
def test_a_helper_that_outgrows_its_memory_is_replaced(tmp_path, library, memory, count):  # noqa: F811
    """A table of samples that promises more than the helper may have."""
    whole = read(library.path("aac.m4a"))
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


@pytest.mark.parametrize("name", sorted(CASES))
def test_damaged_files_are_answered_and_harm_nobody(hurt, library, name):  # noqa: F811
    whole, seen = read(library.path(name)), set()
    for number_of in range(COUNT):
        damaged = f"x/{number_of}-{os.path.basename(name)}"
        with open(hurt.root / damaged, "wb") as file:
            file.write(mutate(f"{name} {number_of}", whole))
        begin = time.monotonic()
        seen.add(fetch_all(hurt, damaged))
        if not os.environ.get("SEGUE_BUILD"):  # a sanitizer takes its time
            assert time.monotonic() - begin < 2 * EACH, f"{damaged} took {time.monotonic() - begin:.1f} s"
        os.remove(hurt.root / damaged)
    with open(hurt.root / f"good-{name}", "wb") as file:
        file.write(whole)
    assert fetch_all(hurt, f"good-{name}") == 200
    assert hurt.running()


def read(path):
    with open(path, "rb") as file:
        return file.read()
