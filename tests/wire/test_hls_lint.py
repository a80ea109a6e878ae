"""The playlist reader of these tests refuses what it has to: a lint that finds nothing proves nothing."""
import pytest

import hls_lint

MEDIA = b"""#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:6
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI="v-1/init.mp4"
#EXTINF:6.013968,
v-1/0.m4s
#EXTINF:1.500000,
v-1/1.m4s
#EXT-X-ENDLIST
"""
MASTER = b"""#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=140000,AVERAGE-BANDWIDTH=130000,CODECS="mp4a.40.2"
index.m3u8
"""


def test_good_playlists_pass():
    media = hls_lint.parse_media(MEDIA, "fmp4")
    assert [s.uri for s in media.segments] == ["v-1/0.m4s", "v-1/1.m4s"]
    assert media.duration == pytest.approx(7.513968)
    assert [(v.uri, v.codecs) for v in hls_lint.parse_master(MASTER)] == [("index.m3u8", "mp4a.40.2")]


@pytest.mark.parametrize("old,new,fault", [
    (b"#EXTM3U\n", b"", "first line"),
    (b"#EXTM3U", b"\xef\xbb\xbf#EXTM3U", "byte order"),
    (b"VERSION:6", b"VERSION:7", "EXT-X-VERSION is 7"),
    (b"VERSION:6", b"VERSION:3", "EXT-X-VERSION is 3"),
    (b"TARGETDURATION:6", b"TARGETDURATION:5", "the target is 5"),
    (b"TARGETDURATION:6", b"TARGETDURATION:6.0", "malformed"),
    (b"#EXT-X-TARGETDURATION:6\n", b"", "0 times"),
    (b"6.013968", b"6.01", "6 places"),
    (b"#EXTINF:1.500000,\n", b"", "without EXTINF"),
    (b"#EXT-X-ENDLIST\n", b"", "EXT-X-ENDLIST"),
    (b":VOD", b":EVENT", "PLAYLIST-TYPE"),
    (b'#EXT-X-MAP:URI="v-1/init.mp4"\n', b"", "EXT-X-MAP"),
    (b"v-1/1.m4s", b"/hls/a/v-1/1.m4s", "not relative"),
    (b"v-1/1.m4s", b"http://a/1.m4s", "not relative"),
    (b"v-1/1.m4s", b"v-1/1.ts", "unexpected ending"),
    (b"v-1/1.m4s", b"v-1/0.m4s", "twice"),
    (b"v-1/1.m4s", b"v-1/one two.m4s", "not a URI"),
    (b"#EXT-X-MEDIA", b"#EXT-X-ALLOW-CACHE:YES\n#EXT-X-MEDIA", "not any more"),
    (b"#EXTM3U\n", b"#EXTM3U\n#\x07\n", "control character"),
])
def test_broken_media_playlists_are_found(old, new, fault):
    with pytest.raises(hls_lint.Faults, match=fault):
        hls_lint.parse_media(MEDIA.replace(old, new, 1), "fmp4")


@pytest.mark.parametrize("old,new,fault", [
    (b"AVERAGE-BANDWIDTH=130000,", b"", "AVERAGE-BANDWIDTH is missing"),
    (b"=130000", b"=150000", "average over peak"),
    (b',CODECS="mp4a.40.2"', b"", "CODECS is missing"),
    (b"BANDWIDTH=140000", b"PROGRAM-ID=1,BANDWIDTH=140000", "PROGRAM-ID"),
    (b"index.m3u8\n", b"", "without a URI"),
    (b"#EXTM3U\n", b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n", "does not belong"),
])
def test_broken_multivariant_playlists_are_found(old, new, fault):
    with pytest.raises(hls_lint.Faults, match=fault):
        hls_lint.parse_master(MASTER.replace(old, new, 1))


def test_the_peak_is_over_runs_of_half_to_one_and_a_half_targets():
    # The short last segment counts only together with its neighbour: (100 + 90) kB in 6.5 s.
    assert hls_lint.peak_rate([60_000, 100_000, 90_000], [6.0, 6.0, 0.5], 6) == \
        pytest.approx(8 * 190_000 / 6.5)
    assert hls_lint.peak_rate([1000], [0.5], 6) == pytest.approx(16_000)
