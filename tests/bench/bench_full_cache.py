#!/usr/bin/python3
"""Resident memory under a full memory cache: bench_full_cache.py [MEGABYTES]

Asks for more small files, playlists and segments than a cache of that size (256) holds, by several
clients at once, and prints what the server counts, its resident memory before and after, and the
ratio of the two. What it may be at most: 1.15 times the cache, and 32 MB.
"""
import os
import shutil
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "wire"), os.path.join(HERE, "..", "media"), HERE]
import fixtures  # noqa: E402
from bench_idle import resident  # noqa: E402
from segue import Segue  # noqa: E402

SIZES = (700, 3_000, 12_000, 30_000, 60_000)
CLIENTS = 4


def make(root, megabytes):
    """Half again as many bytes as there is room for, and some tracks; the URLs of all."""
    urls, total = [], 0
    block = os.urandom(max(SIZES))
    while total < megabytes * 1.5e6:
        size = SIZES[len(urls) % len(SIZES)]
        name = f"{len(urls)}.mp3"
        with open(os.path.join(root, name), "wb") as f:
            f.write(block[:size])
        os.utime(f.name, (1_700_000_000, 1_700_000_000))
        urls.append("/audio/" + name)
        total += size
    for i in range(200):
        shutil.copy(os.path.join(fixtures.make(), "aac.m4a"), os.path.join(root, f"t{i}.m4a"))
        urls += [f"/hls/t{i}.m4a/{c}index.m3u8" for c in ("", "ts/")]
    return urls


def ask(server, urls):
    with server.connect() as client:
        for url in urls:
            client.request(url)


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    root = tempfile.mkdtemp(prefix="segue-bench-")
    try:
        urls = make(root, megabytes)
        conf = {"cache": {"memory": {"size": f"{megabytes}MB"}}, "log": {"access": "off"}}
        with Segue(root, conf) as server:
            begin = resident(server.pid)
            threads = [threading.Thread(target=ask, args=(server, urls[i::CLIENTS]))
                       for i in range(CLIENTS)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            held, after = server.metric("segue_cache_bytes"), resident(server.pid)
            most = megabytes * 1.15 + 32
            print(f"{len(urls)} objects asked for; {server.metric('segue_cache_objects'):.0f} held,"
                  f" {held / 2**20:.1f} MB counted of {megabytes}")
            print(f"resident: {begin / 2**20:.1f} MB before, {after / 2**20:.1f} MB after,"
                  f" {most:.1f} MB allowed; {after / 2**20 / most:.2f} of that")
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
