"""Segments that were built and are asked for often: they are sent from pages of their own, and nobody sees
anything of it but by what it costs."""
import glob
import os
import random
import shutil
import socket
import time

import pytest

import hls
import raw
from hls_cases import fixtures
from segue import Segue, until

OFTEN = 40 # requests: some more than it takes


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Noise, so that segments are as long as the rate says: 130 KB of AAC, over a megabyte of FLAC."""
    root = tmp_path_factory.mktemp("hot")
    noise = ["-f", "lavfi", "-i", "anoisesrc=r=48000:d=20:c=white:seed=7", "-ac", "2"]
    fixtures.ffmpeg(*noise, "-c:a", "aac", "-b:a", "192k", str(root / "song.m4a"))
    fixtures.ffmpeg(*noise, "-c:a", "pcm_s16le", str(root / "song.wav"))
    for name in ("song.m4a", "song.wav"):
        os.utime(root / name, (1_700_000_000, 1_700_000_000))
    return root


@pytest.fixture
def server(music):
    with Segue(music) as s:
        yield s


def shelf(server):
    """Bytes of memory in the server's own file."""
    for link in glob.glob(f"/proc/{server.pid}/fd/*"):
        if os.readlink(link) == "/memfd:segue (deleted)":
            return os.stat(link).st_blocks * 512
    raise AssertionError("the server has no such file")


def segment(server, name, container):
    track = hls.Track(server, name, container)
    return track.urls[1], track.segments[1]


def heat(server, url, body):
    """Asks until it lies on the shelf, and then some more."""
    before = shelf(server)
    with raw.Client(server.port) as client:
        while shelf(server) == before:
            assert client.request(url).body == body
        for _ in range(OFTEN):
            answer = client.request(url)
            assert answer.body == body and "detail=memory" in answer["Cache-Status"]


@pytest.mark.parametrize("name,container", [("song.m4a", "ts"), ("song.m4a", "packed"), ("song.wav", "fmp4")])
def test_it_is_the_same_from_there(server, name, container):
    url, body = segment(server, name, container)
    cold = server.get(url)
    assert len(body) > 80 * 1024 and shelf(server) == 0
    heat(server, url, body)
    hot = server.get(url)
    assert shelf(server) == -(-len(body) // 4096) * 4096
    for field in ("ETag", "Content-Type", "Cache-Control", "Last-Modified", "Content-Length", "Accept-Ranges"):
        assert hot[field] == cold[field]
    assert server.get(url, method="HEAD")["Content-Length"] == str(len(body))
    assert server.get(url, f"If-None-Match: {hot['ETag']}").status == 304


def test_ranges_of_it(server):
    url, body = segment(server, "song.m4a", "ts")
    heat(server, url, body)
    size, choose = len(body), random.Random(1)
    for _ in range(50):
        first = choose.randrange(size)
        last = choose.randrange(first, size)
        part = server.get(url, f"Range: bytes={first}-{last}")
        assert part.status == 206 and part["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert part.body == body[first:last + 1]
    assert server.get(url, "Range: bytes=-1").body == body[-1:]
    assert server.get(url, "Range: bytes=0-").body == body
    several = server.get(url, "Range: bytes=1-2,4095-4097,100000-")
    assert several.status == 206 and several.body.count(b"Content-Range:") == 3
    for part in (body[1:3], body[4095:4098], body[100000:]):
        assert b"\r\n\r\n" + part + b"\r\n--" in several.body


def test_a_slow_client_gets_it_whole(server):
    """Its socket is full most of the time; what it has not read stays what it was when it is purged."""
    url, body = segment(server, "song.wav", "fmp4")
    heat(server, url, body)
    with raw.Client(server.port, rcvbuf=4096) as client:
        client.send(raw.head(url))
        assert client.sock.recv(1, socket.MSG_PEEK) == b"H" # it has begun
        assert raw.fetch(server.admin_port, "/purge?path=/song.wav", method="POST").status == 200
        assert client.read_response().body == body
    assert server.get(url).body == body


def test_a_purge_gives_the_memory_back(server):
    url, body = segment(server, "song.m4a", "packed")
    heat(server, url, body)
    assert raw.fetch(server.admin_port, "/purge?path=/song.m4a", method="POST").status == 200
    assert server.get(url).body == body
    until(lambda: shelf(server) == 0, "the purged segment's memory to be given back")


def test_another_file_has_other_segments(music, tmp_path):
    shutil.copy2(music / "song.m4a", tmp_path / "song.m4a")
    with Segue(tmp_path) as server:
        server.until_metric("segue_origin_watched_folders", lambda n: n >= 1)
        url, body = segment(server, "song.m4a", "ts")
        heat(server, url, body)
        fixtures.ffmpeg("-i", str(music / "song.wav"), "-af", "volume=0.5", "-c:a", "aac", "-b:a", "192k",
                        str(tmp_path / "new.m4a"))
        os.rename(tmp_path / "new.m4a", tmp_path / "song.m4a")
        until(lambda: server.get(url).status == 404, "the new file to be seen")
        other, changed = segment(server, "song.m4a", "ts")
        assert other != url and changed != body
        heat(server, other, changed)


def test_where_files_may_not_grow_it_stays_in_memory(music):
    """`ulimit -f` bounds a file in memory too, and a signal would end who goes past it: there is room for one."""
    with Segue(music, limits={"FSIZE": 200_000}) as server:
        track = hls.Track(server, "song.m4a", "ts")
        began = time.monotonic()
        heat(server, track.urls[0], track.segments[0])
        took, full = time.monotonic() - began, shelf(server)
        with raw.Client(server.port) as client:
            while time.monotonic() < began + 4 * took:
                assert client.request(track.urls[1]).body == track.segments[1]
        assert server.running() and shelf(server) == full
