"""tools/listeners: plays as players do, counts what it hears, and trusts no server."""
import concurrent.futures
import json
import os
import resource
import signal
import socket
import subprocess
import threading

import pytest

from hls_cases import fixtures
from raw import DEADLINE
from segue import BUILD, COMPLAINT, REPO, Lines, Segue

PROGRAM = os.path.join(BUILD, "listeners")

PLAYLIST = b"""#EXTM3U
#EXT-X-TARGETDURATION:1
#EXTINF:0.2,
0.ts
#EXTINF:0.2,
1.ts
#EXTINF:0.2,
2.ts
#EXT-X-ENDLIST
"""


def run(*args, status=0, limits=None):
    """Run to the end: the report, or stderr when there is none."""
    done = subprocess.run([PROGRAM, "-q", "--json", *map(str, args)], capture_output=True, text=True,
                          timeout=3 * DEADLINE, check=False, stdin=subprocess.DEVNULL, preexec_fn=limits)
    assert not COMPLAINT.search(done.stderr), done.stderr
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout) if done.stdout else done.stderr


def answer(body=b"", status="200 OK", fields=()):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def part(request, body):
    """206 with what the request's Range says of the body."""
    first, last = (int(n) for n in request["range"].removeprefix("bytes=").split("-"))
    last = min(last, len(body) - 1)
    return answer(body[first:last + 1], "206 Partial Content",
                  [f"Content-Range: bytes {first}-{last}/{len(body)}"])


class Fake:
    """A server whose answers the test makes: reply(request) gives bytes; None: it never answers.

    requests   each as {"target": ..., "field in lower case": value}, in the order they came
    close      the connection is closed after each answer
    """

    def __init__(self, reply, close=False):
        self.reply, self.close, self.requests, self.threads = reply, close, [], []
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.connections = []

    def url(self, path="/list.m3u8"):
        return f"http://127.0.0.1:{self.port}{path}"

    def __enter__(self):
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        for c in self.connections:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in [self.thread, *self.threads]:
            thread.join(DEADLINE)

    def _accept(self):
        while True:
            try:
                connection, _ = self.sock.accept()
            except OSError:
                return
            self.connections.append(connection)
            self.threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            self.threads[-1].start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                while self._one(connection, stream):
                    pass
            except OSError:
                pass

    def _one(self, connection, stream):
        line = stream.readline()
        if not line:
            return False
        request = {"target": line.split(b" ")[1].decode()}
        for field in iter(stream.readline, b"\r\n"):
            name, _, value = field.decode().partition(":")
            request[name.lower()] = value.strip()
        self.requests.append(request)
        data = self.reply(request)
        if data is not None:
            connection.sendall(data)
        return not self.close


def simple(request):
    """A track of three segments of 0.2 s."""
    return answer(PLAYLIST if request["target"].endswith(".m3u8") else b"sound")


@pytest.fixture(scope="module")
def server():
    with Segue(fixtures.make()) as server:
        yield server


def url(server, path):
    return f"http://127.0.0.1:{server.port}{path}"


def test_two_hundred_listeners_play_from_addresses_of_their_own_over_one_connection_each():
    with Segue(fixtures.make()) as server:
        report = run("-n", 200, "-d", 4, "-r", 1, url(server, "/hls/aac.m4a/master.m3u8"))
        assert report["starts"] == report["peak_listeners"] == 200
        assert report["errors"] == report["reconnects"] == 0
        assert report["requests"] >= 200 * 4  # master, media, init, a segment
        assert report["ttfb_ms"]["p50"] <= report["ttfb_ms"]["p99"] <= report["ttfb_ms"]["max"]
        assert 0 < report["startup_ms"]["p99"]
        assert server.metric("segue_connections_accepted_total") == 200
        server.out.wait_all(r"^127\.", report["requests"])
        addresses = {line.split(" ")[0] for line in server.out.text().splitlines()}
        assert len(addresses) == 200


def test_a_listener_asks_no_further_ahead_than_two_segments(server):
    report = run("-n", 1, "-d", 3, "-r", 0, url(server, "/hls/aac.m4a/master.m3u8"))
    assert report["requests"] == 5  # two playlists, the init segment, two segments of 6 s
    report = run("-n", 1, "-d", 3, "-r", 0, "-a", 3, url(server, "/hls/aac.m4a/master.m3u8"))
    assert report["requests"] == 6


def test_a_file_is_played_by_ranges_at_pace(server):
    before = server.metric('segue_requests_total{code="206"}')
    report = run("-n", 1, "-d", 2, "-r", 0, "-k", 128, url(server, "/audio/aac.m4a"))
    assert report["requests"] == 3  # two bytes for the size, two pieces of 4 s
    assert server.metric('segue_requests_total{code="206"}') == before + 3


@pytest.mark.parametrize("bits,chosen", [(100000, "64"), (160000, "128"), (10**6, "192"), (1, "64")])
def test_the_variant_is_the_best_up_to_the_bandwidth(server, bits, chosen):
    mark = server.out.mark()
    run("-n", 1, "-d", 1, "-r", 0, "-b", bits, url(server, "/hls/ladder/master.m3u8"))
    server.out.wait(rf"/hls/ladder/{chosen}\.m4a/index\.m3u8", start=mark)


def test_urls_are_played_in_turn_and_tracks_one_after_the_other():
    with Fake(simple) as fake:
        report = run("-n", 2, "-d", 2, "-r", 0, fake.url("/a/list.m3u8"), fake.url("/b/list.m3u8"))
        assert report["starts"] >= 4
        first = [r["target"] for r in fake.requests if r["target"].endswith(".m3u8")]
        assert set(first) == {"/a/list.m3u8", "/b/list.m3u8"}
        assert first.count("/a/list.m3u8") >= 2 and first.count("/b/list.m3u8") >= 2


def test_references_resolve_so_that_a_token_in_the_path_is_inherited_and_a_query_is_not():
    lists = {
        "/s/T/hls/a/master.m3u8?q=1": b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/index.m3u8?q=2\n",
        "/s/T/hls/a/v/index.m3u8?q=2":
            b'#EXTM3U\n#EXT-X-MAP:URI="/init.mp4"\n#EXTINF:1,\n../x/./0.m4s?s=3\n#EXTINF:1,\nhttp://HERE/1.m4s\n',
    }

    def reply(request):
        body = lists.get(request["target"], b"sound")
        return answer(body.replace(b"HERE", request["host"].encode()))
    with Fake(reply) as fake:
        run("-n", 1, "-d", 1, "-r", 0, fake.url("/s/T/hls/a/master.m3u8?q=1"))
        assert [r["target"] for r in fake.requests][:5] == [
            *lists, "/init.mp4", "/s/T/hls/a/x/0.m4s?s=3", "/1.m4s"]


def test_byte_ranges_of_segments_and_of_the_map():
    text = (b'#EXTM3U\n#EXT-X-MAP:URI="all",BYTERANGE="7@3"\n#EXTINF:1,\n#EXT-X-BYTERANGE:20@10\nall\n'
            b"#EXTINF:1,\n#EXT-X-BYTERANGE:5\nall\n")
    with Fake(lambda r: part(r, bytes(100)) if "range" in r else answer(text)) as fake:
        run("-n", 1, "-d", 1, "-r", 0, fake.url())
        assert [r.get("range") for r in fake.requests][:4] == [
            None, "bytes=3-9", "bytes=10-29", "bytes=30-34"]


def test_an_answer_that_does_not_come_is_one_stall():
    with Fake(lambda r: None if r["target"] == "/1.ts" else simple(r)) as fake:
        report = run("-n", 1, "-d", 2, "-r", 0, fake.url())
    assert (report["starts"], report["stalls"], report["errors"]) == (1, 1, 0)
    assert report["played_seconds"] == 0.2
    assert 0 < report["stalled_seconds"] < 2
    assert abs(report["rebuffer_ratio"] - report["stalled_seconds"]
               / (report["stalled_seconds"] + report["played_seconds"])) < 0.001


def test_the_end_of_a_track_is_no_stall():
    one = answer(b"#EXTM3U\n#EXTINF:0.2,\n0.ts\n")
    with Fake(lambda r: one if r["target"].endswith(".m3u8") else answer(b"sound")) as fake:
        report = run("-n", 1, "-d", 2, "-r", 0, fake.url())
    assert report["starts"] >= 2 and report["stalls"] == 0


def test_connections_that_are_closed_between_answers_are_made_anew():
    with Fake(lambda r: simple(r).replace(b"\r\n", b"\r\nConnection: close\r\n", 1), close=True) as fake:
        report = run("-n", 2, "-d", 1, "-r", 0, fake.url())
        assert report["starts"] >= 2 and report["errors"] == 0
    with Fake(simple, close=True) as fake:  # without a word
        report = run("-n", 2, "-d", 1, "-r", 0, fake.url())
        assert report["starts"] >= 2 and report["reconnects"] >= 2 and report["errors"] == 0


def test_interim_answers_are_passed_over():
    with Fake(lambda r: b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" * 2 + simple(r)) as fake:
        assert run("-n", 1, "-d", 1, "-r", 0, fake.url())["starts"] >= 1


def playlist(text):
    return answer(b"#EXTM3U\n" + text)


HOSTILE = {
    "another status": ("status", answer(status="404 Not Found")),
    "a redirection": ("status", answer(status="302 Found", fields=["Location: http://127.0.0.1:1/"])),
    "HTTP/1.0": ("http", answer(PLAYLIST).replace(b"1.1", b"1.0")),
    "no HTTP": ("http", b"SSH-2.0-OpenSSH\r\n\r\n"),
    "a status of two digits": ("http", answer(PLAYLIST).replace(b"200", b"20")),
    "a folded line": ("http", answer(PLAYLIST, fields=["A: b", " c"])),
    "a blank before the colon": ("http", answer(PLAYLIST, fields=["A : b"])),
    "a control byte in a field": ("http", answer(PLAYLIST, fields=["A: b\x01"])),
    "two lengths": ("http", answer(PLAYLIST, fields=[f"Content-Length: {len(PLAYLIST)}"])),
    "no length": ("http", b"HTTP/1.1 200 OK\r\n\r\n" + PLAYLIST),
    "a length past 64 bits": ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
    "a signed length": ("http", b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nabcde"),
    "chunks": ("http", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "an endless head": ("http", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000),
    "endless interim answers": ("http", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100),
    "a playlist past its ceiling": ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"),
    "more than its length": ("http", answer(PLAYLIST) + b"junk"),
    "no playlist": ("playlist", answer(b"<html>")),
    "an empty playlist": ("playlist", playlist(b"#EXT-X-ENDLIST\n")),
    "a segment without duration": ("playlist", playlist(b"0.ts\n")),
    "a duration that is none": ("playlist", playlist(b"#EXTINF:-1,\n0.ts\n")),
    "a duration past a day": ("playlist", playlist(b"#EXTINF:99999999999,\n0.ts\n")),
    "another host": ("playlist", playlist(b"#EXTINF:1,\nhttp://127.0.0.2/0.ts\n")),
    "another host without scheme": ("playlist", playlist(b"#EXTINF:1,\n//127.0.0.2/0.ts\n")),
    "another scheme": ("playlist", playlist(b"#EXTINF:1,\nfile:///etc/passwd\n")),
    "a request in a URI": ("playlist", playlist(b"#EXTINF:1,\n0.ts HTTP/1.1\rX: y\n")),
    "a URI past its ceiling": ("playlist", playlist(b"#EXTINF:1,\n" + b"a" * 5000 + b"\n")),
    "a byte range past 64 bits": ("playlist", playlist(
        b"#EXTINF:1,\n#EXT-X-BYTERANGE:9@18446744073709551615\n0.ts\n")),
    "a map without URI": ("playlist", playlist(b'#EXT-X-MAP:X="y"\n#EXTINF:1,\n0.ts\n')),
    "a variant without bandwidth": ("playlist", playlist(b"#EXT-X-STREAM-INF:A=1\nx.m3u8\n")),
    "a master in a master": ("playlist", playlist(b"#EXT-X-STREAM-INF:BANDWIDTH=1\nx.m3u8\n")),
}


def meet(case):
    _, data = HOSTILE[case]
    with Fake(lambda r: data) as fake:
        return run("-n", 2, "-d", 1, "-r", 0, fake.url(), status=1)


@pytest.fixture(scope="module")
def meetings():
    """A report, or what went wrong, of each case; side by side, since each lasts a second."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return {case: pool.submit(meet, case) for case in HOSTILE}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_no_server_should_send_is_an_error(meetings, case):
    report = meetings[case].result()
    assert report["errors_by_kind"][HOSTILE[case][0]] == report["errors"] >= 2
    assert report["starts"] == 0


@pytest.mark.parametrize("data", [b"HTTP/1.1 200 OK\r\nConte", answer(PLAYLIST)[:-1]])
def test_an_answer_that_ends_early_is_an_error(data):
    with Fake(lambda r: data, close=True) as fake:
        report = run("-n", 1, "-d", 1, "-r", 0, fake.url(), status=1)
    assert report["errors_by_kind"]["cut"] == report["errors"] >= 1


@pytest.mark.parametrize("kind,reply", [
    ("status", lambda r: answer(b"ab")),  # Range ignored
    ("range", lambda r: answer(b"bc", "206 Partial Content", ["Content-Range: bytes 1-2/9"])),
    ("http", lambda r: answer(b"ab", "206 Partial Content", ["Content-Range: bytes 0-5/9"])),
    ("http", lambda r: answer(b"ab", "206 Partial Content", ["Content-Range: bytes 0-1/*"])),
    ("http", lambda r: answer(b"ab", "206 Partial Content")),
])
def test_another_range_than_was_asked_for_is_an_error(kind, reply):
    with Fake(reply) as fake:
        report = run("-n", 1, "-d", 1, "-r", 0, fake.url("/song.mp3"), status=1)
    assert report["errors_by_kind"][kind] == report["errors"] >= 1


def test_a_refused_connection_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    report = run("-n", 1, "-d", 1, "-r", 0, f"http://127.0.0.1:{port}/x.m3u8", status=1)
    assert report["errors_by_kind"]["connect"] >= 1


@pytest.mark.parametrize("target", ["http://192.0.2.1/x.m3u8", "http://example.org/x.m3u8"])
def test_targets_on_other_machines_are_refused(target):
    assert "--anywhere" in run("-n", 1, "-d", 1, target, status=2)


@pytest.mark.parametrize("args", [
    [], ["-n", "0", "http://127.0.0.1/"], ["-d", "1x", "http://127.0.0.1/"], ["https://127.0.0.1/"],
    ["http://u@127.0.0.1/"], ["http://127.0.0.1:0/"], ["http://127.0.0.1:70000/"], ["--what"],
    ["http://127.0.0.1/a b"], ["http://127.0.0.1/#x"]])
def test_usage(args):
    assert run(*args, status=2)


def test_too_few_descriptors_are_told_before_it_begins():
    said = run("-n", 200, "http://127.0.0.1:1/x.m3u8", status=1,
               limits=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))
    assert "232 descriptors are needed, 100 allowed" in said


def test_a_line_every_second_and_a_report_when_it_is_interrupted():
    with Fake(simple) as fake:
        load = subprocess.Popen([PROGRAM, "-n", "3", "-d", "600", "-r", "0", fake.url()],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        live = Lines(load.stderr)
        live.wait_all(r"^ +\d s +\d+ listeners .* Mbit/s .* starts +0 stalls +p99 TTFB .* ms +0 errors$", 2)
        load.send_signal(signal.SIGINT)
        out = load.stdout.read().decode()
        assert load.wait(DEADLINE) == 0, (out, live.text())
        live.thread.join(DEADLINE)
        load.stdout.close()
        load.stderr.close()
    assert not COMPLAINT.search(live.text())
    assert "listeners        3 for" in out and "\nerrors           0\n" in out, out


def test_ten_thousand_says_what_it_measured():
    done = subprocess.run([os.path.join(REPO, "tools", "listeners", "ten-thousand"), "-n", "50", "-d", "2",
                           "--json", "--build", BUILD], capture_output=True, text=True, check=False,
                          timeout=3 * DEADLINE, stdin=subprocess.DEVNULL)
    report = json.loads(done.stdout)
    assert report["errors"] == report["server_status"] == 0, done
    assert 0 < report["starts"] <= 50 and 100 < report["kbits"] < 160, report
    assert done.returncode in (0, 1) and {"server_memory_mb", "server_cpu_share"} <= set(report)
