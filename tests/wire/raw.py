"""A client for HTTP/1.1 that sends exactly the bytes it is given.

It never corrects anything, so malformed requests can be sent, and it reads exactly one response
at a time, so that what follows on the connection (pipelined answers, a close) stays to be looked
at.
"""
import json
import os
import socket
import struct

DEADLINE = 60.0 if any(s in os.environ.get("SEGUE_BUILD", "") for s in ("asan", "tsan")) else 20.0


class Closed(Exception):
    """The server closed or reset the connection before a whole response had come."""

    def __init__(self, got=b""):
        super().__init__(f"closed after {len(got)} bytes: {bytes(got[:200])!r}")
        self.got = bytes(got)


class Response:
    """One response. `fields` keeps the order and the spelling of the server."""

    def __init__(self, head, body=b""):
        lines = head.split(b"\r\n")
        self.line = lines[0].decode("latin-1")
        self.version, status, self.reason = (self.line.split(" ", 2) + [""])[:3]
        self.status = int(status)
        self.fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            assert colon, f"a field line without a colon: {line!r}"
            self.fields.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
        self.head = head
        self.body = body

    def get(self, name, default=None):
        """The value of a field, its name in any case; several lines are joined with a comma."""
        values = [v for n, v in self.fields if n.lower() == name.lower()]
        return ", ".join(values) if values else default

    def __getitem__(self, name):
        """The value of the one line spelled exactly so. KeyError if there is none or several."""
        values = [v for n, v in self.fields if n == name]
        if len(values) != 1:
            raise KeyError(f"{name}: {len(values)} lines in {self.fields}")
        return values[0]

    def __contains__(self, name):
        return self.get(name) is not None

    def json(self):
        return json.loads(self.body.decode("utf-8"))

    def parts(self):
        """The parts of multipart/byteranges: a list of ({name in lower case: value}, bytes)."""
        kind, _, boundary = self["Content-Type"].partition("; boundary=")
        assert kind == "multipart/byteranges" and boundary, self["Content-Type"]
        boundary = b"--" + boundary.strip('"').encode()
        rest = b"\r\n" + self.body
        out = []
        mark = b"\r\n" + boundary
        at = rest.index(mark)
        assert rest[:at] in (b"", b"\r\n"), "a preamble that is no empty line"
        at += len(mark)
        while rest[at:at + 2] != b"--":
            assert rest[at:at + 2] == b"\r\n", rest[at:at + 20]
            blank = rest.index(b"\r\n\r\n", at)
            fields = {}
            for line in rest[at + 2:blank].split(b"\r\n"):
                name, _, value = line.decode().partition(": ")
                fields[name.lower()] = value
            first, last, _ = content_range(fields["content-range"])
            body = rest[blank + 4:blank + 4 + last - first + 1]
            at = blank + 4 + len(body)
            assert rest[at:at + len(mark)] == mark, "a part is not followed by the boundary"
            at += len(mark)
            out.append((fields, body))
        assert rest[at:] in (b"--\r\n", b"--"), rest[at:at + 40]
        return out

    def __repr__(self):
        return f"<{self.line} {self.fields} body of {len(self.body)} bytes: {self.body[:120]!r}>"


def content_range(value):
    """'bytes 0-9/100' -> (0, 9, 100)"""
    unit, _, rest = value.partition(" ")
    assert unit == "bytes", value
    span, _, size = rest.partition("/")
    first, _, last = span.partition("-")
    return int(first), int(last), int(size)


class Client:
    """One connection. A context manager; leaving it closes."""

    def __init__(self, port, host="127.0.0.1", rcvbuf=None, source=None):
        self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(DEADLINE)
        try:
            if source:
                self.sock.bind((source, 0))
            self.sock.connect((host, port))
        except OSError:
            self.sock.close()
            raise
        self.got = bytearray()  # came, and was not asked for yet

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Close with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def half_close(self):
        """Send a FIN; reading goes on."""
        self.sock.shutdown(socket.SHUT_WR)

    def send(self, *pieces):
        """Each piece is one send."""
        for piece in pieces:
            self.sock.sendall(piece)

    def send_slowly(self, data, step=1):
        self.send(*(data[i:i + step] for i in range(0, len(data), step)))

    def _more(self):
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionError:
            data = b""
        if not data:
            raise Closed(self.got)
        self.got += data

    def read(self, n):
        """Exactly n bytes."""
        while len(self.got) < n:
            self._more()
        out = bytes(self.got[:n])
        del self.got[:n]
        return out

    def read_head(self):
        """The head of the next final response, as a Response without its body."""
        while True:
            r = self.read_any_head()
            if r.status >= 200:  # RFC 9110 15.2: a client takes what is interim at any time
                return r

    def read_any_head(self):
        """The same, but interim (1xx) ones are not passed over."""
        while True:
            end = self.got.find(b"\r\n\r\n")
            if end >= 0:
                break
            self._more()
        head = bytes(self.got[:end])
        del self.got[:end + 4]
        return Response(head)

    def read_response(self, method="GET"):
        """Exactly one response; the rest stays. `method` is the request's: HEAD has no body."""
        r = self.read_head()
        if method == "HEAD" or r.status in (204, 304):
            return r
        coding, length = r.get("Transfer-Encoding"), r.get("Content-Length")
        if coding:
            assert coding.lower() == "chunked" and length is None, r
            r.body = self._chunks()
        elif length is not None:
            r.body = self.read(int(length))
        else:
            r.body = self.rest()
        return r

    def _chunks(self):
        out = b""
        while True:
            size = int(self._line(), 16)
            out += self.read(size)
            assert self._line() == b""
            if size == 0:
                return out

    def _line(self):
        while b"\r\n" not in self.got:
            self._more()
        line, _, _ = self.got.partition(b"\r\n")
        del self.got[:len(line) + 2]
        return bytes(line)

    def rest(self):
        """All bytes up to the close."""
        try:
            while True:
                self._more()
        except Closed as e:
            self.got.clear()
            return e.got

    def request(self, target, *fields, method="GET", host="test", version="HTTP/1.1"):
        """Send one request, each field a "Name: value" str or bytes, and read its response."""
        self.send(head(target, *fields, method=method, host=host, version=version))
        return self.read_response(method)

    def exchange(self, data, method="GET"):
        """Send these bytes, read one response."""
        self.send(data)
        return self.read_response(method)

    def alive(self, target="/ping"):
        """Does the connection answer another request?"""
        try:
            return self.request(target).status == 200
        except (Closed, ConnectionError):
            return False

    def closed(self):
        """Waits for the close; True when no byte came before it."""
        return self.rest() == b""


def head(target, *fields, method="GET", host="test", version="HTTP/1.1"):
    """The bytes of one request head; host=None leaves Host out."""
    lines = [f"{method} {target} {version}".encode()]
    if host is not None:
        lines.append(b"Host: " + host.encode())
    lines += [f if isinstance(f, bytes) else f.encode() for f in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def fetch(port, target, *fields, **more):
    """One request on a connection of its own."""
    with Client(port) as c:
        return c.request(target, *fields, **more)
