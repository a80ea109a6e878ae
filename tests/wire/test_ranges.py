"""Range requests (RFC 9110 14). small.mp3 is 1023 bytes, so `N` below is 1023."""
import os

import pytest

from raw import content_range
from segue import Segue

N = 1023


@pytest.mark.parametrize("value,first,last", [
    ("bytes=0-0", 0, 0),
    ("bytes=0-99", 0, 99),
    ("bytes=100-199", 100, 199),
    ("bytes=0-", 0, N - 1),
    ("bytes=1022-", 1022, 1022),
    ("bytes=1022-1022", 1022, 1022),
    ("bytes=500-99999", 500, N - 1),
    ("bytes=-1", 1022, 1022),
    ("bytes=-100", 923, 1022),
    ("bytes=-1023", 0, N - 1),
    ("bytes=-99999", 0, N - 1),
    ("bytes=0-18446744073709551615", 0, N - 1),
    ("bytes=1-99999999999999999999999999", 1, N - 1),
    ("bytes=-99999999999999999999999999", 0, N - 1),
    ("BYTES=0-9", 0, 9),                      # RFC 9110 14.1: units are case-insensitive
    ("bytes=007-0009", 7, 9),
    ("bytes= 0-9", 0, 9),
    ("bytes=0-9 , 5000-", 0, 9),              # what is unsatisfiable in a set is left out
    ("bytes=,0-9,", 0, 9),                    # RFC 9110 5.6.1.2: empty elements are ignored
    ("bytes=0-99,50-149", 0, 149),            # overlapping
    ("bytes=0-99,100-199", 0, 199),           # touching
    ("bytes=100-199,0-99", 0, 199),
    ("bytes=0-9,5-6", 0, 9),
    ("bytes=0-9,20-29,8-22", 0, 29),
    ("bytes=" + ",".join(f"{i}-{i}" for i in range(17)), 0, 16),  # one after joining
])
def test_one_range(client, tree, value, first, last):
    r = client.request("/audio/small.mp3", "Range: " + value)
    assert r.status == 206, r
    assert r["Content-Range"] == f"bytes {first}-{last}/{N}"
    assert r["Content-Length"] == str(last - first + 1)
    assert r["Content-Type"] == "audio/mpeg"
    assert r.body == tree["small.mp3"][first:last + 1]
    assert client.alive()


@pytest.mark.parametrize("value", [
    "items=0-9", "lines=1-2", "x=", "seconds=0-9,x",
    "bytes=0-1022,0-1022",                     # more than the whole, together
    "bytes=0-,0-,0-,0-,0-",
    "bytes=0-1000,-1000",
    "bytes=" + ",".join(f"{i * 10}-{i * 10}" for i in range(17)),
    "bytes=" + ",".join(f"{i * 3}-{i * 3}" for i in range(100)),
])
def test_ignored(client, tree, value):
    r = client.request("/audio/small.mp3", "Range: " + value)
    assert r.status == 200, r
    assert "Content-Range" not in r
    assert r.body == tree["small.mp3"]


@pytest.mark.parametrize("value", [
    "bytes=1023-", "bytes=1023-1023", "bytes=5000-6000", "bytes=-0",
    "bytes=9-5", "bytes=1-0", "bytes=0-9,9-5",
    "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=0", "bytes=0-a", "bytes=0-9,x",
    "bytes=0--9",
    "bytes=+0-9", "bytes=0x0-9", "bytes=0-9;10-19", "bytes=0 -9", "bytes=--1", "bytes=1.0-2",
    "bytes=99999999999999999999999999-", "bytes=5000-,6000-",
])
def test_unsatisfiable(client, value):
    r = client.request("/audio/small.mp3", "Range: " + value)
    assert r.status == 416, r
    assert r["Content-Range"] == f"bytes */{N}"
    assert r["Content-Type"] == "application/problem+json"
    assert r.json()["status"] == 416
    assert r["Access-Control-Allow-Origin"] == "*"
    assert client.alive()


@pytest.mark.parametrize("value,spans", [
    ("bytes=0-0,1022-1022", [(0, 0), (1022, 1022)]),
    ("bytes=0-9,20-29", [(0, 9), (20, 29)]),
    ("bytes=0-9, 20-29 ,40-", [(0, 9), (20, 29), (40, 1022)]),
    ("bytes=500-599,0-99", [(500, 599), (0, 99)]),        # in the order they were asked
    ("bytes=0-9,-10", [(0, 9), (1013, 1022)]),
    ("bytes=0-9,20-29,5-12", [(0, 12), (20, 29)]),
    ("bytes=0-9,5000-,20-29", [(0, 9), (20, 29)]),
    ("bytes=0-0,2-2", [(0, 0), (2, 2)]),
    ("bytes=" + ",".join(f"{i * 10}-{i * 10 + 3}" for i in range(16)),
     [(i * 10, i * 10 + 3) for i in range(16)]),
])
def test_several(client, tree, value, spans):
    r = client.request("/audio/small.mp3", "Range: " + value)
    assert r.status == 206, r
    assert "Content-Range" not in r            # RFC 9110 15.3.7.2
    parts = r.parts()
    assert [content_range(f["content-range"]) for f, _ in parts] == [(a, b, N) for a, b in spans]
    assert [f["content-type"] for f, _ in parts] == ["audio/mpeg"] * len(spans)
    assert [b for _, b in parts] == [tree["small.mp3"][a:b + 1] for a, b in spans]
    assert client.alive(), "Content-Length was not the length"


def test_the_boundary_is_not_in_the_data(client):
    """And it is as RFC 2046 5.1.1 wants it: up to 70 characters, none of them odd."""
    r = client.request("/audio/song.mp3", "Range: bytes=0-999999,2000000-2999999")
    boundary = r["Content-Type"].partition("boundary=")[2].strip('"')
    assert 1 <= len(boundary) <= 70 and boundary.replace("-", "").replace("_", "").isalnum()
    assert r.body.count(b"--" + boundary.encode()) == 3


@pytest.mark.parametrize("name", ["64k.mp3", "song.mp3", "long.flac"])
def test_ranges_of_large_files(client, tree, name):
    data, size = tree[name], len(tree[name])
    for first, last in [(0, size - 1), (1, size - 2), (size // 2, size // 2 + 65535),
                        (size - 1, size - 1), (4095, 4096), (65535, 65536)]:
        r = client.request("/audio/" + name, f"Range: bytes={first}-{last}")
        last = min(last, size - 1)
        assert r.status == 206
        assert r["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert r.body == data[first:last + 1]
    r = client.request("/audio/" + name, f"Range: bytes=0-1,{size // 3}-{size // 2},-7")
    assert [b for _, b in r.parts()] == [data[:2], data[size // 3:size // 2 + 1], data[-7:]]


def test_head_ignores_range(client):
    """RFC 9110 14.2: Range is defined for GET alone."""
    for value in ("bytes=0-9", "bytes=5000-", "bytes=0-0,9-9"):
        r = client.request("/audio/small.mp3", "Range: " + value, method="HEAD")
        assert r.status == 200
        assert r["Content-Length"] == str(N)
        assert "Content-Range" not in r
    assert client.alive()


@pytest.mark.parametrize("value,status", [("bytes=0-", 200), ("bytes=-5", 200), ("bytes=5-", 416),
                                          ("bytes=5-9", 416), ("items=0-", 200)])
def test_empty_files(client, value, status):
    r = client.request("/audio/empty.mp3", "Range: " + value)
    assert r.status == status, r
    if status == 200:
        assert r["Content-Length"] == "0" and r.body == b""
    else:
        assert r["Content-Range"] == "bytes */0"


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=-1", "bytes=0-0", "bytes=-9", "bytes=0-9"])
def test_a_file_of_one_byte(client, tree, value):
    r = client.request("/audio/one.mp3", "Range: " + value)
    assert (r.status, r["Content-Range"], r.body) == (206, "bytes 0-0/1", tree["one.mp3"])


def test_players_walk_through_a_file(client, tree):
    """What a browser does on seeking: one range after the other on one connection."""
    data = tree["song.mp3"]
    got = b""
    while len(got) < len(data):
        r = client.request("/audio/song.mp3", f"Range: bytes={len(got)}-{len(got) + 262143}")
        assert r.status == 206
        got += r.body
    assert got == data


# If-Range (RFC 9110 13.1.5)

MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"


def asked(client, if_range):
    return client.request("/audio/small.mp3", "Range: bytes=0-9", "If-Range: " + if_range)


def test_if_range_with_the_etag(client):
    tag = client.request("/audio/small.mp3")["ETag"]
    assert asked(client, tag).status == 206


def test_if_range_with_another_etag(client, tree):
    r = asked(client, '"another"')
    assert (r.status, r.body) == (200, tree["small.mp3"])


def test_if_range_compares_strongly(client):
    tag = client.request("/audio/small.mp3")["ETag"]
    assert asked(client, "W/" + tag).status == 200


@pytest.mark.parametrize("date,status", [
    (MODIFIED, 206),
    ("Tuesday, 14-Nov-23 22:13:20 GMT", 206),
    ("Tue Nov 14 22:13:20 2023", 206),
    ("Tue, 14 Nov 2023 22:13:19 GMT", 200),
    ("Tue, 14 Nov 2023 22:13:21 GMT", 200),   # an exact match, not "since"
    ("Wed, 01 Jan 2020 00:00:00 GMT", 200),
    ("yesterday", 200),
])
def test_if_range_with_a_date(client, date, status):
    assert asked(client, date).status == status


def test_if_range_with_a_date_within_its_second_is_weak(own):
    """RFC 9110 8.8.2.2: the file may be written once more before the second is over."""
    own.add("young.mp3", b"x" * 1000)
    with Segue(own.root) as s, s.connect() as c:
        for _ in range(100):  # the second may turn between writing and asking
            os.utime(own.path("young.mp3"))
            seen = c.request("/audio/young.mp3")
            r = c.request("/audio/young.mp3", "Range: bytes=0-9", "If-Range: " + seen["Last-Modified"])
            if r["Date"] == r["Last-Modified"] == seen["Last-Modified"]:
                break
        assert r["Date"] == r["Last-Modified"] and r.status == 200
        assert c.request("/audio/young.mp3", "Range: bytes=0-9", "If-Range: " + r["ETag"]).status == 206


def test_two_range_fields_are_ignored(client, tree):
    """Range is no list (RFC 9110 5.3): others on the way may take the first, or the last."""
    r = client.request("/audio/small.mp3", "Range: bytes=0-9", "Range: bytes=10-19")
    assert (r.status, r.body) == (200, tree["small.mp3"])


def test_if_range_that_fails_hides_a_bad_range(client):
    r = client.request("/audio/small.mp3", "Range: bytes=5000-", 'If-Range: "another"')
    assert r.status == 200


def test_if_range_without_range_means_nothing(client):
    assert client.request("/audio/small.mp3", 'If-Range: "another"').status == 200
