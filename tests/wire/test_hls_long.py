"""Longer than 26.5 hours, where the 33 bits of a timestamp in TS and packed audio begin anew; a book of 100 hours."""
import itertools
import os
import struct
import sys

import pytest

import hls
import hls_lint
from segue import REPO, Segue

sys.path.insert(0, os.path.join(REPO, "tests", "media"))
import fixtures  # noqa: E402

HOURS = 26.6
WRAP = 1 << 33
FIRST = 10 * 90000              # the first sound's time in TS and packed audio
FRAMES = {"slow.mp3": 576, "slow.aac": 1024}  # samples of each, at 8 kHz
INDEX_MAX = 32 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("long")
    for name in FRAMES:
        fixtures.long_mp3(root / name, round(HOURS * 60), name)
    fixtures.long_mp3(root / "book.mp3", 6000, "vary.mp3")
    with Segue(root, {"media": {"helper_deadline": "60s"}}) as server:
        server.root = root
        yield server
    for name in (*FRAMES, "book.mp3"):
        os.remove(root / name)


class Around:
    """Of a track of 26.6 hours: the segments around the one in which the time begins anew, and where each one starts,
    in frames."""

    def __init__(self, server, name, container):
        self.frame = FRAMES[name]
        url = f"/hls/{name}/{container}/"
        self.media = hls_lint.parse_media(hls.get(server, url + "index.m3u8").body, container)
        at = [0, *itertools.accumulate(s.duration for s in self.media.segments)]
        self.turn = next(k for k, begin in enumerate(at) if FIRST + begin * 90000 >= WRAP) - 1
        self.numbers = range(self.turn - 2, self.turn + 3)
        self.starts = [round(at[k] * 8000 / self.frame) for k in self.numbers]
        self.bodies = [hls.get(server, url + self.media.segments[k].uri).body for k in self.numbers]

    def stamp(self, frame):
        return (FIRST + frame * self.frame * 90000 // 8000) % WRAP


@pytest.mark.parametrize("name", FRAMES)
def test_packed_segments_go_on_over_the_wrap(server, name):
    around = Around(server, name, "packed")
    parts = [hls.split_tag(body) for body in around.bodies]
    assert [stamp for stamp, _ in parts] == [around.stamp(frame) for frame in around.starts]
    assert parts[2][0] > parts[3][0] and max(stamp for stamp, _ in parts) < WRAP
    with open(server.root / name, "rb") as file:
        assert b"".join(frames for _, frames in parts) in file.read(), "frames are missing, doubled or moved"


def stamps(segment):
    """The times of the PES packets of the sound, in the order of the segment. ISO 13818-1 2.4.3"""
    for at in range(0, len(segment), 188):
        packet = segment[at:at + 188]
        pid = struct.unpack(">H", packet[1:3])[0] & 0x1fff
        if not packet[1] & 0x40 or pid in (0, 0x1000):
            continue
        pes = packet[4 + (1 + packet[4] if packet[3] & 0x20 else 0):]
        if pes[:3] == b"\0\0\1":
            assert pes[7] & 0x80, "no PTS"
            high, middle, low = pes[9] >> 1 & 7, *(n >> 1 for n in struct.unpack(">HH", pes[10:14]))
            yield high << 30 | middle << 15 | low


@pytest.mark.parametrize("name", FRAMES)
def test_ts_segments_go_on_over_the_wrap(server, name):
    around = Around(server, name, "ts")
    seen = [list(stamps(body)) for body in around.bodies]
    assert [s[0] for s in seen] == [around.stamp(frame) for frame in around.starts]
    steps = [(b - a) % WRAP for a, b in itertools.pairwise(itertools.chain(*seen))]
    assert 0 < min(steps) and max(steps) <= 90000, "time goes back, or leaps"
    assert all(step % (around.frame * 90000 // 8000) == 0 for step in steps), "no whole number of frames"
    assert any(b < a for a, b in itertools.pairwise(itertools.chain(*seen))), "the wrap is not in there"
    assert hls.count_packets("pipe:0", b"".join(around.bodies)) == around.starts[-1] - around.starts[0] + round(
        around.media.segments[around.numbers[-1]].duration * 8000 / around.frame)


@pytest.mark.parametrize("name,container", [("slow.mp3", "ts"), ("slow.mp3", "packed"), ("slow.aac", "ts"),
                                            ("slow.aac", "packed"), ("slow.aac", "fmp4")])
def test_all_of_it_is_in_the_playlist(server, name, container):
    media = hls_lint.parse_media(hls.get(server, f"/hls/{name}/{container}/index.m3u8").body, container)
    frames = round(HOURS * 60) * hls.count_packets(os.path.join(fixtures.make(), name))
    assert abs(media.duration - frames * FRAMES[name] / 8000) <= FRAMES[name] / 8000
    assert media.duration > WRAP / 90000


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("container", ["ts", "packed"])
def test_ffmpeg_plays_over_the_wrap(server, name, container):
    """A minute, beginning half a minute before: as much as of a minute elsewhere (after a seek into packed MP3 of 8 kHz
    ffmpeg drops a second and a half of each)."""
    url = f"http://127.0.0.1:{server.port}/hls/{name}/{container}/index.m3u8"
    turn = (WRAP - FIRST) / 90000

    def seconds(begin):
        pcm, _ = hls.ffmpeg(["-ss", f"{begin:.3f}", "-i", url, "-t", "60", "-f", "s16le", "pipe:1"], timeout=120)
        return len(pcm) / 2 / 8000
    over, elsewhere = seconds(turn - 30), seconds(turn / 2 - 30)
    assert over > 58 and abs(over - elsewhere) < 0.5


@pytest.mark.skipif("san" in os.environ.get("SEGUE_BUILD", ""), reason="a sanitizer has no ceiling of memory")
def test_a_table_that_is_too_large_for_the_helper_is_told(tmp_path):
    """28 bytes a sample, in libavformat: of 24 hours at 8 kHz 18 MB."""
    hls.ffmpeg(["-stream_loop", "6600", "-i", os.path.join(fixtures.make(), "aac-8.m4a"), "-c", "copy",
                str(tmp_path / "day.m4a")], timeout=120)
    for memory, status in (("16MB", 422), ("64MB", 200)):
        with Segue(tmp_path, {"media": {"helper_memory": memory, "helper_deadline": "60s"}}) as server:
            answer = hls.get(server, "/hls/day.m4a/index.m3u8", status=status)
            assert status == 200 or "more memory than a media helper may have" in answer.json()["detail"]
    os.remove(tmp_path / "day.m4a")


def test_the_index_of_a_hundred_hours_is_small(server):
    """Five million packets of many sizes."""
    before = server.metric("segue_cache_bytes")
    assert hls.get(server, "/hls/book.mp3/index.m3u8").body.count(b"#EXTINF") > 59_000
    taken = server.metric("segue_cache_bytes") - before
    packets = server.metric("segue_index_packets_total")
    print(f"a book of 100 hours, {packets:.0f} packets: {taken / 2 ** 20:.1f} MB in memory, playlist and all")
    assert taken < INDEX_MAX
