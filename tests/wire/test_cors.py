"""CORS on every answer, and preflights (Fetch, 3.2)."""
import pytest

from segue import Segue

EXPOSED = {"Content-Length", "Content-Range", "Accept-Ranges", "ETag", "Date", "Age",
           "Cache-Status", "Server-Timing"}


def names(value):
    return {n.strip() for n in value.split(",")}


@pytest.mark.parametrize("status,target,fields", [
    (200, "/audio/small.mp3", []),
    (206, "/audio/small.mp3", ["Range: bytes=0-0"]),
    (206, "/audio/small.mp3", ["Range: bytes=0-0,9-9"]),
    (304, "/audio/small.mp3", ["If-None-Match: *"]),
    (404, "/audio/nothing.mp3", []),
    (412, "/audio/small.mp3", ['If-Match: "x"']),
    (416, "/audio/small.mp3", ["Range: bytes=5000-"]),
    (400, "/audio/%00", []),
    (200, "/ping", []),
    (404, "/nothing", []),
])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_on_every_answer(client, status, target, fields, method):
    if method == "HEAD" and any(f.startswith("Range") for f in fields):
        status = 200  # RFC 9110 14.2
    r = client.request(target, "Origin: https://player.example", *fields, method=method)
    assert r.status == status, r
    assert r["Access-Control-Allow-Origin"] == "*"
    assert names(r["Access-Control-Expose-Headers"]) == EXPOSED


@pytest.mark.parametrize("target", ["/audio/small.mp3", "/audio/nothing.mp3",
                                    "/hls/small.mp3/master.m3u8"])
def test_preflight(client, target):
    r = client.request(target, "Origin: https://player.example",
                       "Access-Control-Request-Method: GET",
                       "Access-Control-Request-Headers: range,if-range", method="OPTIONS")
    assert r.status == 204, r
    assert r["Access-Control-Allow-Origin"] == "*"
    assert {"GET", "HEAD"} <= names(r["Access-Control-Allow-Methods"])
    assert {"range", "if-range", "if-none-match", "if-modified-since"} \
        <= names(r["Access-Control-Allow-Headers"].lower())
    assert r["Access-Control-Max-Age"] == "86400"
    assert "Content-Length" not in r  # RFC 9110 8.6
    assert client.alive()


def test_plain_options(client):
    r = client.request("/audio/small.mp3", method="OPTIONS")
    assert r.status == 204, r
    assert names(r["Allow"]) == {"GET", "HEAD", "OPTIONS"}


def test_origin_is_configurable(tree):
    origin = "https://radio.example"
    with Segue(tree.root, {"http": {"cors_origin": origin}}) as s, s.connect() as c:
        for target in ("/audio/small.mp3", "/audio/nothing.mp3"):
            assert c.request(target)["Access-Control-Allow-Origin"] == origin
        r = c.request("/ping", "Access-Control-Request-Method: GET", method="OPTIONS")
        assert r["Access-Control-Allow-Origin"] == origin
        assert c.exchange(b"junk\r\n\r\n")["Access-Control-Allow-Origin"] == origin


def test_no_origin_no_fields(tree):
    with Segue(tree.root, {"http": {"cors_origin": ""}}) as s, s.connect() as c:
        for target in ("/audio/small.mp3", "/audio/nothing.mp3"):
            r = c.request(target)
            assert not [n for n, _ in r.fields if n.startswith("Access-Control")], r


ORIGINS = ["https://a.example", "https://b.example"]


@pytest.mark.parametrize("target,status", [("/audio/small.mp3", 200), ("/audio/nothing.mp3", 404)])
def test_of_a_list_the_one_that_asks_is_named(tree, target, status):
    with Segue(tree.root, {"http": {"cors_origin": ORIGINS}}) as s, s.connect() as c:
        for origin in ORIGINS:
            for method in ("GET", "HEAD", "OPTIONS"):
                r = c.request(target, f"Origin: {origin}", method=method)
                assert r.status == (204 if method == "OPTIONS" else status)
                assert r["Access-Control-Allow-Origin"] == origin
                assert r["Access-Control-Allow-Credentials"] == "true"
                assert r["Vary"] == "Origin"
                assert names(r["Access-Control-Expose-Headers"]) == EXPOSED
        for fields in (["Origin: https://c.example"], ["Origin: https://a.example.org"], []):
            r = c.request(target, *fields)
            assert "Access-Control-Allow-Origin" not in r and r["Vary"] == "Origin"
            assert "Access-Control-Allow-Credentials" not in r


def test_a_cold_playlist_names_the_origin_too(tree):
    with Segue(tree.root, {"http": {"cors_origin": ORIGINS}}) as s:
        r = s.get("/hls/small.mp3/master.m3u8", f"Origin: {ORIGINS[1]}")
        assert r["Access-Control-Allow-Origin"] == ORIGINS[1]
        with s.connect() as c:
            assert c.exchange(b"junk\r\n\r\n")["Vary"] == "Origin"


def test_referers_that_are_not_on_the_list_are_refused(tree):
    conf = {"http": {"referers": ["https://radio.example/", "https://b.example/x"]}}
    with Segue(tree.root, conf) as s, s.connect() as c:
        assert c.request("/audio/small.mp3").status == 200
        for referer, status in (("https://radio.example/page", 200), ("https://b.example/x1", 200),
                                ("https://radio.example.org/", 403), ("http://radio.example/", 403),
                                ("https://b.example/", 403)):
            r = c.request("/audio/small.mp3", f"Referer: {referer}")
            assert r.status == status, r
            assert c.request("/ping", f"Referer: {referer}").status == 200
        assert r["Access-Control-Allow-Origin"] == "*"
        assert s.metric('segue_denied_total{reason="referer"}') == 3
