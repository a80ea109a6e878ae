"""Style cloudfront against AWS's own SDK: what that signs is taken, as a URL and as cookies, and
nothing beside it."""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
import urllib.parse

import pytest

from hls_cases import fixtures
from segue import BUILD, REPO, Segue, merge
from test_s3_sdk import ALPHABET
from test_signed import PROTECTED, children, get, pem, sign, writable_memory

SDK = os.path.join(BUILD, "cloudfront")
FILES = ("package.json", "package-lock.json", "sign.mjs", "rsa.pem", "ec.pem")
PATHS = 500
HOST = "radio.example"
KEYS = [{"id": "KRSA", "secret": pem("rsa.pub"), "style": "cloudfront"},
        {"id": "KEC", "secret": pem("ec.pub"), "style": "cloudfront"}]
CONF = merge(PROTECTED, {"sign": {"keys": KEYS, "protect": ["/audio/", "/hls/"]}})
# A URL's own: the SDK encodes what is none, and "%2F" is a path that no server of files has.
PLAIN = ["%25" if c == "%" else c for c in ALPHABET if c not in ("?", "#", "*", "%2F")]


@pytest.fixture(scope="module")
def sdk():
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm is not installed: CloudFront's signatures were NOT checked")
    os.makedirs(SDK, exist_ok=True)
    for name in FILES:
        shutil.copy(os.path.join(REPO, "tests", "cloudfront", name), SDK)
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=SDK,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                          check=False)
    if done.returncode:
        pytest.skip("npm ci failed: CloudFront's signatures were NOT checked:\n"
                    + done.stderr[-500:])
    return SDK


def made(sdk, asked):
    done = subprocess.run(["node", "sign.mjs"], cwd=sdk, timeout=120, input=json.dumps(asked),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(zip(asked, json.loads(done.stdout), strict=True))


def cases():
    """Paths and queries of every kind of character; the same in every run."""
    dice, now = random.Random(11), int(time.time())
    for number in range(PATHS):
        name = "".join(dice.choice(PLAIN) for _ in range(dice.randint(1, 20)))
        query = dice.choice(["", "", "?x=1", "?size=large&y", "?q=a%20b+c&z=é"])
        key = dice.choice(["rsa", "rsa", "ec"])
        yield {"url": f"{dice.choice(['http', 'https'])}://{HOST}/audio/k{number}{name}x{query}",
               "key": key, "id": "KRSA" if key == "rsa" else "KEC",
               "hash": dice.choice([None, "SHA1", "SHA256"]), "until": now + 600,
               "from": dice.choice([None, None, now - 60]),
               "ip": dice.choice([None, None, "127.0.0.1", "127.0.0.0/8"])}


def target(url):
    return "/" + url.split("/", 3)[3]


def test_what_the_sdk_signs_is_taken(sdk, own):
    with Segue(own.root, CONF) as s, s.connect() as c:
        for case, url in made(sdk, list(cases())):
            asked = target(url)
            custom = "Policy=" in asked
            if custom and "?" in case["url"] and "//" in asked.split("?")[0]:
                continue  # a '?' is a wildcard, and "//" is another path: refused on purpose
            r = c.request(asked, host=HOST)
            assert r.status == 404, (case, url, r)  # taken: there is no such file
            assert c.request(asked.replace("/k", "/K", 1), host=HOST).status == 403
            assert c.request(asked, host="other").status == 403
            assert c.request(asked + "&x=1", host=HOST).status == 403


def policy(resource, **conditions):
    return json.dumps({"Statement": [{"Resource": resource, "Condition": conditions}]})


def when(seconds):
    return {"AWS:EpochTime": int(time.time()) + seconds}


@pytest.mark.parametrize("key,hashed", [("rsa", "SHA1"), ("rsa", "SHA256"), ("ec", "SHA1"),
                                        ("ec", "SHA256")])
def test_cookies_of_a_custom_policy_open_a_folder(sdk, own, key, hashed):
    with Segue(own.root, CONF) as s:
        asked = {"key": key, "id": "K" + key.upper(), "hash": hashed, "cookies": True,
                 "policy": policy(f"http*://{HOST}/audio/sm*", DateLessThan=when(600))}
        [(_, cookies)] = made(sdk, [asked])
        line = "Cookie: " + "; ".join(f"{k}={v}" for k, v in cookies.items())
        r = s.get("/audio/small.mp3", line, host=HOST)
        assert r.status == 200 and r.body == own["small.mp3"]
        assert s.get("/audio/large.mp3", line, host=HOST).status == 403
        assert s.get("/audio/small.mp3", host=HOST).status == 403


def test_a_playlist_behind_cookies_hands_on(sdk):
    """A player that sends no cookies for media, as most do across origins, follows all the same."""
    with Segue(fixtures.make(), CONF) as s:
        asked = {"key": "ec", "id": "KEC", "cookies": True,
                 "policy": policy(f"https://{HOST}/hls/ladder/*", DateLessThan=when(600))}
        [(_, cookies)] = made(sdk, [asked])
        line = "Cookie: " + "; ".join(f"{k}={v}" for k, v in cookies.items())
        r = s.get("/hls/ladder/master.m3u8", line, host=HOST)
        assert r.status == 200 and "private" in r["Cache-Control"]
        lists = [u for u in r.body.decode().splitlines() if not u.startswith("#")]
        assert len(lists) == 3 and all(u.startswith("../../s/~KEC-") for u in lists)
        _, media = children(s, urllib.parse.urljoin("/hls/ladder/master.m3u8", lists[0]))
        assert all(get(s, u).status == 200 for u in media)
        assert s.get("/hls/aac.m4a/master.m3u8", line, host=HOST).status == 403


def test_cookies_of_a_canned_policy_open_one_url(sdk, own):
    with Segue(own.root, CONF) as s:
        [(_, cookies)] = made(sdk, [{"key": "rsa", "id": "KRSA", "cookies": True,
                                     "url": f"https://{HOST}/audio/small.mp3",
                                     "until": int(time.time()) + 600}])
        assert "CloudFront-Expires" in cookies
        line = "Cookie: " + "; ".join(f"{k}={v}" for k, v in cookies.items())
        assert s.get("/audio/small.mp3", line, host=HOST).status == 200
        assert s.get("/audio/small.mp3?x=1", line, host=HOST).status == 403


@pytest.mark.parametrize("conditions,why", [
    ({"DateLessThan": when(-1)}, "expired"),
    ({"DateLessThan": when(600), "DateGreaterThan": when(300)}, "not yet valid"),
    ({"DateLessThan": when(600), "IpAddress": {"AWS:SourceIp": "192.0.2.0/24"}}, "wrong client"),
    ({"DateLessThan": when(600), "StringLike": {}}, "malformed"),
    ({"DateLessThan": when(8 * 86400)}, "malformed"),
])
def test_conditions_are_kept(sdk, own, conditions, why):
    with Segue(own.root, CONF) as s:
        [(_, url)] = made(sdk, [{"key": "ec", "id": "KEC", "url": f"https://{HOST}/audio/small.mp3",
                                 "policy": policy(f"https://{HOST}/audio/*", **conditions)}])
        r = s.get(target(url), host=HOST)
        assert r.status == 403 and json.loads(r.body)["detail"] == why


def test_the_sdk_and_we_make_the_same_url(sdk, own):
    with Segue(own.root, PROTECTED) as s:
        ours = sign(s, "/audio/a%20b.mp3?x=1", "--style", "cloudfront", "--expires", "1h")
        until = int(ours.partition("Expires=")[2].partition("&")[0])
        [(_, theirs)] = made(sdk, [{"key": "rsa", "id": "KRSA", "until": until,
                                    "url": f"http://127.0.0.1:{s.port}/audio/a%20b.mp3?x=1"}])
        assert ours == target(theirs)


def test_a_private_key_is_needed_to_sign(own):
    with Segue(own.root, CONF) as s:
        assert "a private key" in sign(s, "/audio/small.mp3", "--style", "cloudfront", status=1)


def test_what_a_playlist_hands_on_outlives_a_reload():
    """The keys are public: what our tokens are signed with is random, and stays."""
    private = merge(PROTECTED, {"sign": {"keys": [{**KEYS[0], "secret": pem("rsa.pem")}]}})
    with Segue(fixtures.make(), private) as s:
        url = sign(s, "/hls/aac.m4a/index.m3u8", "--style", "cloudfront")
        _, media = children(s, url)
        assert all(u.startswith("/s/~KRSA-") for u in media)
        mark = s.err.mark()
        s.signal(signal.SIGHUP)
        s.err.wait("reloaded", start=mark)
        assert all(get(s, u).status == 200 for u in media)


def numbers_of(path):
    """The private numbers of an RSA key, as bytes in both orders: files' and OpenSSL's own."""
    text = subprocess.run(["openssl", "rsa", "-in", path, "-text", "-noout"], capture_output=True,
                          text=True, check=True).stdout
    for name in ("privateExponent", "prime1", "prime2"):
        found = re.search(name + r":\n((?:\s+[0-9a-f:]+\n)+)", text)[1]
        number = bytes.fromhex(re.sub(r"[\s:]", "", found)).lstrip(b"\0")
        yield number[40:80]
        yield number[::-1][40:80]


def test_a_private_key_is_in_pages_that_are_not_dumped(own, tmp_path):
    if "asan" in BUILD or "tsan" in BUILD:
        pytest.skip("a sanitizer keeps freed memory, and terabytes of its own")
    secret = tmp_path / "key.pem"
    secret.write_text(pem("rsa.pem"), encoding="ascii")
    keys = [{"id": "KRSA", "secret_file": str(secret), "style": "cloudfront"}]
    with Segue(own.root, merge(PROTECTED, {"sign": {"keys": keys}})) as s:
        assert get(s, sign(s, "/audio/small.mp3")).status == 200
        line = pem("rsa.pem").splitlines()[10].encode()
        kept = [flags for data, flags in writable_memory(s.pid) if line in data]
        assert kept and all("dd" in flags for flags in kept)
        assert not [n for n in numbers_of(secret) for data, _ in writable_memory(s.pid) if n in data]
