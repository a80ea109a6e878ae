#!/usr/bin/python3
"""CPU of segments beside a static file: bench_segments.py [SECONDS [ROUNDS]]

Prints the server's CPU microseconds for a request of a warm segment in each container, of a playlist
(plain and gzip-encoded), and beside each those of a static file with as many bytes, asked for in turn
by wrk through the same server; the ratio is the median of the rounds (PCM and Vorbis are encoded once
and kept as objects). Then what encoding them takes the helpers, of the time that they sound; and segments that nobody has
asked for, of a long track whose index is warm, beside ranges of the same file with as many bytes.
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "media"))
import fixtures  # noqa: E402
import hls  # noqa: E402
from segue import Segue  # noqa: E402

KINDS = [("aac.m4a", "fmp4"), ("aac.m4a", "ts"), ("aac.m4a", "packed"), ("cbr.mp3", "packed"), ("cbr.mp3", "ts"),
         ("flac.flac", "fmp4"), ("opus.opus", "fmp4"), ("pcm.wav", "fmp4"), ("vorbis.ogg", "fmp4")]
ENCODED = ["pcm.wav", "pcm-24.wav", "pcm-51.wav", "vorbis.ogg"]
TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    """Seconds of CPU that the process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def ask(server, url, seconds, *fields):
    """CPU microseconds a request."""
    heads = [word for field in fields for word in ("-H", field)]
    before = cpu(server.pid)
    out = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", "-c8", f"-d{max(1, round(seconds))}s", *heads, f"http://127.0.0.1:{server.port}{url}"],
                         capture_output=True, text=True, check=True).stdout
    spent = cpu(server.pid) - before
    return spent / int(re.search(r"(\d+) requests in", out)[1]) * 1e6


def age(path):
    """The last bytes of a file that was written lately are sent apart."""
    os.utime(path, (1_700_000_000, 1_700_000_000))


def beside(server, root, title, url, body, seconds, rounds, *fields):
    static = f"static-{len(body)}.mp3"
    with open(os.path.join(root, static), "wb") as file:
        file.write(body)
    age(file.name)
    ask(server, url, 0.5, *fields)
    ask(server, f"/audio/{static}", 0.5)
    pairs = [(ask(server, url, seconds, *fields), ask(server, f"/audio/{static}", seconds)) for _ in range(rounds)]
    ours, theirs = (statistics.median(side) for side in zip(*pairs))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{title:28} {len(body):8} bytes  {ours:7.1f} us, static {theirs:7.1f} us, ratio {ratio:.2f}")


def cold(server, root):
    name = os.path.join(root, "long.m4a")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", os.path.join(root, "aac.m4a"),
                    "-t", "18000", "-c", "copy", name], check=True)
    age(name)
    media = hls.hls_lint.parse_media(server.get("/hls/long.m4a/index.m3u8").body, "fmp4")
    urls = [f"/hls/long.m4a/{s.uri}" for s in media.segments[:2900]]
    with server.connect() as client:
        before = cpu(server.pid)
        sizes = [len(client.request(url).body) for url in urls]
        middle = cpu(server.pid)
        for number, size in enumerate(sizes):
            client.request("/audio/long.m4a", f"Range: bytes={number * 95000}-{number * 95000 + size - 1}")
        after = cpu(server.pid)
    ours, theirs = ((b - a) / len(urls) * 1e6 for a, b in ((before, middle), (middle, after)))
    print(f"{'cold fMP4, warm index':28} {sum(sizes) // len(sizes):8} bytes  {ours:7.1f} us, range  {theirs:7.1f} us, "
          f"ratio {ours / theirs:.2f}")


def helpers_cpu(server):
    with open(f"/proc/{server.pid}/task/{server.pid}/children", encoding="ascii") as file:
        return sum(cpu(int(pid)) for pid in file.read().split())


def encoding(server, name, times=8):
    """By measures of the whole track, each after a purge: its index costs next to nothing beside that."""
    before = helpers_cpu(server)
    for _ in range(times):
        server.get(f"/hls/{name}/master.m3u8")
        urllib.request.urlopen(urllib.request.Request(
            f"http://127.0.0.1:{server.admin_port}/purge?path=/{name}", method="POST")).read()
    spent = (helpers_cpu(server) - before) / times
    sound = hls.Track(server, name).media.duration
    print(f"{'encoding ' + name:28} {sound:8.1f} s      {spent * 1e3:7.1f} ms, {sound / spent:.0f} times as fast as sound")


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    source = fixtures.make()
    with tempfile.TemporaryDirectory() as root:
        for name in {n for n, _ in KINDS} | set(ENCODED):
            subprocess.run(["cp", os.path.join(source, name), root], check=True)
            age(os.path.join(root, name))
        with Segue(root, {"log": {"access": "off"}, "workers": 1}, within=["taskset", "-c", "0"]) as server:
            for name, container in KINDS:
                track = hls.Track(server, name, container)
                beside(server, root, f"{name} in {container}", track.urls[1], track.segments[1], seconds, rounds)
            playlist = hls.Track(server, "aac.m4a", "fmp4").url
            for title, fields in (("playlist", ()), ("playlist, gzip", ("Accept-Encoding: gzip",))):
                body = server.get(playlist, *fields).body
                beside(server, root, title, playlist, body, seconds, rounds, *fields)
            for name in ENCODED:
                encoding(server, name)
            cold(server, root)


if __name__ == "__main__":
    main()
