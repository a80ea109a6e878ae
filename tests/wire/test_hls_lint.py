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
    (b"#EXTM3U\n", "#EXTM3U\n#u\u0308\n".encode(), "form C"),
    (b'URI="v-1/init.mp4"', b"URI=v-1/init.mp4", "quotes"),
    (b'init.mp4"', b'init.mp4",BYTERANGE="10@0"', "of its own"),
    (b"SEQUENCE:0", b"SEQUENCE:1", "begins with its first"),
    (b"#EXT-X-PLAYLIST-TYPE:VOD\n", b"", "0 times"),
    (b"#EXTINF:1.5", b"#EXT-X-DISCONTINUITY\n#EXTINF:1.5", "does not belong"),
    (MEDIA[MEDIA.index(b"#EXT-X-MEDIA"):MEDIA.index(b"#EXTINF:1.5")],
     b'#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI="v-1/init.mp4"\n#EXTINF:6.013968,\nv-1/0.m4s\n#EXT-X-MEDIA-SEQUENCE:0\n',
     "behind a segment"),
])
def test_broken_media_playlists_are_found(old, new, fault):
    with pytest.raises(hls_lint.Faults, match=fault):
        hls_lint.parse_media(MEDIA.replace(old, new, 1), "fmp4")


SEALED = b"""#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:6
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-KEY:METHOD=AES-128,URI="v-1/key",IV=0x00000000000000000000000000000000
#EXTINF:6.000000,
v-1/0.ts
#EXT-X-KEY:METHOD=AES-128,URI="v-1/key",IV=0x00000000000000000000000000000001
#EXTINF:1.500000,
v-1/1.ts
#EXT-X-ENDLIST
"""


def test_keys_are_read():
    media = hls_lint.parse_media(SEALED, "ts")
    assert [s.key["IV"][-1] for s in media.segments] == ["0", "1"] and media.segments[0].key["URI"] == "v-1/key"
    one = SEALED.replace(b",IV=0x00000000000000000000000000000000", b"").replace(
        b'#EXT-X-KEY:METHOD=AES-128,URI="v-1/key",IV=0x00000000000000000000000000000001\n', b"")
    assert "IV" not in hls_lint.parse_media(one, "ts").segments[1].key, "the sequence number stands for it"
    none = one.replace(b'METHOD=AES-128,URI="v-1/key"', b"METHOD=NONE")
    assert hls_lint.parse_media(none, "ts").segments[0].key is None


FIRST = b'METHOD=AES-128,URI="v-1/key",IV=0x00000000000000000000000000000000'


@pytest.mark.parametrize("old,new,fault", [
    (b"METHOD=AES-128,", b"", "METHOD is None"),
    (b"METHOD=AES-128", b"METHOD=SAMPLE-AES", "METHOD is SAMPLE-AES"),
    (FIRST, b'METHOD=NONE,URI="v-1/key"', "NONE with other attributes"),
    (FIRST, b"METHOD=NONE", "some are not"),
    (b',URI="v-1/key"', b"", "not relative"),
    (b'URI="v-1/key"', b'URI="https://a/key"', "not relative"),
    (b'URI="v-1/key"', b"URI=v-1/key", "quotes"),
    (b"IV=0x00000000000000000000000000000000", b'IV="0x00000000000000000000000000000000"', "quotes"),
    (b"IV=0x0", b"IV=0x", "128 bits"),
    (b"IV=0x", b"IV=", "128 bits"),
    (b"0000000000001\n", b"0000000000000\n", "the same key and IV"),
    (b"\n#EXTINF", b',KEYFORMAT="com.apple.streamingkeydelivery"\n#EXTINF', "identity"),
    (b"\n#EXTINF", b',KEYFORMAT="identity"\n#EXTINF', "5 is enough and needed"),
    (b"\n#EXTINF", b',KEYFORMAT="identity",KEYFORMATVERSIONS="x"\n#EXTINF', "KEYFORMATVERSIONS"),
    (b"\n#EXTINF", b",KEYID=0x1\n#EXTINF", "unknown attributes"),
])
def test_broken_keys_are_found(old, new, fault):
    with pytest.raises(hls_lint.Faults, match=fault):
        hls_lint.parse_media(SEALED.replace(old, new, 1), "ts")


def test_an_encrypted_init_segment_needs_an_iv():
    key = b'#EXT-X-KEY:METHOD=AES-128,URI="v-1/key"'
    for iv, good in ((b"", False), (b",IV=0x000102030405060708090a0b0c0d0e0f", True)):
        text = MEDIA.replace(b"#EXT-X-MAP", key + iv + b"\n#EXT-X-MAP").replace(
            b"#EXTINF:1.5", b'#EXT-X-KEY:METHOD=AES-128,URI="v-1/key2"\n#EXTINF:1.5')
        if good:
            assert hls_lint.parse_media(text, "fmp4").segments
        else:
            with pytest.raises(hls_lint.Faults, match="needs an IV"):
                hls_lint.parse_media(text, "fmp4")


@pytest.mark.parametrize("old,new,fault", [
    (b"AVERAGE-BANDWIDTH=130000,", b"", "AVERAGE-BANDWIDTH is missing"),
    (b"=130000", b"=150000", "average over peak"),
    (b',CODECS="mp4a.40.2"', b"", "CODECS is missing"),
    (b'"mp4a.40.2"', b'"mp4a.40.3"', "CODECS names none"),
    (b'"mp4a.40.2"', b"mp4a.40.2", "quotes"),
    (b"index.m3u8\n", b"index.m3u8\n" + MASTER.split(b"\n")[1] + b",SCORE=1.0\nb.m3u8\n", "SCORE"),
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
