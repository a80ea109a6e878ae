#!/usr/bin/python3
"""Time of a cold index: bench_index.py [RUNS]

Asks for the media playlist of a track that the server has never seen, whose file is in the page
cache: a 4-minute m4a, a 10-hour m4a (1.5 million packets) and a 10-hour mp3; beside it the playlist
of a track that is indexed. Each run asks under another name (a hard link), so nothing is remembered.
Then the memory that a 100-hour book takes: what the server's cache grows by.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "media"))
import fixtures  # noqa: E402
from segue import Segue  # noqa: E402


def ffmpeg(*args):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *args], check=True)


def make(root):
    """{title: file}"""
    src = fixtures.make()
    minute = os.path.join(root, "minute.m4a")
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=60:a=0.1:r=44100", "-c:a", "aac", "-b:a", "32k", minute)
    out = {}
    for title, seconds in (("4-minute m4a", 240), ("10-hour m4a", 36000)):
        name = os.path.join(root, title.replace(" ", "-") + ".m4a")
        ffmpeg("-stream_loop", "-1", "-i", minute, "-t", str(seconds), "-c", "copy", name)
        out[title] = name
    out["10-hour mp3"] = os.path.join(root, "10-hour.mp3")
    fixtures.long_mp3(out["10-hour mp3"], 600)
    out["19-second flac"] = os.path.join(root, "s.flac")
    os.link(os.path.join(src, "flac.flac"), out["19-second flac"]) if os.stat(src).st_dev == os.stat(
        root).st_dev else subprocess.run(["cp", os.path.join(src, "flac.flac"), out["19-second flac"]], check=True)
    return out


def once(server, root, name, number):
    """(cold, warm) milliseconds."""
    stem, ending = os.path.splitext(os.path.basename(name))
    link = os.path.join(root, f"{stem}-{number}{ending}")
    os.link(name, link)
    url, took = f"/hls/{os.path.basename(link)}/index.m3u8", []
    for _ in range(2):
        begin = time.monotonic()
        answer = server.get(url)
        took.append((time.monotonic() - begin) * 1000)
        assert answer.status == 200, answer
    os.remove(link)
    return took


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as root:
        files = make(root)
        with Segue(root, {"log": {"access": "off"}, "media": {"helper_deadline": "60s"}}) as server:
            for title, name in files.items():
                subprocess.run(["cat", name], stdout=subprocess.DEVNULL, check=True)
                times = [once(server, root, name, n) for n in range(runs + 1)][1:]
                cold, warm = zip(*times)
                print(f"{title:16} cold {statistics.median(cold):8.1f} ms ({min(cold):.1f} to {max(cold):.1f}), "
                      f"indexed {statistics.median(warm):.2f} ms")
            book = os.path.join(root, "book.mp3")
            fixtures.long_mp3(book, 6000)
            before = int(server.metric("segue_cache_bytes"))
            assert server.get("/hls/book.mp3/0.x").status == 404
            begin = time.monotonic()
            answer = server.get("/hls/book.mp3/ts/master.m3u8")
            took = time.monotonic() - begin
            grown = int(server.metric("segue_cache_bytes")) - before
            print(f"100-hour mp3     {answer.status}, {took * 1000:.0f} ms, {grown / 2**20:.1f} MB in the cache")


if __name__ == "__main__":
    main()
