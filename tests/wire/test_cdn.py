"""nginx and Varnish as in conf/cdn before a real server: what listeners get, what it costs us."""
import gzip
import os
import re
import shutil
import signal
import threading

import pytest

import cdn
import hls
from conftest import noise
from hls_cases import fixtures
from raw import content_range
from segue import Segue, until
from test_cors import EXPOSED, names

NODES = {"nginx": cdn.Nginx, "varnish": cdn.Varnish}
SLICE = 1 << 20
CLIENTS = 100


class Cold:
    """A folder of files that nobody has asked for yet."""

    def __init__(self, root):
        self.root, self.count = str(root), 0

    def path(self, name):
        return os.path.join(self.root, name)

    def _name(self, extension):
        self.count += 1
        return f"{self.count}{extension}"

    def file(self, size):
        """A file of noise: its URL and its bytes."""
        name = self._name(".mp3")
        data = noise(name, size)
        with open(self.path(name), "wb") as f:
            f.write(data)
        os.utime(f.name, (1_700_000_000, 1_700_000_000))  # one written just now is waited for
        return "/audio/" + name, data

    def replace(self, url, data):
        with open(self.path("new"), "wb") as f:
            f.write(data)
        os.replace(self.path("new"), self.path(os.path.basename(url)))

    def track(self, source="aac.m4a"):
        """A track that HLS carries: its name."""
        name = self._name(os.path.splitext(source)[1])
        shutil.copy(os.path.join(fixtures.make(), source), self.path(name))
        return name


@pytest.fixture(scope="module")
def cold(tmp_path_factory):
    return Cold(tmp_path_factory.mktemp("origin"))


def origin_of(cold, cache_control="public, max-age=3600"):
    return Segue(cold.root, {"workers": 1, "log": {"format": "json"},
                             "media": {"cache_control": cache_control}})


@pytest.fixture(scope="module", params=NODES)
def node(request, cold):
    """A node before a server whose files stay fresh for an hour."""
    with origin_of(cold) as origin, NODES[request.param](origin) as node:
        yield node


@pytest.fixture(scope="module", params=NODES)
def brief(request, cold):
    """The same, but files are fresh for a second only, and not a moment longer; and nginx has one
    worker, so that one kept connection to the origin is the connection to it."""
    change = {"nginx": ("worker_processes auto;", ""),
              "varnish": ("set req.grace = 10s;", "set req.grace = 0s;")}[request.param]
    with origin_of(cold, "public, max-age=1") as origin, \
            NODES[request.param](origin, change) as node:
        yield node


@pytest.fixture
def pulls(request):
    name = "brief" if "brief" in request.fixturenames else "node"
    pulls = cdn.Pulls(request.getfixturevalue(name).origin)
    yield pulls
    pulls.client.close()


def said(answer):
    """What the node says it did: the last member of Cache-Status (RFC 9211 2)."""
    name, *what = [p.strip() for p in answer.get("Cache-Status").split(",")[-1].split(";")]
    assert name in NODES, answer
    return what


def is_hit(answer):
    return said(answer)[0] == "hit"


def is_stale(answer):
    old = re.compile(r"detail=(stale|updating)|ttl=-")
    return is_hit(answer) and any(old.match(p) for p in said(answer))


# Files

@pytest.mark.parametrize("size", [1, 1023, SLICE - 1, SLICE, SLICE + 1, 2 * SLICE, 2 * SLICE + 99])
def test_whole_files(node, cold, pulls, size):
    url, data = cold.file(size)
    first, second = node.get(url), node.get(url)
    assert (first.status, second.status) == (200, 200)
    assert first.body == data and second.body == data
    assert not is_hit(first) and is_hit(second)
    slices = -(-size // SLICE) if node.name == "nginx" else 1
    assert len(pulls.of(url)) == slices, "it was pulled again"
    assert sum(p["bytes"] for p in pulls.of(url)) == size


def test_the_answer_is_the_origins(node, cold):
    url, _ = cold.file(5000)
    direct = node.origin.get(url)
    for answer in (node.get(url), node.get(url), node.get(url, "Range: bytes=1-2")):
        for name in ("ETag", "Last-Modified", "Cache-Control", "Content-Type",
                     "X-Content-Type-Options"):
            assert answer[name] == direct[name], name
        assert answer.get("Accept-Ranges", "bytes") == "bytes"  # nginx leaves it out of a 206


@pytest.mark.parametrize("span,first,last", [
    ("0-1", 0, 1), ("1000-", 1000, 3 * SLICE + 6), ("-500", 3 * SLICE - 493, 3 * SLICE + 6),
    (f"{SLICE - 1}-{SLICE}", SLICE - 1, SLICE), (f"{SLICE}-{2 * SLICE - 1}", SLICE, 2 * SLICE - 1),
    (f"{3 * SLICE}-99999999", 3 * SLICE, 3 * SLICE + 6)])
def test_ranges_of_a_cold_file(node, cold, span, first, last):
    url, data = cold.file(3 * SLICE + 7)
    for _ in ("cold", "kept"):
        answer = node.get(url, f"Range: bytes={span}")
        assert answer.status == 206
        assert content_range(answer["Content-Range"]) == (first, last, len(data))
        assert answer.body == data[first:last + 1]
    assert is_hit(answer)


@pytest.mark.parametrize("node", ["nginx"], indirect=True)
def test_a_seek_pulls_the_slices_it_touches(node, cold, pulls):
    url, data = cold.file(8 * SLICE)
    at = 5 * SLICE - 10
    assert node.get(url, f"Range: bytes={at}-{at + 19}").body == data[at:at + 20]
    assert sorted(p["range"] for p in pulls.of(url)) == [
        f"bytes={4 * SLICE}-{5 * SLICE - 1}", f"bytes={5 * SLICE}-{6 * SLICE - 1}"]


def test_a_range_outside_is_refused(node, cold):
    url, data = cold.file(3000)
    for _ in ("cold", "kept"):
        answer = node.get(url, "Range: bytes=3000-")
        assert answer.status == 416
        assert answer["Content-Range"] == f"bytes */{len(data)}"
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert node.get(url).body == data


def test_if_range(node, cold):
    url, data = cold.file(SLICE + 5)
    etag = node.get(url)["ETag"]
    assert node.get(url, "Range: bytes=0-9", f"If-Range: {etag}").status == 206
    assert node.get(url, "Range: bytes=0-9", 'If-Range: "other"').body == data


def test_an_empty_file(node, cold):
    url, _ = cold.file(0)
    answer = node.get(url)
    assert (answer.status, answer.body) == (200, b"")


def test_head(node, cold, pulls):
    url, data = cold.file(5 * SLICE)
    for _ in range(2):
        answer = node.get(url, method="HEAD")
        assert answer.status == 200
        assert answer["Content-Length"] == str(len(data))
    assert sum(p["bytes"] for p in pulls.of(url)) <= SLICE, "a HEAD brought the body"
    node.get(url)
    pulled = len(pulls.of(url))
    assert is_hit(node.get(url, method="HEAD"))
    assert len(pulls.of(url)) == pulled


def test_cookies_and_hosts_do_not_part_the_cache(node, cold, pulls):
    url, data = cold.file(100)
    node.get(url)
    answer = node.get(url, "Cookie: a=b", "Authorization: Basic eA==", host="other.example")
    assert is_hit(answer) and answer.body == data
    assert len(pulls.of(url)) == 1


def test_a_query_is_part_of_the_name(node, cold, pulls):
    """Signatures are in it."""
    url, data = cold.file(100)
    assert not is_hit(node.get(url + "?signature=a"))
    assert not is_hit(node.get(url + "?signature=b"))
    assert is_hit(node.get(url + "?signature=a"))


def test_connections_to_the_origin_are_kept(node, cold):
    node.get(cold.file(10)[0])
    before = node.origin.metric("segue_connections_accepted_total")
    for _ in range(5 * os.cpu_count() + 20):
        node.get(cold.file(10)[0])
    opened = node.origin.metric("segue_connections_accepted_total") - before
    assert opened <= os.cpu_count() + 2, "each worker's first, and Varnish's probe"


# Fresh and not

def test_conditionals_are_answered_by_the_node(node, cold, pulls):
    url, _ = cold.file(5000)
    etag = node.get(url)["ETag"]
    answer = node.get(url, f"If-None-Match: {etag}")
    assert (answer.status, answer.body) == (304, b"")
    assert answer["ETag"] == etag
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert len(pulls.of(url)) == 1


def asked_again(node, url, data, pulls, answers):
    """One more request; was the origin asked a second time?"""
    answers.append(node.get(url))
    assert answers[-1].body == data
    return len(pulls.of(url)) > 1


def test_what_is_old_is_revalidated_with_304(brief, cold, pulls):
    url, data = cold.file(300_000)
    answers = []
    until(lambda: asked_again(brief, url, data, pulls, answers), "a second pull")
    assert pulls.codes(url)[1] == 304
    assert pulls.of(url)[1]["bytes"] == 0
    assert not is_hit(answers[-1]), "old, though the origin is there"
    until(lambda: is_hit(brief.get(url)) and not is_stale(brief.get(url)), "a fresh hit")


@pytest.mark.parametrize("brief", ["nginx"], indirect=True)
def test_every_slice_is_revalidated(brief, cold, pulls):
    url, data = cold.file(3 * SLICE)
    answers = []
    until(lambda: asked_again(brief, url, data, pulls, answers) and len(pulls.of(url)) >= 6,
          "three more pulls")
    assert set(pulls.codes(url)[:3]) == {206} and set(pulls.codes(url)[3:]) == {304}


def test_a_replaced_file_arrives(brief, cold):
    url, data = cold.file(2000)
    assert brief.get(url).body == data
    new = noise("new", 3000)
    cold.replace(url, new)

    def body():
        answer = brief.get(url)
        assert answer.body in (data, new), "a mixture"
        return answer.body
    until(lambda: body() == new, "the new file")


def test_an_old_playlist_is_given_at_once_and_renewed_behind(node, cold, pulls):
    """Fresh for ten seconds; nobody who asks waits for the origin."""
    url = f"/hls/{cold.track()}/index.m3u8"
    body = node.get(url).body
    answers = []
    until(lambda: asked_again(node, url, body, pulls, answers), "a second pull")
    assert pulls.codes(url) == [200, 304]
    assert [a for a in answers if not is_hit(a)] == []


# HLS

def test_a_track_through_the_node(node, cold, pulls):
    name = cold.track()
    direct, through, again = (hls.Track(s, name) for s in (node.origin, node, node))
    assert direct.playlist.body == through.playlist.body == again.playlist.body
    assert direct.init == through.init == again.init
    assert direct.segments == through.segments == again.segments
    for url in [direct.url, direct.master_url, direct.init_url, *direct.urls]:
        assert len(pulls.of(url)) == 2, f"{url}: ours and one pull"


def test_segments_are_for_ever_and_playlists_are_not(node, cold):
    track = hls.Track(node, cold.track())
    for url in (track.init_url, track.urls[0]):
        assert "immutable" in node.get(url)["Cache-Control"]
    for url in (track.master_url, track.url):
        assert node.get(url)["Cache-Control"] == "public, max-age=10"


def test_a_range_of_a_cold_segment(node, cold, pulls):
    url = hls.Track(node.origin, cold.track()).urls[1]
    whole = node.origin.get(url).body
    asked = len(pulls.of(url))
    for span in (slice(10, 20), slice(1000, 2000)):
        answer = node.get(url, f"Range: bytes={span.start}-{span.stop - 1}")
        assert (answer.status, answer.body) == (206, whole[span])
    assert len(pulls.of(url)) == asked + 1


def test_playlists_are_compressed_for_who_can(node, cold):
    url = f"/hls/{cold.track()}/index.m3u8"
    plain = node.get(url)
    packed = node.get(url, "Accept-Encoding: gzip")
    assert packed["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain
    assert gzip.decompress(packed.body) == plain.body == node.origin.get(url).body
    assert packed["Vary"] == plain["Vary"] == "Accept-Encoding"
    behind = node.get(url, "Accept-Encoding: gzip", "Via: 1.1 another")
    assert behind["Content-Encoding"] == "gzip"


def test_segments_are_not_compressed(node, cold):
    url = hls.Track(node, cold.track()).urls[0]
    assert "Content-Encoding" not in node.get(url, "Accept-Encoding: gzip")


# Many at once, and those who go

def together(node, url, before=lambda: None, after=lambda: None):
    """All ask at once; their answers."""
    answers = []

    def listen(client):
        with client:
            answers.append(client.read_response())
    clients = [node.connect() for _ in range(CLIENTS)]
    threads = [threading.Thread(target=listen, args=(c,)) for c in clients]
    before()
    try:
        for client in clients:
            client.send(b"GET " + url.encode() + b" HTTP/1.1\r\nHost: test\r\n\r\n")
    finally:
        after()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == CLIENTS
    return answers


def stampede(node, url):
    """All ask before the origin can answer the first."""
    answers = together(node, url, lambda: node.origin.signal(signal.SIGSTOP),
                       lambda: node.origin.signal(signal.SIGCONT))
    assert {a.status for a in answers} == {200}
    return answers


def test_a_stampede_on_a_cold_file_is_one_pull(node, cold, pulls):
    url, data = cold.file(2 * SLICE + 5)
    before = node.origin.metrics()
    answers = stampede(node, url)
    assert all(a.body == data for a in answers)
    assert len(pulls.of(url)) == (3 if node.name == "nginx" else 1)
    after = node.origin.metrics()
    assert sum(p["bytes"] for p in pulls.of(url)) == len(data)
    assert after["segue_origin_opens_total"] - before["segue_origin_opens_total"] == 1
    sent = after["segue_response_bytes_total"] - before["segue_response_bytes_total"]
    assert len(data) < sent < len(data) + 8192, "heads, and nothing more"


def test_a_stampede_on_a_cold_segment_is_one_pull(node, cold, pulls):
    track = hls.Track(node.origin, cold.track())
    url, asked = track.urls[0], len(pulls.of(track.urls[0]))
    answers = stampede(node, url)
    assert all(a.body == track.segments[0] for a in answers)
    assert len(pulls.of(url)) == asked + 1


def test_a_stampede_on_a_cold_playlist_is_one_pull_and_one_index(node, cold, pulls):
    url = f"/hls/{cold.track()}/index.m3u8"
    before = node.origin.metric("segue_index_builds_total")
    assert len({a.body for a in stampede(node, url)}) == 1
    assert len(pulls.of(url)) == 1
    assert node.origin.metric("segue_index_builds_total") - before == 1


def still(origin):
    """Wait until the origin sends nothing more; what it has sent."""
    last = [-1.0]

    def same(n):
        before, last[0] = last[0], n
        return n == before
    return origin.until_metric("segue_response_bytes_total", same)


def test_a_client_that_goes_leaves_what_was_pulled(node, cold, pulls):
    """nginx stops after the slices it had begun, Varnish brings the rest; both keep it, so neither
    breaks off an answer of ours."""
    url, data = cold.file(24 * SLICE)
    before = node.origin.metrics()
    client = node.connect(rcvbuf=4096)
    client.send(b"GET " + url.encode() + b" HTTP/1.1\r\nHost: test\r\n\r\n")
    client.read_head()
    client.read(65536)
    client.reset()
    sent = still(node.origin) - before["segue_response_bytes_total"]
    if node.name == "nginx":
        assert sent < 12 * SLICE, "it went on pulling for nobody"
    assert node.get(url).body == data
    assert len(pulls.of(url)) == (24 if node.name == "nginx" else 1)
    assert not any(p["aborted"] for p in pulls.of(url))
    assert node.origin.metric("segue_aborts_total") == before["segue_aborts_total"]


def test_many_clients_that_go_cost_one_pull(node, cold, pulls):
    url, data = cold.file(SLICE)
    node.origin.signal(signal.SIGSTOP)
    try:
        for _ in range(30):
            client = node.connect()
            client.send(b"GET " + url.encode() + b" HTTP/1.1\r\nHost: test\r\n\r\n")
            client.reset()
    finally:
        node.origin.signal(signal.SIGCONT)
    assert node.get(url).body == data
    still(node.origin)
    assert len(pulls.of(url)) == 1


# Errors

@pytest.mark.parametrize("target,status", [
    ("/audio/nothing.mp3", 404), ("/hls/nothing.mp3/index.m3u8", 404), ("/nothing", 404),
    ("/hls/1.mp3/index.m3u8", 422), ("/audio/a%2Fb.mp3", 400)])
def test_errors_are_the_origins(node, cold, target, status):
    if not os.path.exists(cold.path("1.mp3")):
        cold.file(500)
    direct = node.origin.get(target)
    for _ in range(2):
        answer = node.get(target)
        assert answer.status == status
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert answer.body == direct.body
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["Cache-Control"] == "no-store"


def test_errors_are_not_kept(node, cold):
    name = f"late-{node.name}.mp3"
    assert node.get("/audio/" + name).status == 404
    with open(cold.path(name), "wb") as f:
        f.write(b"now")
    until(lambda: node.get("/audio/" + name).body == b"now", "the file")


def test_cors_fields_come_through_once(node, cold):
    url, _ = cold.file(3000)
    track = cold.track()
    for target, field in [(url, "X: y"), (url, "X: y"), (url, "Range: bytes=0-1"),
                          (f"/hls/{track}/index.m3u8", "X: y"), ("/audio/nothing", "X: y")]:
        answer = node.get(target, field, "Origin: https://player.example")
        assert answer["Access-Control-Allow-Origin"] == "*"  # KeyError where it is there twice
        assert names(answer["Access-Control-Expose-Headers"]) == EXPOSED


@pytest.mark.parametrize("folder", ["audio", "hls"])
def test_preflights_come_through(node, folder):
    answer = node.get(f"/{folder}/any.m4a", "Origin: https://player.example",
                      "Access-Control-Request-Method: GET",
                      "Access-Control-Request-Headers: range", method="OPTIONS")
    assert answer.status == 204
    assert "range" in names(answer["Access-Control-Allow-Headers"].lower())
    assert answer["Access-Control-Max-Age"] == "86400"


def test_cache_status_is_appended(node, cold):
    """RFC 9211 2: the origin first, then who is nearer to the client."""
    for url in (cold.file(10)[0], f"/hls/{cold.track()}/master.m3u8"):
        first, second = (node.get(url).get("Cache-Status") for _ in range(2))
        assert re.fullmatch(rf"segue; fwd=miss; stored, {node.name}; fwd=(uri-)?miss", first), first
        assert re.fullmatch(rf"segue; fwd=miss; stored, {node.name}; hit(; ttl=\d+)?", second), second


# Purging by tags

@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    """Varnish before a server that sends tags."""
    cold = Cold(tmp_path_factory.mktemp("tagged"))
    conf = {"workers": 1, "http": {"cache_tags": "on"}}
    for name in ("a (live), $1.50+.mp3", "b.mp3", "deep/b.mp3"):
        os.makedirs(os.path.dirname(cold.path(name)), exist_ok=True)
        with open(cold.path(name), "wb") as f:
            f.write(noise(name, 1000))
    shutil.copy(os.path.join(fixtures.make(), "aac.m4a"), cold.path("deep/song.m4a"))
    with Segue(cold.root, conf) as origin, cdn.Varnish(origin) as node:
        yield node


TAGGED = {
    "/audio/a%20(live)%2C%20$1.50+.mp3": "track:/a%20(live)%2C%20$1.50+.mp3,folder:/",
    "/audio/b.mp3": "track:/b.mp3,folder:/",
    "/audio/deep/b.mp3": "track:/deep/b.mp3,folder:/deep",
    "/hls/deep/song.m4a/index.m3u8": "track:/deep/song.m4a,folder:/deep",
}


def purge(node, tag):
    return node.get("/", f"Cache-Tag: {tag}", method="PURGE").status


@pytest.mark.parametrize("tag", sorted({tag for tags in TAGGED.values() for tag in tags.split(",")}
                                       | {"track:/b.mp", "track:/b.mp3x", "folder:/dee"}))
def test_varnish_purges_by_the_origins_tags(tagged, tag):
    for url in TAGGED:
        tagged.get(url)
    assert all(is_hit(tagged.get(url)) for url in TAGGED)
    assert purge(tagged, tag) == 200
    for url, tags in TAGGED.items():
        assert is_hit(tagged.get(url)) == (tag not in tags.split(",")), url


def test_the_origin_says_the_tags_and_varnish_keeps_them_to_itself(tagged):
    for url, tags in TAGGED.items():
        assert tagged.origin.get(url)["Cache-Tag"] == tags
        assert tagged.origin.get(url, "Range: bytes=0-1")["Cache-Tag"] == tags
        assert "Cache-Tag" not in tagged.get(url)


@pytest.mark.parametrize("tag", ["", "song", "track:", "track:/a,folder:/", "track:/\\E.*\\Q"])
def test_what_is_no_tag_purges_nothing(tagged, tag):
    tagged.get("/audio/b.mp3")
    assert purge(tagged, tag) == 400
    assert is_hit(tagged.get("/audio/b.mp3"))


# The origin fails, or goes away

@pytest.fixture(params=NODES)
def moody(request):
    """A node before an origin that fails when told to; till then, nothing old is given out."""
    change = [("set req.grace = 10s;", "set req.grace = 0s;")] if request.param == "varnish" else []
    with cdn.Moody(b"old") as origin, NODES[request.param](origin, *change) as node:
        yield node


def test_an_error_takes_the_place_of_nothing(moody):
    origin = moody.origin
    assert moody.get("/a").body == b"old"
    origin.failing = True

    def failed():
        answer = moody.get("/a")
        assert (answer.status, answer.body) == (200, b"old")
        return origin.count("/a", 500) >= 4
    until(failed, "errors of the origin")
    origin.failing, origin.body = False, b"new"
    until(lambda: moody.get("/a").body == b"new", "the new one")


def test_an_error_is_passed_on_and_soon_forgotten(moody):
    origin = moody.origin
    origin.failing = True
    answer = moody.get("/a")
    assert (answer.status, answer.body) == (500, b'{"status":500}')
    assert answer["Content-Type"] == "application/problem+json"
    origin.failing, origin.slow = False, 0.3
    until(lambda: moody.get("/b").status == 200, "an answer")
    assert {a.status for a in together(moody, "/c")} == {200}
    assert origin.count("/c", 200) == 1
    until(lambda: {a.status for a in together(moody, "/a")} == {200}, "an end of the error")
    assert origin.count("/a", 200) == 1, "the error let everybody through"


@pytest.mark.parametrize("moody", ["varnish"], indirect=True)
def test_all_who_wait_get_the_error(moody):
    moody.origin.failing, moody.origin.slow = True, 0.3
    assert {a.status for a in together(moody, "/a")} == {500}
    assert moody.origin.count("/a", 500) == 1
    moody.origin.slow = 0.0
    until(lambda: not is_hit(moody.get("/a")), "another question")


@pytest.mark.parametrize("kind", NODES)
def test_without_an_origin_what_is_kept_is_given_out(kind, cold):
    changes = [("set req.grace = 10s;", "set req.grace = 1s;")] if kind == "varnish" else []
    with origin_of(cold, "public, max-age=1") as origin, NODES[kind](origin, *changes) as node:
        url, data = cold.file(2 * SLICE)
        assert node.get(url).body == data
        origin.stop()

        def old():
            answer = node.get(url)
            assert (answer.status, answer.body) == (200, data)
            return is_stale(answer) and (kind == "nginx" or int(said(answer)[1][4:]) <= -3)
        until(old, "an old answer")
        for target in (cold.file(10)[0], "/hls/unknown/index.m3u8"):
            answer = node.get(target)
            assert answer.status == 503
            assert answer["Content-Type"] == "application/problem+json"
            assert answer.json()["status"] == 503
            assert answer["Access-Control-Allow-Origin"] == "*"
            assert answer["Cache-Control"] == "no-store"
            assert not is_hit(answer)


# What only Varnish has

@pytest.mark.parametrize("node", ["varnish"], indirect=True)
def test_a_client_cannot_say_what_varnish_did(node, cold):
    answer = node.get("/audio/nothing.mp3", "X-Did: hit, forged", method="OPTIONS")
    assert "forged" not in answer.get("Cache-Status", "")


@pytest.mark.parametrize("node", ["varnish"], indirect=True)
def test_long_books_lie_on_disk(node, cold):
    name = "book.mp3"
    with open(cold.path(name), "wb") as f:
        f.truncate(65 << 20)
    node.get(cold.file(10)[0])
    assert node.counter("SMF.disk.g_bytes") == 0
    assert len(node.get("/audio/" + name).body) == 65 << 20
    assert node.counter("SMF.disk.g_bytes") >= 65 << 20
    assert is_hit(node.get("/audio/" + name, "Range: bytes=60000000-60000009"))


@pytest.mark.parametrize("node", ["varnish"], indirect=True)
def test_a_song_pushes_out_as_many_small_ones_as_it_needs(node, cold):
    for _ in range(30):
        node.get(cold.file(SLICE)[0])
    for _ in range(1200):
        node.get(cold.file(40_000)[0])
    url, data = cold.file(30 * SLICE)
    assert node.get(url).body == data
