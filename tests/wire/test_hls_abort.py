"""Nobody waits any more: the demuxing of a long file stops, and what was saved is counted."""
import os
import shutil
import sys

import pytest

import raw
from segue import REPO, Segue

sys.path.insert(0, os.path.join(REPO, "tests", "media"))
import fixtures  # noqa: E402

PACKETS = {"long.mp3": 1_500_000, "long.opus": 1_800_000}  # ten hours of 24 ms and of 20 ms: never finished here
BOOK = "/hls/book.mp3/index.m3u8"  # two hours, for those who wait
SHORT = 23                         # packets of short.m4a
LATE = 1000                        # packets that may be read after the abort


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    root = tmp_path_factory.mktemp("books")
    fixtures.long_mp3(root / "long.mp3")
    fixtures.long_opus(root / "long.opus")
    fixtures.long_mp3(root / "book.mp3", minutes=120)
    shutil.copy(os.path.join(fixtures.make(), "short.m4a"), root)
    yield root
    for name in (*PACKETS, "book.mp3"):
        os.remove(root / name)


@pytest.fixture
def server(books):
    with Segue(books) as server:
        assert server.get("/hls/short.m4a/index.m3u8").status == 200  # the media helpers have started
        yield server


def ask(server, playlist):
    """A client that has sent its request, once the demuxing has been ordered."""
    before = server.metric("segue_flights_total")
    client = server.connect()
    client.send(raw.head(playlist))
    server.until_metric("segue_flights_total", lambda n: n > before)
    return client


def final(client):
    """The answer behind interim ones, which say nothing (RFC 9110 15.2)."""
    answer = client.read_response()
    while answer.status < 200:
        answer = client.read_response()
    return answer


def post(server, target):
    assert raw.fetch(server.admin_port, target, method="POST").status == 200


@pytest.mark.parametrize("track", PACKETS)
@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_client_that_leaves_stops_the_demuxing(books, track, leave):
    """Again, each time a little later, until it was in the midst of it."""
    with Segue(books, {"media": {"helpers": 1}}) as server:
        assert server.get("/hls/short.m4a/index.m3u8").status == 200  # the helper has started
        began = server.metric("segue_index_packets_total")
        for attempt in range(1, 12):
            client = ask(server, f"/hls/{track}/index.m3u8")
            for _ in range(2 ** attempt // 2):
                server.metrics()
            getattr(client, leave)()
            server.until_metric("segue_flights_cancelled_total", lambda n, a=attempt: n >= a)
            server.until_metric("segue_aborts_total", lambda n, a=attempt: n == a)
            # The one helper has answered before it takes another file.
            post(server, "/purge?path=short.m4a")
            assert server.get("/hls/short.m4a/index.m3u8").status == 200
            seen = server.metrics()
            read = seen["segue_index_packets_total"] - began - attempt * SHORT
            print(f"attempt {attempt}: {read:.0f} packets read in all, "
                  f"{seen['segue_abort_packets_late_total']:.0f} of them after the aborts")
            assert seen["segue_abort_packets_late_total"] <= LATE * attempt
            if seen["segue_abort_packets_skipped_total"] and read > LATE:
                break
        assert read > LATE, "it was not in the midst of it"
        assert 0 < seen["segue_abort_packets_skipped_total"] <= PACKETS[track] * 1.1 * attempt
        assert read < PACKETS[track] * attempt
        assert seen["segue_index_builds_total"] == 1 + attempt  # the short one's
        assert seen["segue_helper_deaths_total"] == 0, "it was killed, not stopped"


def test_it_goes_on_while_another_waits(server):
    first, second = ask(server, BOOK), server.connect()
    second.send(raw.head(BOOK))
    server.until_metric("segue_flights_joined_total", lambda n: n >= 1)
    first.close()
    answer = final(second)
    second.close()
    assert answer.status == 200 and answer.body.endswith(b"#EXT-X-ENDLIST\n")
    assert server.metric("segue_index_builds_total") == 2
    assert server.metric("segue_flights_cancelled_total") == 0


def test_a_half_close_is_no_abort(server):
    client = ask(server, BOOK)
    client.half_close()
    assert final(client).status == 200
    client.close()
    assert server.metric("segue_aborts_total") == 0


def test_what_was_cancelled_can_be_asked_for_again(server):
    ask(server, BOOK).close()
    server.until_metric("segue_flights_cancelled_total", lambda n: n >= 1)
    answer = server.get(BOOK)
    assert answer.status == 200
    assert answer.body.count(b"#EXTINF") == 1201  # 7205.76 s in pieces of 6 s
