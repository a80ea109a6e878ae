#!/usr/bin/python3
"""Does limit.requests let through what it says? bench_rate.py [CLIENTS [SECONDS]]

One client that asks again at each answer, then CLIENTS (10,000) from addresses of their own that ask once a
second where one request in two seconds is allowed. Printed is, for each, what was let through
over what its bucket held by the client's own clock: burst and rate times the time. It is never above 1 but
for one request (the clocks are the client's); a client that asks more often than it may is near 1. Then
limit.connections: of four that one address opens, two are served.
"""
import os
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crowd  # noqa: E402
import raw  # noqa: E402
from segue import Segue  # noqa: E402

REQUEST = b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n"


class Asker:
    """Asks again at each answer, or when it is told to."""
    rate = burst = every = 0

    def __init__(self, sock, number):
        self.sock, self.begun = sock, time.monotonic()
        self.passed = self.held_back = 0
        self.got, self.last = b"", self.begun
        sock.sendall(REQUEST)

    def came(self, data, now):
        self.got += data
        while True:
            at = self.got.find(b"\r\n\r\n")
            if at < 0:
                return
            head = raw.Response(self.got[:at])
            end = at + 4 + int(head["Content-Length"])
            if len(self.got) < end:
                return
            self.got, self.last = self.got[end:], now
            self.passed += head.status == 200
            self.held_back += head.status == 429
            if not self.every:
                self.tick()

    def tick(self):
        self.sock.sendall(REQUEST)

    def result(self):
        allowed = self.burst + self.rate * (self.last - self.begun)
        return self.passed, self.held_back, self.passed / allowed, self.passed - allowed


def measure(root, count, seconds, minute, burst, every):
    Asker.rate, Asker.burst, Asker.every = minute / 60, burst, every
    conf = {"workers": 1, "log": {"access": "off"}, "http": {"max_connections": 65536},
            "limit": {"requests": {"rate": f"{minute}/m", "burst": burst}}}
    with Segue(root, conf) as s:
        results, _ = crowd.crowd(s.port, count, seconds, Asker)
        denied = s.metric('segue_denied_total{reason="rate"}')
    passed, held_back = sum(r[0] for r in results), sum(r[1] for r in results)
    print(f"{minute}/m, burst {burst}: {count} client{'s' * (count > 1)}, {seconds} s: {passed} let through, {held_back} "
          f"answered 429 (the server counts {denied:.0f});\n    of what a bucket held "
          f"{crowd.spread([r[2] for r in results])}; at most {max(r[3] for r in results):.2f} requests above it",
          flush=True)


def connections(root, count):
    """`count` addresses with four connections each, where two are allowed."""
    conf = {"workers": 1, "log": {"access": "off"}, "http": {"max_connections": 65536}, "limit": {"connections": 2}}
    served = refused = 0
    with Segue(root, conf) as s:
        for first in range(0, count, 1000):
            open_ = []
            for number in range(first, min(first + 1000, count)):
                socks = [socket.create_connection(("127.0.0.1", s.port), 20, (crowd.address(number), 0))
                         for _ in range(4)]
                for sock in socks:
                    sock.sendall(REQUEST)
                heads = [sock.recv(4096)[:12] for sock in socks]
                served += heads.count(b"HTTP/1.1 200")
                refused += heads.count(b"HTTP/1.1 503")
                open_ += socks
            for sock in open_:
                sock.close()
    print(f"2 connections an address: {count} addresses with 4 each: {served} served, {refused} answered 503",
          flush=True)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    crowd.raise_descriptors()
    with tempfile.TemporaryDirectory(prefix="bench-rate-") as root:
        measure(root, 1, seconds, 6000, 200, 0)
        measure(root, count, seconds, 30, 3, 1)
        connections(root, 1)
        connections(root, count)


if __name__ == "__main__":
    main()
