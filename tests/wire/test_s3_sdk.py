"""Style s3 against AWS's own SDK: what that signs is taken, and nothing beside it."""
import json
import os
import random
import shutil
import subprocess
import urllib.parse

import pytest

from segue import BUILD, REPO, Segue
from test_signed import PROTECTED

SDK = os.path.join(BUILD, "s3")
PATHS = 500
ALPHABET = ["a", "b", "Z", "0", " ", "+", "%", "~", "//", "/", "é", "♫", "日", "&", "=", "?", "#", "'",
            "(", "!", "*", ",", ";", ":", "@", "$", "-", "_", "%2F", "%20", "\"", "<", "[", "|", "^"]


@pytest.fixture(scope="module")
def sdk():
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm is not installed: S3's signatures were NOT checked against the SDK's")
    os.makedirs(SDK, exist_ok=True)
    for name in ("package.json", "package-lock.json", "presign.mjs"):
        shutil.copy(os.path.join(REPO, "tests", "s3", name), SDK)
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=SDK,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                          check=False)
    if done.returncode:
        pytest.skip("npm ci failed: S3's signatures were NOT checked:\n" + done.stderr[-500:])
    return SDK


def cases():
    """Keys of every kind of character; the same in every run."""
    dice = random.Random(7)
    for number in range(PATHS):
        key = "".join(dice.choice(ALPHABET) for _ in range(dice.randint(1, 20)))
        yield {"key": f"k{number}{key}x", "method": dice.choice(["GET", "GET", "HEAD"]),
               "type": dice.choice([None, None, "audio/mpeg"]), "session": dice.random() < 0.2}


def test_what_the_sdk_signs_is_taken(sdk, own):
    with Segue(own.root, PROTECTED) as s:
        host = f"127.0.0.1:{s.port}"
        asked = [c for c in cases() if c["method"] == "GET" or not c["type"]]
        done = subprocess.run(["node", "presign.mjs", f"http://{host}"], cwd=sdk, timeout=120,
                              input=json.dumps(asked), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        with s.connect() as c:
            for case, url in zip(asked, json.loads(done.stdout), strict=True):
                target = url.removeprefix(f"http://{host}")
                r = c.request(target, method=case["method"], host=host)
                assert r.status == 404, (case, url, r)  # taken: there is no such file
                other = target.replace("/k", "/K", 1)
                assert c.request(other, method=case["method"], host=host).status == 403
                assert c.request(target, method=case["method"], host="other").status == 403
                assert c.request(target + "&x=1", method=case["method"], host=host).status == 403


def test_a_key_of_a_file(sdk, own):
    with Segue(own.root, PROTECTED) as s:
        host = f"127.0.0.1:{s.port}"
        asked = [{"key": "small.mp3", "method": "GET", "type": "audio/x", "session": True}]
        done = subprocess.run(["node", "presign.mjs", f"http://{host}"], cwd=sdk, timeout=120,
                              input=json.dumps(asked), capture_output=True, text=True, check=False)
        target = urllib.parse.urlsplit(json.loads(done.stdout)[0])
        r = s.get(f"{target.path}?{target.query}", host=host)
        assert r.status == 200 and r.body == own["small.mp3"]
        assert r["Content-Type"] == "audio/x"
        assert r["Content-Disposition"] == 'attachment; filename="small.mp3"'
