#!/usr/bin/python3
"""Hits in Redis beside redis-benchmark's GET of the same sizes: bench_redis.py [SECONDS]

An edge of one worker that keeps no segment in memory serves built ones (MPEG-TS) of three lengths,
by wrk, so that each answer is a record and its chunks from a redis-server on a unix socket; then
redis-benchmark GETs as many bytes from the same server, with as many connections. Prints answers a
second and their ratio, and how many look-ups an answer took (less than one: answers shared them).
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "wire"), os.path.join(HERE, "..", "media")]
import fixtures  # noqa: E402
from redis_kit import Redis  # noqa: E402
from segue import Segue  # noqa: E402

HIT = 'segue_cache_requests_total{tier="redis",result="hit"}'
CLIENTS = 8
DURATIONS = ["500ms", "2s", "15s"]
SCRIPT = """local urls = { %s }
local i = 0
request = function() i = i %% #urls + 1; return wrk.format("GET", urls[i]) end
"""


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def segments(server):
    base = "/hls/song.m4a/ts"
    lines = server.get(f"{base}/index.m3u8").body.decode().splitlines()
    return [f"{base}/{line}" for line in lines if line and not line.startswith("#")]


def wrk(server, folder, urls, seconds):
    """Answers a second."""
    script = os.path.join(folder, "urls.lua")
    with open(script, "w", encoding="utf-8") as f:
        f.write(SCRIPT % ", ".join(f'"{u}"' for u in urls))
    out = run("wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "-s", script,
              f"http://127.0.0.1:{server.port}")
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    return float(re.search(r"Requests/sec: +([\d.]+)", out)[1])


def benchmark(redis, size, seconds):
    """GETs a second."""
    redis("SET", "key:000000000000", b"x" * size)
    count = str(max(1000, int(seconds * min(60_000, 2e9 / size))))
    out = run("redis-benchmark", "-s", redis.socket, "-c", str(CLIENTS), "-n", count, "-q", "GET",
              "key:000000000000")
    return float(re.findall(r"([\d.]+) requests per second", out)[-1])


def measure(root, duration, seconds):
    with Redis() as redis:
        conf = {"workers": 1, "log": {"access": "off"}, "hls": {"segment_duration": duration},
                "cache": {"memory": {"size": "1MB", "max_object": "1KB"},
                          "redis": {"url": redis.url, "timeout": "2s"}}}
        with Segue(root, conf) as server:
            urls = segments(server)
            size = sum(len(server.get(u).body) for u in urls) // len(urls)
            server.until_metric(HIT, lambda n: server.get(urls[0]).status == 200 and n > 0)
            before = server.metrics()[HIT]
            edge = wrk(server, root, urls, seconds)
            shared = (server.metrics()[HIT] - before) / (edge * seconds)
        plain = benchmark(redis, size, seconds)
    print(f"{size / 1024:8.1f} KB {edge:10.0f} {plain:10.0f} {edge / plain:7.2f} {shared:8.2f}")


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as root:
        shutil.copy(os.path.join(fixtures.make(), "aac.m4a"), os.path.join(root, "song.m4a"))
        print(f"{'a segment':>11} {'edge, 1/s':>10} {'GET, 1/s':>10} {'ratio':>7} {'look-ups':>8}")
        for duration in DURATIONS:
            measure(root, duration, seconds)


if __name__ == "__main__":
    main()
