"""Resident memory of connections: idle ones, streams whose reader has stalled, and streams that the server
sends at a pace and that are read as they come."""
import itertools
import os
import resource
import select
import socket
import sys
import time

KINDS = ("idle", "stalled", "paced")
COUNT = 10000
PACE = 2048      # bytes a second of a paced stream
LISTENED = 6     # seconds that paced streams are read before they are counted
IDLE_NS = 5_000_000 # of 0.2 s: a fortieth of a core


def addresses():
    """127.0.0.2, 127.0.0.3, ...: more client ports than one address has."""
    for i in itertools.cycle(range(2, 12)):
        yield f"127.0.0.{i}"


def open_streams(port, path, kind, count=COUNT):
    """Connections that have had one answer (idle), the first bytes of one, or are about to (paced)."""
    host, streams = addresses(), []
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    for _ in range(count):
        s = socket.socket()
        if kind == "stalled":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.bind((next(host), 0))
        s.connect(("127.0.0.1", port))
        s.sendall(request)
        if kind == "idle":
            read_answer(s)
        elif kind == "stalled":
            s.recv(1)
        streams.append(s)
    return streams


def read_answer(s):
    data = b""
    while b"\r\n\r\n" not in data:
        data += s.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                  if line.lower().startswith(b"content-length"))
    while len(body) < length:
        body += s.recv(65536)


def listen(streams, seconds=LISTENED):
    """All of them at once, whatever comes."""
    ready, files = select.epoll(), {s.fileno(): s for s in streams}
    for number in files:
        ready.register(number, select.EPOLLIN)
    came, end = set(), time.monotonic() + seconds
    while time.monotonic() < end:
        for number, _ in ready.poll(0.1):
            if not files[number].recv(65536):
                raise RuntimeError("a paced stream has ended")
            came.add(number)
    if len(came) < len(streams):
        raise RuntimeError(f"{len(streams) - len(came)} paced streams stood still")


def grown(server, path, kind):
    """Bytes of resident memory for each connection, all of them open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for s in open_streams(server.port, path, kind, 50):
        s.close() # what is made once is not counted
    before = server.rss()
    streams = open_streams(server.port, path, kind)
    if kind == "paced":
        listen(streams)
    else:
        settle(server)
    after = server.rss()
    for s in streams:
        s.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return (after - before) / len(streams)


def settle(server):
    """Until the server has stopped working for what it has been asked; its timers may tick on."""
    last = server.cpu_ns()
    while True:
        time.sleep(0.2)
        now = server.cpu_ns()
        if now - last < IDLE_NS:
            return
        last = now


if __name__ == "__main__":
    sys.exit(f"{os.path.basename(__file__)} is part of compare.py")
