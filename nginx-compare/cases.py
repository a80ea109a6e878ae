"""What is asked for, in both servers, and how large the answers are.

A case has one path for Segue and one for everybody else: HLS is made by Segue and laid out as static files for the
others. `budget` is the ratio of CPU per request to nginx's that DESIGN.md allows, `floor` the ratio to
the kernel alone; None where only the picture is wanted."""
import dataclasses
import os
import pathlib
import random
import re
import subprocess
import urllib.request

KB, MB = 1024, 1024 * 1024


@dataclasses.dataclass
class Case:
    name: str
    segue: str                 # path
    other: str                 # path
    size: int                  # bytes of an answer's body
    budget: float = None
    floor_budget: float = None
    load: tuple = ()           # load.lua's arguments
    headers: tuple = ()
    connections: int = 64
    workers: int = 1
    access_log: bool = False
    cold: int = 0              # files that are dropped from the page cache all the time
    floor_file: str = ""       # the floor sends it from this file, the one that nginx sends
    quick: bool = False        # part of compare-quick
    peers: bool = True         # other servers can do it as well


def random_file(path, size, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(random.Random(seed).randbytes(size))


def make_song(path):
    """About 4 MB of AAC at 128 kbit/s: noise, so that segments are as large as the rate says."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
                    "anoisesrc=d=260:c=pink:r=44100:a=0.4:seed=1", "-ac", "2", "-c:a", "aac",
                    "-b:a", "128k", "-movflags", "+faststart", str(path)], check=True)


def fetch(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def make_tree(root):
    """The files of all cases, once."""
    root = pathlib.Path(root)
    if (root / "done").exists():
        return
    root.mkdir(parents=True, exist_ok=True)
    random_file(root / "1k.bin", 1 * KB, 1)
    random_file(root / "200m.bin", 200 * MB, 2)
    for i in range(256):
        random_file(root / f"cold/{i}.bin", 1 * MB, 100 + i)
    make_song(root / "song.m4a")
    (root / "done").touch()


def export_hls(server, root):
    """Segue's own playlist and one segment of each container, as files for the others."""
    out = pathlib.Path(root) / "static"
    out.mkdir(exist_ok=True)
    found = {}
    for container in ("fmp4", "ts", "packed"):
        base = f"/hls/song.m4a/{container}/"
        text = fetch(server.url(base + "index.m3u8")).decode()
        uris = re.findall(r"^(?!#)(\S+)$", text, re.M)
        path = base + uris[len(uris) // 2]
        body = fetch(server.url(path))
        name = f"segment{os.path.splitext(path)[1]}"
        (out / name).write_bytes(body)
        found[container] = (path, "/static/" + name, len(body))
    text = fetch(server.url("/hls/song.m4a/index.m3u8"))
    (out / "index.m3u8").write_bytes(text)
    found["playlist"] = ("/hls/song.m4a/index.m3u8", "/static/index.m3u8", len(text))
    return found


def song_size(root):
    return os.path.getsize(pathlib.Path(root) / "song.m4a")


def all_cases(hls, song):
    """`hls` as export_hls finds it, `song` the size of the song in bytes."""
    small, whole = ("/1k.bin", "/1k.bin", 1 * KB), ("/song.m4a", "/song.m4a", song)
    ranges = ("range", str(64 * KB), str(song))
    close = ("Connection: close",)
    def two(case):
        return dataclasses.replace(case, name=case.name + ", two workers", workers=2, budget=None,
                                   floor_budget=None, quick=False, peers=False)
    judged = [
        Case("1 KB file", *small, 0.75, 1.20, quick=True),
        Case("304", "/1k.bin", "/1k.bin", 0, 1.0, 1.10, headers=("304",)),
        Case("media playlist", *hls["playlist"], 0.80, 1.25, quick=True),
        Case("64 KB ranges of a 4 MB song", "/song.m4a", "/song.m4a", 64 * KB, 0.75, 1.25,
             load=ranges, quick=True),
        *[Case(f"100 KB segment, {label}", *hls[key], 0.85, 1.0, floor_file=hls[key][1][1:])
          for key, label in (("fmp4", "fMP4"), ("ts", "TS"), ("packed", "packed"))],
        Case("whole 4 MB song", *whole, 0.85, 1.0, floor_file="song.m4a", connections=16),
    ]
    others = [
        Case("whole 200 MB file", "/200m.bin", "/200m.bin", 200 * MB, floor_file="200m.bin",
             connections=4),
        # What ffmpeg and mpv send with every request.
        Case("1 KB file, bytes=0-", *small, headers=("Range: bytes=0-",), peers=False),
        Case("1 KB file, 1,000 clients", *small, connections=1000),
        Case("100 KB segment, 1,000 clients", *hls["fmp4"], connections=1000,
             floor_file=hls["fmp4"][1][1:]),
        Case("1 KB file, a connection each", *small, headers=close, peers=False),
        Case("100 KB segment, a connection each", *hls["fmp4"], headers=close, peers=False),
        Case("1 MB files, cold page cache", "/cold/", "/cold/", 1 * MB,
             load=("cycle", "256", "/cold/", ".bin"), cold=256, connections=16, peers=False),
        Case("1 KB file, access log on", *small, access_log=True, peers=False),
    ]
    return judged + others + [two(c) for c in judged + others]
