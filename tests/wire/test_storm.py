"""Five hundred at once ask for what nobody has asked for yet: the work is done once."""
import contextlib
import os
import shutil
import sys

import pytest

from conftest import noise
from raw import head
from segue import REPO, Segue

sys.path.insert(0, os.path.join(REPO, "tests", "media"))
import fixtures  # noqa: E402

CLIENTS = 500
SIZE = 6 << 20
AAC_PACKETS = 840         # of aac.m4a, 19.3 s of 1,024 samples, rounded up
LONG_PACKETS = 1_500_000  # of long.mp3: ten hours of 24 ms
LATE = 1000               # packets that may be read after the last one left
LINE = 6


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("storm")
    shutil.copy(os.path.join(fixtures.make(), "aac.m4a"), root)
    for name in ("aac.ts.m4a", "warm.m4a"):
        shutil.copy(os.path.join(fixtures.make(), "aac.m4a"), root / name)
    fixtures.long_mp3(root / "book.mp3", minutes=120)
    fixtures.long_mp3(root / "long.mp3")
    yield root
    os.remove(root / "long.mp3")
    os.remove(root / "book.mp3")


@pytest.fixture
def server(root):
    with Segue(root) as server:
        assert server.get("/hls/warm.m4a/index.m3u8").status == 200  # the helpers have started
        yield server


def cold(path, size):
    """A file of which the page cache holds nothing."""
    data = noise(os.path.basename(path), size)
    with open(path, "wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return data


class Storm:
    """All clients are connected, then all ask, before any answer is read."""

    def __init__(self, server, target):
        self.stack = contextlib.ExitStack()
        self.clients = [self.stack.enter_context(server.connect()) for _ in range(CLIENTS)]
        self.server, self.target = server, target

    def __enter__(self):
        for client in self.clients:
            client.send(head(self.target))
        return self

    def __exit__(self, *exc):
        self.stack.close()

    def leave(self, clients):
        for client in clients:
            client.close()
            self.clients.remove(client)

    def answers(self):
        """Interim answers, which say nothing, are left out."""
        for client in self.clients:
            answer = client.read_response()
            while answer.status < 200:
                answer = client.read_response()
            yield answer


def grown(server, before, name):
    return server.metric(name) - before[name]


def test_a_cold_file_is_opened_and_read_once(server, root):
    data = cold(str(root / "cold.mp3"), SIZE)
    before = server.metrics()
    with Storm(server, "/audio/cold.mp3") as storm:
        for answer in storm.answers():
            assert answer.status == 200 and answer.body == data
    assert grown(server, before, "segue_origin_opens_total") == 1
    read = grown(server, before, "segue_origin_read_bytes_total")
    print(f"{read:.0f} bytes read, of {SIZE}, for {CLIENTS} listeners;",
          f"{grown(server, before, 'segue_flights_joined_total'):.0f} joined")
    assert read <= SIZE, "it was read more than once"


def test_a_cold_small_file_is_read_once(server, root):
    data = cold(str(root / "small.mp3"), 60_000)
    before = server.metrics()
    with Storm(server, "/audio/small.mp3") as storm:
        for answer in storm.answers():
            assert answer.status == 200 and answer.body == data
    assert grown(server, before, "segue_origin_opens_total") == 1
    assert grown(server, before, "segue_origin_reads_total") == 1


@pytest.mark.parametrize("track", ["aac.m4a", "book.mp3"])
def test_a_cold_playlist_is_demuxed_once(server, track):
    before = server.metrics()
    with Storm(server, f"/hls/{track}/index.m3u8") as storm:
        bodies = {answer.body for answer in storm.answers() if answer.status == 200}
        assert len(bodies) == 1
    assert grown(server, before, "segue_origin_opens_total") == 1
    assert grown(server, before, "segue_index_builds_total") == 1


def test_a_cold_segment_is_demuxed_and_built_once(server, root):
    """Its URL is known from before, as a listener's whose playlist another edge has made."""
    with Segue(root) as other:
        lines = other.get("/hls/aac.ts.m4a/ts/index.m3u8").body.decode().splitlines()
        name = [line for line in lines if not line.startswith("#")][0]
    before = server.metrics()
    with Storm(server, f"/hls/aac.ts.m4a/ts/{name}") as storm:
        bodies = {answer.body for answer in storm.answers() if answer.status == 200}
        assert len(bodies) == 1 and bodies != {b""}
    for metric in ("segue_origin_opens_total", "segue_index_builds_total",
                   "segue_origin_reads_total"):
        assert grown(server, before, metric) == 1, metric


@pytest.fixture
def narrow(root):
    """With one helper, so that what is asked for stands in line behind what was asked for before."""
    with Segue(root, {"media": {"helpers": 1}}) as server:
        assert server.get("/hls/warm.m4a/index.m3u8").status == 200
        yield server


@contextlib.contextmanager
def another(root, name):
    """The hours of long.mp3 under another name, which is another track."""
    os.link(root / "long.mp3", root / name)
    yield f"/hls/{name}/index.m3u8"
    os.remove(root / name)


@contextlib.contextmanager
def line(server, root):
    """While the one helper has hours of other tracks to read first; at the end nobody wants them any more."""
    with contextlib.ExitStack() as names, contextlib.ExitStack() as clients:
        for i in range(LINE):
            flights = server.metric("segue_flights_total")
            target = names.enter_context(another(root, f"line{i}.mp3"))
            clients.enter_context(server.connect()).send(head(target))
            server.until_metric("segue_flights_total", lambda n, f=flights: n >= f + 2)  # the file, its index
        yield
        before = server.metric("segue_flights_cancelled_total")
        clients.close()
        server.until_metric("segue_flights_cancelled_total", lambda n: n > before)


def test_half_of_them_leave_and_the_others_get_it(narrow, root):
    before = narrow.metrics()
    with contextlib.ExitStack() as stack:
        with line(narrow, root):
            storm = stack.enter_context(Storm(narrow, "/hls/book.mp3/index.m3u8"))
            narrow.until_metric("segue_flights_joined_total", lambda n: n >= CLIENTS - 1)
            storm.leave(storm.clients[::2])
            narrow.until_metric("segue_aborts_total", lambda n: n == CLIENTS / 2)
            assert narrow.metric("segue_flights_cancelled_total") == 0
        assert len(storm.clients) == CLIENTS // 2
        for answer in storm.answers():
            assert answer.status == 200 and answer.body.endswith(b"#EXT-X-ENDLIST\n")
    line_done = LINE - narrow.metric("segue_flights_cancelled_total")
    assert grown(narrow, before, "segue_index_builds_total") == 1 + line_done
    assert narrow.metric("segue_abort_packets_late_total") <= LATE


def test_all_leave_and_the_work_stops(narrow, root):
    """Again, each time a little later, until the helper was in the midst of it."""
    for attempt in range(12):
        with another(root, f"storm{attempt}.mp3") as target, contextlib.ExitStack() as stack:
            with line(narrow, root):
                joined = narrow.metric("segue_flights_joined_total")
                storm = stack.enter_context(Storm(narrow, target))
                narrow.until_metric("segue_flights_joined_total", lambda n, j=joined: n >= j + CLIENTS - 1)
            before = narrow.metrics()
            for _ in range(2 ** attempt - 1):
                narrow.metrics()
            storm.leave(list(storm.clients))
            narrow.until_metric("segue_flights_cancelled_total",
                                lambda n, b=before: n > b["segue_flights_cancelled_total"])
        os.utime(root / "warm.m4a")
        assert narrow.get("/hls/warm.m4a/index.m3u8").status == 200  # the one helper is at work again
        read = grown(narrow, before, "segue_index_packets_total")
        late = grown(narrow, before, "segue_abort_packets_late_total")
        assert late <= LATE
        if grown(narrow, before, "segue_abort_packets_skipped_total") and read > LATE + AAC_PACKETS:
            break
    print(f"{read:.0f} packets read for {CLIENTS} listeners who all left, {late:.0f} of them afterwards")
    assert LATE + AAC_PACKETS < read < LONG_PACKETS, "it was not in the midst of it"
    assert narrow.metric("segue_helper_deaths_total") == 0, "it was killed, not stopped"
