"""When file descriptors run out, accepting pauses and resumes; it never spins."""
import os
import select

import pytest

from raw import head
from segue import Segue, until


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("workers", [1, 2])
def test_out_of_descriptors(tree, workers):
    conf = {"workers": workers, "log": {"access": "off"}}
    with Segue(tree.root, conf, limits={"NOFILE": 100}) as s, s.connect() as old:
        assert old.request("/ping").status == 200
        clients = [s.connect() for _ in range(150)]
        for c in clients:
            c.send(head("/ping"))

        def waiting():
            socks = [c.sock for c in clients]
            ready = set(select.select(socks, [], [], 0)[0])
            return [c for c in clients if c.sock not in ready]

        # Those that were accepted have answers; wait until no more come.
        counts = [-1]

        def settled():
            select.select([waiting()[0].sock], [], [], 0.3)
            counts.append(len(waiting()))
            return counts[-1] == counts[-2]
        until(settled, "accepting came to rest")
        hungry = waiting()
        assert 0 < len(hungry) < 150

        before = cpu_seconds(s.pid)
        assert not select.select([c.sock for c in hungry], [], [], 1.5)[0]
        spent = cpu_seconds(s.pid) - before
        assert spent < 0.3, f"{spent} s of processor time while nothing could be done"

        assert old.alive(), "a connection that was there suffered"
        fed = [c for c in clients if c not in hungry]
        for c in fed:
            assert c.read_response().status == 200
            c.close()
        for c in hungry[:40]:
            assert c.read_response().body == b"pong\n"
        for c in hungry:
            c.close()
        until(lambda: s.get("/ping").status == 200, "a new connection")
        assert s.metric("segue_accept_paused_total") >= 1
        assert s.get("/audio/small.mp3").body == tree["small.mp3"]


def test_files_when_descriptors_are_out(tree):
    """A file that cannot be opened for want of a descriptor is a 503 and no crash."""
    with Segue(tree.root, {"workers": 1}, limits={"NOFILE": 80}) as s, s.connect() as c:
        assert c.request("/ping").status == 200
        others = [s.connect() for _ in range(100)]
        until(lambda: len(os.listdir(f"/proc/{s.pid}/fd")) == 80, "all descriptors taken")
        r = c.request("/audio/long.flac")
        assert r.status == 503 and r["Retry-After"] and r.json()["status"] == 503, r
        for o in others:
            o.close()
        until(lambda: c.request("/audio/long.flac").status == 200, "the file")
