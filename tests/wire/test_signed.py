"""Signed URLs: what is refused and why, what each style opens, and what playlists hand on."""
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.parse

import pytest

import hls
import segue
from hls_cases import fixtures
from segue import Segue, merge, until

SECRET = "0123456789abcdef0123456789abcdef"


def pem(name):
    with open(os.path.join(segue.REPO, "tests", "cloudfront", name), encoding="ascii") as f:
        return f.read()


KEYS = [
    {"id": "k1", "secret": SECRET, "style": "segue"},
    {"id": "AKIAEXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "style": "s3"},
    {"id": "KRSA", "secret": pem("rsa.pem"), "style": "cloudfront"},
    {"id": "edge", "secret": "52a152a152a1", "style": "akamai"},
    {"id": "link", "secret": "nginx-secret", "style": "secure_link",
     "name": "$secure_link_expires$uri $secret"},
]
STYLES = ["segue", "path", "s3", "cloudfront", "akamai", "secure_link"]
PROTECTED = {"sign": {"protect": ["/audio/", "/hls/"], "keys": KEYS},
             "log": {"access": "stdout", "format": "json"}}


def sign(server, target, *args, status=0):
    """`segue sign` of a path of that server; path and query of what it prints."""
    url = f"http://127.0.0.1:{server.port}{target}"
    done = subprocess.run([segue.PROGRAM, "sign", "-c", server.file, *args, url],
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == status, done.stderr
    out = done.stdout.strip()
    return out.removeprefix(f"http://127.0.0.1:{server.port}") if status == 0 else done.stderr


def get(server, target, *fields, **more):
    """A request with the Host that the s3 style has signed."""
    return server.get(target, *fields, host=f"127.0.0.1:{server.port}", **more)


@pytest.fixture(scope="module")
def guarded():
    with Segue(fixtures.make(), PROTECTED) as server:
        yield server


@pytest.mark.parametrize("target,why", [
    ("/audio/aac.m4a", "missing"),
    ("/hls/aac.m4a/index.m3u8", "missing"),
    ("/audio/nothing.mp3", "missing"),
    ("/audio/aac.m4a?key=k1", "malformed"),
    (f"/audio/aac.m4a?expires=1&key=k9&signature={'x' * 43}", "unknown key"),
    (f"/audio/aac.m4a?expires=1&key=k1&signature={'x' * 43}", "bad signature"),
    ("/s/nothing/audio/aac.m4a", "malformed"),
    ("/audio/x/../aac.m4a", "missing"),
    ("//audio//aac.m4a", "missing"),
    ("/%61udio/aac.m4a", "missing"),
])
def test_refusals_say_why_and_no_more(guarded, target, why):
    label = f'segue_denied_total{{reason="{why.replace(" ", "_")}"}}'
    before, mark = guarded.metric(label), guarded.out.mark()
    r = get(guarded, target, "Origin: https://player.example")
    assert r.status == 403, r
    assert r["Content-Type"] == "application/problem+json"
    assert json.loads(r.body)["detail"] == why
    assert r["Access-Control-Allow-Origin"] == "*"
    assert guarded.metric(label) == before + 1
    assert json.loads(guarded.out.wait('"status":403', start=mark).string)["denied"] == why


@pytest.mark.parametrize("style", STYLES)
def test_each_style_opens_its_file_and_no_other(guarded, style):
    target = sign(guarded, "/audio/aac.m4a", "--style", style)
    with open(os.path.join(fixtures.make(), "aac.m4a"), "rb") as f:
        data = f.read()
    r = get(guarded, target)
    assert r.status == 200 and r.body == data
    assert get(guarded, target, "Range: bytes=5-9").body == data[5:10]
    assert get(guarded, target, method="HEAD").status == 200
    assert get(guarded, target.replace("aac.m4a", "alac.m4a")).status == 403
    assert "hit" in get(guarded, sign(guarded, "/audio/aac.m4a", "--style", style))["Cache-Status"]


@pytest.mark.parametrize("style", STYLES)
def test_a_missing_file_behind_a_signature_is_404(guarded, style):
    assert get(guarded, sign(guarded, "/audio/nothing.mp3", "--style", style)).status == 404


def test_two_credentials_are_refused(guarded):
    target = sign(guarded, "/audio/aac.m4a")
    for other in ("&md5=x", "&key=k1", "&X-Amz-Algorithm=x", "&__token__=x", "&Key-Pair-Id=x"):
        assert json.loads(get(guarded, target + other).body)["detail"] == "malformed"
    path = sign(guarded, "/audio/aac.m4a", "--style", "path")
    assert get(guarded, path + "?key=k1&signature=x").status == 403


def test_names_that_need_encoding(own):
    name = "Ünï cödé +~%.mp3"
    own.add(name, b"x" * 100)
    with Segue(own.root, PROTECTED) as s:
        for style in STYLES:
            target = sign(s, "/audio/" + urllib.parse.quote(name), "--style", style)
            assert get(s, target).status == 200, (style, target)


def children(server, target):
    """The body of a playlist, and the absolute paths of its URIs."""
    r = get(server, target)
    assert r.status == 200, r
    text = r.body.decode()
    uris = re.findall(r'URI="([^"]*)"', text) + [u for u in text.splitlines()
                                                 if u and not u.startswith("#")]
    return r, [urllib.parse.urljoin(target.partition("?")[0], u) for u in uris]


@pytest.mark.parametrize("style", STYLES)
def test_playlists_hand_on_the_track_alone(guarded, style):
    target = sign(guarded, "/hls/ladder/master.m3u8", "--style", style)
    r, lists = children(guarded, target)
    assert ("private" in r["Cache-Control"]) == (style != "path")
    assert len(lists) == 3
    for url in lists:
        r, media = children(guarded, url)
        assert "public" in r["Cache-Control"]
        assert all(u.startswith("/s/") for u in media)
        for u in media:
            assert get(guarded, u).status == 200, u
        assert get(guarded, media[-1].replace("/ladder/", "/aac.m4a/")).status == 403
    assert get(guarded, lists[0].replace("/ladder/64.m4a/", "/aac.m4a/")).status == 403


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["index", "master"])
def test_byte_ranges_hand_on_the_file_alone(guarded, style, name):
    target = sign(guarded, f"/hls/cbr.mp3/bytes/{name}.m3u8", "--style", style)
    if name == "master":
        _, [target] = children(guarded, target)
    r, media = children(guarded, target)
    assert "private" in r["Cache-Control"] and r.body.count(b"#EXT-X-BYTERANGE") > 1
    [url] = set(media)
    assert url.startswith("/s/") and url.endswith("/audio/cbr.mp3")
    with open(os.path.join(fixtures.make(), "cbr.mp3"), "rb") as f:
        assert get(guarded, url, "Range: bytes=100-199").body == f.read()[100:200]
    assert get(guarded, url.replace("cbr.mp3", "aac.m4a")).status == 403
    assert get(guarded, url.replace("/audio/", "/hls/") + "/index.m3u8").status == 403
    assert abs(len(hls.decode(f"http://127.0.0.1:{guarded.port}{target}", "s16le")) / 4 / 44100
               - 19.3) < 0.2


def expiry(url):
    return int(url.split("-")[1])


def test_what_is_handed_on_lasts_twice_the_track(own):
    """Also where only a multivariant playlist knows, and it was kept."""
    short = merge(PROTECTED, {"sign": {"lifetime": {"stream": "10s"}}, "media": {"root": own.root}})
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=r=8000:d=1800",
                    "-b:a", "8k", os.path.join(own.root, "long.mp3")], check=True, timeout=120)
    with Segue(own.root, short) as s:
        for name in ("master", "index", "master"):
            until_now = int(time.time())
            _, media = children(s, sign(s, f"/hls/long.mp3/{name}.m3u8", "--style", "s3"))
            left = {expiry(url) - until_now for url in media}
            assert all(3600 <= seconds < 4600 for seconds in left), left


def test_a_path_token_ends_with_its_second(guarded):
    target = sign(guarded, "/audio/aac.m4a", "--style", "path", "--expires", "2s")
    last = expiry(target)
    seen = []

    def ask():
        before = int(time.time())
        r = get(guarded, target)
        seen.append((before, r.status, int(time.time())))
        return r.status == 403
    until(ask, "the token's end")
    assert all(status == 200 for _, status, after in seen if after <= last)
    assert [s for _, s, _ in seen[:-1]] == [200] * (len(seen) - 1) and seen[-1][2] > last
    assert json.loads(get(guarded, target).body)["detail"] == "expired"


def test_a_media_playlist_hands_on_too(guarded):
    target = sign(guarded, "/hls/aac.m4a/index.m3u8")
    r, media = children(guarded, target)
    assert r["Cache-Control"] == "private, max-age=10"
    assert all(get(guarded, u).status == 200 for u in media)
    assert get(guarded, target, f"If-None-Match: {r['ETag']}").status in (304, 200)


def test_a_playlist_that_is_rewritten_goes_out_plain(guarded):
    """What is kept gzip-encoded is the same for all, and this one is not."""
    accept = "Accept-Encoding: gzip, br"
    r = get(guarded, sign(guarded, "/hls/aac.m4a/index.m3u8"), accept)
    assert "Content-Encoding" not in r and r.body.startswith(b"#EXTM3U\n")
    r = get(guarded, sign(guarded, "/hls/aac.m4a/index.m3u8", "--style", "path"), accept)
    assert r["Content-Encoding"] == "br"


def test_keys_of_encrypted_segments_are_handed_on_too(guarded):
    encrypted = {**PROTECTED, "hls": {"encryption": "aes-128", "encryption_secret": "k" * 32}}
    with Segue(fixtures.make(), encrypted) as s:
        _, media = children(s, sign(s, "/hls/aac.m4a/ts/index.m3u8"))
        [key] = {url for url in media if url.endswith("/key")}
        r = get(s, key)
        assert r.status == 200 and len(r.body) == 16 and r["Cache-Control"] == "no-store"
        assert get(s, "/hls/" + key.partition("/hls/")[2]).status == 403


@pytest.mark.parametrize("target,depth", [
    ("/hls/ladder/master.m3u8", 2), ("/hls/ladder/ts/master.m3u8", 2),
    ("/hls/aac.m4a/ts/index.m3u8", 2), ("/hls/ts/master.m3u8", 2), ("/hls/a/ts/ts/index.m3u8", 3),
    ("/audio/ladder/64.m4a", 3), ("/audio/lists/ts/x.m3u8", 3)])
def test_a_token_in_the_path_is_over_the_track(guarded, target, depth):
    assert sign(guarded, target, "--style", "path").split("/")[2].split("-")[2] == str(depth)


def test_a_token_in_the_path_leaves_the_playlist_as_it_is(guarded):
    bodies = set()
    for expires in ("1h", "2h"):
        target = sign(guarded, "/hls/aac.m4a/index.m3u8", "--style", "path", "--expires", expires)
        bodies.add(get(guarded, target).body)
    assert len(bodies) == 1 and b"/s/" not in bodies.pop()


def test_keys_are_rotated_without_a_lost_request(own):
    new = {"id": "k2", "secret": SECRET[::-1], "style": "segue"}
    with Segue(own.root, PROTECTED) as s:
        old_url = sign(s, "/audio/small.mp3", "--key", "k1")
        s.write_conf(merge(s.conf, {"sign": {"keys": [KEYS[0], new]}}))
        new_url = sign(s, "/audio/small.mp3", "--key", "k2")
        failed, over = [], threading.Event()

        def ask():
            while not over.is_set():
                r = s.get(old_url)
                if r.status != 200:
                    failed.append(r)
        asker = threading.Thread(target=ask)
        asker.start()
        try:
            for _ in range(10):
                mark = s.err.mark()
                s.signal(signal.SIGHUP)
                s.err.wait("reloaded", start=mark)
            until(lambda: s.get(new_url).status == 200, "the new key")
        finally:
            over.set()
            asker.join()
        assert not failed
        s.write_conf(merge(s.conf, {"sign": {"keys": [new]}}))
        s.signal(signal.SIGHUP)
        until(lambda: s.get(old_url).status == 403, "the old key's end")
        assert json.loads(s.get(old_url).body)["detail"] == "unknown key"


@pytest.mark.parametrize("style", ["segue", "path", "cloudfront"])
def test_what_was_right_is_forgotten_with_its_key(own, style):
    """A key of the same name with another secret, while a connection is kept."""
    with Segue(own.root, PROTECTED) as s, s.connect() as c:
        url = sign(s, "/audio/small.mp3", "--style", style)
        host = f"127.0.0.1:{s.port}"
        for _ in range(3):
            assert c.request(url, host=host).status == 200
        keys = [{**KEYS[0], "secret": SECRET[::-1]}, {**KEYS[2], "secret": pem("ec.pem")}]
        s.write_conf(merge(s.conf, {"sign": {"keys": keys}}))
        s.signal(signal.SIGHUP)
        s.err.wait("reloaded")
        until(lambda: c.request(url, host=host).status == 403, "the old secret's end")
        assert s.get(sign(s, "/audio/small.mp3", "--style", style), host=host).status == 200


def test_a_missing_secret_file_is_refused_and_the_old_keys_kept(own, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    conf = merge(PROTECTED, {"sign": {"keys": [
        {"id": "k1", "secret_file": str(secret), "style": "segue"}]}})
    with Segue(own.root, conf) as s:
        url = sign(s, "/audio/small.mp3")
        assert s.get(url).status == 200
        secret.unlink()
        s.signal(signal.SIGHUP)
        s.err.wait("kept as it was")
        assert s.get(url).status == 200
        assert "cannot be opened" in sign(s, "/audio/small.mp3", status=1)


def test_secrets_are_nowhere(own):
    with Segue(own.root, merge(PROTECTED, {"log": {"level": "debug"}})) as s:
        s.get(sign(s, "/audio/small.mp3"))
        s.get("/audio/small.mp3?key=k1")
        shown = s.err.text() + s.out.text() + s.admin("/metrics").body.decode() \
            + s.admin("/health").body.decode()
        check = subprocess.run([segue.PROGRAM, "check", "-c", s.file], capture_output=True,
                               text=True, check=False)
        shown += check.stdout + check.stderr
        assert check.returncode == 0
        assert not [k for k in KEYS if k["secret"] in shown]


def writable_memory(pid):
    """(bytes, flags) of each mapping that the process may write to."""
    with open(f"/proc/{pid}/smaps") as f:
        maps = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw.*?^VmFlags: ([a-z0-9 ]*)$", f.read(),
                          re.M | re.S)
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as f:
        for start, end, flags in maps:
            f.seek(int(start, 16))
            try:
                yield f.read(int(end, 16) - int(start, 16)), flags.split()
            except OSError:
                continue


def test_a_secret_of_a_file_is_in_pages_that_are_not_dumped(own, tmp_path):
    if "asan" in segue.BUILD or "tsan" in segue.BUILD:
        pytest.skip("a sanitizer keeps freed memory, and terabytes of its own")
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    conf = merge(PROTECTED, {"sign": {"keys": [
        {"id": "k1", "secret_file": str(secret), "style": "segue"}]}})
    with Segue(own.root, conf) as s:
        for _ in range(2):
            assert s.get(sign(s, "/audio/small.mp3")).status == 200
            hits = [flags for data, flags in writable_memory(s.pid) if SECRET.encode() in data]
            assert hits and all("dd" in flags for flags in hits)
            mark = s.err.mark()
            s.signal(signal.SIGHUP)
            s.err.wait("reloaded", start=mark)


def test_a_key_that_was_taken_out_is_wiped(own, tmp_path):
    if "asan" in segue.BUILD or "tsan" in segue.BUILD:
        pytest.skip("a sanitizer keeps freed memory, and terabytes of its own")
    secret, other = tmp_path / "secret", tmp_path / "other"
    secret.write_text(SECRET + "\n")
    other.write_text(SECRET[::-1] + "\n")
    old, new = ({"id": name, "secret_file": str(file), "style": "segue"}
                for name, file in (("k1", secret), ("k2", other)))
    with Segue(own.root, merge(PROTECTED, {"sign": {"keys": [old]}})) as s:
        url = sign(s, "/audio/small.mp3")
        with s.connect() as c:
            assert c.request(url).status == 200
            s.write_conf(merge(s.conf, {"sign": {"keys": [new]}}))
            s.signal(signal.SIGHUP)
            until(lambda: not [data for data, _ in writable_memory(s.pid)
                               if SECRET.encode() in data], "the old secret's end")
            assert [data for data, _ in writable_memory(s.pid) if SECRET[::-1].encode() in data]
            assert c.request(url).status == 403


def manual(style):
    """A section of conf/SIGNING.md."""
    path = os.path.join(segue.REPO, "conf", "SIGNING.md")
    with open(path, encoding="utf-8") as f:
        return f.read().split(f"\n## {style}\n")[1].split("\n## ")[0]


def said(style):
    """The signature that the manual says its examples print."""
    if style == "segue":
        return re.search(r"/audio/a\.mp3\S*signature=(\S+)", manual(style))[1]
    return "".join(re.search(r"SIG = (.*?)\n\n", manual(style), re.S)[1].split())


def test_the_vectors_of_the_manual_are_those_of_the_unit_tests():
    assert said("segue") == "P9ULWuFM8i54Oz9Xs_6MKNe35EfuaYer7g-_lEzFsMs"
    with open(os.path.join(segue.REPO, "tests", "unit", "guard", "test_cloudfront.c"),
              encoding="utf-8") as f:
        text = re.search(r"#define SHA256_RSA_CANNED(.*?)\n#define", f.read(), re.S)[1]
    assert said("cloudfront") == "".join(re.findall(r'"([^"]*)"', text))


@pytest.mark.parametrize("style", ["segue", "cloudfront"])
@pytest.mark.parametrize("language,program,command,name", [
    ("python", "python3", ["python3"], "sign.py"),
    ("js", "node", ["node"], "sign.js"),
    ("php", "php", ["php"], "sign.php"),
    ("go", "go", ["go", "run"], "sign.go"),
])
def test_the_examples_of_the_manual_run(tmp_path, style, language, program, command, name):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed: this example was NOT run")
    code = re.search(rf"```{language}\n(.*?)```", manual(style), re.S)[1]
    (tmp_path / name).write_text(code, encoding="utf-8")
    (tmp_path / "rsa.pem").write_text(pem("rsa.pem"), encoding="ascii")
    env = {**os.environ, "GOFLAGS": "-mod=mod", "GO111MODULE": "off",
           "GOCACHE": os.path.join(segue.BUILD, "go-cache")}
    done = subprocess.run([*command, str(tmp_path / name)], capture_output=True, text=True,
                          timeout=120, check=False, env=env, cwd=tmp_path)
    assert done.stdout.strip() == said(style), done.stderr
