"""What comes out of the segments is the source: decoded by ffmpeg and compared sample by sample."""
import pytest

import hls
from hls_cases import BYTES, CASES, ENCODED, EVERY, library  # noqa: F401

# Take nothing away by itself: what is ahead of the sound is to be seen here, and the edit list named it.
RAW = ("-flags2", "+skip_manual")


def expected(library, name, container):  # noqa: F811
    """The source's PCM, its rate, and how many samples are ahead of it in this container."""
    case, track = CASES[name], library.track(name, container)
    source, rate = case.adts_as if case.adts_as and container != "fmp4" else (name, case.rate)
    ahead = case.priming
    if container == "fmp4":
        start, timescale = hls.edit_list(track.init)
        assert start * rate % timescale == 0
        ahead = start * rate // timescale
    return hls.decode(library.path(source), case.sample), rate, ahead


@pytest.mark.parametrize("name,container", EVERY + BYTES)
def test_segments_hold_the_sound_whole_and_exactly(library, name, container):  # noqa: F811
    case, track = CASES[name], library.track(name, container)
    source, rate, ahead = expected(library, name, container)
    pcm = hls.decode("pipe:0", case.sample, RAW, track.joined())
    size = int(case.sample[1:3]) // 8 * case.channels
    first = ahead * size
    assert pcm[first:first + len(source)] == source, "the sound is not there, whole and at its place"
    after = (len(pcm) - first - len(source)) // size
    assert 0 <= after < case.frame * rate // case.rate, f"{after} samples after the sound"


@pytest.mark.parametrize("name", ["aac.m4a", "he-aac.m4a", "opus.opus"])
def test_the_edit_list_names_the_priming_of_the_codec(library, name):  # noqa: F811
    start, timescale = hls.edit_list(library.track(name, "fmp4").init)
    wanted = {"aac.m4a": 1024 / 44100, "he-aac.m4a": 1024 / 22050, "opus.opus": 312 / 48000}[name]
    assert start / timescale == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("name,container", EVERY + BYTES)
def test_every_segment_alone_demuxes(library, name, container):  # noqa: F811
    case, track = CASES[name], library.track(name, container)

    def look(number):
        fields = "stream=codec_name,sample_rate,channels,nb_read_packets"
        out, said = hls.probe("pipe:0", "-count_packets", data=track.alone(number), fields=fields)
        assert said == "", said
        [stream] = out["streams"]  # one stream, and no picture
        return int(stream["nb_read_packets"]), int(stream["channels"])

    for packets, channels in hls.each(look, range(len(track.segments))):
        assert packets > 0 and channels == case.channels


@pytest.mark.parametrize("name", ["flac.flac", "alac-24.m4a", *ENCODED])
def test_every_lossless_segment_alone_is_its_piece_of_the_sound(library, name):  # noqa: F811
    track, sample = library.track(name), CASES[name].sample
    pieces = hls.each(lambda i: hls.decode("pipe:0", sample, data=track.alone(i)), range(len(track.segments)))
    assert b"".join(pieces) == hls.decode(library.path(name), sample)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if "packed" in c.containers])
def test_packed_segments_start_with_their_time(library, name):  # noqa: F811
    """RFC 8216 3.4: 33 bits of 90 kHz, the time of the first frame."""
    track, at, first = library.track(name, "packed"), 0.0, None
    for segment, bytes_ in zip(track.media.segments, track.segments):
        stamp, frames = hls.split_tag(bytes_)
        first = stamp if first is None else first
        assert stamp < 1 << 33 and abs(stamp - first - at * 90000) <= 1.5
        ac3 = CASES[name].codecs in ("ac-3", "ec-3")
        assert frames[:2] == b"\x0b\x77" if ac3 else frames[0] == 0xFF and frames[1] & 0xE0 == 0xE0, "no frame"
        at += segment.duration


def ts_packets(segment):
    assert len(segment) % 188 == 0
    for at in range(0, len(segment), 188):
        packet = segment[at:at + 188]
        assert packet[0] == 0x47
        pid = (packet[1] & 0x1F) << 8 | packet[2]
        yield pid, packet[3] & 15, bool(packet[3] & 0x10), packet


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if "ts" in c.containers])
def test_ts_segments_start_with_tables_and_continue_the_counters(library, name):  # noqa: F811
    last = {}
    for segment in library.track(name, "ts").segments:
        packets = list(ts_packets(segment))
        assert packets[0][0] == 0, "the PAT is not first"
        pmt = (packets[0][3][15] & 0x1F) << 8 | packets[0][3][16]
        assert packets[1][0] == pmt, "the PMT is not second"
        for pid, counter, payload, _ in packets:
            if payload:
                assert pid not in last or counter == (last[pid] + 1) % 16, f"pid {pid}: a gap"
                last[pid] = counter


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if "fmp4" in c.containers])
def test_fragments_follow_one_another(library, name):  # noqa: F811
    """Apple 7.3: each tfdt is where the fragment before ended; sequence numbers rise."""
    track, at = library.track(name, "fmp4"), 0
    for number, segment in enumerate(track.segments, 1):
        sequence, start, ticks = hls.fragment(segment)
        assert (sequence, start) == (number, at)
        at += ticks
    assert hls.box(track.init, "moov/mvex/trex") is not None
