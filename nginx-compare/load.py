"""One run of wrk against one server, and what it cost that server."""
import json
import os
import pathlib
import re
import subprocess
import threading
import urllib.request

LONG = 1 << 20 # bytes
HERE = pathlib.Path(__file__).resolve().parent


def etag_of(url):
    with urllib.request.urlopen(urllib.request.Request(url, method="HEAD")) as answer:
        return answer.headers["ETag"]


def wrk_command(server, case, path, seconds, cores):
    command = ["taskset", "-c", cores, "wrk", "-t1", f"-c{case.connections}", f"-d{seconds}s",
               "--timeout", "30s", "-s", str(HERE / "load.lua")]
    for header in case.headers:
        value = "If-None-Match: " + etag_of(server.url(path)) if header == "304" else header
        command += ["-H", value]
    return command + [server.url(path), "--", *(case.load or ("plain",))]


class Dropper:
    """Keeps files out of the page cache while a cold case runs."""

    def __init__(self, files):
        self.descriptors = [os.open(f, os.O_RDONLY) for f in files]
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def drop(self):
        for fd in self.descriptors:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def work(self):
        while not self.ended.wait(0.1):
            self.drop()

    def __enter__(self):
        for fd in self.descriptors:
            os.fsync(fd)
        self.drop()
        self.thread.start()

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        for fd in self.descriptors:
            os.close(fd)


def measure(server, case, seconds, cores="1"):
    """{"rps", "cpu_us", "p50_us", "p99_us", "requests"}; cpu_us is user + system of the server over the
    requests it answered."""
    path = case.segue if server.name == "segue" else case.other
    cold = [pathlib.Path(server.values["ROOT"]) / f"cold/{i}.bin" for i in range(case.cold)]
    command = wrk_command(server, case, path, seconds, cores)
    with Dropper(cold):
        before = server.cpu_ns()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        spent = server.cpu_ns() - before
    found = re.search(r"^RESULT (.*)$", done.stdout, re.M)
    if not found:
        raise RuntimeError(f"wrk said nothing of use: {done.stdout}{done.stderr}")
    result = json.loads(found[1])
    # Of long bodies a run ends in the middle of some: what was sent of them counts.
    answers = result["bytes"] / case.size if case.size >= LONG else result["requests"]
    if not answers or result["bad"]:
        raise RuntimeError(f"{server.name}, {case.name}: {result}")
    return {"rps": answers * 1e6 / result["us"], "cpu_us": spent / 1000 / answers,
            "p50_us": result["p50_us"], "p99_us": result["p99_us"],
            "requests": result["requests"], "socket_errors": result["socket"]}
