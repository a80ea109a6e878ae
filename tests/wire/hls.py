"""Fetch a track's HLS as a player does, by following URIs, and decode it to compare with its source."""
import concurrent.futures
import json
import struct
import subprocess
import urllib.parse

import hls_lint
import raw

PLAYLIST = "application/vnd.apple.mpegurl"
TIMESTAMP = b"PRIV\0\0\0\x35\0\0com.apple.streaming.transportStreamTimestamp\0"


def quote(path):
    return urllib.parse.quote(path)


def get(server, target, *fields, status=200, **more):
    answer = raw.fetch(server.port, target, *fields, **more)
    assert answer.status == status, f"{target}: {answer!r}"
    return answer


class Track:
    """One track in one container, from its master on. container None: what the server chooses;
    `before` the path there may be a token.

    master, media   the playlists as values      container  fmp4, ts, packed or bytes
    init            bytes of the init segment, or None
    urls, segments  where the segments are, and their bytes
    """

    def __init__(self, server, track, container=None, before=""):
        self.server, self.track = server, track
        middle = f"{container}/" if container else ""
        self.master_url = f"{before}/hls/{quote(track)}/{middle}master.m3u8"
        self.variants = hls_lint.parse_master(get(server, self.master_url).body)
        self.url = urllib.parse.urljoin(self.master_url, self.variants[0].uri)
        self.playlist = get(server, self.url)
        self.container = container or self._container()
        self.media = hls_lint.parse_media(self.playlist.body, self.container)
        self.urls = [urllib.parse.urljoin(self.url, s.uri) for s in self.media.segments]
        init = self.media.segments[0].init
        self.init_url = urllib.parse.urljoin(self.url, init) if init else None
        self.init = get(server, self.init_url).body if init else None
        with raw.Client(server.port) as client:
            self.segments = [self._segment(client, url, s.span) for url, s in zip(self.urls, self.media.segments)]

    def _container(self):
        text = self.playlist.body.decode()
        return "fmp4" if "#EXT-X-MAP" in text else "ts" if ".ts\n" in text else "packed"

    def _segment(self, client, url, span):
        fields = [f"Range: bytes={span[0]}-{span[0] + span[1] - 1}"] if span else []
        answer = client.request(url, *fields)
        assert answer.status == (206 if span else 200), f"{url}: {answer!r}"
        return answer.body

    def joined(self):
        """All of it as one stream that a decoder takes."""
        if self.container == "packed":
            return b"".join(split_tag(s)[1] for s in self.segments)
        return (self.init or b"") + b"".join(self.segments)

    def alone(self, number):
        return (self.init or b"") + self.segments[number]


def split_tag(segment):
    """A packed segment -> (its ID3 timestamp in 90 kHz ticks, the frames). RFC 8216 3.4"""
    assert segment[:10] == b"ID3\4\0\0\0\0\0\x3f", segment[:10]
    body = segment[10:73]
    assert body.startswith(TIMESTAMP), body
    return struct.unpack(">Q", body[-8:])[0], segment[73:]


def boxes(data, start=0, end=None):
    """(type, payload) of each ISO BMFF box."""
    at, end = start, len(data) if end is None else end
    while at < end:
        size, kind = struct.unpack_from(">I4s", data, at)
        assert 8 <= size <= end - at, f"a box {kind} of {size} bytes at {at}"
        yield kind.decode("latin-1"), data[at + 8:at + size]
        at += size


def box(data, path):
    """The payload of the box at 'moov/trak/mdia', or None."""
    for name in path.split("/"):
        data = next((payload for kind, payload in boxes(data) if kind == name), None)
        if data is None:
            return None
    return data


def edit_list(init):
    """Where presentation starts, in ticks of the media, and how many of them a second; (0, n) without a list."""
    mdhd = box(init, "moov/trak/mdia/mdhd")
    timescale = struct.unpack_from(">I", mdhd, 20 if mdhd[0] else 12)[0]
    elst = box(init, "moov/trak/edts/elst")
    if elst is None:
        return 0, timescale
    version, count = elst[0], struct.unpack_from(">I", elst, 4)[0]
    assert count == 1, f"{count} edits"
    duration, start, rate = struct.unpack_from(">Qqi" if version else ">Iii", elst, 8)
    assert start >= 0 and rate == 0x10000, (duration, start, rate)
    return start, timescale


def fragment(segment):
    """One moof: (sequence number, decode time of its first sample, ticks of all samples together)."""
    sequence = struct.unpack_from(">I", box(segment, "moof/mfhd"), 4)[0]
    tfdt = box(segment, "moof/traf/tfdt")
    start = struct.unpack_from(">Q" if tfdt[0] else ">I", tfdt, 4)[0]
    tfhd, trun = box(segment, "moof/traf/tfhd"), box(segment, "moof/traf/trun")
    has = struct.unpack(">I", tfhd[:4])[0]
    assert has & 0x20000 and not has & 0x1, "offsets do not count from the moof"
    at = 8 + 4 * bool(has & 0x2)
    each_lasts = struct.unpack_from(">I", tfhd, at)[0] if has & 0x8 else None
    has, count = struct.unpack_from(">II", trun)
    has &= 0xffffff
    at = 8 + 4 * bool(has & 0x1) + 4 * bool(has & 0x4)
    if not has & 0x100:
        return sequence, start, count * each_lasts
    width = 4 * bin(has & 0xf00).count("1")
    return sequence, start, sum(struct.unpack_from(">I", trun, at + i * width)[0] for i in range(count))


def ffmpeg(args, data=None, timeout=60):
    """stdout of ffmpeg; every warning is a failure."""
    done = subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-v", "warning", *args],
                          input=data, capture_output=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout, done.stderr.decode()


def decode(source, sample="s32le", options=(), data=None):
    """All the PCM of a file, URL or (with source "pipe:0") of data."""
    codec = "pcm_" + sample
    out, _ = ffmpeg([*options, "-i", source, "-map", "0:a:0", "-c:a", codec, "-f", sample, "pipe:1"], data)
    return out


def probe(source, *args, data=None, fields="stream=codec_name"):
    done = subprocess.run(["ffprobe", "-v", "warning", "-of", "json", "-show_entries", fields, *args, source],
                          input=data, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return json.loads(done.stdout), done.stderr.decode()


def count_packets(source, data=None):
    """How many audio packets a demuxer finds."""
    out, _ = probe(source, "-select_streams", "a:0", "-count_packets", data=data,
                   fields="stream=nb_read_packets")
    return int(out["streams"][0]["nb_read_packets"])


def each(work, items):
    """[work(item)], a few at a time; processes do the work."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(work, items))
