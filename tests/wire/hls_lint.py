"""HLS playlists, read strictly: every rule of RFC 8216 and of its successor (draft-pantos-hls-rfc8216bis) that an
audio-only VOD stream can break. parse_media and parse_master give the playlist as values, or raise Faults
with everything that is wrong with it. HLS-RULES.md says which rule is checked where."""
import re
import unicodedata

# What one whole file of sound can need; no others are known here, so none can be sent unchecked.
MEDIA_TAGS = {
    "EXTM3U", "EXT-X-VERSION", "EXT-X-INDEPENDENT-SEGMENTS", "EXT-X-TARGETDURATION", "EXT-X-MEDIA-SEQUENCE",
    "EXT-X-PLAYLIST-TYPE", "EXT-X-ENDLIST", "EXTINF", "EXT-X-BYTERANGE", "EXT-X-KEY", "EXT-X-MAP",
}
MASTER_TAGS = {"EXTM3U", "EXT-X-VERSION", "EXT-X-INDEPENDENT-SEGMENTS", "EXT-X-STREAM-INF", "EXT-X-MEDIA"}
CODECS = re.compile(r"mp4a\.40\.(2|5|29|34|42)|fLaC|alac|Opus|ac-3|ec-3")
# Attributes whose values are quoted strings (RFC 8216 4.2); all others are not.
QUOTED = {"URI", "CODECS", "AUDIO", "GROUP-ID", "NAME", "LANGUAGE", "CHANNELS", "KEYFORMAT", "KEYFORMATVERSIONS",
          "BYTERANGE"}
KEY_ATTRIBUTES = {"METHOD", "URI", "IV", "KEYFORMAT", "KEYFORMATVERSIONS"}
ENDINGS = {"fmp4": ("m4s", "mp4"), "ts": ("ts",), "packed": ("aac", "mp3", "ac3", "ec3"),
           "bytes": ("aac", "mp3")}
ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(?:,|$)')


class Faults(AssertionError):
    def __init__(self, faults, text):
        super().__init__("\n".join(faults) + "\n--- in ---\n" + text[:3000])
        self.faults = faults


class Segment:
    def __init__(self, uri, duration, span, init, key):
        self.uri, self.duration = uri, duration
        self.key = key    # attributes of the EXT-X-KEY that is in force, or None
        self.span = span  # (offset, length) or None
        self.init = init  # URI of the EXT-X-MAP, or None


class Media:
    """segments, target, version, tags {name: [values]}, duration (the sum)"""


class Variant:
    def __init__(self, uri, fields):
        self.uri, self.fields = uri, fields
        self.bandwidth, self.average = int(fields["BANDWIDTH"]), int(fields["AVERAGE-BANDWIDTH"])
        self.codecs = fields["CODECS"]


class Lint:
    def __init__(self, data, tags):
        self.faults = []
        try:
            self.text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Faults([f"not UTF-8: {error}"], repr(data)) from error
        self.check(not self.text.startswith("\ufeff"), "a byte order mark")
        self.check(unicodedata.is_normalized("NFC", self.text), "not in Unicode's form C")
        self.check(self.text.endswith("\n"), "the last line does not end")
        self.lines = self.text.replace("\r\n", "\n").split("\n")[:-1]
        self.check(self.lines[:1] == ["#EXTM3U"], "the first line is not #EXTM3U")
        self.tags = {}
        for line in self.lines:
            self.check(not re.search(r"[\x00-\x1f\x7f-\x9f]", line), f"a control character in {line!r}")
            self.check(line == line.strip(), f"space around {line!r}")
            if line.startswith("#EXT"):
                name, _, value = line[1:].partition(":")
                self.tags.setdefault(name, []).append(value)
        for name in self.tags:
            self.check(name in tags, f"{name} does not belong here, or not any more")
        self.check("PROGRAM-ID" not in self.text, "PROGRAM-ID was removed in version 6")

    def check(self, good, fault):
        if not good:
            self.faults.append(fault)
        return good

    def once(self, name, form):
        """The value of a tag that must be there once."""
        values = self.tags.get(name, [])
        if self.check(len(values) == 1, f"{name}: {len(values)} times") and \
                self.check(re.fullmatch(form, values[0]), f"{name}:{values[0]} is malformed"):
            return values[0]
        return None

    def most_once(self, name, form):
        return self.once(name, form) if name in self.tags else None

    def attributes(self, text):
        out, at = {}, 0
        while at < len(text):
            found = ATTRIBUTE.match(text, at)
            if not self.check(found, f"malformed attributes: {text}"):
                break
            self.check(found[1] not in out, f"{found[1]} twice in {text}")
            self.check((found[2][0] == '"') == (found[1] in QUOTED), f"{found[1]} with or without quotes: {text}")
            out[found[1]] = found[2].strip('"')
            at = found.end()
        return out

    def uri(self, uri):
        self.check(uri and not re.match(r"[a-z][a-z0-9+.-]*:|/", uri, re.I), f"{uri} is not relative")
        self.check(re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?-]+", uri), f"{uri} is not a URI reference")
        self.check("_HLS_" not in uri, f"{uri}: names that start with _HLS_ are reserved")
        return uri

    def done(self):
        if self.faults:
            raise Faults(self.faults, self.text)


def span_of(lint, value):
    found = re.fullmatch(r"(\d+)@(\d+)", value)
    if not lint.check(found, f"EXT-X-BYTERANGE:{value} without its offset, or malformed"):
        return None
    return int(found[2]), int(found[1])


def read_segments(lint):
    out, duration, span, init, key = [], None, None, None, None
    for line in lint.lines:
        if line.startswith("#EXTINF:"):
            found = re.fullmatch(r"#EXTINF:(\d+\.\d{6,}),.*", line)
            lint.check(duration is None, f"two EXTINF in front of one segment: {line}")
            lint.check(found, f"{line}: not a decimal number of 6 places and a comma")
            duration = float(found[1]) if found else 0.0
        elif line.startswith("#EXT-X-BYTERANGE:"):
            span = span_of(lint, line.partition(":")[2])
        elif line.startswith("#EXT-X-MAP:"):
            init = read_map(lint, line, key)
        elif line.startswith("#EXT-X-KEY:"):
            key = read_key(lint, line)
        elif line and not line.startswith("#"):
            lint.check(duration is not None, f"{line} without EXTINF")
            out.append(Segment(lint.uri(line), duration or 0.0, span, init, key))
            duration = span = None
    lint.check(duration is None, "an EXTINF without a segment")
    return out


def read_map(lint, line, key):
    fields = lint.attributes(line.partition(":")[2])
    lint.check(set(fields) == {"URI"}, f"an init segment is a whole resource of its own here: {line}")
    # 4.4.4.5: no sequence number stands for the IV of an init segment.
    lint.check(not key or "IV" in key, f"an encrypted init segment needs an IV in its key: {line}")
    return lint.uri(fields.get("URI", ""))


def read_key(lint, line):
    """Attributes of an EXT-X-KEY (4.4.4.4), or None behind METHOD=NONE."""
    fields = lint.attributes(line.partition(":")[2])
    method = fields.get("METHOD")
    lint.check(set(fields) <= KEY_ATTRIBUTES, f"unknown attributes: {line}")
    if method == "NONE":
        lint.check(len(fields) == 1, f"METHOD=NONE with other attributes: {line}")
        return None
    lint.check(method == "AES-128", f"METHOD is {method}: {line}")
    lint.uri(fields.get("URI", ""))
    iv = fields.get("IV", "0x" + 32 * "0")
    lint.check(re.fullmatch(r"0[xX][0-9a-fA-F]{32}", iv), f"IV is not of 128 bits: {line}")
    lint.check(fields.get("KEYFORMAT", "identity") == "identity", f"a key of 16 bytes is identity: {line}")
    lint.check(re.fullmatch(r"\d+(/\d+)*", fields.get("KEYFORMATVERSIONS", "1")), f"KEYFORMATVERSIONS: {line}")
    return fields


def least_version(media):
    """RFC 8216bis section 8: the lowest version that has all that is used."""
    keys = [s.key for s in media.segments if s.key]
    if any(s.init for s in media.segments):
        return 6
    if any("KEYFORMAT" in key or "KEYFORMATVERSIONS" in key for key in keys):
        return 5
    return 4 if any(s.span for s in media.segments) else 3  # an IV needs 2, EXTINF with decimals 3


def lint_keys(lint, media):
    """Beyond the letter: a key that is named again is the same one, and no two segments share key and IV, which would
    show where they begin alike."""
    used = [(s.key["URI"], s.key.get("IV", n).lower() if "IV" in s.key else n)
            for n, s in enumerate(media.segments) if s.key and "URI" in s.key]
    lint.check(len(set(used)) == len(used), "two segments have the same key and IV")
    lint.check(len(used) in (0, len(media.segments)), "some segments are encrypted and some are not")


def lint_order(lint):
    """Tags of the whole playlist stand before its first segment, where they say so (4.4.3.2), or where players look."""
    first = next((n for n, line in enumerate(lint.lines) if line.startswith("#EXTINF")), len(lint.lines))
    for name in ("EXT-X-VERSION", "EXT-X-TARGETDURATION", "EXT-X-MEDIA-SEQUENCE", "EXT-X-PLAYLIST-TYPE",
                 "EXT-X-INDEPENDENT-SEGMENTS", "EXT-X-MAP"):
        at = [n for n, line in enumerate(lint.lines) if line.split(":")[0] == "#" + name]
        lint.check(all(n < first for n in at), f"{name} stands behind a segment")


def lint_durations(lint, media):
    for segment in media.segments:
        lint.check(segment.duration > 0, f"{segment.uri} lasts {segment.duration} s")
        # 4.4.3.1: rounded to the nearest second since version 6, the maximum before.
        longest = media.target + 0.5 if media.version >= 6 else media.target
        lint.check(segment.duration < longest + (media.version < 6) * 1e-9,
                   f"{segment.uri} lasts {segment.duration} s, the target is {media.target}")


def lint_container(lint, media, container):
    endings = ENDINGS[container]
    for segment in media.segments:
        ending = segment.uri.partition("?")[0].rpartition(".")[2]
        lint.check(ending in endings, f"{segment.uri}: unexpected ending for {container}")
    maps = len(lint.tags.get("EXT-X-MAP", []))
    lint.check(maps == (1 if container == "fmp4" else 0), f"{maps} EXT-X-MAP in {container}")
    uris = [(s.uri, s.span) for s in media.segments]
    lint.check(len(set(uris)) == len(uris), "a segment stands there twice")
    lint.check(all(bool(s.span) == (container == "bytes") for s in media.segments), f"EXT-X-BYTERANGE in {container}")


def parse_media(data, container):
    """A VOD media playlist of one file. container: fmp4, ts, packed or bytes."""
    lint = Lint(data, MEDIA_TAGS)
    media = Media()
    media.target = int(lint.once("EXT-X-TARGETDURATION", r"[1-9]\d*") or 1)
    media.version = int(lint.once("EXT-X-VERSION", r"\d+") or 0)
    lint.once("EXT-X-PLAYLIST-TYPE", "VOD")
    lint.once("EXT-X-ENDLIST", "")
    lint.most_once("EXT-X-MEDIA-SEQUENCE", r"\d+")
    lint.most_once("EXT-X-INDEPENDENT-SEGMENTS", "")
    lint.check(lint.lines[-1:] == ["#EXT-X-ENDLIST"], "EXT-X-ENDLIST is not at the end")
    media.tags, media.segments = lint.tags, read_segments(lint)
    media.duration = sum(s.duration for s in media.segments)
    media.independent = "EXT-X-INDEPENDENT-SEGMENTS" in lint.tags
    lint.check(media.segments, "no segments")
    lint.check(media.version == least_version(media),
               f"EXT-X-VERSION is {media.version}, {least_version(media)} is enough and needed")
    lint.check(lint.tags.get("EXT-X-MEDIA-SEQUENCE", ["0"]) == ["0"], "a whole file begins with its first segment")
    lint_order(lint)
    lint_keys(lint, media)
    lint_durations(lint, media)
    lint_container(lint, media, container)
    lint.done()
    return media


def parse_master(data):
    """The variants of a multivariant playlist, in its order."""
    lint = Lint(data, MASTER_TAGS)
    lint.most_once("EXT-X-VERSION", r"\d+")
    lint.most_once("EXT-X-INDEPENDENT-SEGMENTS", "")
    out, fields, groups = [], None, []
    for line in lint.lines:
        if line.startswith("#EXT-X-STREAM-INF:"):
            lint.check(fields is None, "a STREAM-INF without a URI")
            fields = stream_inf(lint, line)
        elif line.startswith("#EXT-X-MEDIA:"):
            groups.append(media_group(lint, line))
        elif line and not line.startswith("#"):
            if lint.check(fields is not None, f"{line} without a STREAM-INF"):
                out.append((lint.uri(line), fields))
            fields = None
    lint.check(fields is None and out, "no variants, or one without a URI")
    lint.check(len({uri for uri, _ in out}) == len(out), "a variant stands there twice")
    lint.check(len(set(groups)) == len(groups), "a group stands there twice")
    named = [f.get("AUDIO") for _, f in out]
    lint.check(set(named) == (set(groups) or {None}), f"variants are of {named}, groups are {groups}")
    codecs = {group: {f.get("CODECS") for _, f in out if f.get("AUDIO") == group} for group in groups}
    lint.check(all(len(c) == 1 for c in codecs.values()), f"a group mixes codecs: {codecs}")
    lint.check(sum("SCORE" in f for _, f in out) in (0, len(out)), "SCORE on some variants only (Apple 9.19)")
    lint.done()
    return [Variant(uri, fields) for uri, fields in out]


def media_group(lint, line):
    """The GROUP-ID of an EXT-X-MEDIA whose sound is in the variants that name it."""
    fields = lint.attributes(line.partition(":")[2])
    lint.check(fields.get("TYPE") == "AUDIO" and fields.get("GROUP-ID") and fields.get("NAME"), line)
    lint.check(fields.get("LANGUAGE"), f"LANGUAGE is missing (Apple 8.10): {line}")
    lint.check(re.fullmatch(r"[1-9]\d*(/[A-Z0-9/]+)?", fields.get("CHANNELS", "")), f"CHANNELS: {line}")
    lint.check("URI" not in fields, f"a rendition of its own: {line}")
    return fields.get("GROUP-ID")


def stream_inf(lint, line):
    fields = lint.attributes(line.partition(":")[2])
    for name in ("BANDWIDTH", "AVERAGE-BANDWIDTH"):
        lint.check(re.fullmatch(r"[1-9]\d*", fields.get(name, "")), f"{name} is missing or malformed: {line}")
    if lint.check(fields.get("CODECS"), f"CODECS is missing: {line}"):
        lint.check(CODECS.fullmatch(fields["CODECS"]), f"CODECS names none of those that are sent: {line}")
    lint.check("RESOLUTION" not in fields and "FRAME-RATE" not in fields, f"a picture in audio: {line}")
    if not lint.faults:
        lint.check(int(fields["AVERAGE-BANDWIDTH"]) <= int(fields["BANDWIDTH"]), f"average over peak: {line}")
    return fields


def peak_rate(sizes, durations, target):
    """RFC 8216bis 4.4.6.2: the largest rate of any run of segments of 0.5 to 1.5 target durations, bits a second."""
    best, total = 0.0, sum(durations)
    for first in range(len(sizes)):
        bits = seconds = 0.0
        for size, duration in zip(sizes[first:], durations[first:]):
            bits, seconds = bits + 8 * size, seconds + duration
            if seconds > 1.5 * target:
                break
            if seconds >= 0.5 * target:
                best = max(best, bits / seconds)
    return best or 8 * sum(sizes) / total
