#!/usr/bin/python3
"""Time from exec to the first whole answer: bench_start.py [RUNS]

Prints the median and the range in milliseconds, for a small file (so that the root is looked at).
"""
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
from segue import Segue  # noqa: E402


def once(root):
    """Milliseconds."""
    server = Segue(root, {"log": {"access": "off"}})
    begin = time.monotonic()
    server.start()
    r = server.get("/audio/x.mp3")
    took = time.monotonic() - begin
    assert r.status == 200, r
    server.stop()
    return took * 1000


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with tempfile.TemporaryDirectory() as root:
        with open(os.path.join(root, "x.mp3"), "wb") as f:
            f.write(b"data")
        times = [once(root) for _ in range(runs)]
    print(f"start to first answer: median {statistics.median(times):.1f} ms "
          f"({min(times):.1f} to {max(times):.1f}, {runs} runs)")


if __name__ == "__main__":
    main()
