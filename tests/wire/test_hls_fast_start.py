"""hls.fast_start: short segments first, and everything else as it was."""
import pytest

import hls
import hls_lint
from hls_cases import library  # noqa: F401
from segue import Segue


@pytest.fixture(scope="module")
def fast(library):  # noqa: F811
    with Segue(library.root, {"hls": {"fast_start": "on"}}) as server:
        yield server


@pytest.mark.parametrize("name,container", [("aac.m4a", "fmp4"), ("aac.m4a", "ts"), ("cbr.mp3", "packed"),
                                            ("cbr.mp3", "bytes"), ("flac.flac", "fmp4")])
def test_the_first_segments_last_1_2_and_4_seconds(fast, library, name, container):  # noqa: F811
    track, plain = hls.Track(fast, name, container), library.track(name, container)
    durations = [s.duration for s in track.media.segments]
    assert durations[:4] == pytest.approx([1, 2, 4, 6], abs=0.11)
    assert track.media.target == plain.media.target
    assert sum(durations) == pytest.approx(plain.media.duration, abs=1e-5)
    assert hls.decode("pipe:0", data=track.joined()) == hls.decode("pipe:0", data=plain.joined())
    peak = hls_lint.peak_rate([len(s) for s in track.segments], durations, track.media.target)
    assert track.variants[0].bandwidth == pytest.approx(peak, rel=1e-4)


def test_segments_that_are_cut_otherwise_have_other_urls(fast, library):  # noqa: F811
    assert not set(hls.Track(fast, "aac.m4a").urls) & set(library.track("aac.m4a").urls)
