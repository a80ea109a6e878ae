"""The client goes: what was done for it stops, and is counted."""
import os

import pytest

from conftest import noise
from raw import head
from redis_kit import chill
from segue import Segue, until

SIZE = 20 << 20
STEP = 64 << 10  # of a cold file, what may still be read after an abort
READ = "segue_origin_read_bytes_total"


@pytest.fixture
def alone(tree):
    """One worker and no other client, so that counters move for this test alone."""
    with Segue(tree.root, {"workers": 1}) as s:
        yield s


def stalled(server, target="/audio/long.flac", *fields):
    """A client in mid-body that reads no more; the bytes written when the server stands still."""
    c = server.connect(rcvbuf=4096)
    c.send(head(target, *fields))
    c.read_head()
    c.read(65536)
    last = [-1.0]

    def still(n):
        before, last[0] = last[0], n
        return n == before
    return c, server.until_metric("segue_response_bytes_total", still)


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("fields", [[], ["Range: bytes=1-"],
                                    ["Range: bytes=0-9999999,10000009-19999999"]])
def test_gone_in_mid_body(alone, how, fields):
    c, sent = stalled(alone, "/audio/long.flac", *fields)
    assert alone.metric("segue_aborts_total") == 0
    getattr(c, how)()
    alone.until_metric("segue_aborts_total", lambda n: n == 1)
    after = alone.metric("segue_response_bytes_total")
    assert after - sent <= 64 << 10, "it went on sending"
    total = 19999991 if "," in str(fields) else SIZE
    unsent = alone.metric("segue_abort_bytes_unsent_total")
    assert total - after - 1 <= unsent <= total - 65536
    alone.until_metric("segue_connections", lambda n: n == 0)
    assert alone.metric('segue_connections_closed_total{reason="reset"}') \
        + alone.metric('segue_connections_closed_total{reason="hangup"}') == 1
    assert alone.get("/ping").status == 200


@pytest.mark.parametrize("clients", [1, 3])
def test_gone_while_the_file_is_looked_for(own, clients):
    """One that was written a moment ago is looked at until it rests; nobody knows its size till then. Once more where they
    came too late, or so early that the look had not begun and was dropped."""
    gone, unsent = 'segue_requests_total{code="499"}', "segue_abort_bytes_unsent_total"
    with Segue(own.root, {"workers": 1}) as server:
        for attempt in range(20):
            own.add(f"new{attempt}.flac", noise("new", SIZE))
            os.utime(own.path(f"new{attempt}.flac"))
            before, flights = server.metrics(), server.metric("segue_flights_total")
            waiting = [server.connect() for _ in range(clients)]
            for c in waiting:
                c.send(head(f"/audio/new{attempt}.flac"))
            server.until_metric("segue_flights_total", lambda n, f=flights: n > f)
            for c in waiting:
                c.reset()
            aborts = before["segue_aborts_total"] + clients
            server.until_metric("segue_aborts_total", lambda n, a=aborts: n == a)
            assert server.get(f"/audio/new{attempt}.flac", "Range: bytes=0-9").status == 206
            after = server.metrics()
            if after[gone] - before[gone] == clients:
                assert after[unsent] - before[unsent] in (0, clients * SIZE)
                if after[unsent] > before[unsent]:
                    return
        pytest.fail("none left while it was looked for")


@pytest.mark.parametrize("fields", [["Range: bytes=0-99"], ['If-None-Match: "x"']])
def test_who_did_not_ask_for_all_of_it_has_not_lost_all(own, fields):
    with Segue(own.root, {"workers": 1}) as server:
        for attempt in range(20):
            own.add(f"new{attempt}.flac", noise("new", 100_000))
            os.utime(own.path(f"new{attempt}.flac"))
            c = server.connect()
            c.send(head(f"/audio/new{attempt}.flac", *fields))
            server.until_metric("segue_flights_total", lambda n, a=attempt: n > a)
            c.reset()
            server.until_metric("segue_connections", lambda n: n == 0)
            if server.metric('segue_requests_total{code="499"}'):
                break
        assert server.get(f"/audio/new{attempt}.flac").status == 200  # it has been found since
        assert server.metric("segue_aborts_total") and server.metric("segue_abort_bytes_unsent_total") == 0


def bytes_read(server):
    """By any thread of it, from files and sockets, as the kernel counts."""
    with open(f"/proc/{server.pid}/io", encoding="ascii") as file:
        return int(dict(line.split(": ") for line in file)["rchar"])


def settled(server, of):
    """A number, once it stands still."""
    last = [None]

    def still():
        before, last[0] = last[0], of(server)
        return before == last[0]
    until(still, "an end of it")
    return last[0]


@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_cold_file_is_not_read_on(own, how):
    """Each listener takes a part of it as fast as it comes from the disk, and goes in the midst."""
    attempts, read, late, late_by_kernel = 40, 0, 0, 0
    own.add("cold.flac", noise("cold", SIZE))
    with Segue(own.root, {"workers": 1}) as server:
        for attempt in range(1, attempts + 1):
            if not chill(own.path("cold.flac")):
                pytest.skip("this file system keeps it in memory")
            c = server.connect()
            c.send(head("/audio/cold.flac"))
            c.read_head()
            c.read((1 << 20) + attempt * 100_000)
            getattr(c, how)()
            server.until_metric("segue_aborts_total", lambda n, a=attempt: n == a)
            kernel, seen = bytes_read(server), server.metric(READ)
            late_by_kernel = max(late_by_kernel, settled(server, bytes_read) - kernel)
            late = max(late, settled(server, lambda s: s.metric(READ)) - seen)
        read = server.metric(READ)
    print(f"{attempts} aborts: {read:.0f} bytes read in all, of {attempts * SIZE}; after an abort was seen at most "
          f"{late:.0f} ({late_by_kernel} by the kernel's count)")
    assert late <= STEP and late_by_kernel <= STEP
    assert 0 < read < attempts * SIZE


def test_what_was_sent_is_what_was_counted(alone, tree):
    with alone.connect() as c:
        r = c.request("/audio/song.mp3")
    total = len(r.head) + 4 + len(r.body)
    alone.until_metric("segue_response_bytes_total", lambda n: n == total)


def test_a_whole_answer_is_no_abort(alone):
    with alone.connect() as c:
        assert len(c.request("/audio/song.mp3").body) == 4 << 20
        c.reset()
    alone.until_metric("segue_connections", lambda n: n == 0)
    assert alone.metric("segue_aborts_total") == 0
    assert alone.metric("segue_abort_bytes_unsent_total") == 0


def test_an_idle_reset_is_no_abort(alone):
    c = alone.connect()
    assert c.request("/ping").status == 200
    c.reset()
    alone.until_metric("segue_connections", lambda n: n == 0)
    assert alone.metric("segue_aborts_total") == 0


def test_a_reset_in_a_head_is_no_abort(alone):
    for piece in (b"", b"\r\n", b"G", b"GET /pi"):
        for _ in range(10):
            c = alone.connect()
            c.send(piece)
            c.reset()
    alone.until_metric("segue_connections_accepted_total", lambda n: n == 40)
    alone.until_metric("segue_connections", lambda n: n == 0)
    assert alone.metric("segue_aborts_total") == 0


def test_a_half_close_is_no_abort(alone, tree):
    with alone.connect() as c:
        c.send(head("/audio/long.flac"))
        c.half_close()
        assert c.read_response().body == tree["long.flac"]
    assert alone.metric("segue_aborts_total") == 0


def test_pipelined_requests_behind_an_aborted_one_are_not_answered(alone):
    c = alone.connect(rcvbuf=4096)
    c.send(head("/audio/long.flac") + head("/audio/nothing.mp3") * 20)
    c.read_head()
    c.reset()
    alone.until_metric("segue_aborts_total", lambda n: n == 1)
    assert alone.metric('segue_requests_total{code="404"}') == 0


def test_many_go_at_once(alone, tree):
    clients = [stalled(alone)[0] for _ in range(5)]
    clients += [alone.connect(rcvbuf=4096) for _ in range(45)]
    for c in clients[5:]:
        c.send(head("/audio/long.flac"))
        c.read_head()
    for i, c in enumerate(clients):
        c.reset() if i % 2 else c.close()
    alone.until_metric("segue_aborts_total", lambda n: n == 50)
    alone.until_metric("segue_connections", lambda n: n == 0)
    assert alone.get("/audio/small.mp3").body == tree["small.mp3"]


def test_an_abort_is_logged(tree):
    with Segue(tree.root, {"workers": 1, "log": {"format": "json"}}) as s:
        c, _ = stalled(s)
        c.reset()
        line = s.out.wait(r'"target":"/audio/long.flac".*"aborted":true')
        assert '"close":"reset"' in line.string
