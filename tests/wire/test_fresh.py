"""Files that change under the server."""
import os
import signal
import subprocess
import time

import pytest

from conftest import MTIME_NS, noise
from raw import DEADLINE, Closed, head
from segue import Segue, until


@pytest.fixture
def server(own):
    with Segue(own.root) as s:
        yield s


def replace(tree, name, data, mtime_ns=MTIME_NS + 5 * 10**9):
    """As an editor or rsync does: a new file is renamed over the old one."""
    tree.add(name + ".new", data, mtime_ns)
    os.rename(tree.path(name + ".new"), tree.path(name))


def test_a_replaced_file_is_served_anew(server, own):
    first = server.get("/audio/small.mp3")
    data = noise("another", 2000)
    replace(own, "small.mp3", data)
    until(lambda: server.get("/audio/small.mp3").body == data, "the new file")
    r = server.get("/audio/small.mp3")
    assert r["ETag"] != first["ETag"] and r["Last-Modified"] != first["Last-Modified"]
    assert server.get("/audio/small.mp3", "If-None-Match: " + first["ETag"]).status == 200


def test_a_replaced_file_is_never_half_of_each(server, own):
    """Fields and body are always of the same file."""
    first = server.get("/audio/small.mp3")
    data = noise("another", 1023)
    known = {first["ETag"]: own["small.mp3"]}
    replace(own, "small.mp3", data)
    with server.connect() as c:
        def new():
            r = c.request("/audio/small.mp3")
            assert r.body == known.setdefault(r["ETag"], data)
            return r.body == data
        until(new, "the new file")
    assert len(known) == 2


def test_a_file_written_in_place(server, own):
    server.get("/audio/small.mp3")
    with open(own.path("small.mp3"), "ab") as f:
        f.write(b"more")
    longer = own["small.mp3"] + b"more"
    until(lambda: server.get("/audio/small.mp3").body == longer, "the longer file")


def test_a_file_that_goes(server, own):
    assert server.get("/audio/small.mp3").status == 200
    os.unlink(own.path("small.mp3"))
    until(lambda: server.get("/audio/small.mp3").status == 404, "its 404")


def test_a_file_that_comes(server, own):
    assert server.get("/audio/new.mp3").status == 404
    own.add("new.mp3", b"new")
    until(lambda: server.get("/audio/new.mp3").status == 200, "the new file")


def test_a_folder_that_is_renamed(server, own):
    own.add("album/song.mp3", b"one")
    assert server.get("/audio/album/song.mp3").body == b"one"
    os.rename(own.path("album"), own.path("other"))
    until(lambda: server.get("/audio/album/song.mp3").status == 404, "its 404")
    assert server.get("/audio/other/song.mp3").body == b"one"


def test_a_file_that_becomes_a_way_out(server, own, tmp_path):
    (tmp_path / "secret.mp3").write_bytes(b"outside")
    server.get("/audio/small.mp3")
    os.unlink(own.path("small.mp3"))
    os.symlink("../secret.mp3", own.path("small.mp3"))
    until(lambda: server.get("/audio/small.mp3").status == 404, "its 404")


def test_an_answer_ends_with_the_file_it_began_with(own):
    own.add("long.flac", noise("long", 20 << 20))
    with Segue(own.root) as server, server.connect(rcvbuf=4096) as c:
        c.send(head("/audio/long.flac"))
        length = int(c.read_head()["Content-Length"])
        begin = c.read(65536)
        data = noise("other", 20 << 20)
        replace(own, "long.flac", data)
        until(lambda: server.get("/audio/long.flac", "Range: bytes=0-99").body == data[:100],
              "the new file")
        assert begin + c.read(length - 65536) == noise("long", 20 << 20)
        assert c.request("/audio/long.flac").body == data


@pytest.mark.parametrize("size,askings", [(20 << 20, 0), (9 << 20, 16)], ids=["cold", "copied"])
def test_a_file_truncated_in_mid_answer_is_cut_short(own, size, askings):
    """Content-Length was said, so the only honest end is a close; nothing is made up.

    Nothing of the file is left: sendfile lends the socket the file's own pages, and in one that is
    cut in two the kernel puts zeros behind the cut, even while it waits to be sent.
    """
    data = noise("long", size)
    own.add("long.flac", data)
    with Segue(own.root, {"workers": 1}) as server, server.connect(rcvbuf=4096) as c:
        for _ in range(askings):  # a copy is made behind them, from which short pieces are sent
            assert server.get("/audio/long.flac", "Range: bytes=0-99").body == data[:100]
        c.send(head("/audio/long.flac"))
        length = int(c.read_head()["Content-Length"])
        begin = c.read(65536)
        os.truncate(own.path("long.flac"), 0)
        with pytest.raises(Closed) as e:
            c.read(length - 65536)
        got = begin + e.value.got
        assert len(got) < length
        assert got == data[:len(got)], "bytes of two files were mixed"
        server.until_metric('segue_connections_closed_total{reason="cut_short"}', lambda n: n == 1)

        def empty():
            try:
                return server.get("/audio/long.flac").body == b""
            except Closed:
                return False  # what was remembered of it may be promised once more
        until(empty, "the empty file")


def no_old_after(server, target, since, seconds, new):
    """No answer to a request that is sent later than so many seconds after `since` is an old one."""
    while True:
        sent = time.monotonic()
        answer = server.get(target)
        if (answer.status, new[1] and answer.body) == new:
            return
        assert sent < since + seconds, f"{target} was as old as {sent - since:.2f} s: {answer}"


class Changes:
    """Files that are known to the server, each of which becomes another in its own way."""

    def __init__(self, server, own):
        self.server, self.own, self.new = server, own, noise("new", 6000)
        self.old = {name: noise(name, 5000) for name in ("a/1.mp3", "b/2.mp3", "c/3.mp3", "d/4.mp3")}
        for name, data in self.old.items():
            own.add(name, data)
            until(lambda n=name, d=data: server.get("/audio/" + n).body == d, name)
        assert server.get("/audio/c/5.mp3").status == 404

    def make(self):
        replace(self.own, "a/1.mp3", self.new)
        os.truncate(self.own.path("b/2.mp3"), 100)
        os.rename(self.own.path("c/3.mp3"), self.own.path("c/moved.mp3"))
        os.unlink(self.own.path("d/4.mp3"))
        self.own.add("c/5.mp3", self.new)

    def are_seen(self, seconds=1.0):
        """Where files are looked at once a second it is the server's arithmetic that keeps to that, on a busy machine
        as well."""
        since = time.monotonic()
        for name, body in (("a/1.mp3", self.new), ("b/2.mp3", self.old["b/2.mp3"][:100]), ("c/3.mp3", None),
                           ("d/4.mp3", None), ("c/moved.mp3", self.old["c/3.mp3"]), ("c/5.mp3", self.new)):
            no_old_after(self.server, "/audio/" + name, since, seconds, (200, body) if body else (404, None))
        print(f"all were seen {time.monotonic() - since:.2f} s later")


def few_watches(count):
    """A command that becomes its arguments, in a user namespace that may watch so many folders."""
    limit = ["unshare", "--user", "--map-root-user", "sh", "-c",
             f'echo {count} >/proc/sys/user/max_inotify_watches && exec "$@"', "sh"]
    if subprocess.run([*limit, "true"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no user namespace to be had")
    return limit


def test_more_folders_than_may_be_watched(own):
    for folder in "abcde":
        os.mkdir(own.path(folder))
    with Segue(own.root, within=few_watches(3)) as server:
        server.err.wait("media.root is not watched, .*: there are more folders than fs.inotify.max_user_watches")
        assert server.metric("segue_origin_watched_folders") == 0
        changes = Changes(server, own)
        changes.make()
        changes.are_seen()


def test_a_folder_too_many_that_comes_later(own):
    for folder in "abcd":
        os.mkdir(own.path(folder))
    with Segue(own.root, within=few_watches(5)) as server:
        server.until_metric("segue_origin_watched_folders", lambda n: n == 5)
        os.mkdir(own.path("e"))
        server.err.wait("media.root is not watched, .*: there are more folders than fs.inotify.max_user_watches")
        changes = Changes(server, own)
        changes.make()
        changes.are_seen()


def test_more_changes_than_the_kernel_keeps(own):
    """It stands still while more happens than fs.inotify.max_queued_events: what happens then is told to nobody."""
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
        most = int(file.read())
    if most > 100_000:
        pytest.skip("that many take too long")
    for folder in "abcde":
        os.mkdir(own.path(folder))
    with Segue(own.root, {"cache": {"memory": {"ttl": "1h"}}}) as server:
        server.until_metric("segue_origin_watched_folders", lambda n: n == 6)
        changes = Changes(server, own)
        server.signal(signal.SIGSTOP)
        try:
            for i in range(most // 2 + 1):  # each is at least made and removed
                os.close(os.open(own.path(f"a/{i}.tmp"), os.O_CREAT | os.O_WRONLY))
                os.unlink(own.path(f"a/{i}.tmp"))
            changes.make()
        finally:
            server.signal(signal.SIGCONT)
        changes.are_seen(DEADLINE)  # a thread has to come to it; nothing else would be for an hour
        server.until_metric("segue_origin_watched_folders", lambda n: n == 6)


def test_where_the_kernel_cannot_tell_it_says_so():
    with Segue("/proc/sys/kernel") as server:
        server.err.wait("media.root is not watched, files are looked at once a second: its file system")
        assert server.metric("segue_origin_watched_folders") == 0
        assert server.get("/audio/osrelease").status == 200


def test_renames_under_load_do_no_harm(own):
    """The file flips between two versions while it is read; every answer is one of them, whole."""
    versions = [noise("a", 300000), noise("b", 200000)]
    own.add("flip.mp3", versions[0])
    with Segue(own.root) as server, server.connect() as c:
        for i in range(60):
            replace(own, "flip.mp3", versions[i % 2], MTIME_NS + i)
            for _ in range(3):
                try:
                    assert c.request("/audio/flip.mp3").body in versions
                except Closed:
                    pytest.fail("an answer was cut short though its file was whole")
