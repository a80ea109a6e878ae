"""SIGHUP: a good configuration is taken, a bad one is logged and the old one kept.

In force at once are the timeouts, max_connections, cors_origin and log.level; the log says so.
"""
import os
import signal

import pytest

from raw import head
from segue import Segue, merge, until

ORIGIN = "Access-Control-Allow-Origin"


def origin(server, origin):
    """Write a configuration with that cors_origin, have it taken, wait until it is in force."""
    server.write_conf(merge(server.conf, {"http": {"cors_origin": origin}}))
    server.signal(signal.SIGHUP)
    until(lambda: server.get("/ping")[ORIGIN] == origin, "the new value")


@pytest.mark.parametrize("bad", ["nothing: 1\n", "hls: {container: avi}\n", "cache: [\n",
                                 "hls: {segment_duration: 6 parsecs}\n"])
def test_a_bad_configuration_is_logged_and_the_old_one_kept(own, bad):
    with Segue(own.root, {"http": {"cors_origin": "https://old"}}) as s:
        s.write_conf(merge(s.conf, {"http": {"cors_origin": "https://bad"}}))
        with open(s.file, "a") as f:
            f.write(bad)
        with open(s.file) as f:
            lines = len(f.readlines())
        s.signal(signal.SIGHUP)
        assert s.err.wait(r"segue\.yaml:(\d+): ")[1] in (str(lines), str(lines + 1))
        assert s.get("/ping")[ORIGIN] == "https://old"
        origin(s, "https://new")


def test_a_missing_file_is_logged_and_the_old_one_kept(own):
    with Segue(own.root) as s:
        os.unlink(s.file)
        s.signal(signal.SIGHUP)
        s.err.wait(r"error .*segue\.yaml")
        assert s.get("/audio/small.mp3").body == own["small.mp3"]


def test_connections_that_are_open_take_the_new_values(own):
    with Segue(own.root, {"workers": 1}) as s, s.connect() as c:
        assert c.request("/ping")[ORIGIN] == "*"
        origin(s, "https://new")
        assert c.request("/audio/nothing.mp3")[ORIGIN] == "https://new"
        s.write_conf(merge(s.conf, {"http": {"idle_timeout": "100ms"}}))
        s.signal(signal.SIGHUP)
        until(lambda: s.get("/ping")[ORIGIN] == "*", "the new values")
        assert c.request("/ping").status == 200
        assert c.closed()


def test_an_answer_under_way_survives(own):
    with Segue(own.root, {"workers": 1}) as s, s.connect(rcvbuf=4096) as c:
        c.send(head("/audio/song.mp3"))
        length = int(c.read_head()["Content-Length"])
        for i in range(5):
            origin(s, f"https://{i}")
        assert c.read(length) == own["song.mp3"]
        assert c.alive()


def test_many_in_a_row(own):
    with Segue(own.root) as s:
        for i in range(20):
            s.write_conf(merge(s.conf, {"http": {"cors_origin": f"https://{i}"}}))
            s.signal(signal.SIGHUP)
        until(lambda: s.get("/ping")[ORIGIN] == "https://19", "the last value")
