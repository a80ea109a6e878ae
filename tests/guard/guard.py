#!/usr/bin/python3
"""Instructions per request, held to limits: guard.py [--build DIR] [--update] [--runs N]

Counts with valgrind's callgrind what the server executes for a fixed number of requests on one kept
connection, case by case, between two dumps of the counter, so that start-up is left out. Time plays
no part, so a busy machine cannot trip it; another compiler or library can, and both are named then.
Exits with 1 where a case is above its limit. --update writes today's figures and limits 10 % above
them; --runs measures several times and prints the spread.
"""
import argparse
import base64
import glob
import hmac
import json
import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
LIMITS = os.path.join(HERE, "limits.json")
REQUESTS = 300    # a round; one more is ahead of what is counted: caches, the first of everything
ROUNDS = 5
SLACK = 1.10
# What ffmpeg and mpv send with every request, and a request of as many bytes for the plain file: a
# 206 of the whole costs no more than a 200, but for the look at what the field says (0.03).
WHOLE, PLAIN, WHOLE_SLACK = "1 KB file, bytes=0-", "1 KB file, another field", 1.04
DEADLINE = 60


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--update", action="store_true", help="write tests/guard/limits.json")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="print the rounds")
    return parser.parse_args()


OPTIONS = arguments()
os.environ["SEGUE_BUILD"] = OPTIONS.build
sys.path[:0] = [os.path.join(REPO, "tests", "wire"), os.path.join(REPO, "tests", "media")]

import fixtures  # noqa: E402
import hls  # noqa: E402
import raw  # noqa: E402
import segue  # noqa: E402
from conftest import noise  # noqa: E402


class Counted:
    """A server under callgrind. Its helpers are not: valgrind stays with one program."""

    def __init__(self, root, conf=None):
        self.dir = tempfile.mkdtemp(prefix="segue-guard-")
        self.out = os.path.join(self.dir, "callgrind.out")
        program = os.path.join(self.dir, "segue")
        command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={self.out}",
                   f"--vgdb-prefix={self.dir}/vgdb", segue.PROGRAM]
        with open(program, "w", encoding="utf-8") as f:
            f.write(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        os.chmod(program, 0o755)
        segue.PROGRAM = program
        alone = {"workers": 1, "log": {"access": "off"}}
        self.server = segue.Segue(root, segue.merge(alone, conf or {}))

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *exc):
        self.server.__exit__(*exc)
        shutil.rmtree(self.dir, ignore_errors=True)

    def dump(self):
        """Instructions since the last dump."""
        before = set(glob.glob(self.out + ".*"))
        subprocess.run(["callgrind_control", f"--vgdb-prefix={self.dir}/vgdb", "--dump",
                        str(self.server.pid)], check=True, timeout=DEADLINE,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        [new] = set(glob.glob(self.out + ".*")) - before
        with open(new, encoding="utf-8", errors="replace") as f:
            return int(re.search(r"^totals: (\d+)", f.read(), re.M)[1])


class Case:
    """One request, asked again and again on one connection."""

    def __init__(self, name, status, target, *fields):
        self.name, self.status = name, status
        self.request = raw.head(target, *fields)

    def repeat(self, client, times):
        for _ in range(times):
            answer = client.exchange(self.request)
            assert answer.status == self.status, answer

    def measure(self, counted):
        """Instructions for each request. The median of some rounds, since once a second the server
        looks after its files and its clock, and how many requests come between is a matter of
        time."""
        rounds = []
        # Room for a whole answer, so that the number of the server's writes is always the same.
        with raw.Client(counted.server.port, rcvbuf=4 << 20) as client:
            self.repeat(client, REQUESTS)
            counted.dump()
            for _ in range(ROUNDS):
                self.repeat(client, REQUESTS)
                rounds.append(counted.dump() / REQUESTS)
        if OPTIONS.verbose:
            print(self.name, *(f"{n:.0f}" for n in rounds))
        return statistics.median(rounds)


def library(root):
    """The files of the cases; from fixtures that are encoded once for all tests."""
    for name, size in (("1k.mp3", 1024), ("song.mp3", 4 << 20)):
        with open(os.path.join(root, name), "wb") as f:
            f.write(noise(name, size))
    shutil.copy(os.path.join(fixtures.make(), "aac.m4a"), root)
    for name in os.listdir(root):
        os.utime(os.path.join(root, name), (1_700_000_000, 1_700_000_000))  # written long ago


def cases(server):
    etag = server.get("/audio/1k.mp3")["ETag"]
    track = hls.Track(server, "aac.m4a", "fmp4")
    return [
        Case("1 KB file", 200, "/audio/1k.mp3"),
        Case(WHOLE, 206, "/audio/1k.mp3", "Range: bytes=0-"),
        Case(PLAIN, 200, "/audio/1k.mp3", "Other: bytes=0-"),
        Case("304", 304, "/audio/1k.mp3", f"If-None-Match: {etag}"),
        Case("media playlist", 200, track.url),
        Case("64 KB range of a song", 206, "/audio/song.mp3", "Range: bytes=1000000-1065535"),
        Case("fMP4 segment", 200, track.urls[1]),
    ]


SECRET = "a secret of sixteen bytes and more"
SIGNED = {"sign": {"protect": ["/hls/"], "keys": [{"id": "k1", "secret": SECRET}]}}


def signed_cases(server):
    """A player that sends the same token with each segment: what was right is remembered."""
    path, until = "/hls/aac.m4a", int(time.time()) + 3600
    mac = hmac.digest(SECRET.encode(), f"segue\nk1\n{until}\n2\n{path}".encode(), "sha256")
    token = f"/s/k1-{until}-2-" + base64.urlsafe_b64encode(mac).decode().rstrip("=")
    track = hls.Track(server, "aac.m4a", "fmp4", token)
    return [Case("fMP4 segment, signed", 200, track.urls[1])]


def measure_with(root, conf, which):
    program = segue.PROGRAM
    try:
        with Counted(root, conf) as counted:
            return {c.name: c.measure(counted) for c in which(counted.server)}
    finally:
        segue.PROGRAM = program


def measure():
    """{case: instructions per request}"""
    with tempfile.TemporaryDirectory() as root:
        library(root)
        return {**measure_with(root, None, cases), **measure_with(root, SIGNED, signed_cases)}


def made_with():
    """What the figures depend on besides our code."""
    def first_line(*command):
        return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode() \
            .splitlines()[0]
    return {"compiler": first_line("gcc", "--version"), "libc": " ".join(platform.libc_ver()),
            "valgrind": first_line("valgrind", "--version"), "machine": platform.machine()}


def update(figures):
    limits = {name: {"instructions": round(n), "limit": round(n * SLACK)}
              for name, n in figures.items()}
    with open(LIMITS, "w", encoding="utf-8") as f:
        json.dump({"made_with": made_with(), "cases": limits}, f, indent=2)
        f.write("\n")


def judge(figures):
    """Print the table; True when every case is within its limit."""
    with open(LIMITS, encoding="utf-8") as f:
        stored = json.load(f)
    good = True
    for name, n in figures.items():
        case = stored["cases"][name]
        within = n <= case["limit"]
        good = good and within
        print(f"{'ok    ' if within else 'ABOVE '} {name:24}{n:10.0f} instructions per request, "
              f"limit {case['limit']}, "
              f"{100 * (n / case['instructions'] - 1):+.1f} % since it was set")
    beside = figures[WHOLE] / figures[PLAIN]
    print(f"{'ok    ' if beside <= WHOLE_SLACK else 'ABOVE '} a 206 of the whole costs "
          f"{beside:.3f} of a 200, limit {WHOLE_SLACK}")
    good = good and beside <= WHOLE_SLACK
    if not good:
        print(f"The limits were made with {stored['made_with']}, this is {made_with()}.")
    return good


def spread(runs):
    for name in runs[0]:
        values = [r[name] for r in runs]
        width = 100 * (max(values) / min(values) - 1)
        print(f"{name:24}{min(values):10.0f} to {max(values):.0f}: {width:.2f} %")


def main():
    runs = [measure() for _ in range(OPTIONS.runs)]
    if len(runs) > 1:
        spread(runs)
    if OPTIONS.update:
        update(runs[0])
    sys.exit(0 if judge(runs[0]) else 1)


if __name__ == "__main__":
    main()
