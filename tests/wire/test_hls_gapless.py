"""An album of two tracks that were cut from one sine: played one after the other there is no click."""
import array
import math

import pytest

import hls
from segue import Segue

RATE, LEVEL, TONE = 48000, 0.5, 441.0
CUT = 245_921  # samples of the first track: no whole number of frames, nor of periods
TOTAL = 480_000
LOSSLESS = {"flac": ["-c:a", "flac"], "m4a": ["-c:a", "alac"]}
CODECS = {**LOSSLESS, "mp4": ["-c:a", "aac", "-b:a", "192k"], "opus": ["-c:a", "libopus", "-b:a", "192k"]}


def sine(first, count):
    return array.array("h", (round(LEVEL * 32767 * math.sin(2 * math.pi * TONE * (first + i) / RATE))
                             for i in range(count)))


def encode(target, samples, codec):
    hls.ffmpeg(["-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "pipe:0", *codec, "-strict", "-2", str(target)],
               samples.tobytes())


def heard(server, name):
    """What a player hears that keeps to the edit list and to the playlist's duration."""
    track = hls.Track(server, name, "fmp4")
    start, timescale = hls.edit_list(track.init)
    pcm = array.array("h", hls.decode("pipe:0", "s16le", ("-flags2", "+skip_manual"), track.joined()))
    pcm = pcm[start * RATE // timescale:]
    count = track.media.duration * RATE
    assert abs(count - round(count)) < 0.2, "the duration is no number of samples"
    assert 0 <= len(pcm) - round(count) < 4608
    return pcm[:round(count)]


@pytest.mark.parametrize("ending", CODECS)
def test_two_tracks_of_one_sine_join_without_a_click(tmp_path, ending):
    whole = sine(0, TOTAL)
    for number, samples in (("1", whole[:CUT]), ("2", whole[CUT:])):
        encode(tmp_path / f"{number}.{ending}", samples, CODECS[ending])
    with Segue(tmp_path) as server:
        first, second = heard(server, f"1.{ending}"), heard(server, f"2.{ending}")
    assert len(first) == CUT and len(second) == TOTAL - CUT
    if ending in LOSSLESS:
        assert first + second == whole
        return
    # An encoder that starts in the middle of a tone makes its own noise; nothing is added to that.
    files = [array.array("h", hls.decode(str(tmp_path / f"{n}.{ending}"), "s16le")) for n in "12"]
    assert first + second == files[0][:CUT] + files[1][:TOTAL - CUT]
    assert all(abs(a - b) < LEVEL * 32767 / 4 for a, b in zip(first[-500:] + second[:500], whole[CUT - 500:CUT + 500]))
