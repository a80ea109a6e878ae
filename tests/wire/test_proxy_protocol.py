"""The PROXY protocol: HAProxy in front, hostile headers, and who may speak it."""
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile

import pytest

import raw
from cdn import PATH
from segue import Lines, Segue, until

CONF = {"listen": ["127.0.0.1:0", {"address": "127.0.0.1:0", "proxy_protocol": True}],
        "http": {"trusted_proxies": ["127.0.0.1/32", "10.1.0.0/16"]},
        "log": {"access": "stdout", "format": "json"}}
V2 = b"\r\n\r\n\0\r\nQUIT\n"
PING = b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"
BAD = 'segue_connections_closed_total{reason="bad_proxy"}'


@pytest.fixture(scope="module")
def edge(tree):
    with Segue(tree.root, CONF) as server:
        yield server


def v1(client="203.0.113.7"):
    return f"PROXY TCP4 {client} 198.51.100.1 4711 80\r\n".encode()


def v2(client="203.0.113.7", command=0x21, beside=b""):
    body = socket.inet_aton(client) + socket.inet_aton("198.51.100.1") + struct.pack(">HH", 1, 2)
    body += beside
    return V2 + bytes([command, 0x11]) + struct.pack(">H", len(body)) + body


def logged(server, ask):
    """Whom the access log names for what ask() asks."""
    mark = server.out.mark()
    r = ask()
    assert r.status == 200, r
    return json.loads(server.out.wait('"status":200', start=mark).string)["client"]


def once(server, *pieces, port=1, source=None):
    with raw.Client(server.ports[port], source=source) as c:
        c.send(*pieces)
        return c.read_response()


def refused(server, *pieces, **more):
    before = server.metric(BAD)
    with raw.Client(server.ports[1], **more) as c:
        try:
            c.send(*pieces)
            with pytest.raises(raw.Closed) as closed:
                c.read(1)
        except OSError:
            pass  # it was closed before we had sent all
        else:
            assert not closed.value.got, closed.value
    server.until_metric(BAD, lambda n: n == before + 1)


@pytest.mark.parametrize("header,client", [
    (v1(), "203.0.113.7"),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n", "2001:db8::7"),
    (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    (v2(), "203.0.113.7"),
    (v2(beside=b"\x01\x00\x02h2\x04\x00\x20" + b"x" * 32), "203.0.113.7"),
    (v2(command=0x20), "127.0.0.1"),
    (V2 + b"\x20\x00\x00\x00", "127.0.0.1"),
])
def test_a_header_says_who_the_client_is(edge, header, client):
    assert logged(edge, lambda: once(edge, header + PING)) == client
    assert logged(edge, lambda: once(edge, header, PING)) == client
    whole = header + PING
    assert logged(edge, lambda: once(edge, *(whole[i:i + 1] for i in range(len(whole))))) == client


def test_it_is_said_once_and_holds_for_the_connection(edge):
    with raw.Client(edge.ports[1]) as c:
        mark = edge.out.mark()
        c.send(v1() + PING + PING)
        assert c.read_response().status == c.read_response().status == 200
        lines = edge.out.wait_all('"status":200', 2, start=mark)
        assert all(json.loads(m.string)["client"] == "203.0.113.7" for m in lines)
        c.send(v1() + PING)
        assert c.read_response().status == 400


@pytest.mark.parametrize("bytes_", [
    PING,
    b"\r\n" + PING,
    b"PROXY TCP4 203.0.113.7 198.51.100.1 4711 80\n" + PING,
    b"PROXY TCP4 203.0.113.777 198.51.100.1 4711 80\r\n" + PING,
    b"PROXY " + b"x" * 500,
    V2 + b"\x31\x11\x00\x0c" + b"x" * 12 + PING,
    V2 + b"\x21\x11\xff\xff",
    V2 + b"\x21\x11\x00\x04" + b"x" * 4 + PING,
    b"\x16\x03\x01\x02\x00\x01",
], ids=["http", "crlf", "bare-lf", "address", "no-end", "version", "too-much", "too-short", "tls"])
def test_what_is_no_header_is_closed_without_a_word_and_counted(edge, bytes_):
    refused(edge, bytes_)


def test_who_is_not_trusted_may_not_speak_it(edge):
    refused(edge, v1() + PING, source="127.0.0.2")


def test_without_it_a_header_is_no_request(edge):
    assert once(edge, v1() + PING, port=0).status == 400
    assert logged(edge, lambda: edge.get("/ping")) == "127.0.0.1"


@pytest.mark.parametrize("header,client", [
    (v1("10.1.2.3"), "192.0.2.9"),  # a trusted proxy behind a trusted proxy
    (v1("203.0.113.7"), "203.0.113.7"),  # who is none may claim what he will
    (v2("10.1.2.3", command=0x20), "192.0.2.9"),
])
def test_x_forwarded_for_of_a_trusted_proxy_still_counts(edge, header, client):
    asked = PING.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n")
    assert logged(edge, lambda: once(edge, header + asked)) == client


def test_who_says_no_header_in_time_is_closed(own):
    with Segue(own.root, {**CONF, "http": {**CONF["http"], "header_timeout": "200ms"}}) as s:
        for begun in (b"", b"PROX", V2[:5]):
            with raw.Client(s.ports[1]) as c:
                c.send(begun)
                with pytest.raises(raw.Closed):
                    c.read(1)
        s.until_metric('segue_connections_closed_total{reason="header_timeout"}', lambda n: n == 3)


def test_the_clients_count_and_not_their_proxy(own):
    conf = {**CONF, "limit": {"connections": 2, "requests": {"rate": "1/h", "burst": 3}}}
    with Segue(own.root, conf) as s:
        held = []
        for _ in range(2):
            held.append(raw.Client(s.ports[1]))
            held[-1].send(v1("203.0.113.1") + PING)
            assert held[-1].read_response().status == 200
        r = once(s, v1("203.0.113.1") + PING)
        assert r.status == 503 and "Retry-After" in r
        assert s.metric('segue_denied_total{reason="connections"}') == 1
        assert once(s, v2("203.0.113.2") + PING).status == 200
        held[0].send(PING)
        assert held[0].read_response().status == 200
        held[0].send(PING)
        assert held[0].read_response().status == 429
        for c in held:
            c.close()
        until(lambda: s.metric("segue_connections") == 0, "the connections' end")
        assert once(s, v1("203.0.113.1") + PING).status == 429  # there is a place again


@pytest.fixture(params=["send-proxy", "send-proxy-v2"])
def haproxy(request, edge):
    """HAProxy before the server, in TCP mode: (port, port without a header)."""
    program = shutil.which("haproxy", path=PATH)
    assert program, "haproxy is not installed (tools/install-deps test)"
    where = tempfile.mkdtemp(prefix="segue-haproxy-")
    front = []
    for _ in range(2):
        front.append(socket.create_server(("127.0.0.1", 0)))
        front[-1].set_inheritable(True)
    with open(os.path.join(where, "haproxy.cfg"), "w", encoding="ascii") as f:
        f.write("global\n  maxconn 100\n"
                "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 10s\n"
                "  timeout server 10s\n"
                f"listen front\n  bind fd@{front[0].fileno()}\n"
                f"  server edge 127.0.0.1:{edge.ports[1]} {request.param} check inter 200ms"
                f" {'check-send-proxy' if request.param.endswith('v2') else ''}\n"
                f"listen bare\n  bind fd@{front[1].fileno()}\n"
                f"  server edge 127.0.0.1:{edge.ports[1]}\n")
    process = subprocess.Popen([program, "-db", "-f", f.name], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               pass_fds=[s.fileno() for s in front])
    log = Lines(process.stderr)
    ports = [s.getsockname()[1] for s in front]
    for s in front:
        s.close()
    yield ports
    process.terminate()
    process.wait(10)
    log.thread.join(10)
    process.stderr.close()
    shutil.rmtree(where)


def test_haproxy_in_front(edge, haproxy, tree):
    def ask(target="/ping", port=haproxy[0]):
        with raw.Client(port, source="127.0.0.77") as c:
            c.send(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            return c.read_response()
    assert logged(edge, ask) == "127.0.0.77"
    r = ask("/audio/small.mp3")
    assert r.status == 200 and r.body == tree["small.mp3"]
    with pytest.raises(raw.Closed):
        ask(port=haproxy[1])
