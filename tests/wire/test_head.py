"""Request heads: what is refused and how, what is accepted (RFC 9112, RFC 9110)."""
import re

import pytest

import raw
from segue import Segue

GET = b"GET /audio/one.mp3 HTTP/1.1\r\n"
POST = b"POST /audio/one.mp3 HTTP/1.1\r\nHost: a\r\n"
HOST = b"Host: a\r\n"
END = b"\r\n"

# name: (status, bytes)
REFUSED = {
    # lines end in CRLF and nothing else (RFC 9112 2.2)
    "bare LF after the request line": (400, b"GET /ping HTTP/1.1\nHost: a\r\n\r\n"),
    "bare LF after a field": (400, GET + b"Host: a\nX: b\r\n\r\n"),
    "bare LF everywhere": (400, b"GET /ping HTTP/1.1\nHost: a\n\n"),
    "bare LF as the blank line": (400, GET + HOST + b"\n" + b"X: y\r\n\r\n"),
    "bare CR in a value": (400, GET + HOST + b"X: a\rb\r\n\r\n"),
    "bare CR in the request line": (400, b"GET /pi\rng HTTP/1.1\r\nHost: a\r\n\r\n"),
    "CR CR LF": (400, GET + HOST + b"X: a\r\r\n\r\n"),
    "bare CR as a line end": (400, b"GET /ping HTTP/1.1\rHost: a\r\n\r\n"),
    # control bytes in values (RFC 9110 5.5)
    "NUL in a value": (400, GET + HOST + b"X: a\0b\r\n\r\n"),
    "control byte in a value": (400, GET + HOST + b"X: a\x01b\r\n\r\n"),
    "escape in a value": (400, GET + HOST + b"X: \x1b[31m\r\n\r\n"),
    "DEL in a value": (400, GET + HOST + b"X: a\x7fb\r\n\r\n"),
    "NUL in a name": (400, GET + HOST + b"X\0: a\r\n\r\n"),
    "NUL in the target": (400, b"GET /ping\0 HTTP/1.1\r\n" + HOST + END),
    # field lines (RFC 9112 5.1, 5.2)
    "space before the colon": (400, GET + HOST + b"X : a\r\n\r\n"),
    "tab before the colon": (400, GET + HOST + b"X\t: a\r\n\r\n"),
    "space before Host's colon": (400, GET + b"Host : a\r\n\r\n"),
    "a folded line": (400, GET + HOST + b"X: a\r\n b\r\n\r\n"),
    "a line folded with a tab": (400, GET + HOST + b"X: a\r\n\tb\r\n\r\n"),
    "white space before the first field": (400, GET + b" Host: a\r\n\r\n"),
    "no colon": (400, GET + HOST + b"X\r\n\r\n"),
    "empty name": (400, GET + HOST + b": a\r\n\r\n"),
    "name is no token": (400, GET + HOST + b"X(y): a\r\n\r\n"),
    "name with a byte over 0x7f": (400, GET + HOST + b"X\xe9: a\r\n\r\n"),
    # Host (RFC 9112 3.2)
    "no Host in 1.1": (400, GET + END),
    "two Hosts": (400, GET + HOST + b"Host: b\r\n\r\n"),
    "the same Host twice": (400, GET + HOST + HOST + END),
    "two Hosts in 1.0": (400, b"GET /ping HTTP/1.0\r\n" + HOST + HOST + END),
    "an empty Host": (400, GET + b"Host:\r\n\r\n"),  # no http URI has none: RFC 9110 4.2.1
    "Host with a space": (400, GET + b"Host: a b\r\n\r\n"),
    "Host with a path": (400, GET + b"Host: a/b\r\n\r\n"),
    "Host with user information": (400, GET + b"Host: u@a\r\n\r\n"),
    "a list as Host": (400, GET + b"Host: a, b\r\n\r\n"),
    "Host with a wrong port": (400, GET + b"Host: a:x\r\n\r\n"),
    # the request line (RFC 9112 3)
    "two spaces after the method": (400, b"GET  /ping HTTP/1.1\r\n" + HOST + END),
    "two spaces before the version": (400, b"GET /ping  HTTP/1.1\r\n" + HOST + END),
    "a tab for a space": (400, b"GET\t/ping HTTP/1.1\r\n" + HOST + END),
    "space after the version": (400, b"GET /ping HTTP/1.1 \r\n" + HOST + END),
    "a space in the target": (400, b"GET /pi ng HTTP/1.1\r\n" + HOST + END),
    "space before the method": (400, b" GET /ping HTTP/1.1\r\n" + HOST + END),
    "method is no token": (400, b"G(T /ping HTTP/1.1\r\n" + HOST + END),
    "no target": (400, b"GET HTTP/1.1\r\n" + HOST + END),
    "no version": (400, b"GET /ping\r\n" + HOST + END),
    "no slash": (400, b"GET ping HTTP/1.1\r\n" + HOST + END),
    "authority-form for GET": (400, b"GET a:80 HTTP/1.1\r\n" + HOST + END),
    "asterisk for GET": (400, b"GET * HTTP/1.1\r\n" + HOST + END),
    "a fragment": (400, b"GET /ping#here HTTP/1.1\r\n" + HOST + END),
    "absolute-form without a host": (400, b"GET http:///ping HTTP/1.1\r\n" + HOST + END),
    "a TLS hello": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    # versions (RFC 9112 2.3)
    "lower-case version": (400, b"GET /ping http/1.1\r\n" + HOST + END),
    "version without a minor": (400, b"GET /ping HTTP/1\r\n" + HOST + END),
    "version with two digits": (400, b"GET /ping HTTP/1.10\r\n" + HOST + END),
    "version of letters": (400, b"GET /ping HTTP/a.b\r\n" + HOST + END),
    "another protocol": (400, b"GET /ping ICY/1.1\r\n" + HOST + END),
    "HTTP/2.0": (505, b"GET /ping HTTP/2.0\r\n" + HOST + END),
    "HTTP/1.2": (505, b"GET /ping HTTP/1.2\r\n" + HOST + END),
    "HTTP/0.9": (505, b"GET /ping HTTP/0.9\r\n" + HOST + END),
    "HTTP/3.0": (505, b"GET /ping HTTP/3.0\r\n" + HOST + END),
    "the preface of HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    # lengths (RFC 9112 6.3)
    "length with a sign": (400, POST + b"Content-Length: +3\r\n\r\nabc"),
    "length below zero": (400, POST + b"Content-Length: -3\r\n\r\nabc"),
    "length in hexadecimal": (400, POST + b"Content-Length: 0x3\r\n\r\nabc"),
    "empty length": (400, POST + b"Content-Length:\r\n\r\n"),
    "length with a space in it": (400, POST + b"Content-Length: 1 2\r\n\r\nabc"),
    "length with a fraction": (400, POST + b"Content-Length: 3.0\r\n\r\nabc"),
    "length of letters": (400, POST + b"Content-Length: abc\r\n\r\nabc"),
    "two lengths that differ": (400, POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
    "a list of lengths that differ": (400, POST + b"Content-Length: 3, 4\r\n\r\nabc"),
    "length over 64 bits": (400, POST + b"Content-Length: 18446744073709551619\r\n\r\nabc"),
    "length with a sign, of GET": (400, GET + HOST + b"Content-Length: +0\r\n\r\n"),
    "length and coding": (400, POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "coding and length": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"),
    "a coding in 1.0": (400, b"POST /ping HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    # codings (RFC 9112 6.1)
    "an unknown coding": (501, POST + b"Transfer-Encoding: xyz\r\n\r\n"),
    "gzip as a coding": (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n"),
    "identity as a coding": (501, POST + b"Transfer-Encoding: identity\r\n\r\n"),
    "nearly chunked": (501, POST + b"Transfer-Encoding: xchunked\r\n\r\n"),
    "an unknown coding, of GET": (501, GET + HOST + b"Transfer-Encoding: xyz\r\n\r\n"),
    # a body where none belongs
    "a body of GET": (400, GET + HOST + b"Content-Length: 3\r\n\r\nabc"),
    "a chunked body of GET": (400, GET + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a body of HEAD": (400, b"HEAD /ping HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc"),
    "a body of OPTIONS":
        (400, b"OPTIONS /ping HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc"),
    # sizes
    "a head over max_header": (431, GET + HOST + b"X: " + b"a" * 20000 + b"\r\n\r\n"),
    "a head over max_header in many fields":
        (431, GET + HOST + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 200) for i in range(100)) + END),
    "201 fields": (431, GET + HOST + b"X: a\r\n" * 200 + END),
    "a head that never ends": (431, GET + HOST + b"X: " + b"a" * 40000),
    "a long request line": (414, b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n" + HOST + END),
    "a request line that never ends": (414, b"GET /" + b"a" * 40000),
}


def refused(r, status):
    """An error of the parser: problem+json, CORS, and it says that it closes."""
    assert r.status == status, r
    assert r["Content-Type"] == "application/problem+json"
    assert r["Access-Control-Allow-Origin"] == "*"
    assert r["Connection"] == "close"
    assert r["Date"]
    if r.body:
        assert r.json()["status"] == status
        assert r.json()["title"] and r.json()["detail"]


@pytest.mark.parametrize("name", REFUSED)
def test_refused(server, client, name):
    status, data = REFUSED[name]
    client.send(data)
    method = "HEAD" if data.startswith(b"HEAD") else "GET"
    refused(client.read_response(method), status)
    assert client.closed()


@pytest.mark.parametrize("name", [n for n, (s, d) in REFUSED.items() if len(d) < 200])
def test_refused_one_byte_at_a_time(server, name):
    """The answer does not depend on how the bytes were cut into packets."""
    status, data = REFUSED[name]
    with server.connect() as c:
        try:
            c.send_slowly(data)
        except ConnectionError:
            pass  # it may answer and close before the end
        method = "HEAD" if data.startswith(b"HEAD") else "GET"
        assert c.read_response(method).status == status


def test_a_request_behind_a_refused_one_is_not_answered(server, client):
    client.send(GET + END + b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.read_response().status == 400
    assert client.closed()


def test_a_body_cannot_be_taken_for_a_request(server, client):
    inner = b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n"
    client.send(POST + b"Content-Length: %d\r\n\r\n" % len(inner) + inner)
    r = client.read_response()
    assert r.status == 405
    if r.get("Connection") == "close":
        assert client.closed()
    else:
        assert client.request("/audio/nothing.mp3").status == 404


ACCEPTED = {
    "plain": GET + HOST + END,
    "no field but Host, no space": GET + b"Host:a\r\n\r\n",
    "white space around a value": GET + b"Host: \t a \t \r\n\r\n",
    "Host with a port": GET + b"Host: a.example:8080\r\n\r\n",
    "Host is an IPv6 address": GET + b"Host: [::1]:8080\r\n\r\n",
    "Host in other letters": GET + b"hOST: a\r\n\r\n",
    "an empty value": GET + HOST + b"X:\r\n\r\n",
    "a tab in a value": GET + HOST + b"X: a\tb\r\n\r\n",
    "bytes over 0x7f in a value": GET + HOST + b"X: \xe9\xff\r\n\r\n",
    "every token character in a name": GET + HOST + b"!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n",
    "200 fields": GET + HOST + b"X: a\r\n" * 199 + END,
    "a length of zero": GET + HOST + b"Content-Length: 0\r\n\r\n",
    "1.0 without Host": b"GET /audio/one.mp3 HTTP/1.0\r\n\r\n",
    "1.0 with Host": b"GET /audio/one.mp3 HTTP/1.0\r\nHost: a\r\n\r\n",
    "an empty line before it": b"\r\n" + GET + HOST + END,
    "a query": b"GET /audio/one.mp3?a=b&c=/%20? HTTP/1.1\r\n" + HOST + END,
    "absolute-form":
        b"GET http://example.com/audio/one.mp3 HTTP/1.1\r\nHost: example.com\r\n\r\n",
    "absolute-form, Host differs":
        b"GET http://example.com/audio/one.mp3 HTTP/1.1\r\n" + HOST + END,
    "absolute-form with port and query":
        b"GET http://example.com:8080/audio/one.mp3?x HTTP/1.1\r\n" + HOST + END,
    "absolute-form of https": b"GET https://example.com/audio/one.mp3 HTTP/1.1\r\n" + HOST + END,
    "absolute-form in other letters":
        b"GET HTTP://EXAMPLE.com/audio/one.mp3 HTTP/1.1\r\n" + HOST + END,
    "a head of just max_header":
        GET + HOST + b"X: " + b"a" * (16384 - len(GET + HOST) - 7) + b"\r\n\r\n",
}


@pytest.mark.parametrize("how", ["whole", "byte by byte"])
@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(server, client, tree, name, how):
    data = ACCEPTED[name]
    if how == "whole":
        client.send(data)
    else:
        client.send_slowly(data, 1 if len(data) < 2000 else 97)
    r = client.read_response()
    assert r.status == 200, r
    assert r.body == tree["one.mp3"]


@pytest.mark.parametrize("cut", range(1, 42))
def test_a_request_cut_anywhere(server, client, cut):
    data = b"GET /ping HTTP/1.1\r\nHost: a\r\nX: some\r\n\r\n"
    client.send(data[:cut], data[cut:])
    assert client.read_response().body == b"pong\n"


def test_one_byte_over_max_header_is_too_large(server, client):
    client.send(GET + HOST + b"X: " + b"a" * (16384 - len(GET + HOST) - 6) + b"\r\n\r\n")
    assert client.read_response().status == 431


def test_max_header_is_configurable(tree):
    with Segue(tree.root, {"http": {"max_header": "1KB"}}) as s:
        assert s.get("/ping", "X: " + "a" * 900).status == 200
        assert s.get("/ping", "X: " + "a" * 1000).status == 431
        assert s.get("/" + "a" * 1100).status == 414
    with Segue(tree.root, {"http": {"max_header": "64KB"}}) as s:
        assert s.get("/ping", "X: " + "a" * 60000).status == 200
        assert s.get("/ping?" + "a" * 32000).status == 200  # half of it may be the request line
        assert s.get("/ping?" + "a" * 33000).status == 414


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW", "get",
                                    "X-Y"])
def test_other_methods(server, client, method):
    r = client.request("/audio/one.mp3", method=method)
    assert r.status == 405, r
    assert {m.strip() for m in r["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}
    assert r["Content-Type"] == "application/problem+json"
    assert r["Access-Control-Allow-Origin"] == "*"
    assert r.json()["status"] == 405


def test_connect_is_not_a_method_of_ours(server, client):
    r = client.exchange(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")
    assert r.status == 405, r


def test_options_asterisk(server, client):
    """RFC 9110 9.3.7"""
    r = client.request("*", method="OPTIONS")
    assert r.status in (200, 204), r
    assert client.alive()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_our_methods(server, client, method):
    assert client.request("/audio/one.mp3", method=method).status in (200, 204)
    assert client.alive()


SPELLING = re.compile(r"^([A-Z][a-z]*|ETag|X|WWW|MD5)(-([A-Z][a-z]*|MD5))*$")


def test_field_names_are_spelled_as_the_rfc_spells_them(server, client):
    etag = client.request("/audio/small.mp3")["ETag"]
    for fields, status in [((), 200), (["Range: bytes=0-1"], 206),
                           ([f"If-None-Match: {etag}"], 304), (["Range: bytes=9999-"], 416),
                           (["Range: bytes=0-0,5-5"], 206)]:
        r = client.request("/audio/small.mp3", *fields)
        assert r.status == status, r
        for name, _ in r.fields:
            assert name == "ETag" or SPELLING.match(name) and name != "Etag", name


def test_no_field_comes_twice(server, client):
    for fields in ((), ["Range: bytes=0-1"], ["Range: bytes=9999-"]):
        names = [n.lower() for n, _ in client.request("/audio/small.mp3", *fields).fields]
        assert len(names) == len(set(names)), names


@pytest.mark.parametrize("target,status", [("/nothing", 404), ("/audio", 404),
                                           ("/metrics", 404), ("/health", 404), ("/status", 404)])
def test_unknown_urls(server, client, target, status):
    r = client.request(target)
    assert r.status == status, r
    assert r.json()["status"] == status
    assert client.alive(), "an error of the application keeps the connection"
