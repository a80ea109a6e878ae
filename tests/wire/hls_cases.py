"""The media fixtures that HLS carries, and what is known about each."""
import os
import sys
from dataclasses import dataclass

import pytest

import hls
from segue import REPO, Segue

sys.path.insert(0, os.path.join(REPO, "tests", "media"))
import fixtures  # noqa: E402


@dataclass(frozen=True)
class Case:
    name: str
    codecs: str
    frame: int          # samples of a packet, at `rate`
    rate: int           # of the decoded sound, Hz
    channels: int
    containers: tuple   # that take it; the first is the default
    priming: int = 0    # samples the codec is known to put in front, which only fMP4 can name
    adts_as: tuple = () # (source, rate): what TS and packed hold, where it is not the same sound
    sample: str = "s32le"  # in which source and segments are alike: 32 bits hold what 24-bit sources give


AAC = ("fmp4", "ts", "packed")
AC3 = ("fmp4", "ts", "packed")
MP3 = ("packed", "ts")
ONLY_FMP4 = ("fmp4",)
LAME = 576 + 529  # the encoder's delay and the decoder's

CASES = {case.name: case for case in (
    Case("aac.m4a", "mp4a.40.2", 1024, 44100, 2, AAC, 1024),
    Case("aac-front.m4a", "mp4a.40.2", 1024, 44100, 2, AAC, 1024),
    Case("aac-48-mono.m4a", "mp4a.40.2", 1024, 48000, 1, AAC, 1024),
    Case("aac-cover.m4a", "mp4a.40.2", 1024, 44100, 2, AAC, 1024),
    # ADTS cannot say "SBR": a decoder finds it in the frames, and these have none (see tests/media).
    Case("he-aac.m4a", "mp4a.40.5", 2048, 44100, 2, AAC, 1024, ("he-core.m4a", 22050)),
    # Nor can it say "PS"; and without either in its frames its ADTS is that of one channel. he-found2 has them.
    Case("he-aac2.m4a", "mp4a.40.29", 2048, 44100, 2, ONLY_FMP4, 1024),
    # SBR that is in the frames and announced nowhere: fMP4 says it openly, the others hold it as it is.
    Case("he-found.aac", "mp4a.40.5", 2048, 44100, 2, AAC),
    Case("he-found.m4a", "mp4a.40.5", 2048, 44100, 2, AAC),
    Case("he-found2.aac", "mp4a.40.29", 2048, 44100, 2, AAC),
    Case("he-found2.m4a", "mp4a.40.29", 2048, 44100, 2, AAC),
    Case("aac.aac", "mp4a.40.2", 1024, 44100, 2, AAC),
    Case("short.m4a", "mp4a.40.2", 1024, 44100, 2, AAC, 1024),
    Case("alac.m4a", "alac", 4096, 44100, 2, ONLY_FMP4),
    Case("alac-24.m4a", "alac", 4096, 48000, 2, ONLY_FMP4),
    Case("cbr.mp3", "mp4a.40.34", 1152, 44100, 2, MP3, LAME),
    Case("vbr.mp3", "mp4a.40.34", 1152, 44100, 2, MP3, LAME),
    Case("bare.mp3", "mp4a.40.34", 1152, 44100, 2, MP3),
    Case("half.mp3", "mp4a.40.34", 576, 22050, 1, MP3, LAME),
    Case("cover.mp3", "mp4a.40.34", 1152, 44100, 2, MP3, LAME),
    Case("flac.flac", "fLaC", 4608, 44100, 2, ONLY_FMP4),
    Case("flac-24.flac", "fLaC", 4608, 48000, 2, ONLY_FMP4),
    Case("opus.opus", "Opus", 960, 48000, 2, ONLY_FMP4),
    Case("opus-mono.ogg", "Opus", 2880, 48000, 1, ONLY_FMP4),
    Case("ac3.ac3", "ac-3", 1536, 48000, 2, AC3),
    Case("ac3-51.m4a", "ac-3", 1536, 48000, 6, AC3, 256),
    Case("eac3.eac3", "ec-3", 1536, 48000, 2, AC3),
    Case("eac3.mp4", "ec-3", 1536, 44100, 2, AC3, 256),
    Case("aac-51.m4a", "mp4a.40.2", 1024, 48000, 6, AAC, 1024),
    Case("aac-8.m4a", "mp4a.40.2", 1024, 8000, 1, AAC, 1024),
    Case("aac-11.aac", "mp4a.40.2", 1024, 11025, 1, AAC),
    Case("aac-96.m4a", "mp4a.40.2", 1024, 96000, 2, AAC, 1024),
    Case("mp3-8.mp3", "mp4a.40.34", 576, 8000, 1, MP3, LAME),
    Case("mp3-11.mp3", "mp4a.40.34", 576, 11025, 2, MP3, LAME),
    Case("mp3.mp4", "mp4a.40.34", 1152, 44100, 2, MP3, LAME),
    Case("one.flac", "fLaC", 882, 44100, 2, ONLY_FMP4),
    Case("flac-51.flac", "fLaC", 4608, 48000, 6, ONLY_FMP4),
    Case("flac-96.flac", "fLaC", 8192, 96000, 2, ONLY_FMP4),
    Case("flac.mka", "fLaC", 4608, 44100, 2, ONLY_FMP4),
    Case("flac.mp4", "fLaC", 4608, 44100, 2, ONLY_FMP4),
    Case("opus.mp4", "Opus", 960, 48000, 2, ONLY_FMP4),
    Case("opus.webm", "Opus", 960, 48000, 2, ONLY_FMP4),
    Case("opus.mka", "Opus", 960, 48000, 2, ONLY_FMP4),
    Case("pcm.wav", "fLaC", 4096, 44100, 2, ONLY_FMP4),
    Case("pcm-24.wav", "fLaC", 4096, 48000, 2, ONLY_FMP4),
    Case("pcm-8.wav", "fLaC", 1024, 8000, 1, ONLY_FMP4),
    Case("pcm-11.wav", "fLaC", 1024, 11025, 2, ONLY_FMP4),
    Case("pcm-51.wav", "fLaC", 4096, 48000, 6, ONLY_FMP4),
    Case("pcm-96.wav", "fLaC", 4096, 96000, 2, ONLY_FMP4),
    Case("pcm-192.aiff", "fLaC", 4096, 192000, 2, ONLY_FMP4),
    Case("pcm-22.aiff", "fLaC", 2048, 22050, 1, ONLY_FMP4),
    Case("law.wav", "fLaC", 1024, 8000, 1, ONLY_FMP4),
    Case("one.wav", "fLaC", 882, 44100, 2, ONLY_FMP4),
    # A decoder of floats has no last bit: 16 is what all of them agree on.
    Case("vorbis.ogg", "fLaC", 4096, 44100, 2, ONLY_FMP4, sample="s16le"),
    Case("vorbis-22.ogg", "fLaC", 2048, 22050, 1, ONLY_FMP4, sample="s16le"),
    Case("vorbis-51.ogg", "fLaC", 4096, 48000, 6, ONLY_FMP4, sample="s16le"),
    Case("vorbis.webm", "fLaC", 4096, 48000, 2, ONLY_FMP4, sample="s16le"),
    Case("vorbis.mka", "fLaC", 4096, 44100, 2, ONLY_FMP4, sample="s16le"),
)}
EVERY = [(name, container) for name, case in CASES.items() for container in case.containers]
# Frames with headers side by side in the file may also be had as byte ranges of it.
BYTES = [(name, "bytes") for name in CASES if name.endswith((".mp3", ".aac"))]
# What HLS can't carry as it is: sent as FLAC.
ENCODED = [name for name in CASES if name.startswith(("pcm", "law", "vorbis", "one.wav"))]
LADDER = ("64.m4a", "128.m4a", "192.m4a")


class Library:
    """A server over the fixtures; each track is fetched once."""

    def __init__(self, server, root):
        self.server, self.root, self.tracks = server, root, {}

    def track(self, name, container=None):
        key = name, container
        if key not in self.tracks:
            self.tracks[key] = hls.Track(self.server, name, container)
        return self.tracks[key]

    def path(self, name):
        return os.path.join(self.root, name)

    def url(self, path):
        return f"http://127.0.0.1:{self.server.port}{path}"


@pytest.fixture(scope="module")
def library():
    root = fixtures.make()
    with Segue(root) as server:
        yield Library(server, root)
