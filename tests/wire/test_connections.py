"""Connections: keep-alive, pipelining, half-close, timeouts, listeners."""
import contextlib
import select
import socket
import time

import pytest

import raw
from raw import Closed, head
from segue import Segue, until


# Keep-alive (RFC 9112 9.3)

def test_a_connection_serves_many_requests(client, tree):
    for _ in range(50):
        assert client.request("/audio/small.mp3").body == tree["small.mp3"]


@pytest.mark.parametrize("value", ["close", "Close", "keep-alive, close", "x , close", "close,"])
def test_close_is_obeyed_and_said(client, value):
    r = client.request("/ping", "Connection: " + value)
    assert r.status == 200
    assert r["Connection"] == "close"
    assert client.closed()


def test_close_on_a_second_connection_line_is_obeyed(client):
    assert client.request("/ping", "Connection: x", "Connection: close")["Connection"] == "close"
    assert client.closed()


def test_1_0_closes_by_itself(client):
    r = client.request("/ping", version="HTTP/1.0")
    assert r.status == 200 and r.get("Connection") in (None, "close")
    assert client.closed()


def test_1_0_with_keep_alive_stays(client):
    r = client.request("/ping", "Connection: keep-alive", version="HTTP/1.0")
    assert r["Connection"] == "keep-alive"
    assert client.alive()


def test_1_0_is_never_sent_chunks(client):
    r = client.request("/audio/song.mp3", version="HTTP/1.0")
    assert "Transfer-Encoding" not in r and len(r.body) == 4 << 20


@pytest.mark.parametrize("target,fields,status", [
    ("/audio/nothing.mp3", [], 404), ("/audio/small.mp3", ["Range: bytes=9999-"], 416),
    ("/audio/small.mp3", ['If-Match: "x"'], 412), ("/audio/small.mp3", ["If-None-Match: *"], 304),
    ("/audio/%00", [], 400)])
def test_errors_of_a_well_framed_request_keep_the_connection(client, target, fields, status):
    assert client.request(target, *fields).status == status
    assert client.alive()


# Pipelining (RFC 9112 9.3.2)

def test_a_hundred_requests_in_one_send(client, tree):
    names = ["small.mp3", "one.mp3", "empty.mp3", "64k.mp3"] * 25
    client.send(b"".join(head("/audio/" + n) for n in names))
    for name in names:
        r = client.read_response()
        assert r.status == 200 and r.body == tree[name]
    assert client.alive()


def test_a_mixture_in_one_send(client, tree):
    tag = client.request("/audio/small.mp3")["ETag"]
    asked = [
        ("GET", "/audio/song.mp3", [], 200),
        ("HEAD", "/audio/song.mp3", [], 200),
        ("GET", "/audio/nothing.mp3", [], 404),
        ("GET", "/audio/small.mp3", ["Range: bytes=0-9"], 206),
        ("OPTIONS", "/audio/small.mp3", [], 204),
        ("GET", "/audio/small.mp3", ["If-None-Match: " + tag], 304),
        ("GET", "/audio/small.mp3", ["Range: bytes=0-0,9-9"], 206),
        ("GET", "/ping", [], 200),
        ("GET", "/audio/long.flac", ["Range: bytes=0-"], 206),
        ("GET", "/ping", ["Connection: close"], 200),
    ]
    client.send(b"".join(head(t, *f, method=m) for m, t, f, _ in asked))
    answers = [client.read_response(m) for m, *_ in asked]
    assert [r.status for r in answers] == [status for *_, status in asked]
    assert answers[0].body == tree["song.mp3"] and answers[8].body == tree["long.flac"]
    assert client.closed()


def test_nothing_is_answered_after_close(client):
    client.send(head("/ping", "Connection: close") + head("/ping"))
    assert client.read_response().status == 200
    assert client.closed()


def test_answers_before_a_malformed_request_are_sent(client, tree):
    client.send(head("/audio/song.mp3") + head("/ping") + b"junk\r\n\r\n" + head("/ping"))
    assert client.read_response().body == tree["song.mp3"]
    assert client.read_response().body == b"pong\n"
    assert client.read_response().status == 400
    assert client.closed()


def test_pipelined_requests_cut_into_odd_pieces(client, tree):
    data = head("/audio/small.mp3") * 40
    client.send_slowly(data, 37)
    for _ in range(40):
        assert client.read_response().body == tree["small.mp3"]


def test_requests_may_come_while_an_answer_is_under_way(client, tree):
    client.send(head("/audio/long.flac"))
    r = client.read_head()
    client.send(head("/ping"), head("/audio/small.mp3"))
    assert client.read(int(r["Content-Length"])) == tree["long.flac"]
    assert client.read_response().body == b"pong\n"
    assert client.read_response().body == tree["small.mp3"]


def test_more_pipelined_bytes_than_any_buffer(tree):
    """A client that writes without reading is held back by TCP, not by memory."""
    with Segue(tree.root, {"workers": 1}) as s, s.connect() as c:
        count = 5000
        data = head("/audio/small.mp3", "X: " + "a" * 400) * count
        c.sock.setblocking(False)
        sent, got, done = 0, 0, 0
        end = time.monotonic() + raw.DEADLINE
        while done < count and time.monotonic() < end:
            _, writable, _ = select.select([], [c.sock] if sent < len(data) else [], [], 0.02)
            if writable:
                sent += c.sock.send(data[sent:sent + 65536])
                continue
            c.sock.settimeout(raw.DEADLINE)  # it takes no more until its answers are read
            for _ in range(50 if done + 50 <= count else count - done):
                got += len(c.read_response().body)
                done += 1
            c.sock.setblocking(False)
        assert done == count and got == count * 1023


# Half-close

@pytest.mark.parametrize("name", ["small.mp3", "song.mp3", "long.flac"])
def test_a_half_close_after_a_whole_request_is_answered(client, tree, name):
    client.send(head("/audio/" + name))
    client.half_close()
    assert client.read_response().body == tree[name]
    assert client.closed()


def test_a_half_close_in_1_0_is_sent_nothing_interim(client, tree):
    """RFC 9110 15.2: 1.0 knows no 1xx."""
    client.send(head("/audio/song.mp3", version="HTTP/1.0"))
    client.half_close()
    assert client.read_any_head().status == 200
    assert client.rest() == tree["song.mp3"]


def test_a_half_close_after_several_requests_answers_them_all(client, tree):
    client.send(head("/audio/song.mp3") + head("/audio/small.mp3") + head("/ping"))
    client.half_close()
    assert client.read_response().body == tree["song.mp3"]
    assert client.read_response().body == tree["small.mp3"]
    assert client.read_response().body == b"pong\n"
    assert client.closed()


def test_a_half_close_within_a_head_ends_the_connection(client):
    client.send(b"GET /ping HTTP/1.1\r\nHo")
    client.half_close()
    rest = client.rest()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 400 ")


def test_a_half_close_without_a_request_ends_the_connection(client):
    client.half_close()
    assert client.closed()


def test_a_half_close_between_requests_ends_the_connection(client):
    assert client.request("/ping").status == 200
    client.half_close()
    assert client.closed()


# Timeouts

@pytest.fixture(scope="module")
def hasty(tree):
    http = {"header_timeout": "300ms", "idle_timeout": "300ms", "write_timeout": "300ms"}
    with Segue(tree.root, {"http": http}) as s:
        yield s


def drip(c, data, pause=0.05):
    """Send a byte each `pause` seconds until the server says something; how many were sent."""
    for n in range(len(data)):
        try:
            c.send(data[n:n + 1])
        except ConnectionError:
            return n
        if select.select([c.sock], [], [], pause)[0]:
            return n
    return len(data)


def test_a_slow_head_is_408(hasty):
    with hasty.connect() as c:
        sent = drip(c, head("/ping", "X: " + "a" * 1000))
        assert sent < 1000, "one byte at a time held the connection"
        r = c.read_response()
        assert r.status == 408, r
        assert r["Connection"] == "close"
        assert r["Content-Type"] == "application/problem+json" and r.json()["status"] == 408
        assert r["Access-Control-Allow-Origin"] == "*"
        assert c.closed()


def closed_for(server, reason):
    return server.metric(f'segue_connections_closed_total{{reason="{reason}"}}')


def test_a_head_that_stops_is_408(hasty):
    before = closed_for(hasty, "header_timeout")
    with hasty.connect() as c:
        c.send(b"GET /ping HTTP/1.1\r\nHost: a\r\n")
        assert c.read_response().status == 408
        assert c.closed()
    until(lambda: closed_for(hasty, "header_timeout") == before + 1, "its reason")
    assert hasty.metric('segue_requests_total{code="408"}') >= 1


def test_a_second_head_that_stops_is_408(hasty):
    with hasty.connect() as c:
        c.send(head("/ping") + b"GET /pi")
        assert c.read_response().status == 200
        assert c.read_response().status == 408
        assert c.closed()


def test_an_idle_connection_is_closed_without_a_word(hasty):
    before = closed_for(hasty, "idle")
    with hasty.connect() as c:
        assert c.request("/ping").status == 200
        assert c.closed()
    until(lambda: closed_for(hasty, "idle") == before + 1, "its reason")


def test_a_connection_that_never_asks_is_closed_without_a_word(hasty):
    """It has header_timeout to begin."""
    before = closed_for(hasty, "header_timeout")
    with hasty.connect() as c:
        assert c.closed()
    until(lambda: closed_for(hasty, "header_timeout") == before + 1, "its reason")


def test_a_blank_line_is_no_beginning(hasty):
    """RFC 9112 2.2 has it ignored; it must not hold the slot either."""
    with hasty.connect() as c:
        c.send(b"\r\n")
        assert c.closed()
    with hasty.connect() as c:
        assert drip(c, b"\r\n" * 500) < 1000
        assert c.rest()[:13] in (b"", b"HTTP/1.1 400 ", b"HTTP/1.1 408 ")


def test_requests_keep_a_connection_from_being_idle(hasty):
    with hasty.connect() as c:
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            assert c.request("/ping").status == 200
            assert not select.select([c.sock], [], [], 0.1)[0], "closed between requests"


def test_a_client_that_takes_nothing_is_cut_off(hasty):
    name = 'segue_connections_closed_total{reason="write_timeout"}'
    before = hasty.metric(name)
    with hasty.connect(rcvbuf=4096) as c:
        c.send(head("/audio/long.flac"))
        c.read_head()
        hasty.until_metric(name, lambda n: n == before + 1)
        assert len(c.rest()) < 20 << 20


def test_a_slow_client_that_takes_something_is_not_cut_off(hasty, tree):
    """Its answer takes longer than write_timeout, but no pause is so long."""
    with hasty.connect(rcvbuf=65536) as c:
        c.send(head("/audio/long.flac"))
        length = int(c.read_head()["Content-Length"])
        got = b""
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            got += c.read(min(65536, length - len(got)))
            select.select([], [], [], 0.02)
        got += c.read(length - len(got))
        assert got == tree["long.flac"]


# Listeners

def listeners(port):
    """How many sockets listen on 127.0.0.1:port."""
    with open("/proc/net/tcp") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return sum(r[3] == "0A" and int(r[1].split(":")[1], 16) == port for r in rows)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_listener_for_each_worker(tree, workers):
    with Segue(tree.root, {"workers": workers}) as s:
        assert listeners(s.port) == workers
        seen = [s.get("/ping").status for _ in range(20)]
        assert seen == [200] * 20


def test_two_workers_share_a_thousand_connections(tree):
    """The kernel's hash deals them like a coin: 20 % off is more than six standard deviations."""
    with Segue(tree.root, {"workers": 2}) as s, contextlib.ExitStack() as open_ones:
        for _ in range(1000):
            open_ones.enter_context(s.connect())
        shares = [f'segue_worker_connections{{worker="{i}"}}' for i in range(2)]
        until(lambda: sum(s.metric(m) for m in shares) == 1000, "all of them accepted")
        assert all(400 <= s.metric(m) <= 600 for m in shares)



def test_several_addresses(tree):
    with Segue(tree.root, {"listen": ["127.0.0.1:0", "127.0.0.2:0"]}) as s:
        assert raw.fetch(s.ports[0], "/ping").status == 200
        with raw.Client(s.ports[1], host="127.0.0.2") as c:
            assert c.request("/ping").status == 200


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
def test_ipv6(tree):
    with Segue(tree.root, {"listen": "[::1]:0"}) as s, raw.Client(s.port, host="::1") as c:
        assert c.request("/ping", host="[::1]").status == 200


def test_the_admin_listener_is_apart(server):
    assert server.admin("/audio/small.mp3").status == 404
    assert server.admin("/ping").status in (200, 404)
    assert server.get("/metrics").status == 404


def test_no_admin_listener(tree):
    with Segue(tree.root, {"admin": "off"}) as s:
        assert s.get("/ping").status == 200
        assert "admin on" not in s.err.text()


def test_many_connections_at_once(server, tree):
    clients = [server.connect() for _ in range(300)]
    try:
        for c in clients:
            c.send(head("/audio/64k.mp3"))
        for c in clients:
            assert c.read_response().body == tree["64k.mp3"]
    finally:
        for c in clients:
            c.close()


def test_the_gauge_of_connections_comes_back(tree):
    with Segue(tree.root) as s:
        clients = [s.connect() for _ in range(20)]
        for c in clients:
            assert c.request("/ping").status == 200
        s.until_metric("segue_connections", lambda n: n >= 20)
        for c in clients[:10]:
            c.close()
        for c in clients[10:]:
            c.reset()
        s.until_metric("segue_connections", lambda n: n == 0)


def test_max_connections(tree):
    """Who is over the limit waits or is turned away; the others are served."""
    with Segue(tree.root, {"workers": 1, "http": {"max_connections": 4}}) as s:
        inside = [s.connect() for _ in range(4)]
        for c in inside:
            assert c.request("/ping").status == 200
        with s.connect() as over:  # it says nothing, so that no reset overtakes the answer
            r = over.read_response()
            assert r.status == 503 and r["Retry-After"] == "1" and r["Connection"] == "close"
            assert r["Content-Type"] == "application/problem+json" and r.json()["status"] == 503
            assert r["Access-Control-Allow-Origin"] == "*" and "Date" in r
            assert over.closed()
        s.until_metric('segue_requests_total{code="503"}', lambda n: n == 1)
        for c in inside:
            assert c.alive(), "one that was there suffered"
            c.close()

        def served():
            try:
                return s.get("/ping").status == 200
            except (Closed, ConnectionError):
                return False
        until(served, "a place that was given back")
