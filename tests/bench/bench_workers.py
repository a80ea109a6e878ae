#!/usr/bin/python3
"""Memory hits by 1, 2 and 4 whole workers: bench_workers.py [SECONDS [ROUNDS]]

wrk on 64 kept connections asks for 1 KB files that are in the memory cache: always the same one (the worst for its
shard's lock and its count of references), and 500 of them as listeners choose, Zipf(0.9). Prints the processor's
microseconds a request, user and kernel, and how often a thread slept in a thousand requests: in epoll, or on a lock.
The rounds go through 1, 2, 4 in turn; the middle one counts. bench_hits measures the cache alone.
"""
import bisect
import itertools
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "wire")]
from segue import Segue  # noqa: E402

FILES, CONNECTIONS, ASKED = 500, 64, 20_000
WORKERS = (1, 2, 4)
SCRIPT = """local names = { %s }
local requests, at = {}, 0
function init() for i, n in ipairs(names) do requests[i] = wrk.format("GET", "/audio/" .. n .. ".mp3") end end
function request() at = at %% #requests + 1; return requests[at] end
"""


def zipf(count):
    weights = list(itertools.accumulate(1 / (n + 1) ** 0.9 for n in range(FILES)))
    rng = random.Random(9)
    return [bisect.bisect(weights, rng.random() * weights[-1]) for _ in range(count)]


def processor(pid):
    """Microseconds of user and kernel so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return [int(n) * 1e6 / os.sysconf("SC_CLK_TCK") for n in fields[11:13]]


def switches(pid):
    """Times that a thread of it went to sleep by itself, and that the kernel took the processor from one."""
    seen = [0, 0]
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as file:
            found = re.findall(r"voluntary_ctxt_switches:\t(\d+)", file.read())
        seen = [a + int(b) for a, b in zip(seen, found)]
    return seen


def wrk(server, script, seconds):
    out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script,
                          f"http://127.0.0.1:{server.port}"], check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    return int(re.search(r"(\d+) requests in", out)[1])


def measure(root, script, workers, seconds):
    with Segue(root, {"workers": workers, "log": {"access": "off"}}) as server:
        for n in range(FILES):
            assert server.get(f"/audio/{n}.mp3").status == 200
        wrk(server, script, 1)
        missed = server.metric("segue_flights_total")
        before, slept = processor(server.pid), switches(server.pid)
        count = wrk(server, script, seconds)
        after, woken = processor(server.pid), switches(server.pid)
        assert server.metric("segue_flights_total") - missed < count / 1000, "they were not in memory"
    user, kernel = ((b - a) / count for a, b in zip(before, after))
    return user, kernel, (woken[0] - slept[0]) * 1000 / count


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as root:
        for n in range(FILES):
            with open(os.path.join(root, f"{n}.mp3"), "wb") as file:
                file.write(os.urandom(1024))
        print(f"{'asked for':<18} {'workers':>7} {'CPU us':>8} {'user':>8} {'kernel':>8} {'of one':>7} {'sleeps/1000':>12}")
        for what, names in (("always the same", [7]), ("500, Zipf(0.9)", zipf(ASKED))):
            script = os.path.join(root, "script.lua")
            with open(script, "w", encoding="ascii") as file:
                file.write(SCRIPT % ",".join(map(str, names)))
            seen = {n: [] for n in WORKERS}
            for _ in range(rounds):
                for n in WORKERS:
                    seen[n].append(measure(root, script, n, seconds))
            one = statistics.median(user + kernel for user, kernel, _ in seen[1])
            for n in WORKERS:
                user, kernel, sleeps = (statistics.median(column) for column in zip(*seen[n]))
                print(f"{what:<18} {n:>7} {user + kernel:>8.2f} {user:>8.2f} {kernel:>8.2f} "
                      f"{(user + kernel) / one:>7.2f} {sleeps:>12.1f}")


if __name__ == "__main__":
    main()
