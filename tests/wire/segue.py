"""Starts the server under test and looks after it.

    with Segue(root, {"http": {"header_timeout": "1s"}}) as server:
        raw.fetch(server.port, "/audio/a.mp3")

Each server listens on ports of the kernel's choice and says on stderr which they are, so tests may
run side by side. Leaving the `with` sends SIGTERM and asserts that the server drained, exited with
0 and that no sanitizer complained.
"""
import copy
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import raw
from raw import DEADLINE

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(REPO, os.environ.get("SEGUE_BUILD") or "build")
PROGRAM = os.path.join(BUILD, "segue")

COMPLAINT = re.compile(r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|runtime error:")
PUBLIC = re.compile(r"listening on https?://(\S+):(\d+)")
ADMIN = re.compile(r"admin on https?://(\S+):(\d+)")

DEFAULTS = {
    "listen": "127.0.0.1:0",
    "admin": "127.0.0.1:0",
    "workers": 2,
    "drain_timeout": "10s",
    "log": {"access": "stdout", "level": "info"},
}


def merge(base, over):
    """A nested dict with `over` laid on `base`."""
    out = copy.deepcopy(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        else:
            out[key] = value
    return out


def yaml(conf, indent=0):
    """Block YAML of a nested dict; lists and scalars in flow style, which JSON is."""
    out = ""
    for key, value in conf.items():
        out += " " * indent + key + ":"
        if isinstance(value, dict) and value:
            out += "\n" + yaml(value, indent + 2)
        elif isinstance(value, (dict, list)) or not isinstance(value, str):
            out += " " + json.dumps(value) + "\n"
        else:
            out += " " + json.dumps(value, ensure_ascii=False) + "\n"
    return out


def until(check, what="it", deadline=DEADLINE):
    """Ask again until check() is true, and return that; AssertionError after the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {deadline} s")
        time.sleep(0.01)


class Lines:
    """The lines a process writes to a pipe, collected by a thread; waiting wakes on each."""

    def __init__(self, pipe):
        self.lines = []
        self.ended = False
        self.changed = threading.Condition()
        self.pipe = pipe
        self.thread = threading.Thread(target=self._collect, daemon=True)
        self.thread.start()

    def _collect(self):
        for line in self.pipe:
            with self.changed:
                self.lines.append(line.decode("utf-8", "backslashreplace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_all(self, pattern, count=1, deadline=DEADLINE, start=0):
        """The matches of the first `count` lines from `start` on in which the pattern is found."""
        end = time.monotonic() + deadline
        with self.changed:
            while True:
                found = [m for m in (re.search(pattern, line) for line in self.lines[start:]) if m]
                if len(found) >= count:
                    return found[:count]
                left = end - time.monotonic()
                if self.ended or left <= 0:
                    raise AssertionError(
                        f"{len(found)} of {count} lines with {pattern!r} "
                        + ("before the end:\n" if self.ended else "in time:\n")
                        + "\n".join(self.lines[-30:]))
                self.changed.wait(left)

    def wait(self, pattern, deadline=DEADLINE, start=0):
        """The match of the first such line."""
        return self.wait_all(pattern, 1, deadline, start)[0]

    def mark(self):
        """For wait(start=...): only what comes from now on."""
        with self.changed:
            return len(self.lines)

    def text(self):
        with self.changed:
            return "\n".join(self.lines)


class Segue:
    """A running server.

    root       media.root; None leaves it to conf
    conf       nested dict laid over DEFAULTS
    args       more command line arguments after `serve -c FILE`
    env        more environment variables
    limits     {"NOFILE": n}: resource limits of the server
    within     words of a command that becomes the server: those of its command line are put behind
    port, ports, admin_port   where it listens
    out, err   Lines of stdout (access log) and stderr
    """

    def __init__(self, root=None, conf=None, args=(), env=None, limits=None,
                 within=()):
        self.conf = merge(DEFAULTS, {"media": {"root": str(root)}} if root is not None else {})
        self.conf = merge(self.conf, conf or {})
        self.dir = tempfile.mkdtemp(prefix="segue-wire-")
        self.file = os.path.join(self.dir, "segue.yaml")
        self.args = list(args)
        self.env = env or {}
        self.limits = limits or {}
        self.within = list(within)
        self.process = None
        self.port = self.admin_port = None
        self.ports = []

    def write_conf(self, conf=None):
        """(Re)write the configuration file."""
        with open(self.file, "w", encoding="utf-8") as f:
            f.write(yaml(self.conf if conf is None else conf))

    def _limit(self):
        for name, value in self.limits.items():
            which = getattr(resource, "RLIMIT_" + name)
            resource.setrlimit(which, (value, value))

    def start(self):
        self.write_conf()
        env = {k: v for k, v in os.environ.items() if not k.startswith("SEGUE_")}
        env.update(self.env)
        self.process = subprocess.Popen(
            [*self.within, PROGRAM, "serve", "-c", self.file, *self.args], env=env, cwd=self.dir,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=self._limit if self.limits else None)
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)
        try:
            self._ports()
        except BaseException:
            self.kill()
            raise
        return self

    def _ports(self):
        listen = self.conf["listen"]
        count = len(listen) if isinstance(listen, list) else 1
        self.ports = [int(m[2]) for m in self.err.wait_all(PUBLIC, count)]
        self.port = self.ports[0]
        if self.conf["admin"] != "off":
            self.admin_port = int(self.err.wait(ADMIN)[2])

    __enter__ = start

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
            return
        self.kill()
        print("--- stderr of the server ---\n" + self.err.text(), file=sys.stderr)

    @property
    def pid(self):
        return self.process.pid

    def signal(self, which):
        os.kill(self.pid, which)

    def running(self):
        return self.process.poll() is None

    def wait(self, deadline=DEADLINE):
        """Wait for the end; the exit status."""
        code = self.process.wait(deadline)
        self.out.thread.join(DEADLINE)
        self.err.thread.join(DEADLINE)
        return code

    def stop(self):
        """SIGTERM; it has to drain and exit with 0. One that has exited with 0 is fine too."""
        if self.running():
            self.signal(signal.SIGTERM)
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the server did not end after SIGTERM:\n" + self.err.text())
        self._tidy()
        assert code == 0, f"exit status {code}:\n{self.err.text()}"
        assert not COMPLAINT.search(self.err.text()), self.err.text()

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.wait()
        self._tidy()

    def _tidy(self):
        self.process.stdout.close()
        self.process.stderr.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def connect(self, **more):
        return raw.Client(self.port, **more)

    def get(self, target, *fields, **more):
        """One request on a connection of its own."""
        return raw.fetch(self.port, target, *fields, **more)

    def admin(self, target, *fields, **more):
        return raw.fetch(self.admin_port, target, *fields, **more)

    def metrics(self):
        """{"segue_requests_total{code=\"200\"}": 3.0, ...}"""
        r = self.admin("/metrics")
        assert r.status == 200, r
        out = {}
        for line in r.body.decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                out[name] = float(value)
        return out

    def metric(self, name):
        return self.metrics()[name]

    def until_metric(self, name, check):
        """Wait until check(value of the metric) is true; the value."""
        values = []

        def look():
            values.append(self.metrics().get(name, 0.0))
            return check(values[-1])
        until(look, name)
        return values[-1]
