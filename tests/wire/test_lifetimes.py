"""Connections that end, stall or are taken away at awkward moments, and what must not hold on."""
import os
import signal
import time

import pytest

from raw import Client, Closed, head
from segue import Segue, until


class Stopped:
    """While the server stands still, so that it sees at once all that the test did meanwhile."""

    def __init__(self, server):
        self.pid = server.pid

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)

    def __exit__(self, *exc):
        os.kill(self.pid, signal.SIGCONT)


@pytest.fixture
def alone(tree):
    """One worker and no other client, so that counters move for this test alone."""
    with Segue(tree.root, {"workers": 1}) as s:
        yield s


# The client goes

@pytest.mark.parametrize("piece", [b"\r\n", b"G", b"GET /pi", b"GET /ping HTTP/1.1\r\nHost: a\r\n"])
def test_a_reset_that_comes_with_a_piece_of_a_head_is_seen(tree, piece):
    """Not only when header_timeout is over."""
    with Segue(tree.root, {"workers": 1, "http": {"header_timeout": "1h"}}) as s:
        with Stopped(s):
            for _ in range(10):
                c = s.connect()
                c.send(piece)
                c.reset()
        s.until_metric('segue_connections_closed_total{reason="reset"}', lambda n: n == 10)
        assert s.metric("segue_aborts_total") == 0


# Signals

def test_signals_after_the_second_change_nothing(tree):
    """Some workers have drained, one is busy, and somebody is impatient."""
    with Segue(tree.root, {"workers": 4}) as s, s.connect(rcvbuf=4096) as c:
        c.send(head("/audio/long.flac"))
        c.read_head()
        s.signal(signal.SIGTERM)
        s.err.wait("draining")
        with Stopped(s):
            s.signal(signal.SIGTERM)
            s.signal(signal.SIGINT)
        assert s.wait() == 0


def test_connections_of_the_admin_listener_do_not_outlive_it(tree):
    with Segue(tree.root) as s, Client(s.admin_port) as kept, Client(s.admin_port) as fresh:
        assert kept.request("/metrics").status == 200
        s.stop()
        assert kept.closed() and fresh.closed()


# The client stalls

def test_a_client_that_speaks_and_takes_nothing_is_cut_off(tree):
    """Bytes from it are no progress of the answer."""
    http = {"write_timeout": "300ms", "header_timeout": "1h", "idle_timeout": "1h"}
    with Segue(tree.root, {"workers": 1, "http": http}) as s, s.connect(rcvbuf=4096) as c:
        c.send(head("/audio/long.flac"))
        c.read_head()
        end = time.monotonic() + 5
        with pytest.raises(ConnectionError):
            while time.monotonic() < end:
                c.send(b"G")
                time.sleep(0.02)
        s.until_metric('segue_connections_closed_total{reason="write_timeout"}', lambda n: n == 1)


# Nobody has the worker to himself

def test_a_client_that_pipelines_without_end_does_not_keep_others_waiting(tree):
    """Its requests lie in the socket with those of ten others: they are answered first, but for
    the few of a turn or two. The log has the order."""
    turn = 32  # edge/serve/conn.c
    with Segue(tree.root, {"workers": 1}) as s, s.connect() as flood:
        others = [s.connect() for _ in range(10)]
        for c in [flood] + others:
            assert c.request("/ping?first").status == 200
        with Stopped(s):
            flood.send(head("/ping?flood") * 1000)
            for c in others:
                c.send(head("/ping?other"))
        for c in others:
            assert c.read_response().status == 200
            c.close()
        for _ in range(1000):
            flood.read_response()
        s.out.wait_all(r"/ping\?flood", 1000)
        order = [m[1] for m in s.out.wait_all(r"/ping\?(flood|other)", 1010)]
        last = len(order) - 1 - order[::-1].index("other")
        assert last - 9 <= 2 * turn, f"{last - 9} of the flood's were answered before the last"


# Draining

@pytest.mark.parametrize("kept", [False, True])
def test_a_request_that_was_sent_before_the_signal_is_answered(tree, kept):
    with Segue(tree.root, {"workers": 2}) as s:
        clients = [s.connect() for _ in range(20)] if kept else []
        for c in clients:
            assert c.request("/ping").status == 200
        with Stopped(s):
            clients = clients or [s.connect() for _ in range(20)]
            for c in clients:
                c.send(head("/audio/small.mp3"))
            s.signal(signal.SIGTERM)
        for c in clients:
            assert c.read_response().body == tree["small.mp3"]
            assert c.closed()
            c.close()
        assert s.wait() == 0


# Starting

def test_a_second_server_does_not_share_the_port(tree):
    """SO_REUSEPORT would let it, and every other request would be answered by the old one."""
    with Segue(tree.root) as first:
        for taken in ({"listen": f"127.0.0.1:{first.port}"},
                      {"admin": f"127.0.0.1:{first.admin_port}"}):
            second = Segue(tree.root, taken)
            with pytest.raises(AssertionError, match="Address already in use"):
                second.start()
        assert first.get("/ping").status == 200
