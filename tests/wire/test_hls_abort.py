"""Nobody waits any more: the demuxing of a long file stops, and what was saved is counted."""
import os
import shutil
import sys

import pytest

import raw
from segue import REPO, Segue, until

sys.path.insert(0, os.path.join(REPO, "tests", "media"))
import fixtures  # noqa: E402

LONG = "/hls/long.mp3/index.m3u8"  # ten hours: never finished here
BOOK = "/hls/book.mp3/index.m3u8"  # two hours, for those who wait
PACKETS = 1_500_000                # of the long one, 24 ms each


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    root = tmp_path_factory.mktemp("books")
    fixtures.long_mp3(root / "long.mp3")
    fixtures.long_mp3(root / "book.mp3", minutes=120)
    shutil.copy(os.path.join(fixtures.make(), "short.m4a"), root)
    yield root
    os.remove(root / "long.mp3")
    os.remove(root / "book.mp3")


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


def skipped(server):
    try:
        return until(lambda: server.metric("segue_abort_packets_skipped_total"), deadline=1)
    except AssertionError:
        return 0


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_client_that_leaves_stops_the_demuxing(server, leave):
    for attempt, polls in enumerate((0, 10, 100, 1000), 1):  # the first may come before the first packet
        client = ask(server, LONG)
        for _ in range(polls):
            server.metrics()
        getattr(client, leave)()
        server.until_metric("segue_aborts_total", lambda n: n == attempt)
        server.until_metric("segue_flights_cancelled_total", lambda n: n >= attempt)
        if skipped(server):
            break
    assert PACKETS / 2 < server.metric("segue_abort_packets_skipped_total") <= PACKETS * 1.1
    assert server.metric("segue_index_builds_total") == 1  # the short one's
    assert server.metric("segue_helper_deaths_total") == 0, "it was killed, not stopped"
    assert server.get("/hls/short.m4a/index.m3u8").status == 200


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
