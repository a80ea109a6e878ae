"""/audio/PATH: what is served, with which fields, and what is not there."""
import email.utils
import os
import re
import shutil

import pytest

from conftest import MTIME_NS, SIZES
from segue import Segue

WHOLE = [n for n in SIZES if "/" not in n and not n.startswith(".")]


@pytest.mark.parametrize("name", WHOLE)
def test_whole(client, tree, name):
    r = client.request("/audio/" + name)
    assert r.status == 200, r
    assert r["Content-Length"] == str(len(tree[name]))
    assert r.body == tree[name]
    assert client.alive()


@pytest.mark.parametrize("name", WHOLE)
def test_head_has_the_fields_of_get_and_no_body(client, name):
    changing = {"Date", "Cache-Status", "Age", "Server-Timing"}
    get = client.request("/audio/" + name)
    head = client.request("/audio/" + name, method="HEAD")
    assert head.status == 200
    assert [f for f in head.fields if f[0] not in changing] \
        == [f for f in get.fields if f[0] not in changing]
    assert client.alive(), "bytes followed the head"


@pytest.mark.parametrize("name", [
    "nothing.mp3", "album/nothing.mp3", "nothing/small.mp3", "small.mp3/", "small.mp3/more",
    "", "album", "album/", ".hidden.mp3", ".dir/song.mp3", "album/../.hidden.mp3",
    "fifo.mp3", "socket.mp3", "dangling.mp3", "loop.mp3",
    "out-relative.mp3", "out-absolute.mp3", "out-dir/song.mp3", "n" * 300 + ".mp3",
])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_not_there(client, name, method):
    r = client.request("/audio/" + name, method=method)
    assert r.status == 404, r
    assert r["Content-Type"] == "application/problem+json"
    assert r["Access-Control-Allow-Origin"] == "*"
    assert method == "HEAD" or r.json()["status"] == 404
    assert client.alive()


def test_a_device_is_not_there(tmp_path):
    """A root with devices in it: /dev."""
    with Segue("/dev", {"media": {"audio_prefix": "/"}}) as s:
        for name in ("null", "zero", "full"):
            assert s.get("/" + name).status == 404


@pytest.mark.parametrize("name,other", [("inside.opus", "album/deep/er/song.opus"),
                                        ("inside-dir/a+b.m4a", "album/a+b.m4a")])
def test_symlinks_within_the_root_are_followed(client, tree, name, other):
    assert client.request("/audio/" + name).body == tree[other]


def test_a_symlink_may_lead_to_what_begins_with_a_dot(own):
    """git-annex and its like keep files so; by its own name it is not there."""
    os.makedirs(own.path(".annex/objects"))
    own.add(".annex/objects/4711", b"kept")
    os.symlink(".annex/objects/4711", own.path("song-of-annex.mp3"))
    with Segue(own.root) as s:
        assert s.get("/audio/song-of-annex.mp3").body == b"kept"
        assert s.get("/audio/.annex/objects/4711").status == 404


def test_a_file_of_the_future_was_modified_now(own):
    """RFC 9110 8.8.2.1: Last-Modified is never later than Date."""
    os.utime(own.path("small.mp3"), (2**31, 2**31))
    with Segue(own.root) as s:
        r = s.get("/audio/small.mp3")
        modified, date = (email.utils.parsedate_to_datetime(r[n]) for n in ("Last-Modified", "Date"))
        assert modified <= date
        assert s.get("/audio/small.mp3", "If-Modified-Since: " + r["Date"]).status == 304


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_not_served(own):
    own.add("closed.mp3", b"closed")
    os.chmod(own.path("closed.mp3"), 0)
    with Segue(own.root) as s:
        r = s.get("/audio/closed.mp3")
        assert r.status in (403, 404) and b"closed" not in r.body


TYPES = {
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "m4b": "audio/mp4",
    "mp4": "video/mp4",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "oga": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "aif": "audio/aiff",
    "aiff": "audio/aiff",
    "ac3": "audio/ac3",
    "ec3": "audio/eac3",
    "weba": "audio/webm",
    "webm": "video/webm",
    "mka": "audio/x-matroska",
    "ts": "video/mp2t",
    "m4s": "video/iso.segment",
    "m3u8": "application/vnd.apple.mpegurl",
    "vtt": "text/vtt",
    "json": "application/json",
    "jpg": "image/jpeg",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "MP3": "audio/mpeg",
    "Flac": "audio/flac",
    "xyz": "application/octet-stream",
    "mp3x": "application/octet-stream",
    "exe": "application/octet-stream",
    "html": "application/octet-stream",
}


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    root = tmp_path_factory.mktemp("types")
    for ending in TYPES:
        (root / f"x.{ending}").write_bytes(b"data")
    (root / "mp3").write_bytes(b"data")
    (root / "folder.mp3").mkdir()
    (root / "folder.mp3" / "plain").write_bytes(b"data")
    with Segue(root) as s:
        yield s


@pytest.mark.parametrize("ending", TYPES)
def test_content_type(typed, ending):
    r = typed.get(f"/audio/x.{ending}")
    assert r.status == 200 and r.body == b"data"
    assert r["Content-Type"] == TYPES[ending]
    assert r["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["mp3", "folder.mp3/plain"])
def test_no_ending_is_octet_stream(typed, name):
    assert typed.get("/audio/" + name)["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("fields,status", [((), 200), (["Range: bytes=0-99"], 206),
                                           (["Range: bytes=0-9,90-99"], 206)])
def test_every_field_of_an_answer(client, fields, status):
    r = client.request("/audio/small.mp3", *fields)
    assert r.status == status
    assert r["Accept-Ranges"] == "bytes"
    assert re.fullmatch(r'"[\x21\x23-\x7e]+"', r["ETag"]), "strong, quoted"
    assert r["Last-Modified"] == email.utils.formatdate(MTIME_NS // 10**9, usegmt=True)
    assert r["Cache-Control"] == "public, max-age=3600"
    assert r["X-Content-Type-Options"] == "nosniff"
    assert r["Access-Control-Allow-Origin"] == "*"
    assert r["Content-Type"]
    assert re.match(r"[A-Za-z][\w.-]*(; ?[a-z]|$)", r["Cache-Status"]), r["Cache-Status"]
    email.utils.parsedate_to_datetime(r["Date"])


def test_date_is_now(client):
    import datetime
    before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    date = email.utils.parsedate_to_datetime(client.request("/ping")["Date"])
    after = datetime.datetime.now(datetime.timezone.utc)
    slack = datetime.timedelta(seconds=2)
    assert before - slack <= date <= after + slack
    assert client.request("/ping")["Date"].endswith(" GMT")


def test_cache_control_is_configurable(tree):
    with Segue(tree.root, {"media": {"cache_control": "private, max-age=7"}}) as s:
        r = s.get("/audio/small.mp3")
        assert r["Cache-Control"] == "private, max-age=7"
        r = s.get("/audio/small.mp3", "If-None-Match: " + r["ETag"])
        assert r.status == 304 and r["Cache-Control"] == "private, max-age=7"


def test_errors_are_not_cached_like_files(client):
    r = client.request("/audio/nothing.mp3")
    assert "max-age=3600" not in r.get("Cache-Control", "")


def test_etag_is_the_same_on_two_edges_with_the_same_tree(own, tmp_path):
    other = tmp_path / "copy"
    shutil.copytree(own.root, other)  # keeps the times to the nanosecond, gives other inodes
    with Segue(own.root) as a, Segue(other) as b:
        for name in own.bytes:
            x, y = a.get("/audio/" + name), b.get("/audio/" + name)
            assert x["ETag"] == y["ETag"] and x["Last-Modified"] == y["Last-Modified"]


def test_etag_differs_by_path_size_and_time(own):
    own.add("a.mp3", b"same")
    own.add("b.mp3", b"same")
    own.add("c.mp3", b"same", mtime_ns=MTIME_NS + 1)
    own.add("d.mp3", b"other")
    tags = set()
    for _ in range(2):  # a new server each time, so that nothing is remembered
        with Segue(own.root) as s:
            tags |= {s.get(f"/audio/{n}.mp3")["ETag"] for n in "abcd"}
        assert len(tags) == 4
    os.utime(own.path("a.mp3"), ns=(MTIME_NS, MTIME_NS + 1))
    own.add("d.mp3", b"other longer")
    with Segue(own.root) as s:
        assert s.get("/audio/a.mp3")["ETag"] not in tags
        assert s.get("/audio/d.mp3")["ETag"] not in tags


def test_etag_is_the_same_in_every_answer(client):
    tag = client.request("/audio/small.mp3")["ETag"]
    assert client.request("/audio/small.mp3", method="HEAD")["ETag"] == tag
    assert client.request("/audio/small.mp3", "Range: bytes=0-1")["ETag"] == tag
    assert client.request("/audio/small.mp3?query")["ETag"] == tag


def test_ping(client):
    r = client.request("/ping")
    assert (r.status, r.body) == (200, b"pong\n")
    assert r["Access-Control-Allow-Origin"] == "*"
