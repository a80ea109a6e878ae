"""The client goes: what was done for it stops, and is counted."""
import pytest

from raw import Closed, head
from segue import Segue

SIZE = 20 << 20


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
