#!/usr/bin/python3
"""Memory of idle listeners: bench_idle.py [CONNECTIONS]

Opens keep-alive connections (10,000), each after one answered request, and prints by how much the
server's resident memory grew for each. The clients are processes of their own, so that neither side
runs out of descriptors. What the kernel holds for sockets is not in it.
"""
import os
import resource
import socket
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
from segue import Segue  # noqa: E402

REQUEST = b"GET /audio/x.mp3 HTTP/1.1\r\nHost: a\r\n\r\n"
EACH = 5000  # connections of one client process


def resident(pid, field="VmRSS"):
    """In bytes."""
    with open(f"/proc/{pid}/status") as f:
        line = next(row for row in f if row.startswith(field + ":"))
    return int(line.split()[1]) * 1024


def answer(sock):
    """Read the one small answer."""
    got = b""
    while not got.endswith(b"data"):
        got += sock.recv(4096) or sys.exit("bench_idle: the server closed a connection")
    return got


def hold(port, count, ready, end):
    """Open `count` connections, say so on `ready`, keep them until `end` says so. A child's life."""
    socks = []
    for _ in range(count):
        s = socket.socket()
        s.bind((f"127.0.0.{2 + os.getpid() % 250}", 0))
        s.connect(("127.0.0.1", port))
        s.sendall(REQUEST)
        answer(s)
        socks.append(s)
    os.write(ready, b"!")
    os.read(end, 1)


def fork(port, count):
    """(what its readiness is read from, what ends it, its pid)"""
    ready, say = os.pipe()
    wait, end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(end)
        try:
            hold(port, count, say, wait)
        finally:
            os._exit(0)
    os.close(say)
    os.close(wait)
    return ready, end, pid


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    conf = {"workers": 2, "log": {"access": "off"}, "http": {"idle_timeout": "10m",
            "max_connections": count + 100}}
    with tempfile.TemporaryDirectory() as root:
        with open(os.path.join(root, "x.mp3"), "wb") as f:
            f.write(b"data")
        with Segue(root, conf) as s:
            for _ in range(50):
                s.get("/audio/x.mp3")
            before = resident(s.pid)
            children = [fork(s.port, min(EACH, count - n)) for n in range(0, count, EACH)]
            for ready, _, _ in children:
                if os.read(ready, 1) != b"!":
                    sys.exit("bench_idle: a client failed")
            after = resident(s.pid)
            open_now = int(s.metric("segue_connections"))
            for _, end, pid in children:
                os.write(end, b"!")
                os.waitpid(pid, 0)
    print(f"{open_now} idle connections: {before >> 10} KB -> {after >> 10} KB resident, "
          f"{(after - before) / count:.0f} bytes each")


if __name__ == "__main__":
    main()
