"""Fixtures of all wire tests: a tree of files and a server over it."""
import hashlib
import os
import socket
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from segue import Segue  # noqa: E402

SIZES = {
    "empty.mp3": 0,
    "one.mp3": 1,
    "small.mp3": 1023,
    "64k.mp3": 64 << 10,
    "song.mp3": 4 << 20,
    "long.flac": 20 << 20,
    "album/one two.mp3": 300,
    "album/Ünï cödé ♫.ogg": 301,
    "album/a+b.m4a": 302,
    "album/100%.mp3": 303,
    "album/#1 hit.mp3": 304,
    "album/what?.mp3": 305,
    "album/semi;colon.mp3": 306,
    "album/deep/er/song.opus": 307,
    ".hidden.mp3": 10,
    ".dir/song.mp3": 10,
}
MTIME_NS = 1_700_000_000_123_456_789  # Tue, 14 Nov 2023 22:13:20 GMT


def noise(name, size):
    """Bytes that depend on the name alone."""
    return hashlib.shake_128(name.encode()).digest(size)


class Tree:
    """The files under the root, and their bytes by name."""

    def __init__(self, root):
        self.root = str(root)
        self.bytes = {}
        for name, size in SIZES.items():
            self.add(name, noise(name, size))

    def path(self, name):
        return os.path.join(self.root, name)

    def add(self, name, data, mtime_ns=MTIME_NS):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(data)
        os.utime(self.path(name), ns=(mtime_ns, mtime_ns))
        self.bytes[name] = data

    def __getitem__(self, name):
        return self.bytes[name]


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """A tree that no test changes."""
    top = tmp_path_factory.mktemp("tree")
    (top / "root").mkdir()
    tree = Tree(top / "root")
    (top / "secret.mp3").write_bytes(b"outside")
    (top / "outside").mkdir()
    (top / "outside" / "song.mp3").write_bytes(b"outside")
    os.symlink("album/deep/er/song.opus", tree.path("inside.opus"))
    os.symlink("album", tree.path("inside-dir"))
    os.symlink("../secret.mp3", tree.path("out-relative.mp3"))
    os.symlink(str(top / "secret.mp3"), tree.path("out-absolute.mp3"))
    os.symlink("../outside", tree.path("out-dir"))
    os.symlink("nothing.mp3", tree.path("dangling.mp3"))
    os.symlink("loop.mp3", tree.path("loop.mp3"))
    os.mkfifo(tree.path("fifo.mp3"))
    with socket.socket(socket.AF_UNIX) as s:
        here = os.getcwd()
        os.chdir(tree.root)
        s.bind("socket.mp3")
        os.chdir(here)
    return tree


class Shared:
    """A server for many tests. The test in which it ends fails; the next one gets another."""

    def __init__(self, root):
        self.root = root
        self.server = None

    def get(self):
        if self.server is None:
            self.server = Segue(self.root).start()
        return self.server

    def look(self):
        if not self.server.running():
            ended, self.server = self.server, None
            pytest.fail(f"the server ended with {ended.wait()}:\n{ended.err.text()}")


@pytest.fixture(scope="session")
def shared(tree):
    shared = Shared(tree.root)
    yield shared
    if shared.server is not None:
        shared.server.stop()


@pytest.fixture
def server(shared):
    """A server over that tree with the defaults, for all tests that leave it as it is."""
    yield shared.get()
    shared.look()


@pytest.fixture
def own(tmp_path):
    """A small tree that the test may change."""
    (tmp_path / "root").mkdir()
    tree = object.__new__(Tree)
    tree.root = str(tmp_path / "root")
    tree.bytes = {}
    tree.add("song.mp3", noise("song.mp3", 4 << 20))
    tree.add("small.mp3", noise("small.mp3", 1023))
    return tree


@pytest.fixture
def client(server):
    """A connection to that server."""
    with server.connect() as c:
        yield c
