"""hls.encryption: whole segments in AES-128, keys by track, and players that take it."""
import re
import shutil
import subprocess
import urllib.parse

import pytest

import browser
import hls
import hls_lint
import raw
from hls_cases import library  # noqa: F401
from segue import PROGRAM, Segue

SECRET = "a secret of the tests"
CONF = {"hls": {"encryption": "aes-128", "encryption_secret": SECRET}}
TRACKS = [("aac.m4a", "fmp4"), ("aac.m4a", "ts"), ("aac.aac", "packed"), ("cbr.mp3", "packed"), ("flac.flac", "fmp4"),
          ("opus.opus", "fmp4")]


@pytest.fixture(scope="module")
def sealed(library):  # noqa: F811
    with Segue(library.root, CONF) as server:
        yield server


def keys_of(text):
    """(method, uri, iv) of each segment."""
    return re.findall(r'#EXT-X-KEY:METHOD=([A-Z0-9-]+),URI="([^"]+)",IV=0x([0-9a-f]{32})\n#EXTINF', text)


def open_segment(data, key, iv):
    done = subprocess.run(["openssl", "enc", "-d", "-aes-128-cbc", "-K", key.hex(), "-iv", iv],
                          input=data, capture_output=True, check=True)
    return done.stdout


@pytest.mark.parametrize("name,container", TRACKS)
def test_segments_decrypt_to_the_plain_ones(sealed, library, name, container):  # noqa: F811
    track, plain = hls.Track(sealed, name, container), library.track(name, container)
    keys = keys_of(track.playlist.body.decode())
    assert len(keys) == len(track.segments) == len(plain.segments)
    assert {method for method, _, _ in keys} == {"AES-128"}
    assert len({uri for _, uri, _ in keys}) == 1 and len({iv for _, _, iv in keys}) == len(keys)
    key = hls.get(sealed, urllib.parse.urljoin(track.url, keys[0][1]))
    assert len(key.body) == 16
    for segment, clear, (_, _, iv) in zip(track.segments, plain.segments, keys):
        assert open_segment(segment, key.body, iv) == clear != segment
    assert track.init == plain.init
    sizes, durations = [len(s) for s in track.segments], [s.duration for s in track.media.segments]
    peak = hls_lint.peak_rate(sizes, durations, track.media.target)
    assert track.variants[0].bandwidth == pytest.approx(peak, rel=1e-4, abs=1)


def test_the_key_is_served_as_a_key(sealed, library):  # noqa: F811
    track, other = hls.Track(sealed, "aac.m4a"), hls.Track(sealed, "cbr.mp3")
    urls = [urllib.parse.urljoin(t.url, keys_of(t.playlist.body.decode())[0][1]) for t in (track, other)]
    keys = [hls.get(sealed, url) for url in urls]
    assert keys[0].body != keys[1].body
    for key in keys:
        assert key["Content-Type"] == "application/octet-stream" and key["Cache-Control"] == "no-store"
        assert "ETag" not in key
    assert hls.get(sealed, urls[0]).body == keys[0].body
    hls.get(sealed, re.sub("v-.", "v-x", urls[0]), status=404)
    plain = library.track("aac.m4a").urls[0].rpartition("/")[0] + "/key"
    hls.get(library.server, plain, status=404)


def test_edges_agree_and_another_secret_is_another_url(sealed, library):  # noqa: F811
    with Segue(library.root, CONF) as twin:
        assert hls.Track(twin, "aac.m4a").segments == hls.Track(sealed, "aac.m4a").segments
    other = {"hls": {"encryption": "aes-128", "encryption_secret": "quite another secret"}}
    with Segue(library.root, other) as server:
        assert not set(hls.Track(server, "aac.m4a").urls) & set(hls.Track(sealed, "aac.m4a").urls)
    assert not set(library.track("aac.m4a").urls) & set(hls.Track(sealed, "aac.m4a").urls)


def test_a_file_as_it_is_cannot_be_encrypted(sealed):
    answer = hls.get(sealed, "/hls/cbr.mp3/bytes/index.m3u8", status=406)
    assert answer.json()["detail"].endswith("it goes into ts, packed")


def test_the_secret_may_lie_in_a_file(library, tmp_path, sealed):  # noqa: F811
    (tmp_path / "secret").write_text(SECRET + "\n")
    conf = {"hls": {"encryption": "aes-128", "encryption_secret_file": str(tmp_path / "secret")}}
    with Segue(library.root, conf) as server:
        assert hls.Track(server, "aac.m4a").segments == hls.Track(sealed, "aac.m4a").segments


@pytest.mark.parametrize("lines,said", [
    ("encryption: aes-128", "no secret"), ("encryption: aes-128\n  encryption_secret: short", "at least 16"),
    ("encryption: aes-128\n  encryption_secret: a-secret-that-is-long\n  encryption_secret_file: x", "both")])
def test_a_secret_is_needed(tmp_path, lines, said):
    (tmp_path / "c.yaml").write_text(f"hls:\n  {lines}\n")
    done = subprocess.run([PROGRAM, "check", "-c", str(tmp_path / "c.yaml")], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and said in done.stderr and "long" not in done.stderr.replace("longer", "")


@pytest.mark.parametrize("name,container", TRACKS)
def test_ffmpeg_plays_it(sealed, library, name, container):  # noqa: F811
    url = f"http://127.0.0.1:{sealed.port}/hls/{name}/{container}/master.m3u8"
    plain = library.url(f"/hls/{name}/{container}/master.m3u8")
    assert hls.decode(url) == hls.decode(plain)


@pytest.mark.skipif(not shutil.which("gst-launch-1.0"), reason="gst-launch-1.0 is missing")
# Not fmp4: hlsdemux2 of GStreamer 1.22 decrypts an init segment that stands before any EXT-X-KEY, and hangs
# where it stands behind one.
@pytest.mark.parametrize("name,container", [(n, c) for n, c in TRACKS if c != "fmp4"])
def test_gstreamer_plays_it(sealed, tmp_path, name, container):
    from test_play_tools import gstreamer
    heard = gstreamer(f"http://127.0.0.1:{sealed.port}/hls/{name}/{container}/master.m3u8", tmp_path / "pcm")
    assert abs(heard - 19.3) <= 0.15


def test_chromium_plays_it(sealed):
    if raw.fetch(sealed.port, "/player/").status == 404:
        pytest.skip("built with NO_UI=1")
    with browser.chromium() as driver:
        browser.open_player(driver, f"http://127.0.0.1:{sealed.port}/player/")
        for name in ("aac.m4a", "aac.aac", "flac.flac"):
            seen = browser.play(driver, browser.button_of(name, "hls"), rate=16)
            assert seen["ended"] and seen["holes"] == 0, (name, seen)
            assert abs(seen["duration"] - 19.3) <= 0.05, (name, seen)
