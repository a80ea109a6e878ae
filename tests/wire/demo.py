"""The demo library, as `make demo` makes it, with a server over it."""
import os
import subprocess

import pytest

import hls
from segue import REPO, Segue

DEMO = os.path.join(REPO, "build", "demo-library")
TRACKS = [
    "harbour-lights/foghorn.flac", "harbour-lights/lamplighter.mp3", "harbour-lights/low-tide.m4a",
    "night-train/128.m4a", "sketches/clockwork.m4a", "sketches/paper-boats.aac",
    "sketches/rain-on-tin.opus",
]
LADDER = "night-train"


@pytest.fixture(scope="module")
def demo():
    subprocess.run([os.path.join(REPO, "tools", "demo-library"), DEMO], check=True, stdout=subprocess.DEVNULL)
    with Segue(DEMO) as server:
        yield server


def seconds(path):
    """Of sound, in the file or behind the URL."""
    where = path if "://" in path else os.path.join(DEMO, path)
    pcm = hls.decode(where, "s16le")
    found, _ = hls.probe(where, "-select_streams", "a:0", fields="stream=channels,sample_rate")
    stream = found["streams"][0]
    return len(pcm) / 2 / int(stream["channels"]) / int(stream["sample_rate"])
