"""Playlists come gzip- or brotli-encoded where the client asks, each with its own ETag."""
import gzip
import threading

import brotli
import pytest

import hls
from hls_cases import library  # noqa: F401
from segue import Segue

DECODE = {"gzip": gzip.decompress, "br": brotli.decompress}
PLAYLISTS = ["/hls/aac.m4a/master.m3u8", "/hls/aac.m4a/index.m3u8", "/hls/cbr.mp3/bytes/index.m3u8",
             "/hls/ladder/master.m3u8"]


@pytest.mark.parametrize("coding", DECODE)
@pytest.mark.parametrize("url", PLAYLISTS)
def test_a_playlist_is_the_same_in_each_coding(library, url, coding):  # noqa: F811
    plain = hls.get(library.server, url)
    for _ in range(2):  # made, then kept
        coded = hls.get(library.server, url, f"Accept-Encoding: {coding}")
        assert coded["Content-Encoding"] == coding and DECODE[coding](coded.body) == plain.body
        assert coded["Content-Type"] == plain["Content-Type"] == hls.PLAYLIST
        assert coded["Vary"] == plain["Vary"] == "Accept-Encoding"
        assert coded["Content-Length"] == str(len(coded.body))
        assert coded.get("Last-Modified") == plain.get("Last-Modified")
    assert hls.get(library.server, url).body == plain.body


def test_each_form_has_its_own_etag(library):  # noqa: F811
    fields = [(), ("Accept-Encoding: gzip",), ("Accept-Encoding: br",)]
    url = PLAYLISTS[1]
    tags = [hls.get(library.server, url, *f)["ETag"] for f in fields]
    assert len(set(tags)) == 3
    for f, tag in zip(fields, tags):
        same = hls.get(library.server, url, *f, f"If-None-Match: {tag}", status=304)
        assert same["Vary"] == "Accept-Encoding" and same["ETag"] == tag
        for other in set(tags) - {tag}:
            hls.get(library.server, url, *f, f"If-None-Match: {other}")


def test_head_and_ranges_are_of_the_coded_form(library):  # noqa: F811
    url, ask = PLAYLISTS[1], "Accept-Encoding: gzip"
    whole = hls.get(library.server, url, ask)
    head = hls.get(library.server, url, ask, method="HEAD")
    assert (head["Content-Length"], head["ETag"]) == (whole["Content-Length"], whole["ETag"])
    part = hls.get(library.server, url, ask, "Range: bytes=10-29", status=206)
    assert part.body == whole.body[10:30] and part["Content-Encoding"] == "gzip"


def test_media_is_never_encoded(library):  # noqa: F811
    track = library.track("aac.m4a", "fmp4")
    for url in (track.init_url, track.urls[0], "/audio/aac.m4a"):
        answer = hls.get(library.server, url, "Accept-Encoding: gzip, br")
        assert "Content-Encoding" not in answer and "Vary" not in answer


def test_it_is_encoded_once_however_many_ask(library):  # noqa: F811
    with Segue(library.root) as server:
        plain = hls.get(server, PLAYLISTS[1])
        before = server.metric("segue_flights_total")
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(
            hls.get(server, PLAYLISTS[1], "Accept-Encoding: br"))) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {brotli.decompress(a.body) for a in answers} == {plain.body} and len(answers) == 12
        assert server.metric("segue_flights_total") == before + 1
