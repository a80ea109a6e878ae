#!/usr/bin/python3
"""Do ten thousand paced listeners keep their pace? bench_pace.py [LISTENERS [SECONDS]]

A song whose bit rate changes every ten seconds is asked for by one listener, then by LISTENERS (10,000)
from addresses of their own, of one worker with limit.bandwidth 1.5x after 5 s. After the first seconds each
gets a piece about once a second; its pace is how the sound in them (by the frames of the file) grew with the
client's clock: the slope of a line through them. 1 is what was promised. Then the same for a
fixed rate. Also: the server's processor time, and memory for each listener.
"""
import bisect
import os
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crowd  # noqa: E402
from segue import Segue  # noqa: E402

RATE, AFTER, FIXED = 1.5, 5, 12 << 10
GAP = 0.3  # seconds without a byte part two pieces
FRAME = 1152 / 44100
KBITS = {1: 32, 2: 40, 3: 48, 4: 56, 5: 64, 6: 80, 7: 96, 8: 112, 9: 128, 10: 160}


def song(path, seconds):
    data, parts = b"", {}
    for kbits in (32, 64, 48, 96):
        parts[kbits] = subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=r=44100:c=pink:d=10", "-c:a", "libmp3lame",
             "-b:a", f"{kbits}k", "-reservoir", "0", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3", "-"],
            check=True, capture_output=True).stdout
    for i in range(seconds // 10):
        data += parts[list(parts)[i % 4]]
    with open(path, "wb") as f:
        f.write(data)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return frames(data)


def frames(data):
    """Where each frame begins. MPEG-1 layer III at 44.1 kHz."""
    at, out = 0, []
    while at + 4 <= len(data):
        out.append(at)
        at += 144000 * KBITS[data[at + 2] >> 4] // 44100 + (data[at + 2] >> 1 & 1)
    return out + [at]


class Listener:
    every = 0

    def __init__(self, sock, number):
        self.total = self.head = 0
        self.pieces = []  # (when it began to come, bytes of the body before it)
        self.last = 0.0
        sock.sendall(b"GET /audio/song.mp3 HTTP/1.1\r\nHost: a\r\n\r\n")

    def came(self, data, now):
        if not self.head:
            self.head = data.index(b"\r\n\r\n") + 4
            self.total -= self.head
        if now - self.last > GAP:
            self.pieces.append((now, max(self.total, 0)))
        self.last = now
        self.total += len(data)

    def result(self):
        """But what goes at once, and what came while others were still connecting."""
        return [p for p in self.pieces[1:] if p[0] > Listener.began]


def paces(results, worth):
    """Of each listener with some pieces; worth(bytes) is what a second should bring one of."""
    return [statistics.linear_regression([t for t, _ in p], [worth(n) for _, n in p]).slope
            for p in results if len(p) > 4]


def measure(root, pace, count, seconds, worth, what):
    conf = {"workers": 1, "log": {"access": "off"}, "limit": {"bandwidth": pace}, "http": {"max_connections": 65536}}
    with Segue(root, conf) as s:
        s.get("/hls/song.mp3/index.m3u8")
        before, busy = crowd.resident(s.pid), crowd.cpu(s.pid)
        results, (memory, began) = crowd.crowd(
            s.port, count, seconds, Listener, lambda: (crowd.resident(s.pid), crowd.cpu(s.pid)))
        busy, waited = crowd.cpu(s.pid) - began, s.metric("segue_paced_seconds_total")
    found = paces(results, worth)
    near = sum(abs(p - 1) <= 0.05 for p in found)
    print(f"{what}: {count} listener{'s' * (count > 1)}, {seconds} s: of the pace {crowd.spread(found)}; "
          f"{near} of {len(found)} within 5 %\n    server {100 * busy / seconds:.1f} % of a core, "
          f"{(memory - before) / count:.0f} bytes each, waited {waited:.0f} s", flush=True)
    return len(found) == count and near == count


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    crowd.raise_descriptors()
    with tempfile.TemporaryDirectory(prefix="bench-pace-") as root:
        places = song(os.path.join(root, "song.mp3"), 240)
        sound = {"rate": f"{RATE}x", "after": f"{AFTER}s"}
        fixed = {"rate": str(FIXED), "after": f"{AFTER}s"}
        by_sound = lambda n: (bisect.bisect_right(places, n) - 1) * FRAME / RATE  # noqa: E731
        by_bytes = lambda n: n / FIXED  # noqa: E731
        for n in (1, count):
            measure(root, sound, n, seconds, by_sound, "1.5x of VBR")
        measure(root, fixed, count, seconds, by_bytes, "12 KB/s")


if __name__ == "__main__":
    main()
