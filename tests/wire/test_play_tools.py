"""Players from the command line play everything to its end: ffmpeg, ffprobe, GStreamer."""
import os
import shutil
import subprocess

import pytest

import hls
from demo import LADDER, TRACKS, demo, seconds  # noqa: F401
from hls_cases import BYTES, CASES, EVERY, library  # noqa: F401

FRAME_BYTES = 2  # of s16 PCM, a channel


def seconds_of(pcm, case, rate=None):
    return len(pcm) / (FRAME_BYTES * case.channels * (rate or case.rate))


def wanted_seconds(library, name, container=None):  # noqa: F811
    """How long the sound is, and how much more a player may hear: priming and padding."""
    case = CASES[name]
    whole = seconds_of(hls.decode(library.path(name), "s16le"), case)
    return whole, (case.priming + case.frame) / case.rate + 0.001


def master(library, name, container):  # noqa: F811
    return library.url(f"/hls/{hls.quote(name)}/{container}/master.m3u8")


def options(name, container):
    """ffmpeg 5.1 knows E-AC-3 by .eac3 alone; .ec3 is Apple's name for it."""
    return ("-extension_picky", "0") if container == "packed" and CASES[name].codecs == "ec-3" else ()


@pytest.mark.parametrize("name,container", EVERY + BYTES)
def test_ffprobe_reads_the_playlists_without_a_warning(library, name, container):  # noqa: F811
    for what in ("master.m3u8", "index.m3u8"):
        url = library.url(f"/hls/{hls.quote(name)}/{container}/{what}")
        found, said = hls.probe(url, *options(name, container), fields="format=duration:stream=codec_type")
        assert said == "", said
        assert [s["codec_type"] for s in found["streams"]] == ["audio"]
        wanted, spare = wanted_seconds(library, name)
        assert abs(float(found["format"]["duration"]) - wanted) <= spare


@pytest.mark.parametrize("name,container", EVERY + BYTES)
def test_ffmpeg_plays_hls_to_the_end(library, name, container):  # noqa: F811
    case = CASES[name]
    rate = case.adts_as[1] if case.adts_as and container != "fmp4" else case.rate
    pcm = hls.decode(master(library, name, container), "s16le", options(name, container))
    wanted, spare = wanted_seconds(library, name)
    assert -0.001 <= seconds_of(pcm, case, rate) - wanted <= spare


@pytest.mark.parametrize("name", CASES)
def test_ffmpeg_plays_the_file_by_range(library, name):  # noqa: F811
    url = library.url(f"/audio/{hls.quote(name)}")
    assert hls.decode(url, "s16le") == hls.decode(library.path(name), "s16le")


def test_ffmpeg_plays_a_folder_of_renditions(library):  # noqa: F811
    pcm = hls.decode(library.url("/hls/ladder/master.m3u8"), "s16le")
    assert abs(len(pcm) / 4 / 44100 - 19.3) < 0.1


def gstreamer(url, target):
    """Play into a file of s16 PCM at 48 kHz; a seconds count."""
    sink = f"audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1 ! filesink location={target}"
    command = ["gst-launch-1.0", "-q", "uridecodebin3", f"uri={url}", "!", *sink.split(" ")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and "ERROR" not in done.stderr, done.stderr
    return os.path.getsize(target) / 2 / 48000


needs_gstreamer = pytest.mark.skipif(not shutil.which("gst-launch-1.0"), reason="gst-launch-1.0 is missing")
# Not bytes: hlsdemux2 of GStreamer 1.22 wants the timestamp tag of packed audio in front of bare frames.
GST_TRACKS = [(n, c) for n, c in EVERY if n in (
    "aac.m4a", "aac-cover.m4a", "aac.aac", "alac.m4a", "cbr.mp3", "vbr.mp3", "flac.flac", "opus.opus", "pcm.wav",
    "pcm-24.wav", "vorbis.ogg")]


@needs_gstreamer
@pytest.mark.parametrize("name,container", GST_TRACKS)
def test_gstreamer_plays_hls_to_the_end(library, tmp_path, name, container):  # noqa: F811
    wanted, spare = wanted_seconds(library, name)
    heard = gstreamer(master(library, name, container), tmp_path / "pcm")
    assert abs(heard - wanted) <= spare + 0.03, f"{heard} s of {wanted} s"


@needs_gstreamer
@pytest.mark.parametrize("name", sorted({n for n, _ in GST_TRACKS}))
def test_gstreamer_plays_the_file_by_range(library, tmp_path, name):  # noqa: F811
    wanted, spare = wanted_seconds(library, name)
    heard = gstreamer(library.url(f"/audio/{name}"), tmp_path / "pcm")
    assert abs(heard - wanted) <= spare + 0.03, f"{heard} s of {wanted} s"


# The demo library. How much priming and padding a codec may add is the business of the tests above.
DEMO_SPARE = 0.15  # seconds


@pytest.mark.parametrize("track", TRACKS)
def test_ffmpeg_plays_the_demo_library(demo, track):  # noqa: F811
    heard = seconds(f"http://127.0.0.1:{demo.port}/hls/{track}/master.m3u8")
    assert abs(heard - seconds(track)) < DEMO_SPARE


@needs_gstreamer
@pytest.mark.parametrize("track", [*TRACKS, LADDER])
def test_gstreamer_plays_the_demo_library(demo, tmp_path, track):  # noqa: F811
    heard = gstreamer(f"http://127.0.0.1:{demo.port}/hls/{track}/master.m3u8", tmp_path / "pcm")
    assert abs(heard - seconds(track if track != LADDER else f"{LADDER}/128.m4a")) < DEMO_SPARE
