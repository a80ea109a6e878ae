"""One run of wrk against one server, and what it cost that server."""
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request

LONG = 1 << 20 # bytes
STOPS = 60 # seconds: of a wrk that nobody stopped
HERE = pathlib.Path(__file__).resolve().parent


def etag_of(url):
    with urllib.request.urlopen(urllib.request.Request(url, method="HEAD")) as answer:
        return answer.headers["ETag"]


def fields_of(url, case):
    """What a request has besides its Host; of those that choose at random, one."""
    fields = ["If-None-Match: " + etag_of(url) if f == "304" else f for f in case.headers]
    if case.load and case.load[0] == "range":
        fields.append(f"Range: bytes=0-{int(case.load[1]) - 1}")
    return fields


def head_of(server, case):
    """Bytes of the head that it answers with."""
    url = server.bases()[0] + path_on(server, case)
    where = urllib.parse.urlsplit(url)
    lines = [f"GET {where.path} HTTP/1.1", f"Host: {where.netloc}", *fields_of(url, case), "", ""]
    with socket.create_connection((where.hostname, where.port), timeout=10) as s:
        s.sendall("\r\n".join(lines).encode())
        got = b""
        while b"\r\n\r\n" not in got:
            got += s.recv(65536)
    return got.index(b"\r\n\r\n") + 4


def wrk_command(url, case, core, connections):
    command = ["taskset", "-c", core, "wrk", "-t1", f"-c{connections}", f"-d{STOPS}s",
               "--timeout", "30s", "-s", str(HERE / "load.lua")]
    for field in fields_of(url, dataclasses.replace(case, load=())):
        command += ["-H", field]
    return command + [url, "--", *(case.load or ("plain",))]


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


def end(wrk):
    """Its words. wrk ends at a signal as it does at its time, which it takes in whole seconds only; one that
    comes while it is still starting does not wake it, so there may have to be another."""
    while wrk.poll() is None:
        wrk.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return wrk.communicate(timeout=0.5)
    return wrk.communicate()


def wrk_results(commands, seconds):
    """What each said; nothing of one that was ended before it had begun."""
    with contextlib.ExitStack() as ended:
        running = []
        for command in commands:
            running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                            text=True))
            ended.callback(running[-1].kill)
        time.sleep(seconds)
        results = [re.search(r"^RESULT (.*)$", end(p)[0], re.M) for p in running]
        return [json.loads(r[1]) for r in results if r]


def sum_of(results):
    """Of all clients: what was asked for by all, the worst of what each waited for."""
    total = {k: sum(r[k] for r in results) for k in ("requests", "bytes", "bad", "socket")}
    worst = {k: max(r[k] for r in results) for k in ("us", "p50_us", "p99_us")}
    return {**total, **worst}


def path_on(server, case):
    """The version in a segment's URL is not the same at every commit."""
    if not server.serves_hls:
        return case.other
    versioned = re.match(r"(.*/)(v-[0-9a-f]+)/", case.segue)
    if not versioned:
        return case.segue
    with urllib.request.urlopen(server.bases()[0] + versioned[1] + "index.m3u8") as answer:
        version = re.search(r"^v-[0-9a-f]+", answer.read().decode(), re.M)
    return case.segue.replace(versioned[2], version[0])


def commands_of(server, case):
    """One client on the other core. Of two workers, or two servers apart, each meets one on its own core
    and one on the other's: a server's workers get connections from both."""
    path = path_on(server, case)
    urls = [url + path for url in server.bases()]
    whom = [("0", 0), ("0", 1), ("1", 0), ("1", 1)] if case.workers > 1 else [("1", 0)]
    return [wrk_command(urls[i % len(urls)], case, core, max(1, case.connections // len(whom)))
            for core, i in whom]


def warm(server, case, seconds):
    """What is asked for first is slow: files are opened, indexes made, songs copied into memory."""
    wrk_results(commands_of(server, case), seconds)


def measure(server, case, seconds):
    """{"rps", "cpu_us", "p50_us", "p99_us", "requests", "socket_errors"}; cpu_us is user + system of the
    server over the requests it answered."""
    cold = [pathlib.Path(server.values["ROOT"]) / f"cold/{i}.bin" for i in range(case.cold)]
    commands = commands_of(server, case)
    with Dropper(cold):
        before = server.cpu_ns()
        results = wrk_results(commands, seconds)
        spent = server.cpu_ns() - before
    if len(results) < len(commands):
        raise RuntimeError(f"{server.name}, {case.name}: wrk had no time to say what it found")
    result = sum_of(results)
    # Of long bodies a run ends in the middle of some: what was sent of them counts.
    answers = result["bytes"] / case.size if case.size >= LONG else result["requests"]
    if not answers or result["bad"]:
        raise RuntimeError(f"{server.name}, {case.name}: {result}")
    return {"rps": answers * 1e6 / result["us"], "cpu_us": spent / 1000 / answers,
            "p50_us": result["p50_us"], "p99_us": result["p99_us"],
            "requests": result["requests"], "socket_errors": result["socket"]}
