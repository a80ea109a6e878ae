"""SIGTERM and SIGINT: accept no more, finish what is in flight, exit with 0."""
import signal

import pytest

from raw import Closed, head
from segue import Segue, until


def refused(server):
    try:
        server.connect().close()
        return False
    except ConnectionResetError:  # it was in the queue of a listener that was just being closed
        return False
    except ConnectionRefusedError:
        return True


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_what_is_in_flight_is_finished(tree, which):
    with Segue(tree.root) as s, s.connect(rcvbuf=4096) as c:
        c.send(head("/audio/long.flac"))
        length = int(c.read_head()["Content-Length"])
        s.signal(which)
        until(lambda: refused(s), "new connections refused")
        assert s.running()
        assert c.read(length) == tree["long.flac"]
        assert c.closed()
        assert s.wait() == 0


def test_idle_connections_do_not_hold_it_up(tree):
    with Segue(tree.root, {"drain_timeout": "1h"}) as s, s.connect() as idle, s.connect() as fresh:
        assert idle.request("/ping").status == 200
        s.signal(signal.SIGTERM)
        assert idle.closed() and fresh.closed()
        assert s.wait() == 0


def test_a_request_under_way_is_answered_with_close(tree):
    """A head of which a part has come is in flight too."""
    with Segue(tree.root, {"workers": 1}) as s, s.connect() as c, s.connect(rcvbuf=4096) as busy:
        busy.send(head("/audio/long.flac"))
        busy.read_head()
        c.send(head("/ping") + b"GET /ping HT")
        c.read_response()
        s.signal(signal.SIGTERM)
        until(lambda: refused(s), "new connections refused")
        try:
            c.send(b"TP/1.1\r\nHost: a\r\n\r\n")
            r = c.read_response()
        except (Closed, ConnectionError):
            pytest.fail("a request that had begun was dropped")
        assert r.status == 200 and r["Connection"] == "close"
        assert c.closed()
        busy.close()
        assert s.wait() == 0


def test_pipelined_requests_stop_with_a_close(tree):
    """The answer under way is finished; what follows is answered with a close or not at all."""
    with Segue(tree.root) as s, s.connect(rcvbuf=4096) as c:
        c.send(head("/audio/long.flac") + head("/ping") * 3)
        length = int(c.read_head()["Content-Length"])
        s.signal(signal.SIGTERM)
        until(lambda: refused(s), "new connections refused")
        assert c.read(length) == tree["long.flac"]
        try:
            while c.read_response().get("Connection") != "close":
                pass
        except Closed as e:
            assert e.got == b""
        assert s.wait() == 0


def test_health_says_that_it_drains(tree):
    """A load balancer that looks sends nobody any more; what is in flight goes on."""
    with Segue(tree.root) as s, s.connect(rcvbuf=4096) as c:
        c.send(head("/audio/long.flac"))
        length = int(c.read_head()["Content-Length"])
        assert s.admin("/health").status == 200
        s.signal(signal.SIGTERM)
        until(lambda: refused(s), "new connections refused")
        r = s.admin("/health")
        assert r.status == 503, r
        assert (r.json()["status"], r.json()["reason"]) == ("fail", "draining")
        assert c.read(length) == tree["long.flac"]
        assert s.wait() == 0


def test_drain_timeout_cuts(tree):
    with Segue(tree.root, {"drain_timeout": "300ms"}) as s, s.connect(rcvbuf=4096) as c:
        c.send(head("/audio/long.flac"))
        c.read_head()
        s.signal(signal.SIGTERM)
        assert s.wait() == 0
        assert len(c.rest()) < 20 << 20


def test_a_second_signal_cuts(tree):
    """It is of somebody who will not wait for drain_timeout."""
    with Segue(tree.root, {"drain_timeout": "1h"}) as s, s.connect(rcvbuf=4096) as c:
        c.send(head("/audio/long.flac"))
        c.read_head()
        s.signal(signal.SIGTERM)
        until(lambda: refused(s), "new connections refused")
        assert s.running()
        s.signal(signal.SIGTERM)
        assert s.wait() == 0
        assert len(c.rest()) < 20 << 20


def test_the_log_is_whole_at_the_end(tree):
    with Segue(tree.root) as s:
        for _ in range(100):
            s.get("/audio/small.mp3")
        s.stop()
        assert s.out.text().count("/audio/small.mp3") == 100


def test_it_listens_again_at_once(tree):
    """A restart on the same port: no address in use."""
    with Segue(tree.root) as s, s.connect() as c:
        assert c.request("/ping").status == 200
        port = s.port
        s.stop()
    with Segue(tree.root, {"listen": f"127.0.0.1:{port}"}) as s:
        assert s.port == port
        assert s.get("/ping").status == 200
