"""Somebody writes to the files while they are heard: every body is one whole version, or visibly
short. Ten seconds; SEGUE_WRITERS_SECONDS=60 for a minute."""
import hashlib
import multiprocessing
import os
import random
import threading
import time

import pytest

from conftest import noise
from raw import Closed
from segue import Segue, until

SECONDS = float(os.environ.get("SEGUE_WRITERS_SECONDS", "10"))
SIZES = (3_000, 60_000, 300_000, 2_000_000)
PAUSE = (0.1, 0.3)
LISTENERS = 3
EMPTY = 0.25  # seconds: a file that lies empty for longer counts as one that is meant to be


class Writer:
    """Keeps on writing one file in its own way, in a process of its own, so that it is never held up
    between truncating and writing. What it writes is known before: `versions` are the digests."""

    def __init__(self, root, how):
        self.path = os.path.join(root, how + ".mp3")
        self.url = f"/audio/{how}.mp3"
        self.how, self.count = how, 0
        self.empty = multiprocessing.Value("d", 0.0)  # the longest time that it was, on a machine that is busy
        self.random = random.Random(how)
        most = int(SECONDS / PAUSE[0]) + 2
        self.sizes = [self.random.choice(SIZES) for _ in range(most)]
        self.versions = {hashlib.sha256(self.bytes(n)).digest() for n in range(most)}
        self.write(self.path)

    def bytes(self, number):
        return noise(f"{self.how}-{number}", self.sizes[number])

    def write(self, path):
        data = self.bytes(self.count)
        self.count += 1
        begin = time.monotonic()
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(fd, data)
        self.empty.value = max(self.empty.value, time.monotonic() - begin)
        os.close(fd)

    def rename(self):
        self.write(self.path + ".new")
        os.rename(self.path + ".new", self.path)

    def truncate(self):
        self.write(self.path)

    def unlink(self):
        os.unlink(self.path)
        time.sleep(self.random.uniform(0, 0.05))
        self.write(self.path)

    def run(self, end):
        while time.monotonic() < end:
            getattr(self, self.how)()
            time.sleep(self.random.uniform(*PAUSE))


class Listener:
    """Asks again and again; `wrong` are the answers that were no version and not short either."""

    def __init__(self, server, writer):
        self.server, self.writer = server, writer
        self.whole = self.short = self.missing = 0
        self.wrong = []

    def ask(self, client):
        answer = client.request(self.writer.url)
        if answer.status == 404 and self.writer.how == "unlink":
            self.missing += 1
        elif answer.status in (200, 500) and hashlib.sha256(answer.body).digest() in \
                self.writer.versions:
            self.whole += 1
        elif answer.status == 500:
            self.short += 1  # a small file that changed while it was read: an honest error
        else:
            self.wrong.append((answer.status, len(answer.body), answer["ETag"]))

    def run(self, end):
        client = self.server.connect()
        while time.monotonic() < end:
            try:
                self.ask(client)
            except Closed:
                self.short += 1
                client.close()
                client = self.server.connect()
        client.close()


def until_last(server, writer):
    """What was written last is there in the end."""
    with open(writer.path, "rb") as f:
        last = hashlib.sha256(f.read()).digest()
    assert last in writer.versions

    def there():
        try:
            return hashlib.sha256(server.get(writer.url).body).digest() == last
        except Closed:
            return False
    until(there, writer.how)


@pytest.mark.parametrize("watched", [True, False], ids=["inotify", "stat"])
def test_every_body_is_one_whole_version_or_visibly_short(tmp_path, watched):
    root = tmp_path / "root"
    root.mkdir()
    writers = [Writer(str(root), how) for how in ("rename", "truncate", "unlink")]
    with Segue(root, {"cache": {"memory": {"size": "16MB"}}}) as server:
        if watched:
            server.until_metric("segue_origin_watched_folders", lambda n: n == 1)
        else:
            os.symlink(".", str(root / "by"))  # what is reached by a link is not watched
            for w in writers:
                w.url = w.url.replace("/audio/", "/audio/by/")
        end = time.monotonic() + SECONDS
        listeners = [Listener(server, w) for w in writers for _ in range(LISTENERS)]
        threads = [multiprocessing.get_context("fork").Process(target=w.run, args=(end,))
                   for w in writers]
        threads += [threading.Thread(target=one.run, args=(end,)) for one in listeners]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for one in listeners:
            if one.writer.empty.value > EMPTY:
                one.wrong = [wrong for wrong in one.wrong if wrong[1]]
            assert one.wrong == [], (one.writer.how, one.wrong[:5])
            assert one.whole > 0, one.writer.how
        print({w.how: tuple(sum(getattr(one, what) for one in listeners if one.writer is w)
                            for what in ("whole", "short", "missing")) for w in writers})
        for w in writers:
            until_last(server, w)
