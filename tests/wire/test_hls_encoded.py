"""PCM and Vorbis, which HLS can't carry as they are: who has them encoded, how often, and who may wait."""
import contextlib
import os
import random
import re
import shutil
import signal
import struct
import sys
import time
import urllib.parse

import pytest

import browser
import hls
import hls_lint
import raw
from hls_cases import library  # noqa: F401
from redis_kit import Redis
from segue import REPO, Segue
from test_fresh import no_old_after
from test_hls_crypt import CONF as SEALED
from test_hls_crypt import keys_of, open_segment
from test_storm import CLIENTS, Storm, grown

sys.path.insert(0, os.path.join(REPO, "tests", "media"))
import fixtures  # noqa: E402

RATE = 48000
MOST = 1 << 28  # samples of the longest track whose frames are measured
SEGMENTS, MEASURES = 'segue_encodes_total{of="segment"}', 'segue_encodes_total{of="track"}'
FRAMES = "segue_encode_frames_total"


def wav(path, samples, channels=2, rate=RATE, fill=None):
    """16 bits; without `fill` a hole in the file: silence. RF64 (EBU 3306) where 32 bits don't do."""
    block, size = 2 * channels, 2 * channels * samples
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * block, block, 16)
    with open(path, "wb") as file:
        file.write(b"RF64" + struct.pack("<I", 0xffffffff) + b"WAVE")
        file.write(b"ds64" + struct.pack("<IQQQI", 28, size + 72, size, samples, 0))
        file.write(b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", 0xffffffff))
        if fill:
            file.write(fill)
        file.truncate(file.tell() - len(fill or b"") + size)


def noise(samples, channels=2):
    return random.Random(samples).randbytes(2 * channels * samples)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("encoded")
    for name in ("aac.m4a", "pcm.wav", "vorbis.ogg", "pcm-51.wav"):
        shutil.copy(os.path.join(fixtures.make(), name), root)
    wav(root / "half-hour.wav", 1800 * RATE)
    wav(root / "just.wav", MOST // 2)
    wav(root / "day.wav", 30 * 3600 * RATE)  # 20 GB of nothing, on disk some kilobytes
    return root


def playlist(server, name, what="index.m3u8"):
    return hls_lint.parse_media(hls.get(server, f"/hls/{name}/{what}").body, "fmp4")


def test_five_hundred_ask_for_a_cold_segment_and_it_is_encoded_once(root):
    with Segue(root) as server:
        url = f"/hls/pcm.wav/{playlist(server, 'pcm.wav').segments[1].uri}"
        before = server.metrics()
        with Storm(server, url) as storm:
            answers = list(storm.answers())
        assert {a.status for a in answers} == {200} and len(answers) == CLIENTS
        assert len({a.body for a in answers}) == 1
        assert grown(server, before, SEGMENTS) == 1
        assert grown(server, before, MEASURES) == 0, "a segment needs no sizes of others"
        assert hls.get(server, url)["Cache-Status"].startswith("segue; hit")
        assert grown(server, before, SEGMENTS) == 1


def test_five_hundred_ask_for_a_cold_master_and_the_track_is_measured_once(root):
    with Segue(root) as server:
        before = server.metrics()
        with Storm(server, "/hls/vorbis.ogg/master.m3u8") as storm:
            assert len({a.body for a in storm.answers() if a.status == 200}) == 1
        assert grown(server, before, MEASURES) == 1 and grown(server, before, SEGMENTS) == 0
        assert grown(server, before, "segue_index_builds_total") == 1
        assert grown(server, before, FRAMES) == -(-851130 // 4096)


def test_a_playlist_and_its_segments_need_no_measure(root):
    with Segue(root) as server:
        media = playlist(server, "half-hour.wav")
        assert media.duration == pytest.approx(1800, abs=1e-6)
        hls.get(server, f"/hls/half-hour.wav/{media.segments[-1].uri}")
        assert server.metric(MEASURES) == 0 and server.metric(SEGMENTS) == 1


def waiting(server, target):
    """A client whose request is being worked on."""
    before = server.metric(MEASURES)
    client = server.connect()
    client.send(raw.head(target))
    server.until_metric(MEASURES, lambda n: n > before)
    return client


def test_the_last_listener_who_leaves_stops_the_encoder(root):
    with Segue(root, {"media": {"helpers": 1}}) as server:
        frames = 1800 * RATE / 4096
        hls.get(server, "/hls/half-hour.wav/index.m3u8")
        first, second = waiting(server, "/hls/half-hour.wav/master.m3u8"), server.connect()
        second.send(raw.head("/hls/half-hour.wav/master.m3u8"))
        server.until_metric("segue_flights_joined_total", lambda n: n >= 1)
        first.close()
        server.until_metric("segue_aborts_total", lambda n: n == 1)
        assert server.metric("segue_flights_cancelled_total") == 0, "somebody still waits"
        begun = server.until_metric(FRAMES, lambda n: n > 0)
        second.close()
        server.until_metric("segue_flights_cancelled_total", lambda n: n == 1)
        stopped = server.metric(FRAMES)
        hls.get(server, "/hls/aac.m4a/index.m3u8")  # the one helper is free, so that job is over
        assert begun <= stopped and server.metric(FRAMES) - stopped <= 1000
        assert server.metric(FRAMES) < frames / 2, "it went on"
        assert server.metric("segue_helper_deaths_total") == 0, "it was killed, not stopped"
        hls.get(server, "/hls/half-hour.wav/index.m3u8")


@contextlib.contextmanager
def standing(server):
    """While the media helpers stand still."""
    with open(f"/proc/{server.pid}/task/{server.pid}/children", encoding="ascii") as file:
        helpers = [int(pid) for pid in file.read().split()]
    assert helpers
    for pid in helpers:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in helpers:
            with contextlib.suppress(ProcessLookupError):  # it was replaced
                os.kill(pid, signal.SIGCONT)


def test_a_segment_that_nobody_waits_for_is_not_encoded(root):
    with Segue(root, {"media": {"helpers": 1}}) as server:
        url = f"/hls/pcm-51.wav/{playlist(server, 'pcm-51.wav').segments[0].uri}"
        before = server.metric("segue_flights_total")
        with standing(server):
            client = server.connect()
            client.send(raw.head(url))
            server.until_metric("segue_flights_total", lambda n: n > before)
            client.close()
            server.until_metric("segue_flights_cancelled_total", lambda n: n == 1)
        hls.get(server, "/hls/aac.m4a/index.m3u8")
        assert server.metric(FRAMES) == 0
        assert hls.get(server, url).body[4:8] == b"moof"


def test_a_long_measure_lets_others_go_first(root):
    """One helper, and half an hour to measure: who asks for another track does not wait for that."""
    with Segue(root, {"media": {"helpers": 1}}) as server:
        client = waiting(server, "/hls/half-hour.wav/master.m3u8")
        track = hls.Track(server, "pcm.wav")
        assert len(track.segments) == 4
        measured = server.metric(FRAMES)
        assert client.read_response().status == 200
        client.close()
        assert measured < 1800 * RATE / 4096 < server.metric(FRAMES)


def test_a_track_too_long_to_measure_names_bounds(root):
    with Segue(root) as server:
        media = playlist(server, "day.wav")
        assert media.duration == pytest.approx(30 * 3600, abs=1e-6)
        [variant] = hls_lint.parse_master(hls.get(server, "/hls/day.wav/master.m3u8").body)
        assert server.metric(MEASURES) == 0
        assert variant.bandwidth == pytest.approx(RATE * 32, rel=0.04)  # PCM's own rate
        init = hls.get(server, f"/hls/day.wav/{media.segments[0].init}").body
        segment = hls.get(server, f"/hls/day.wav/{media.segments[-1].uri}").body
        start = hls.fragment(segment)[1]
        assert start + hls.fragment(segment)[2] == 30 * 3600 * RATE > 1 << 32
        pcm = hls.decode("pipe:0", "s16le", data=init + segment)
        assert not any(pcm) and len(pcm) // 4 == 30 * 3600 * RATE - start
        assert len(segment) * 8 / media.segments[-1].duration < variant.bandwidth


def test_the_bound_holds_for_sound_that_cannot_be_compressed(tmp_path):
    samples = 20 * RATE
    wav(tmp_path / "noise.wav", MOST // 2 + 1, fill=noise(samples))
    with Segue(tmp_path) as server:
        [variant] = hls_lint.parse_master(hls.get(server, "/hls/noise.wav/master.m3u8").body)
        assert server.metric(MEASURES) == 0
        for segment in playlist(server, "noise.wav").segments[:3]:
            body = hls.get(server, f"/hls/noise.wav/{segment.uri}").body
            rate = 8 * len(body) / segment.duration
            # The difference of two sides has a bit more than either, should an encoder choose that.
            assert 0.97 * variant.bandwidth < rate <= variant.bandwidth


@pytest.mark.parametrize("name", ["pcm-51.wav", "vorbis.ogg"])
def test_two_edges_send_the_same_bytes(root, name):
    with Segue(root) as one, Segue(root, {"workers": 1, "media": {"helpers": 3}}) as two:
        first, second = hls.Track(one, name), hls.Track(two, name)
        assert first.urls == second.urls and first.segments == second.segments and first.init == second.init
        assert hls.get(one, first.master_url).body == hls.get(two, second.master_url).body
        assert hls.get(one, first.urls[0])["ETag"] == hls.get(two, second.urls[0])["ETag"]


@pytest.mark.parametrize("name", ["pcm.wav", "vorbis.ogg"])
def test_what_one_edge_has_encoded_another_finds_in_redis(root, name):
    with Redis() as redis:
        conf = {"cache": {"redis": {"url": redis.url, "timeout": "2s"}}}
        with Segue(root, conf) as one:
            first = hls.Track(one, name)
            made = 5 + len(first.segments)  # both indexes, master, playlist, init
            one.until_metric('segue_redis_writes_total{result="stored"}', lambda n: n >= made)
        with Segue(root, conf) as two:
            second = hls.Track(two, name)
            assert second.segments == first.segments and second.playlist.body == first.playlist.body
            assert two.metric(SEGMENTS) == two.metric(MEASURES) == two.metric("segue_index_builds_total") == 0


@pytest.mark.parametrize("name", ["pcm.wav", "vorbis.ogg"])
def test_encoded_segments_are_encrypted_like_all_others(root, name):
    with Segue(root) as open_, Segue(root, SEALED) as sealed:
        plain, track = hls.Track(open_, name), hls.Track(sealed, name)
        keys = keys_of(track.playlist.body.decode())
        key = hls.get(sealed, urllib.parse.urljoin(track.url, keys[0][1])).body
        assert [open_segment(s, key, iv) for s, (_, _, iv) in zip(track.segments, keys)] == plain.segments


def test_a_fast_start_is_cut_at_frames(root):
    with Segue(root, {"hls": {"fast_start": "on"}}) as server:
        track = hls.Track(server, "pcm.wav")
        durations = [s.duration for s in track.media.segments]
        assert [round(d) for d in durations[:3]] == [1, 2, 4]
        assert sum(durations) == pytest.approx(19.3, abs=2e-6)
        assert hls.decode("pipe:0", data=track.joined()) == hls.decode(str(root / "pcm.wav"))


def test_a_recording_that_goes_on_is_served_as_far_as_it_is(tmp_path, root):
    """Its head names no length: the recorder writes that when it stops."""
    data = (root / "pcm.wav").read_bytes()
    at = data.index(b"data") + 4
    (tmp_path / "live.wav").write_bytes(data[:4] + b"\xff" * 4 + data[8:at] + b"\xff" * 4 + data[at + 4:400_001])
    with Segue(tmp_path) as server:
        track = hls.Track(server, "live.wav")
        assert hls.decode("pipe:0", "s16le", data=track.joined()) == data[at + 4:][:(400_001 - at - 4) // 4 * 4]


def test_a_file_replaced_by_a_shorter_one_has_other_segments(tmp_path, root):
    wav(tmp_path / "a.wav", 20 * RATE)
    with Segue(tmp_path) as server:
        old = playlist(server, "a.wav")
        wav(tmp_path / "new", 10 * RATE, fill=noise(10 * RATE))
        os.rename(tmp_path / "new", tmp_path / "a.wav")
        since = time.monotonic()
        no_old_after(server, f"/hls/a.wav/{old.segments[3].uri}", since, 1.0, (404, None))
        new = hls.Track(server, "a.wav")
        assert hls.decode("pipe:0", "s16le", data=new.joined()) == noise(10 * RATE)


def test_the_version_in_urls_is_one_for_all_of_a_track(root):
    with Segue(root) as server:
        media = playlist(server, "pcm.wav")
        versions = {re.match(r"v-([0-9a-f]{16})/", s.uri)[1] for s in media.segments}
        assert len(versions) == 1
        other = "v-" + "0" * 16 + "/0.m4s"
        hls.get(server, f"/hls/pcm.wav/{other}", status=404)
        assert server.metric(SEGMENTS) == 0


def test_chromium_plays_what_it_could_not_have_got(root):
    with Segue(root) as server:
        if raw.fetch(server.port, "/player/").status == 404:
            pytest.skip("built with NO_UI=1")
        with browser.chromium() as driver:
            browser.open_player(driver, f"http://127.0.0.1:{server.port}/player/")
            for name in ("pcm.wav", "vorbis.ogg"):
                seen = browser.play(driver, browser.button_of(name, "hls"), rate=16)
                assert seen["ended"] and seen["holes"] == 0, (name, seen)
                assert abs(seen["duration"] - 19.3) <= 0.05, (name, seen)
