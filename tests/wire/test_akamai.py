"""EdgeAuth tokens as a parameter, a cookie and a field, by each digest."""
import hashlib
import hmac
import json
import time

import pytest

from segue import Segue, merge
from test_signed import PROTECTED

SECRET = "52a152a152a1"
KEYS = [{"id": "plain", "secret": SECRET, "style": "akamai"},
        {"id": "sha1", "secret": SECRET, "style": "akamai", "name": "hdnts", "algorithm": "sha1"},
        {"id": "md5", "secret": SECRET, "style": "akamai", "name": "hdnea", "algorithm": "md5",
         "salt": "grain"}]
NAMES = {"sha256": "__token__", "sha1": "hdnts", "md5": "hdnea"}


def token(digest, hidden="", **fields):
    """st, exp, acl... as the arguments say; `hidden` is signed and not sent."""
    until = int(time.time()) + 60
    text = "~".join(f"{k}={v}" for k, v in {"exp": until, **fields}.items())
    mac = hmac.new(bytes.fromhex(SECRET), (text + hidden).encode(), getattr(hashlib, digest))
    return f"{text}~hmac={mac.hexdigest()}"


@pytest.fixture(scope="module")
def edge(tree):
    with Segue(tree.root, merge(PROTECTED, {"sign": {"keys": KEYS}})) as server:
        yield server


@pytest.mark.parametrize("digest,salt", [("sha256", ""), ("sha1", ""), ("md5", "~salt=grain")])
@pytest.mark.parametrize("place", ["query", "cookie", "field"])
def test_each_digest_in_each_place(edge, digest, salt, place):
    name = NAMES[digest]

    def ask(path, value):
        if place == "query":
            return edge.get(f"{path}?{name}={value}")
        line = f"Cookie: x=y; {name}={value}" if place == "cookie" else f"{name}: {value}"
        return edge.get(path, line)
    value = token(digest, salt, acl="/audio/s*!/audio/none/*")
    assert ask("/audio/small.mp3", value).status == 200
    assert json.loads(ask("/audio/large.mp3", value).body)["detail"] == "wrong path"
    assert ask("/audio/none/x.mp3", value).status == 404
    one = token(digest, "~url=/audio/small.mp3" + salt)
    assert ask("/audio/small.mp3", one).status == 200
    assert json.loads(ask("/audio/song.mp3", one).body)["detail"] == "bad signature"
    other = token("sha1" if digest != "sha1" else "md5", salt, acl="/*")
    assert ask("/audio/small.mp3", other).status == 403
    late = token(digest, salt, exp=int(time.time()) - 1, acl="/*")
    assert json.loads(ask("/audio/small.mp3", late).body)["detail"] == "expired"
    theirs = token(digest, salt, ip="192.0.2.1", acl="/*")
    assert json.loads(ask("/audio/small.mp3", theirs).body)["detail"] == "wrong client"


def test_two_tokens_are_refused(edge):
    value = token("sha256", acl="/*")
    r = edge.get("/audio/small.mp3", f"Cookie: __token__={value}", f"Cookie: __token__={value}")
    assert json.loads(r.body)["detail"] == "malformed"
    r = edge.get("/audio/small.mp3", f"__token__: {value}", f"__token__: {value}")
    assert json.loads(r.body)["detail"] == "malformed"
