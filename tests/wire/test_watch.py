"""Metrics, health, access log."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from raw import head
from segue import PROGRAM, Segue, until

# INTERFACE: names that others rely on; counters start at 0 and are always present.
CODES = (200, 204, 206, 304, 400, 403, 404, 405, 408, 412, 414, 415, 416, 422, 429, 431, 499, 500, 501, 503, 505)
DENIED = ("missing", "malformed", "unknown_key", "bad_signature", "not_yet_valid", "expired", "wrong_path",
          "wrong_client", "rate", "connections", "referer")
PROMISED = [
    "segue_response_bytes_total", "segue_connections", "segue_aborts_total", "segue_index_builds_total",
    "segue_origin_opens_total", "segue_cache_bytes", "segue_flights_joined_total",
    "segue_flights_cancelled_total", "segue_redis_breaker_open", "segue_request_duration_seconds_count",
    "segue_request_duration_seconds_sum", 'segue_request_duration_seconds_bucket{le="+Inf"}',
    *(f'segue_requests_total{{code="{code}"}}' for code in CODES),
    *(f'segue_cache_requests_total{{tier="{tier}",result="{result}"}}'
      for tier in ("memory", "redis") for result in ("hit", "miss", "stale", "error")),
    *(f'segue_denied_total{{reason="{reason}"}}' for reason in DENIED),
]


@pytest.fixture
def alone(tree):
    with Segue(tree.root) as s:
        yield s


def test_an_answer_within_one_turn_of_the_loop_takes_time_too(alone):
    alone.get("/ping")
    alone.until_metric("segue_request_duration_seconds_count", lambda n: n == 1)
    assert alone.metric("segue_request_duration_seconds_sum") > 0


def test_every_name_is_there_from_the_start(alone):
    samples = alone.metrics()
    for name in PROMISED:
        assert samples.get(name) == 0, name
    assert [v for n, v in samples.items() if n.startswith("segue_build_info{version=")] == [1]


def test_metrics_are_well_formed(alone):
    alone.get("/audio/small.mp3")
    r = alone.admin("/metrics")
    assert r["Content-Type"].startswith("text/plain; version=0.0.4")
    assert r.body.endswith(b"\n")
    names = [l.split(" ")[0] for l in r.body.decode().splitlines() if not l.startswith("#")]
    assert len(names) == len(set(names))


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool")
def test_promtool_likes_the_metrics(alone):
    alone.get("/audio/small.mp3")
    run = subprocess.run(["promtool", "check", "metrics"], input=alone.admin("/metrics").body,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert run.returncode == 0, run.stdout.decode()


def test_the_version_is_in_the_metrics(alone):
    said = subprocess.run([PROGRAM, "--version"], stdout=subprocess.PIPE).stdout.decode()
    name = next(n for n in alone.metrics() if n.startswith("segue_build_info"))
    assert re.search(r'version="([^"]+)"', name)[1] in said


@pytest.mark.parametrize("code,target,fields", [
    (200, "/audio/small.mp3", []), (206, "/audio/small.mp3", ["Range: bytes=0-0"]),
    (304, "/audio/small.mp3", ["If-None-Match: *"]), (404, "/audio/nothing", []),
    (412, "/audio/small.mp3", ['If-Match: "x"']), (416, "/audio/small.mp3", ["Range: bytes=9999-"]),
    (400, "/audio/%00", []), (200, "/ping", [])])
def test_requests_are_counted_by_code(alone, code, target, fields):
    for _ in range(3):
        assert alone.get(target, *fields).status == code
    alone.until_metric(f'segue_requests_total{{code="{code}"}}', lambda n: n == 3)
    alone.until_metric("segue_request_duration_seconds_count", lambda n: n == 3)
    samples = alone.metrics()
    assert sum(v for n, v in samples.items() if n.startswith("segue_requests_total")) == 3
    assert samples['segue_request_duration_seconds_bucket{le="+Inf"}'] == 3


def test_refused_heads_are_counted(alone):
    for data, code in [(b"junk\r\n\r\n", 400), (b"GET / HTTP/2.0\r\n\r\n", 505),
                       (head("/", method="PUT"), 405)]:
        with alone.connect() as c:
            assert c.exchange(data).status == code
        alone.until_metric(f'segue_requests_total{{code="{code}"}}', lambda n: n == 1)
    alone.until_metric('segue_connections_closed_total{reason="bad_request"}', lambda n: n == 2)


def test_response_bytes_are_heads_and_bodies(alone, tree):
    total = 0
    with alone.connect() as c:
        for target, fields in [("/audio/song.mp3", []), ("/audio/nothing", []),
                               ("/audio/song.mp3", ["Range: bytes=5-99999"]),
                               ("/audio/small.mp3", ["Range: bytes=0-0,9-9"])]:
            r = c.request(target, *fields)
            total += len(r.head) + 4 + len(r.body)
    alone.until_metric("segue_response_bytes_total", lambda n: n == total)


def test_buckets_grow(alone):
    alone.get("/ping")
    alone.until_metric("segue_request_duration_seconds_count", lambda n: n == 1)
    rows = [(n, v) for n, v in alone.metrics().items() if "request_duration_seconds_bucket" in n]
    assert [v for _, v in rows] == sorted(v for _, v in rows)
    assert rows[-1][0].endswith('{le="+Inf"}') and rows[-1][1] == 1


def test_opens_are_counted(alone):
    alone.get("/audio/small.mp3")
    assert alone.metric("segue_origin_opens_total") >= 1


def test_admin_requests_are_not_counted_as_listeners(alone):
    for _ in range(5):
        alone.metrics()
    samples = alone.metrics()
    assert samples['segue_requests_total{code="200"}'] == 0
    assert samples["segue_response_bytes_total"] == 0


def test_admin_serves_the_methods_of_reading(alone):
    assert alone.admin("/metrics", method="HEAD").status == 200
    assert alone.admin("/metrics", method="PUT").status == 405
    assert alone.admin("/nothing").status == 404


# Health

def test_health(alone):
    r = alone.admin("/health")
    assert r.status == 200
    assert r["Content-Type"] == "application/json"
    assert r["Cache-Control"] == "no-store"
    assert isinstance(r.json(), dict) and r.json()["status"] in ("ok", "pass")


def test_health_is_503_without_the_root(own):
    with Segue(own.root) as s:
        assert s.admin("/health").status == 200
        os.rename(own.root, own.root + ".away")
        until(lambda: s.admin("/health").status == 503, "503")
        assert isinstance(s.admin("/health").json(), dict)
        assert s.get("/ping").status == 200
        os.rename(own.root + ".away", own.root)
        until(lambda: s.admin("/health").status == 200, "200 again")
        assert s.get("/audio/small.mp3").body == own["small.mp3"]


# Access log

COMBINED = re.compile(
    r'^(\S+) - - \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000)\] '
    r'"((?:[^"\\]|\\.)*)" (\d{3}) (\d+) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"$')


def test_combined(alone):
    alone.get("/audio/small.mp3?a=b", "User-Agent: test/1.0 (x)", "Referer: http://a.example/b",
              "Range: bytes=0-99")
    m = COMBINED.match(alone.out.wait("small.mp3").string)
    assert m
    assert m[1] == "127.0.0.1"
    assert m[3] == "GET /audio/small.mp3?a=b HTTP/1.1"
    assert (m[4], m[5]) == ("206", "100")
    assert (m[6], m[7]) == ("http://a.example/b", "test/1.0 (x)")


def test_combined_without_fields(alone):
    alone.get("/ping", method="HEAD")
    m = COMBINED.match(alone.out.wait("/ping").string)
    assert (m[3], m[4], m[5], m[6], m[7]) == ("HEAD /ping HTTP/1.1", "200", "0", "-", "-")


def test_errors_are_logged(alone):
    with alone.connect() as c:
        c.request("/audio/nothing.mp3")
        c.exchange(b"GET /x HTTP/3.0\r\n\r\n")
    assert COMBINED.match(alone.out.wait("nothing.mp3").string)[4] == "404"
    assert COMBINED.match(alone.out.wait('" 505 ').string)


@pytest.fixture
def jsonic(tree):
    with Segue(tree.root, {"log": {"format": "json"}}) as s:
        yield s


def test_json(jsonic):
    jsonic.get("/audio/small.mp3?a=b", "User-Agent: test/1.0", "Referer: http://a.example/b",
               "Range: bytes=0-99")
    entry = json.loads(jsonic.out.wait("small.mp3").string)
    assert entry["client"] == "127.0.0.1"
    assert (entry["method"], entry["target"]) == ("GET", "/audio/small.mp3?a=b")
    assert (entry["status"], entry["bytes"]) == (206, 100)
    assert (entry["user_agent"], entry["referer"]) == ("test/1.0", "http://a.example/b")
    assert entry["range"] == "bytes=0-99"
    assert entry["aborted"] is False
    assert entry["duration_ms"] >= entry["wait_ms"] >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["time"])


NASTY = [b'quote " backslash \\ end', b"\xff\xfe\x80 raw", "Ünï ♫".encode(), b"tab\there",
         b"%s%n${jndi}\\x22", b'","status":999,"x":"', b"a" * 5000]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_what_peers_send_cannot_forge_a_combined_line(alone, text):
    before = alone.out.mark()
    alone.get("/ping?one", b"User-Agent: " + text, b"Referer: " + text)
    line = alone.out.wait(r"/ping\?one", start=before).string
    assert COMBINED.match(line), line
    assert all(0x20 <= ord(ch) <= 0x7e for ch in line)
    assert len(line) < 20000


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_what_peers_send_cannot_forge_a_json_line(jsonic, text):
    before = jsonic.out.mark()
    jsonic.get("/ping?one", b"User-Agent: " + text, b"Referer: " + text)
    entry = json.loads(jsonic.out.wait(r"/ping\?one", start=before).string)
    assert entry["status"] == 200 and "x" not in entry
    if text.isascii() and len(text) < 1000:
        assert entry["user_agent"] == text.decode()


def test_a_refused_head_cannot_forge_a_line(alone):
    with alone.connect() as c:
        c.exchange(b'GET /"\x1b[31m\\ HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n')
    line = alone.out.wait('" 400 ').string
    assert COMBINED.match(line) and "\x1b" not in line


def test_off(tree):
    with Segue(tree.root, {"log": {"access": "off"}}) as s:
        assert s.get("/ping").status == 200
        s.stop()
        assert s.out.text() == ""


def test_a_file_and_its_rotation(tree, tmp_path):
    log = tmp_path / "access.log"

    def has(path, text):
        return path.exists() and text in path.read_text()
    with Segue(tree.root, {"log": {"access": str(log)}}) as s:
        s.get("/ping?first")
        until(lambda: has(log, "/ping?first"), "the first line")
        os.rename(log, tmp_path / "access.log.1")
        s.get("/ping?second")
        until(lambda: has(tmp_path / "access.log.1", "/ping?second"), "a line in the old file")
        s.signal(signal.SIGUSR1)
        until(log.exists, "a new file")
        s.get("/ping?third")
        until(lambda: has(log, "/ping?third"), "a line in the new file")
        assert "/ping?third" not in (tmp_path / "access.log.1").read_text()
    assert s.out.text() == ""


def test_a_stuck_log_is_dropped_and_counted(tree, tmp_path):
    """Nobody reads the pipe that the log goes to; the listeners do not wait for it."""
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    end = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    try:
        with Segue(tree.root, {"workers": 1, "log": {"access": str(fifo)}}) as s, s.connect() as c:
            request = head("/ping", "User-Agent: " + "a" * 900, "Referer: " + "b" * 1800)
            for _ in range(60):
                c.send(request * 20)
                for _ in range(20):
                    assert c.read_response().status == 200
            s.until_metric("segue_access_log_dropped_total",
                           lambda n: n + s.metric("segue_access_log_lost_total") > 0)
    finally:
        os.close(end)


def test_slow_requests_are_warned_of(tree):
    with Segue(tree.root, {"log": {"slow": "1ms"}, "workers": 1}) as s, s.connect() as c:
        c.send(b"GET /ping?sl")
        begin = time.monotonic()
        while time.monotonic() - begin < 0.05:
            s.get("/ping")  # on the same worker
        c.send(b"ow HTTP/1.1\r\nHost: a\r\n\r\n")
        c.read_response()
        assert re.search(r"warn", s.err.wait(r"/ping\?slow").string)
