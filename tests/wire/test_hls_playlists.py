"""What HLS clients are told: playlists, their figures and their URLs, and what is refused.
Every playlist that is fetched here passes hls_lint."""
import os
import re
import shutil
import urllib.parse

import pytest

import hls
import hls_lint
import raw
from hls_cases import BYTES, CASES, ENCODED, EVERY, LADDER, library  # noqa: F401
from segue import Segue, until

TARGET = 6.0


def sound_seconds(library, name):  # noqa: F811
    """How long the decoded source is."""
    case = CASES[name]
    pcm = hls.decode(library.path(name), "s16le")
    return len(pcm) / (2 * case.channels * case.rate)


def counts(track):
    """Packets of each segment, as a demuxer finds them in it alone."""
    return hls.each(lambda i: hls.count_packets("pipe:0", track.alone(i)), range(len(track.segments)))


@pytest.mark.parametrize("name", CASES)
def test_the_default_container_is_the_best_that_takes_the_codec(library, name):  # noqa: F811
    case, track = CASES[name], library.track(name)
    assert track.container == case.containers[0]
    assert [v.codecs for v in track.variants] == [case.codecs]


@pytest.mark.parametrize("name,container", EVERY + BYTES)
def test_extinf_adds_up_to_the_track_within_a_frame(library, name, container):  # noqa: F811
    case, media = CASES[name], library.track(name, container).media
    frame = case.frame / case.rate
    length = sound_seconds(library, name)
    if container == "fmp4":  # the edit list takes priming away, and padding where it is known
        assert abs(media.duration - length) <= frame + 1e-5
    else:  # whole frames are all there is
        assert -1e-5 <= media.duration - length - case.priming / case.rate <= frame + 1e-5


@pytest.mark.parametrize("name,container", EVERY + BYTES)
def test_segments_end_at_the_frame_nearest_to_each_multiple_of_the_target(library, name, container):  # noqa: F811
    case, track = CASES[name], library.track(name, container)
    frame, at = case.frame / case.rate, 0
    packets = counts(track)
    frames = -(-round(sound_seconds(library, name) * case.rate) // case.frame)
    assert sum(packets) == (frames if name in ENCODED else hls.count_packets(library.path(name)))
    for k, count in enumerate(packets[:-1], 1):
        at += count
        assert abs(at * frame - k * TARGET) <= frame / 2 + 1e-9, f"boundary {k} is at {at * frame} s"
    for segment, count in list(zip(track.media.segments, packets))[1:-1]:
        assert segment.duration == pytest.approx(count * frame, abs=2e-6)


@pytest.mark.parametrize("name,container", EVERY + BYTES)
def test_target_duration_is_the_longest_segment_rounded(library, name, container):  # noqa: F811
    media = library.track(name, container).media
    longest = max(s.duration for s in media.segments)
    least = int(longest + 0.5) if media.version >= 6 else -int(-longest // 1)
    assert media.target == max(least, 1)


@pytest.mark.parametrize("name,container", EVERY + BYTES)
def test_bandwidth_is_the_true_peak_and_average(library, name, container):  # noqa: F811
    track = library.track(name, container)
    sizes = [len(s) for s in track.segments]
    durations = [s.duration for s in track.media.segments]
    peak = hls_lint.peak_rate(sizes, durations, track.media.target)
    assert track.variants[0].bandwidth == pytest.approx(peak, rel=1e-4, abs=1)
    assert track.variants[0].average == pytest.approx(8 * sum(sizes) / sum(durations), rel=1e-4, abs=1)


@pytest.mark.parametrize("name", ["cbr.mp3", "vbr.mp3", "half.mp3"])
def test_mp3_with_a_reservoir_is_never_called_independent(library, name):  # noqa: F811
    for container in CASES[name].containers:
        assert not library.track(name, container).media.independent


def test_mp3_without_a_reservoir_is_independent(library):  # noqa: F811
    playlist = hls.get(library.server, "/hls/minute.mp3/index.m3u8").body
    assert hls_lint.parse_media(playlist, "packed").independent


@pytest.mark.parametrize("name", ["flac.flac", "alac.m4a", "pcm.wav", "vorbis.ogg"])
def test_lossless_segments_are_called_independent(library, name):  # noqa: F811
    assert library.track(name).media.independent


@pytest.mark.parametrize("name,container", BYTES)
def test_byte_ranges_are_of_the_file_that_is_played_whole(library, name, container):  # noqa: F811
    track = library.track(name, container)
    assert set(track.urls) == {f"/audio/{name}"}
    spans = [s.span for s in track.media.segments]
    assert all(a + n == b for (a, n), (b, _) in zip(spans, spans[1:]))
    assert os.path.getsize(library.path(name)) >= sum(spans[-1])


# URLs

@pytest.mark.parametrize("name,container", EVERY)
def test_segments_are_immutable_below_a_version(library, name, container):  # noqa: F811
    track = library.track(name, container)
    folder = urllib.parse.urljoin(track.url, ".")
    versions = set()
    for url in track.urls + ([track.init_url] if track.init_url else []):
        found = re.fullmatch(re.escape(folder) + r"(v-[0-9a-zA-Z_-]+)/[^/]+", url)
        assert found, url
        versions.add(found[1])
    assert len(versions) == 1
    assert [u.rpartition("/")[2].partition(".")[0] for u in track.urls] == \
        [str(n) for n in range(len(track.urls))]
    answer = hls.get(library.server, track.urls[0])
    assert "immutable" in answer["Cache-Control"] and "max-age=" in answer["Cache-Control"]
    assert "immutable" not in track.playlist["Cache-Control"]


@pytest.mark.parametrize("name,container,kind", [
    ("aac.m4a", "fmp4", "audio/mp4"), ("aac.m4a", "ts", "video/mp2t"), ("aac.m4a", "packed", "audio/aac"),
    ("cbr.mp3", "packed", "audio/mpeg"), ("cbr.mp3", "ts", "video/mp2t"), ("opus.opus", "fmp4", "audio/mp4"),
])
def test_types(library, name, container, kind):  # noqa: F811
    track = library.track(name, container)
    assert track.playlist["Content-Type"] == hls.PLAYLIST
    assert hls.get(library.server, track.master_url)["Content-Type"] == hls.PLAYLIST
    for url in (track.urls[0], track.init_url or track.urls[-1]):
        answer = hls.get(library.server, url)
        assert answer["Content-Type"] == kind
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert answer["ETag"].startswith('"') and answer["Accept-Ranges"] == "bytes"
        assert "Last-Modified" in answer


@pytest.mark.parametrize("name,container", [("aac.m4a", "fmp4"), ("aac.m4a", "ts"), ("cbr.mp3", "packed"),
                                            ("opus.opus", "fmp4"), ("aac.aac", "fmp4")])
def test_head_tells_what_get_sends(library, name, container):  # noqa: F811
    track = library.track(name, container)
    for url in filter(None, (track.master_url, track.url, track.init_url, track.urls[0], track.urls[-1])):
        whole = hls.get(library.server, url)
        head = hls.get(library.server, url, method="HEAD")
        assert head["Content-Length"] == str(len(whole.body)) == whole["Content-Length"]
        assert head["ETag"] == whole["ETag"] and head["Content-Type"] == whole["Content-Type"]


@pytest.mark.parametrize("name,container", [("aac.m4a", "fmp4"), ("aac.m4a", "ts"), ("cbr.mp3", "packed"),
                                            ("opus.opus", "fmp4"), ("aac.aac", "fmp4")])
def test_a_segment_is_served_by_range(library, name, container):  # noqa: F811
    track = library.track(name, container)
    url, whole = track.urls[0], track.segments[0]
    size = len(whole)
    for field, first, last in (("0-0", 0, 0), ("0-", 0, size - 1), ("-500", size - 500, size - 1),
                               ("50-2000", 50, 2000), (f"{size - 1}-{size + 9}", size - 1, size - 1)):
        part = hls.get(library.server, url, f"Range: bytes={field}", status=206)
        assert part["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert part.body == whole[first:last + 1]
    hls.get(library.server, url, f"Range: bytes={size}-", status=416)
    tag = hls.get(library.server, url)["ETag"]
    hls.get(library.server, url, f"If-None-Match: {tag}", status=304)


def test_segments_of_many_requests_on_one_connection_are_the_same(library):  # noqa: F811
    track = library.track("aac.m4a", "fmp4")
    with library.server.connect() as client:
        client.send(b"".join(raw.head(url) for url in track.urls))
        assert [client.read_response().body for _ in track.urls] == track.segments


def test_one_demux_serves_all_of_a_track(tmp_path, library):  # noqa: F811
    shutil.copy(library.path("aac.m4a"), tmp_path / "a.m4a")
    with Segue(tmp_path) as server:
        for container in ("fmp4", "ts", "packed"):
            hls.Track(server, "a.m4a", container)
        assert server.metric("segue_index_builds_total") == 1


# folders of renditions

def test_a_folder_of_renditions_has_one_variant_each_by_rate(library):  # noqa: F811
    master = "/hls/ladder/master.m3u8"
    variants = hls_lint.parse_master(hls.get(library.server, master).body)
    assert [v.uri.count(name) for v, name in zip(variants, LADDER)] == [1, 1, 1] and len(variants) == 3
    assert [v.bandwidth for v in variants] == sorted(v.bandwidth for v in variants)
    medias = [hls_lint.parse_media(hls.get(library.server, urllib.parse.urljoin(master, v.uri)).body, "fmp4")
              for v in variants]
    assert len({m.target for m in medias}) == 1
    assert len({tuple(s.duration for s in m.segments) for m in medias}) == 1  # boundaries align
    for name, variant in zip(LADDER, variants):
        alone = library.track(f"ladder/{name}").variants[0]
        assert (alone.bandwidth, alone.average) == (variant.bandwidth, variant.average)


@pytest.mark.parametrize("container", ["fmp4", "ts", "packed"])
def test_a_folder_in_a_chosen_container_leads_to_it(library, container):  # noqa: F811
    master, cuts = f"/hls/ladder/{container}/master.m3u8", set()
    for variant in hls_lint.parse_master(hls.get(library.server, master).body):
        url = urllib.parse.urljoin(master, variant.uri)
        media = hls_lint.parse_media(hls.get(library.server, url).body, container)
        hls.get(library.server, urllib.parse.urljoin(url, media.segments[0].uri))
        cuts.add(tuple(s.duration for s in media.segments))
    assert len(cuts) == 1, "renditions of one codec are cut alike, and last as long"


MIXED = {"128.m4a": "aac.m4a", "64.m4a": "ladder/64.m4a", "surround.m4a": "aac-51.m4a", "lossless.flac": "flac.flac",
         "128.mp3": "cbr.mp3", "lossless.wav": "pcm.wav"}


@pytest.mark.parametrize("names", [list(MIXED), ["128.m4a", "lossless.flac"], ["128.mp3", "lossless.flac"],
                                   ["128.m4a", "64.m4a", "lossless.wav"]])
def test_a_folder_may_mix_codecs(tmp_path, library, names):  # noqa: F811
    os.mkdir(tmp_path / "song")
    for name in names:
        shutil.copy(library.path(MIXED[name]), tmp_path / "song" / name)
    with Segue(tmp_path) as server:
        master = hls.get(server, "/hls/song/master.m3u8").body
        variants = hls_lint.parse_master(master)
        assert len(variants) == len(names)
        assert len(re.findall(rb"#EXT-X-MEDIA:", master)) == len({v.fields["AUDIO"] for v in variants})
        if "128.m4a" in names:  # stereo AAC first
            assert variants[0].codecs == "mp4a.40.2"
            assert 'CHANNELS="2"' in master.decode().partition("#EXT-X-MEDIA:")[2].partition("\n")[0]
        medias = []
        for variant in variants:
            url = urllib.parse.urljoin("/hls/song/master.m3u8", variant.uri)
            text = hls.get(server, url).body
            container = "fmp4" if b"EXT-X-MAP" in text else "packed"
            media = hls_lint.parse_media(text, container)
            medias.append(media)
            sizes = [len(hls.get(server, urllib.parse.urljoin(url, s.uri)).body) for s in media.segments]
            peak = hls_lint.peak_rate(sizes, [s.duration for s in media.segments], media.target)
            assert variant.bandwidth == pytest.approx(peak, rel=0.01)
        assert len({m.target for m in medias}) == 1
        assert len({len(m.segments) for m in medias}) == 1
        for boundaries in zip(*([sum(s.duration for s in m.segments[:n + 1]) for n in range(len(m.segments))]
                                for m in medias)):
            assert max(boundaries) - min(boundaries) < 0.11  # half a frame of FLAC and its priming
        pcm = hls.decode(f"http://127.0.0.1:{server.port}/hls/song/master.m3u8", "s16le")
        assert pcm


def test_a_folder_leaves_out_what_is_no_rendition(tmp_path, library):  # noqa: F811
    os.mkdir(tmp_path / "song")
    for name in ("64.m4a", "128.m4a"):
        shutil.copy(library.path(f"ladder/{name}"), tmp_path / "song" / name)
    (tmp_path / "song" / "notes.txt").write_text("a text")
    (tmp_path / "song" / ".hidden.m4a").write_bytes(b"hidden")
    with Segue(tmp_path) as server:
        assert len(hls_lint.parse_master(hls.get(server, "/hls/song/master.m3u8").body)) == 2


def test_names_are_escaped_in_urls(tmp_path, library):  # noqa: F811
    name = "An Album/100% #1? ünïcödé & more/128 kbit;s.m4a"
    os.makedirs(tmp_path / os.path.dirname(name))
    shutil.copy(library.path("short.m4a"), tmp_path / name)
    with Segue(tmp_path) as server:
        assert len(hls.Track(server, name).segments) == 1
        master = f"/hls/{hls.quote(os.path.dirname(name))}/master.m3u8"
        [variant] = hls_lint.parse_master(hls.get(server, master).body)
        hls.get(server, urllib.parse.urljoin(master, variant.uri))


# what changes

def test_a_replaced_file_has_new_urls(tmp_path, library):  # noqa: F811
    target = tmp_path / "song.m4a"
    shutil.copy(library.path("aac.m4a"), target)
    with Segue(tmp_path) as server:
        old = hls.Track(server, "song.m4a")
        shutil.copy(library.path("aac-48-mono.m4a"), tmp_path / "new")
        os.rename(tmp_path / "new", target)
        until(lambda: hls.get(server, old.url).body != old.playlist.body, "a new playlist")
        new = hls.Track(server, "song.m4a")
        assert not set(old.urls) & set(new.urls)
        pcm = hls.decode("pipe:0", data=new.joined())
        assert hls.decode(library.path("aac-48-mono.m4a")) in pcm
        gone = raw.fetch(server.port, old.urls[0])
        assert gone.status in (404, 410) and gone.body not in old.segments


# what is refused

@pytest.mark.parametrize("name,container", [
    (name, container) for name in ("cbr.mp3", "flac.flac", "alac.m4a", "opus.opus", "pcm.wav", "vorbis.ogg")
    for container in ("fmp4", "ts", "packed", "bytes") if (name, container) not in EVERY + BYTES])
def test_a_container_that_cannot_take_the_codec_is_406(library, name, container):  # noqa: F811
    can = [c for c in ("fmp4", "ts", "packed", "bytes") if (name, c) in EVERY + BYTES]
    for what in ("master.m3u8", "index.m3u8"):
        answer = hls.get(library.server, f"/hls/{name}/{container}/{what}", status=406)
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"].endswith(f"it goes into {', '.join(can)}")


@pytest.mark.parametrize("name,codec", [("float.wav", "pcm_f32le"), ("deep.wav", "pcm_s32le"),
                                        ("double.aiff", "pcm_f64be")])
def test_a_codec_that_hls_cannot_carry_is_415(library, name, codec):  # noqa: F811
    for what in ("master.m3u8", "index.m3u8", "ts/master.m3u8"):
        answer = hls.get(library.server, f"/hls/{name}/{what}", status=415)
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"] == f"HLS cannot carry {codec}: FLAC holds integers of at most 24 bits"
    hls.get(library.server, f"/audio/{name}")


BROKEN = ["text.mp3", "empty.mp3", "empty.wav", "empty.m4a", "cut.m4a", "zeros.flac", "fake.m4a", "picture.mp3"]


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_or_no_audio_is_422_and_logged(library, name):  # noqa: F811
    mark = library.server.err.mark()
    answer = hls.get(library.server, f"/hls/{name}/master.m3u8", status=422)
    assert answer["Content-Type"] == "application/problem+json"
    library.server.err.wait(re.escape(name), start=mark)
    hls.get(library.server, f"/hls/{name}/index.m3u8", status=422)
    hls.get(library.server, "/hls/aac.m4a/master.m3u8")  # the next request is fine
    assert hls.get(library.server, f"/audio/{name}").status == 200


def test_a_file_cut_short_gives_what_is_there_or_422(library):  # noqa: F811
    """Its sample table speaks of bytes after the end of the file: nothing of them may be promised."""
    answer = raw.fetch(library.server.port, "/hls/cut-front.m4a/index.m3u8")
    assert answer.status in (200, 422)
    if answer.status == 200:
        track = hls.Track(library.server, "cut-front.m4a")
        assert hls.decode("pipe:0", data=track.joined())
    assert library.server.running()


def test_broken_files_do_no_harm_together(tmp_path, library):  # noqa: F811
    for name in [*BROKEN, "cut-front.m4a", "vorbis.ogg", "aac.m4a"]:
        shutil.copy(library.path(name), tmp_path / name)
    with Segue(tmp_path) as server:
        clients = [server.connect() for _ in BROKEN * 3]
        for client, name in zip(clients, BROKEN * 3):
            client.send(raw.head(f"/hls/{name}/index.m3u8"))
        hls.Track(server, "aac.m4a")
        for client in clients:
            assert client.read_response().status == 422
            client.close()


@pytest.mark.parametrize("path", [
    "/hls/", "/hls/nothing.mp3/master.m3u8", "/hls/nothing/master.m3u8", "/hls/aac.m4a", "/hls/aac.m4a/",
    "/hls/aac.m4a/other.m3u8", "/hls/aac.m4a/mkv/master.m3u8", "/hls/ladder/index.m3u8", "/hls/master.m3u8",
    "/hls/aac.m4a/v-0000000000000000/0.m4s", "/hls/aac.m4a/v-/0.m4s", "/hls/aac.m4a/0.m4s",
    "/hls/.hidden/master.m3u8", "/hls/../secret/master.m3u8", "/hls/aac.m4a/ts/fmp4/master.m3u8",
])
def test_nothing_there_is_404(library, path):  # noqa: F811
    answer = hls.get(library.server, path, status=404)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_no_segment_beyond_the_last_or_misnamed(library):  # noqa: F811
    track = library.track("aac.m4a", "fmp4")
    folder = track.urls[0].rpartition("/")[0]
    count = len(track.urls)
    for name in (f"{count}.m4s", "-1.m4s", "00.m4s", "+1.m4s", "0.ts", "0.mp4", "0", "0.m4s/x", "init.m4s",
                 "99999999999999999999.m4s", "4294967296.m4s"):
        hls.get(library.server, f"{folder}/{name}", status=404)


def test_other_methods_are_405(library):  # noqa: F811
    answer = raw.fetch(library.server.port, "/hls/aac.m4a/master.m3u8", "Content-Length: 0", method="POST")
    assert answer.status == 405 and "GET" in answer["Allow"]
