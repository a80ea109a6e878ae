"""AAC of the rarer kinds: SBR and PS by whichever way they are announced, and xHE-AAC, which no decoder here knows."""
import os
import struct

import pytest

import hls
from hls_cases import fixtures, library  # noqa: F401

# What an init segment says: object types 5 and 29 in front (explicit, hierarchical), over LC at 22.05 kHz.
SBR_STEREO, PS_MONO = bytes.fromhex("2b920800"), bytes.fromhex("eb8a0800")


def config(init):
    """The AudioSpecificConfig in an esds box: DecoderSpecificInfo, tag 5. ISO 14496-1 7.2.6"""
    entry = hls.box(init, "moov/trak/mdia/minf/stbl/stsd")[8 + 8:]
    esds = hls.box(entry[28:], "esds")
    at = esds.index(b"\x05")
    while at >= 0:
        size, front = 0, at + 1
        while front < len(esds):
            size = size << 7 | esds[front] & 0x7f
            front += 1
            if not esds[front - 1] & 0x80:
                break
        if 2 <= size <= 64 and front + size <= len(esds):
            return esds[front:front + size]
        at = esds.find(b"\x05", at + 1)
    raise AssertionError(esds)


@pytest.mark.parametrize("name,said", [("he-aac.m4a", SBR_STEREO), ("he-found.aac", SBR_STEREO),
                                       ("he-found.m4a", SBR_STEREO), ("he-aac2.m4a", PS_MONO),
                                       ("he-found2.aac", PS_MONO), ("he-found2.m4a", PS_MONO)])
def test_the_init_segment_says_sbr_and_ps_openly(library, name, said):  # noqa: F811
    """Apple 2.24, however the file said it."""
    assert config(library.track(name, "fmp4").init).startswith(said)


@pytest.mark.parametrize("name", ["he-found.aac", "he-found.m4a", "he-found2.aac", "he-found2.m4a"])
@pytest.mark.parametrize("container", ["fmp4", "ts", "packed"])
def test_there_is_treble_that_the_core_has_not(library, name, container):  # noqa: F811
    """Above 14 kHz, where half of the core's 22.05 kHz has ended; in the middle, where the sweep is low."""
    treble = ["-af", "aresample=44100" + 8 * ",highpass=f=14000" + ",atrim=9:11", "-f", "s16le", "pipe:1"]

    def level(source, data=None):
        pcm, _ = hls.ffmpeg(["-i", source, *treble], data)
        samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
        return (sum(s * s for s in samples) / len(samples)) ** 0.5
    core = "he-core-mono.aac" if "2" in name else "he-core.aac"
    heard = level("pipe:0", library.track(name, container).joined())
    print(f"{name} {container}: {heard:.1f} of 32767, the core {level(library.path(core)):.1f}")
    assert heard > 1 + 4 * level(library.path(core))


def test_xhe_aac_goes_as_it_is_in_fmp4_alone(library):  # noqa: F811
    """Its configuration and its packets unchanged, and not called independent, which needs an IPF in each segment."""
    track = library.track("xhe-aac.m4a")
    assert track.container == "fmp4" and [v.codecs for v in track.variants] == ["mp4a.40.42"]
    assert not track.media.independent
    assert config(track.init) == bytes.fromhex(fixtures.USAC)
    with open(os.path.join(library.root, "xhe-aac.m4a"), "rb") as file:
        source = hls.box(file.read(), "mdat")
    assert b"".join(hls.box(s, "mdat") for s in track.segments) == source
    for container in ("ts", "packed", "bytes"):
        answer = hls.get(library.server, f"/hls/xhe-aac.m4a/{container}/index.m3u8", status=406)
        assert answer.json()["detail"].endswith("it goes into fmp4")
