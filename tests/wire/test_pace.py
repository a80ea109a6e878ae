"""limit.bandwidth: a track leaves at the pace at which it is heard.

What a listener has by a time is measured from outside, by its own clock. Its bucket begins to fill when the
server takes the request, which is after the client began to wait, and bytes are sent before they are there:
so a client never has more than `after` and the pace times its own waiting, however busy the machine is.
"""
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import time

import hls
import pytest
import raw
from conftest import noise
from hls_cases import fixtures
from segue import Segue, merge, until

FAST = {"rate": "8x", "after": "8s"}


def frames(path):
    """[(place in the file, seconds of sound before it)] of each packet, and of the end."""
    show = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries",
                           "packet=pos,size,duration_time", "-of", "json", path],
                          check=True, capture_output=True)
    out, sound = [], 0.0
    for packet in json.loads(show.stdout)["packets"]:
        out.append((int(packet["pos"]), sound))
        sound += float(packet["duration_time"])
    return out + [(os.path.getsize(path), sound)]


class Sound:
    """What of a file is heard when: places by the frames that ffprobe sees."""

    def __init__(self, path):
        self.size = os.path.getsize(path)
        self.frames = frames(path)
        self.seconds = self.frames[-1][1]
        self.longest = max(b[1] - a[1] for a, b in zip(self.frames, self.frames[1:]))

    def time_of(self, place):
        """Seconds of sound in the file's first `place` bytes."""
        return max((s for p, s in self.frames if p <= place), default=0.0)


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Half a minute at 32 kbit/s, then half at 160, as one MP3 file; and what the fixtures have."""
    root = tmp_path_factory.mktemp("music")
    halves = b""
    for kbits, seed in ((32, 1), (160, 2)):
        part = root / f"{kbits}.part"
        fixtures.ffmpeg("-f", "lavfi", "-i", f"anoisesrc=r=44100:d=30:c=pink:seed={seed}", "-c:a", "libmp3lame",
                        "-b:a", f"{kbits}k", "-reservoir", "0", "-write_xing", "0", "-id3v2_version", "0",
                        "-f", "mp3", str(part))
        halves += part.read_bytes()
        part.unlink()
    (root / "halves.mp3").write_bytes(halves)
    for name in ("aac.m4a", "aac-front.m4a", "cbr.mp3", "flac.flac", "cover.mp3", "opus.opus", "text.mp3"):
        shutil.copy(os.path.join(fixtures.make(), name), root)
    (root / "cover.jpg").write_bytes(noise("cover.jpg", 3 << 20))
    for file in root.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))
    return root


def serve(music, pace, **more):
    conf = merge({"limit": {"bandwidth": pace}, "log": {"format": "json"}}, more)
    return Segue(music, conf)


def index_first(server, *names):
    """So that the answer that is measured does not begin with the bytes that go while it is made."""
    for name in names:
        assert server.get(f"/hls/{hls.quote(name)}/index.m3u8").status == 200


class Follower:
    """One answer, and what of its body was there by when."""

    def __init__(self, client, target, *fields, method="GET"):
        self.client, self.method = client, method
        self.began = time.monotonic()
        self.steps = []  # (seconds since, bytes of the body)
        client.send(raw.head(target, *fields, method=method))

    def read(self):
        self.head = self.client.read_head()
        self.length = int(self.head["Content-Length"])
        body = bytearray()
        while True:
            body += self.client.got
            self.client.got.clear()
            self.steps.append((time.monotonic() - self.began, len(body)))
            if len(body) >= self.length:
                self.body = bytes(body)
                return self
            self.client._more()


def follow(server, target, *fields, source=None):
    with raw.Client(server.port, source=source) as client:
        return Follower(client, target, *fields).read()


def check_pace(sound, steps, rate, after, first=0):
    """No more than the pace allows at any moment: bytes from the file's `first` on."""
    begin = sound.time_of(first)
    for seconds, count in steps:
        allowed = after + rate * seconds + 2 * sound.longest
        assert sound.time_of(first + count) - begin <= allowed, f"{count} bytes after {seconds:.2f} s"


@pytest.mark.parametrize("name", ["halves.mp3", "aac.m4a", "aac-front.m4a", "flac.flac", "cover.mp3"])
def test_a_file_leaves_at_its_pace(music, name):
    sound = Sound(str(music / name))
    with serve(music, FAST) as s:
        index_first(s, name)
        got = follow(s, f"/audio/{name}")
        assert got.body == (music / name).read_bytes()
        check_pace(sound, got.steps, 8, 16)  # the bucket holds at least two seconds of waiting
        assert got.steps[-1][0] >= (sound.seconds - 16) / 8 - 0.1
        s.until_metric("segue_paced_connections", lambda n: n == 0)
        entry = json.loads(s.out.wait(f'"target":"/audio/{name}"').string)
        assert entry["bytes"] == sound.size and entry["status"] == 200


def test_what_is_asked_for_often_is_paced_too(music):
    """From the eighth time on it is sent from a copy in memory."""
    sound = Sound(str(music / "cbr.mp3"))
    with serve(music, FAST, workers=1) as s:
        index_first(s, "cbr.mp3")
        for i in range(12):
            assert s.get("/audio/cbr.mp3", "Range: bytes=0-99").status == 206
        got = follow(s, "/audio/cbr.mp3", source="127.0.0.2")
        assert got.body == (music / "cbr.mp3").read_bytes()
        check_pace(sound, got.steps, 8, 16)
        assert got.steps[-1][0] > 0.2


def test_a_range_has_its_first_seconds_wherever_it_begins(music):
    sound = Sound(str(music / "halves.mp3"))
    data = (music / "halves.mp3").read_bytes()
    with serve(music, {"rate": "4x", "after": "12s"}) as s:
        index_first(s, "halves.mp3")
        first = sound.size * 2 // 3
        upto = next(p for p, t in sound.frames if t >= sound.time_of(first) + 11)
        got = follow(s, "/audio/halves.mp3", f"Range: bytes={first}-{upto - 1}")
        assert got.body == data[first:upto]
        assert s.metric("segue_paced_seconds_total") == 0 and s.metric("segue_paced_connections") == 0
        got = follow(s, "/audio/halves.mp3", f"Range: bytes={first}-", source="127.0.0.2")
        assert got.body == data[first:]
        check_pace(sound, got.steps, 4, 12, first)


def test_several_ranges_are_paced_as_one(music):
    data = (music / "halves.mp3").read_bytes()
    spans = [(1000, 50000), (200000, 500000), (600000, 650000)]
    fields = "Range: bytes=" + ",".join(f"{a}-{b - 1}" for a, b in spans)
    sound = Sound(str(music / "halves.mp3"))
    seconds = sum(sound.time_of(b) - sound.time_of(a) for a, b in spans)
    with serve(music, FAST) as s:
        index_first(s, "halves.mp3")
        with raw.Client(s.port) as client:
            got = Follower(client, "/audio/halves.mp3", fields).read()
        got.head.body = got.body
        assert [body for _, body in got.head.parts()] == [data[a:b] for a, b in spans]
        assert got.steps[-1][0] >= (seconds - 16) / 8 - 0.1 > 0


def test_the_beginning_does_not_wait_for_the_index(music):
    """64 KB go while it is made, and are not counted."""
    sound = Sound(str(music / "halves.mp3"))
    with serve(music, FAST) as s:
        got = follow(s, "/audio/halves.mp3")
        assert got.body == (music / "halves.mp3").read_bytes()
        free = 64 << 10
        check_pace(sound, [(t, max(0, n - free)) for t, n in got.steps], 8, 16, first=free)
        assert s.metric("segue_index_builds_total") == 1


def test_what_is_no_sound_is_not_paced(music):
    with serve(music, {"rate": "1x", "after": "0s"}) as s:
        for name in ("cover.jpg", "text.mp3"):
            assert s.get(f"/audio/{name}").body == (music / name).read_bytes()
        assert s.metric("segue_paced_seconds_total") == 0
        assert s.metric("segue_index_failures_total") == 0  # nobody took the picture for a track


def test_what_has_no_index_is_not_paced(own):
    """It says that it is a song, and is noise."""
    with serve(own.root, {"rate": "1x", "after": "0s"}) as s:
        assert s.get("/audio/song.mp3").body == own["song.mp3"]
        assert s.metric("segue_index_failures_total") == 1
        assert s.metric("segue_paced_seconds_total") == 0


def test_heads_and_conditions_owe_nothing(music):
    with serve(music, {"rate": "1x", "after": "2s"}, workers=1) as s:
        index_first(s, "cbr.mp3")
        with s.connect() as client:
            etag = client.request("/audio/cbr.mp3", method="HEAD")["ETag"]
            for _ in range(20):
                assert client.request("/audio/cbr.mp3", method="HEAD").status == 200
                assert client.request("/audio/cbr.mp3", f"If-None-Match: {etag}").status == 304
            assert client.request("/audio/cbr.mp3", "Range: bytes=0-15999").status == 206
            assert client.request("/audio/aac.m4a", method="HEAD").status == 200
        assert s.metric("segue_paced_seconds_total") == 0
        assert s.metric("segue_index_builds_total") == 1  # who asks for a head needs no index


@pytest.mark.parametrize("container", ["fmp4", "ts", "packed", "bytes"])
@pytest.mark.parametrize("each", [False, True], ids=["one", "each"])
def test_segments_share_one_pace(music, container, each):
    """On one connection, and on a connection for each."""
    with serve(music, {"rate": "6x", "after": "6s"}, hls={"segment_duration": "3s"}) as s:
        name = "aac.m4a" if container == "fmp4" else "cbr.mp3"
        track = hls.Track(s, name, container)  # which fetches them once itself, from 127.0.0.1
        began, heard = time.monotonic(), 0.0
        client = raw.Client(s.port, source="127.0.0.2")
        for url, segment, data in zip(track.urls, track.media.segments, track.segments):
            fields = [f"Range: bytes={segment.span[0]}-{sum(segment.span) - 1}"] if segment.span else []
            answer = client.request(url, *fields)
            assert answer.body == data
            heard += segment.duration
            assert heard <= 12 + 6 * (time.monotonic() - began) + 0.1
            if each:
                client.close()
                until(lambda: s.metric("segue_connections") == 0, "the end of the connection")
                client = raw.Client(s.port, source="127.0.0.2")
        client.close()
        assert heard > 19


def test_encrypted_segments_are_paced(music):
    with serve(music, {"rate": "6x", "after": "6s"}, hls={
            "encryption": "aes-128", "encryption_secret": "0123456789abcdef0123"}) as s:
        track = hls.Track(s, "cbr.mp3", "ts")
        began = time.monotonic()
        with raw.Client(s.port, source="127.0.0.2") as client:
            for url, data in zip(track.urls, track.segments):
                assert client.request(url).body == data
        assert time.monotonic() - began >= (19.3 - 12) / 6 - 0.1


def test_listeners_have_each_their_own(music):
    with serve(music, {"rate": "1x", "after": "10s"}) as s:
        index_first(s, "cbr.mp3")
        for i in range(20):
            got = follow(s, "/audio/cbr.mp3", "Range: bytes=0-140000", source=f"127.0.1.{i + 1}")
            assert len(got.body) == 140001
        clients = [raw.Client(s.port, source="127.0.0.9") for _ in range(5)]  # as behind one address
        for client in clients:
            assert len(client.request("/audio/cbr.mp3", "Range: bytes=0-140000").body) == 140001
        for client in clients:
            client.close()
        assert s.metric("segue_paced_seconds_total") == 0


def test_another_track_has_its_own_first_seconds(music):
    with serve(music, {"rate": "1x", "after": "8s"}) as s:
        index_first(s, "cbr.mp3", "halves.mp3")
        with s.connect() as client:
            assert client.request("/audio/cbr.mp3", "Range: bytes=0-120000").status == 206
            assert client.request("/audio/halves.mp3", "Range: bytes=0-29999").status == 206
        assert s.metric("segue_paced_seconds_total") == 0


def test_clients_behind_a_proxy_are_paced_each(music):
    with serve(music, {"rate": "1x", "after": "8s"}, http={"trusted_proxies": "127.0.0.1"}) as s:
        index_first(s, "cbr.mp3")
        with s.connect() as client:
            for i in range(8):
                r = client.request("/audio/cbr.mp3", "Range: bytes=0-120000", f"X-Forwarded-For: 192.0.2.{i}")
                assert r.status == 206
        assert s.metric("segue_paced_seconds_total") == 0


def test_a_fixed_rate_is_bytes_a_second(music):
    with serve(music, {"rate": "512KB", "after": "3s"}) as s:
        got = follow(s, "/audio/cover.jpg")  # any file, for bytes need no index
        assert got.body == (music / "cover.jpg").read_bytes()
        for seconds, count in got.steps:
            assert count <= (512 << 10) * (3 + seconds) + 1
        assert s.metric("segue_index_builds_total") == 0


def paced(server, target, **more):
    """A client that has all that may go at once, and waits for the rest."""
    client = raw.Client(server.port, **more)
    client.send(raw.head(target))
    client.read_head()
    server.until_metric("segue_paced_connections", lambda n: n == 1)
    return client


def received(client):
    """What is there, without waiting."""
    client.sock.setblocking(False)
    try:
        while True:
            client._more()
    except BlockingIOError:
        return len(client.got)
    finally:
        client.sock.settimeout(raw.DEADLINE)


def test_the_timeout_of_writing_is_not_for_who_waits(music):
    with serve(music, {"rate": "4x", "after": "0s"}, http={"write_timeout": "100ms"}) as s:
        index_first(s, "cbr.mp3")
        assert follow(s, "/audio/cbr.mp3").body == (music / "cbr.mp3").read_bytes()
        assert s.metric("segue_paced_seconds_total") >= 2
        assert s.metric('segue_connections_closed_total{reason="write_timeout"}') == 0


def test_who_takes_nothing_is_cut_off_all_the_same(music):
    with serve(music, {"rate": "1MB", "after": "0s"}, http={"write_timeout": "500ms"}) as s:
        client = raw.Client(s.port, rcvbuf=4096)
        client.send(raw.head("/audio/cover.jpg"))
        s.until_metric('segue_connections_closed_total{reason="write_timeout"}', lambda n: n == 1)
        client.close()


def test_what_was_not_sent_is_not_owed(own):
    """A listener who breaks off one answer for another, as for a seek, does not pay for the first."""
    own.add("big.jpg", noise("big.jpg", 20 << 20))
    with serve(own.root, {"rate": "64KB", "after": "300s"}, workers=1) as s:
        client = paced(s, "/audio/big.jpg", rcvbuf=4096)
        client.reset()
        s.until_metric("segue_aborts_total", lambda n: n == 1)
        with raw.Client(s.port) as client:
            client.send(raw.head("/audio/big.jpg", "Range: bytes=1000000-"))
            client.read_head()
            assert client.read(10 << 20) == own["big.jpg"][1000000:1000000 + (10 << 20)]
        assert s.metric("segue_paced_seconds_total") <= 1


def test_the_last_bytes_of_a_young_file_stay_together(own):
    """The piece would end 156 bytes before the file does; but those are sent with one look at the file."""
    own.add("young.jpg", noise("young.jpg", 3 * 65536 - 500), time.time_ns())
    with serve(own.root, {"rate": "64KB", "after": "2990ms"}) as s:
        assert s.get("/audio/young.jpg").body == own["young.jpg"]
        assert s.metric("segue_paced_seconds_total") == 0


def test_a_file_written_just_now_is_whole(music, tmp_path):
    """Its last bytes are looked at apart (test_fresh); pieces end where they begin, too."""
    (tmp_path / "halves.mp3").write_bytes((music / "halves.mp3").read_bytes())
    with serve(tmp_path, FAST) as s:
        index_first(s, "halves.mp3")
        assert follow(s, "/audio/halves.mp3").body == (music / "halves.mp3").read_bytes()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_who_goes_while_waiting_is_noticed(music, how):
    """A closed socket answers the little that it is sent with a reset; no whole piece goes out first."""
    with serve(music, {"rate": "1x", "after": "2s"}, workers=1) as s:
        index_first(s, "halves.mp3")
        client = paced(s, "/audio/halves.mp3")
        sent = s.until_metric("segue_response_bytes_total", lambda n, last=[0]: n == last.__getitem__(0)
                              or last.__setitem__(0, n))
        received(client)
        getattr(client, how)()
        s.until_metric("segue_aborts_total", lambda n: n == 1)
        assert s.metric("segue_response_bytes_total") - sent <= 2 * 418
        unsent = s.metric("segue_abort_bytes_unsent_total")
        size = (music / "halves.mp3").stat().st_size
        assert size - 30000 <= unsent < size
        assert s.metric("segue_paced_connections") == 0
        entry = json.loads(s.out.wait('"target":"/audio/halves.mp3"').string)
        assert entry["bytes"] + unsent == size and entry["aborted"] is True


def test_a_half_close_is_no_going_away(music):
    with serve(music, FAST) as s:
        index_first(s, "cbr.mp3")
        with raw.Client(s.port) as client:
            follower = Follower(client, "/audio/cbr.mp3")
            client.half_close()
            assert follower.read().body == (music / "cbr.mp3").read_bytes()


def test_draining_ends_who_waits_by_its_deadline(music):
    with serve(music, {"rate": "1x", "after": "2s"}, drain_timeout="300ms") as s:
        index_first(s, "halves.mp3")
        client = paced(s, "/audio/halves.mp3")
        s.signal(signal.SIGTERM)
        assert s.wait() == 0
        assert len(client.rest()) < (music / "halves.mp3").stat().st_size
        client.close()


def test_a_reload_changes_the_pace_of_answers_under_way(music):
    with serve(music, {"rate": "1x", "after": "40s"}) as s:
        index_first(s, "halves.mp3")
        client = paced(s, "/audio/halves.mp3")
        s.write_conf(merge(s.conf, {"limit": {"bandwidth": "off"}}))
        s.signal(signal.SIGHUP)
        assert client.read((music / "halves.mp3").stat().st_size) == (music / "halves.mp3").read_bytes()
        client.close()
        s.write_conf(merge(s.conf, {"limit": {"bandwidth": {"rate": "1x", "after": "2s"}}}))
        s.signal(signal.SIGHUP)
        s.err.wait_all("reloaded", 2)
        client = paced(s, "/audio/halves.mp3", source="127.0.0.2")
        client.close()
        assert json.loads(s.admin("/status.json").body)["connections"]["paced"] in (0, 1)


def test_a_replaced_file_is_cut_short_not_mixed(music, tmp_path):
    shutil.copy(music / "halves.mp3", tmp_path)
    with serve(tmp_path, {"rate": "8x", "after": "2s"}) as s:
        index_first(s, "halves.mp3")
        client = paced(s, "/audio/halves.mp3")
        with open(tmp_path / "halves.mp3", "r+b") as f:  # in place: the same inode
            f.seek(400000)
            f.write(b"other bytes")
        rest = client.rest()
        assert len(rest) < (music / "halves.mp3").stat().st_size
        assert (music / "halves.mp3").read_bytes().startswith(rest)
        client.close()


def test_the_pace_of_a_file_outlives_its_name(music, tmp_path):
    """Another takes its place; the answer goes on with the bytes and at the pace that it began with."""
    sound = Sound(str(music / "halves.mp3"))
    shutil.copy(music / "halves.mp3", tmp_path)
    with serve(tmp_path, FAST) as s:
        index_first(s, "halves.mp3")
        with raw.Client(s.port) as client:
            follower = Follower(client, "/audio/halves.mp3")
            s.until_metric("segue_paced_connections", lambda n: n == 1)
            shutil.copy(music / "cbr.mp3", tmp_path / "other.mp3")
            os.replace(tmp_path / "other.mp3", tmp_path / "halves.mp3")
            got = follower.read()
        assert got.body == (music / "halves.mp3").read_bytes()
        check_pace(sound, got.steps, 8, 16)
        assert got.steps[-1][0] >= (sound.seconds - 16) / 8 - 0.1
        assert s.get("/audio/halves.mp3", "Range: bytes=0-99").body == (music / "cbr.mp3").read_bytes()[:100]


def test_two_hundred_listeners_keep_one_pace(music):
    """Each by its own clock; all of them at once, from addresses of their own."""
    sound = Sound(str(music / "cbr.mp3"))
    size, selector, steps = sound.size, selectors.DefaultSelector(), {}
    with serve(music, FAST, workers=1) as s:
        index_first(s, "cbr.mp3")
        for i in range(200):
            sock = socket.socket()
            sock.bind((f"127.0.{2 + i // 100}.{1 + i % 100}", 0))
            sock.connect(("127.0.0.1", s.port))
            steps[sock] = (time.monotonic(), [])
            sock.sendall(raw.head("/audio/cbr.mp3"))
            selector.register(sock, selectors.EVENT_READ, [b"", None, 0])
        end = time.monotonic() + raw.DEADLINE
        while selector.get_map():
            assert time.monotonic() < end
            for key, _ in selector.select(1):
                state = key.data
                data = key.fileobj.recv(1 << 18)
                assert data, "closed before its end"
                if state[1] is None:
                    state[0] += data
                    at = state[0].find(b"\r\n\r\n")
                    if at < 0:
                        continue
                    state[1], data = True, state[0][at + 4:]
                state[2] += len(data)
                began, list_ = steps[key.fileobj]
                list_.append((time.monotonic() - began, state[2]))
                if state[2] == size:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
        for _, list_ in steps.values():
            check_pace(sound, list_, 8, 16)
            assert list_[-1][1] == size
        s.until_metric("segue_paced_connections", lambda n: n == 0)
