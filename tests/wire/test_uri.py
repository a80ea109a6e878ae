"""From targets to files: percent-decoding, dot segments, prefixes (RFC 3986)."""
import pytest

from segue import Segue

NAMES = {
    "/audio/album/one%20two.mp3": "album/one two.mp3",
    "/audio/album/%C3%9Cn%C3%AF%20c%C3%B6d%C3%A9%20%E2%99%AB.ogg": "album/Ünï cödé ♫.ogg",
    "/audio/album/a+b.m4a": "album/a+b.m4a",
    "/audio/album/a%2Bb.m4a": "album/a+b.m4a",
    "/audio/album/a%2bb.m4a": "album/a+b.m4a",
    "/audio/album/100%25.mp3": "album/100%.mp3",
    "/audio/album/%231%20hit.mp3": "album/#1 hit.mp3",
    "/audio/album/what%3F.mp3": "album/what?.mp3",
    "/audio/album/semi;colon.mp3": "album/semi;colon.mp3",
    "/audio/album/semi%3bcolon.mp3": "album/semi;colon.mp3",
    "/%61udio/%73mall.mp3": "small.mp3",
    "/audio/album/deep/er/song.opus": "album/deep/er/song.opus",
    "/audio/./small.mp3": "small.mp3",
    "/audio/album/../small.mp3": "small.mp3",
    "/audio/album/deep/../../small.mp3": "small.mp3",
    "/audio/album/%2e%2e/small.mp3": "small.mp3",
    "/audio/album/%2E./small.mp3": "small.mp3",
    "/audio/%2e/small.mp3": "small.mp3",
    "/x/../audio/small.mp3": "small.mp3",
    "/audio/../audio/small.mp3": "small.mp3",
    "/audio//small.mp3": "small.mp3",
    "//audio/small.mp3": "small.mp3",
    "/audio/small.mp3?x=../..": "small.mp3",
}


@pytest.mark.parametrize("target", NAMES)
def test_decoded(client, tree, target):
    r = client.request(target)
    assert r.status == 200, r
    assert r.body == tree[NAMES[target]]


@pytest.mark.parametrize("target", [
    "/audio/small.mp3%00", "/audio/%00", "/audio/a%00b.mp3",
    "/audio/album%2Fone%20two.mp3", "/audio/album%2fone%20two.mp3", "/audio/..%2f..%2fsecret.mp3",
    "/audio%2fsmall.mp3",
    "/audio/%C0%AFsmall.mp3", "/audio/%c0%ae%c0%ae/secret.mp3", "/audio/%E0%80%AF",
    "/audio/%F0%80%80%AF",
    "/audio/%ff.mp3", "/audio/%C3.mp3", "/audio/%ED%A0%80.mp3", "/audio/%F4%90%80%80.mp3",
    "/audio/%", "/audio/%2", "/audio/%zz", "/audio/%4g.mp3", "/audio/100%.mp3", "/audio/%+1.mp3",
    "/audio/a%0ab.mp3", "/audio/a%0d%0ab.mp3", "/audio/a%7fb.mp3",
])
def test_refused(client, target):
    r = client.request(target)
    assert r.status == 400, r
    assert r.json()["status"] == 400
    assert r["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("target", [
    "/audio/%2525.mp3", "/audio/album/100%2525.mp3", "/audio/album/one%2520two.mp3",
    "/audio/album/one+two.mp3", "/audio/%252e%252e/secret.mp3",
])
def test_decoding_is_done_once(client, target):
    assert client.request(target).status == 404


@pytest.mark.parametrize("target", [
    "/audio/../secret.mp3", "/audio/../../secret.mp3", "/audio/../../../../etc/passwd",
    "/audio/album/../../secret.mp3", "/audio/%2e%2e/secret.mp3", "/audio/.%2e/%2e./secret.mp3",
    "/../secret.mp3", "/../../etc/passwd", "/..", "/audio/..", "/audio/../..", "/.",
    "/audio/..%5csecret.mp3", "/audio/..\\secret.mp3", "/audio/album/..;/../secret.mp3",
    "/audio/.../secret.mp3", "/audio/../root/small.mp3",
    "http://a/audio/../../secret.mp3",
])
def test_dot_segments_never_leave_the_root(client, target):
    r = client.request(target)
    assert r.status in (400, 404) or r["Location"] == "/player/", r
    assert b"outside" not in r.body and b"root:" not in r.body


def test_dot_segments_may_leave_the_prefix(client):
    assert client.request("/audio/../ping").body == b"pong\n"


@pytest.mark.parametrize("prefix", ["/", "/music/", "/a/b/"])
def test_the_prefix_is_configurable(tree, prefix):
    with Segue(tree.root, {"media": {"audio_prefix": prefix}}) as s, s.connect() as c:
        assert c.request(prefix + "small.mp3").body == tree["small.mp3"]
        assert c.request(prefix + "album/one%20two.mp3").body == tree["album/one two.mp3"]
        assert c.request(prefix + "small.mp3", "Range: bytes=5-9").body == tree["small.mp3"][5:10]
        assert c.request(prefix + "../secret.mp3").status in (400, 404)
        assert c.request("/audio/small.mp3").status == 404
        assert c.request("/ping").body == b"pong\n"
