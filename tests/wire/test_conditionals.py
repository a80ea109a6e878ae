"""Preconditions and their order (RFC 9110 13)."""
import pytest

MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"
BEFORE = "Tue, 14 Nov 2023 22:13:19 GMT"
AFTER = "Tue, 14 Nov 2023 22:13:21 GMT"


@pytest.fixture
def tag(client):
    return client.request("/audio/small.mp3")["ETag"]


def ask(client, *fields, method="GET"):
    return client.request("/audio/small.mp3", *fields, method=method)


# (fields with TAG for the object's own, status)
TABLE = [
    # If-None-Match: weak comparison, lists, * (13.1.2)
    (["If-None-Match: TAG"], 304),
    (["If-None-Match: W/TAG"], 304),
    (["If-None-Match: *"], 304),
    (['If-None-Match: "x"'], 200),
    (['If-None-Match: "x", TAG'], 304),
    (['If-None-Match: "x",TAG,"y"'], 304),
    (['If-None-Match: W/"x" , W/TAG'], 304),
    (['If-None-Match: "a,b", TAG'], 304),
    (['If-None-Match: , "x",, TAG,'], 304),
    (['If-None-Match: "x"', "If-None-Match: TAG"], 304),
    (['If-None-Match: ""'], 200),
    (["If-None-Match: nothing"], 200),
    (['If-None-Match: "x", "y"'], 200),
    (['If-None-Match: "TAG"'], 200),
    # If-Modified-Since (13.1.3), in each form of 5.6.7
    (["If-Modified-Since: " + MODIFIED], 304),
    (["If-Modified-Since: " + AFTER], 304),
    (["If-Modified-Since: " + BEFORE], 200),
    (["If-Modified-Since: Tuesday, 14-Nov-23 22:13:20 GMT"], 304),
    (["If-Modified-Since: Tuesday, 14-Nov-23 22:13:19 GMT"], 200),
    (["If-Modified-Since: Tue Nov 14 22:13:20 2023"], 304),
    (["If-Modified-Since: Tue Nov 14 22:13:19 2023"], 200),
    (["If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT"], 200),
    (["If-Modified-Since: Sun Nov  6 08:49:37 1994"], 200),
    (["If-Modified-Since: 2023-11-14"], 200),
    (["If-Modified-Since: 1700000000"], 200),
    (["If-Modified-Since: Tue, 14 Nov 2023 22:13:20 CET"], 200),
    (["If-Modified-Since: Tue, 99 Nov 2023 22:13:20 GMT"], 200),
    # If-None-Match wins over If-Modified-Since (13.2.2)
    (['If-None-Match: "x"', "If-Modified-Since: " + AFTER], 200),
    (["If-None-Match: TAG", "If-Modified-Since: " + BEFORE], 304),
    # If-Match: strong comparison (13.1.1)
    (["If-Match: TAG"], 200),
    (["If-Match: *"], 200),
    (['If-Match: "x", TAG'], 200),
    (['If-Match: "x"', "If-Match: TAG"], 200),
    (['If-Match: "x"'], 412),
    (["If-Match: W/TAG"], 412),
    # If-Unmodified-Since (13.1.4)
    (["If-Unmodified-Since: " + MODIFIED], 200),
    (["If-Unmodified-Since: " + AFTER], 200),
    (["If-Unmodified-Since: " + BEFORE], 412),
    (["If-Unmodified-Since: Tuesday, 14-Nov-23 22:13:19 GMT"], 412),
    (["If-Unmodified-Since: Tue Nov 14 22:13:19 2023"], 412),
    (["If-Unmodified-Since: never"], 200),
    # If-Match wins over If-Unmodified-Since
    (["If-Match: TAG", "If-Unmodified-Since: " + BEFORE], 200),
    (['If-Match: "x"', "If-Unmodified-Since: " + AFTER], 412),
    # and both come before the others, whatever the order of the lines
    (["If-None-Match: TAG", 'If-Match: "x"'], 412),
    (["If-None-Match: TAG", "If-Match: TAG"], 304),
    (["If-Modified-Since: " + AFTER, "If-Unmodified-Since: " + BEFORE], 412),
    (["If-Modified-Since: " + AFTER, "If-Unmodified-Since: " + AFTER], 304),
    # Range comes last
    (["Range: bytes=0-9", "If-None-Match: TAG"], 304),
    (["Range: bytes=0-9", "If-Modified-Since: " + AFTER], 304),
    (["Range: bytes=0-9", 'If-None-Match: "x"'], 206),
    (["Range: bytes=0-9", 'If-Match: "x"'], 412),
    (["Range: bytes=0-9", "If-Match: TAG"], 206),
    (["Range: bytes=0-9", "If-Unmodified-Since: " + BEFORE], 412),
    (["Range: bytes=5000-", "If-None-Match: TAG"], 304),
    (["Range: bytes=5000-", 'If-Match: "x"'], 412),
    (["Range: bytes=5000-", "If-Match: TAG"], 416),
    (["Range: bytes=0-9", "If-Match: TAG", 'If-Range: "x"'], 200),
    (["Range: bytes=0-9", "If-None-Match: TAG", 'If-Range: "x"'], 304),
]


@pytest.mark.parametrize("fields,status", TABLE, ids=[" | ".join(f) for f, _ in TABLE])
def test_decided(client, tree, tag, fields, status):
    r = ask(client, *(f.replace("TAG", tag) for f in fields))
    assert r.status == status, r
    if status in (200, 206):
        assert r.body == tree["small.mp3"][:10 if status == 206 else None]
    assert client.alive()


@pytest.mark.parametrize("fields,status", [(["If-None-Match: TAG"], 304), (['If-Match: "x"'], 412),
                                           (["If-Modified-Since: " + MODIFIED], 304),
                                           (["If-Unmodified-Since: " + BEFORE], 412),
                                           (["Range: bytes=0-1", 'If-None-Match: "x"'], 200)])
def test_head_is_conditional_too(client, tag, fields, status):
    r = ask(client, *(f.replace("TAG", tag) for f in fields), method="HEAD")
    assert r.status == status, r
    assert client.alive()


@pytest.mark.parametrize("field", ["If-None-Match: TAG", "If-Modified-Since: " + MODIFIED])
def test_304_carries_what_the_200_would(client, tag, field):
    """RFC 9110 15.4.5"""
    whole = ask(client)
    r = ask(client, field.replace("TAG", tag))
    assert r.status == 304
    assert r["Date"]
    for name in ("ETag", "Cache-Control", "Vary", "Content-Location", "Expires"):
        assert r.get(name) == whole.get(name), name
    assert r["ETag"] == tag
    assert r.get("Content-Length") in (None, whole["Content-Length"])  # RFC 9110 8.6
    assert "Content-Range" not in r and "Transfer-Encoding" not in r
    assert r["Access-Control-Allow-Origin"] == "*"
    assert client.alive(), "bytes followed a 304"


def test_412_says_so(client):
    r = ask(client, 'If-Match: "x"')
    assert r["Content-Type"] == "application/problem+json" and r.json()["status"] == 412


@pytest.mark.parametrize("fields", [["If-None-Match: *"], ['If-Match: "x"'], ["If-Match: *"],
                                    ["If-Modified-Since: " + AFTER]])
def test_what_is_not_there_is_404_before_any_condition(client, fields):
    """RFC 9110 13.2.1: conditions are ignored where the answer without them is no 2xx."""
    assert client.request("/audio/nothing.mp3", *fields).status == 404
