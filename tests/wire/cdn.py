"""Starts nginx and Varnish with the configurations of conf/cdn before a server under test.

Only what an operator changes is changed: the origin's address, the listener, the user. `without`
leaves out the lines in which a text occurs, to see which test notices.
"""
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import zlib

import raw
from raw import DEADLINE
from segue import REPO, Lines, until

CONF = os.path.join(REPO, "conf", "cdn")
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # where Debian puts daemons


def program(name):
    found = shutil.which(name, path=PATH)
    assert found, f"{name} is not installed (tools/install-deps test)"
    return found


def settle(name, *changes):
    """The text of a configuration; each change (what, instead) finds its place exactly once."""
    with open(os.path.join(CONF, name), encoding="utf-8") as f:
        text = f.read()
    for what, instead in changes:
        assert text.count(what) == 1, f"{name}: {what!r} is there {text.count(what)} times"
        text = text.replace(what, instead)
    leave_out = os.environ.get("CDN_WITHOUT")
    if leave_out:
        text = "".join(line for line in text.splitlines(True) if leave_out not in line)
    return text


class Node:
    """One CDN node: a process in a folder of its own. A context manager; leaving it ends it."""

    name = None

    def __init__(self, origin, *changes):
        self.origin, self.changes = origin, changes
        self.dir = tempfile.mkdtemp(prefix="segue-cdn-")
        self.process = self.port = self.err = None

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(text)
        return os.path.join(self.dir, name)

    def run(self, command, **more):
        self.process = subprocess.Popen(command, cwd=self.dir, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more)
        self.err = Lines(self.process.stderr)

    def __enter__(self):
        try:
            self.start()
            until(self.up, self.name)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc):
        self.stop()

    def up(self):
        """Does it answer? One that has ended never will."""
        assert self.process.poll() is None, f"{self.name} ended:\n{self.err.text()}"
        try:
            return self.get("/ping").status == 200
        except (OSError, raw.Closed):
            return False

    def stop(self):
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.err.thread.join(DEADLINE)
            self.process.stderr.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def connect(self, **more):
        return raw.Client(self.port, **more)

    def get(self, target, *fields, **more):
        return raw.fetch(self.port, target, *fields, **more)


class Nginx(Node):
    """nginx takes the listening socket from us, as it does from its predecessor when it is
    upgraded, so the port is one of the kernel's choice and nobody can take it in between."""

    name = "nginx"

    def start(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1024)
            listener.setblocking(False)  # its workers share it, and it leaves that as it is
            listener.set_inheritable(True)
            self.port = listener.getsockname()[1]
            conf = self.write("nginx.conf", settle(
                "nginx.conf",
                ("user www-data;", "user root;" if os.geteuid() == 0 else ""),
                ("server 127.0.0.1:8080;", f"server 127.0.0.1:{self.origin.port};"),
                ("listen 8000;", f"listen 127.0.0.1:{self.port};"),
                *self.changes))
            self.run([program("nginx"), "-p", self.dir, "-c", conf, "-g", "daemon off;"],
                     env={**os.environ, "NGINX": f"{listener.fileno()};"},
                     pass_fds=[listener.fileno()])


class Varnish(Node):
    """varnishd is given port 0 and says which it took."""

    name = "varnish"

    def start(self):
        vcl = self.write("varnish.vcl", settle(
            "varnish.vcl", ('.port = "8080";', f'.port = "{self.origin.port}";'), *self.changes))
        self.run([program("varnishd"), "-F", "-j", "none", "-n", os.path.join(self.dir, "work"),
                  "-a", "127.0.0.1:0", "-f", vcl, "-p", "nuke_limit=10000",
                  "-s", "memory=default,64m", "-s", f"disk=file,{self.dir}/disk.bin,128m",
                  # Of Varnish's own: a small log, and nothing kept but by what the file says.
                  "-p", "vsl_space=4M", "-p", "default_grace=0", "-p", "default_keep=0"])

    def up(self):
        if self.port is None:
            said = self.ask("varnishadm", "-t", "1", "debug.listen_address").stdout.decode()
            found = re.search(r"127\.0\.0\.1 (\d+)", said)
            assert self.process.poll() is None, f"varnishd ended:\n{self.err.text()}"
            if not found:
                return False
            self.port = int(found[1])
        return super().up()

    def counter(self, name):
        out = self.ask("varnishstat", "-1", "-j", "-f", name).stdout
        return json.loads(out)["counters"][name]["value"]

    def ask(self, tool, *args):
        return subprocess.run([program(tool), "-n", os.path.join(self.dir, "work"), *args],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


class Moody:
    """An origin that fails when it is told to, which a real one cannot be made to do reliably: one
    body at every path, fresh for a second. `asked` has the (path, status) of each request."""

    def __init__(self, body):
        self.body, self.failing, self.slow, self.asked = body, False, 0.0, []
        moody = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                failing = moody.failing and self.path != "/ping"
                moody.asked.append((self.path, 500 if failing else 200))
                time.sleep(moody.slow)
                body = b'{"status":500}' if failing else moody.body
                self.send_response(500 if failing else 200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Type",
                                 "application/problem+json" if failing else "audio/mpeg")
                self.send_header("Cache-Control", "no-store" if failing else "max-age=1")
                if not failing:
                    self.send_header("ETag", f'"{zlib.crc32(body):08x}"')
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()

    def count(self, path, status):
        return self.asked.count((path, status))


class Pulls:
    """What the origin was asked for: the entries of its access log, by target.

    Counters would do, did not Varnish ask /ping every few seconds. One worker writes its lines in
    order, so that all that came before a marker is there when the marker is."""

    def __init__(self, origin):
        self.origin = origin
        self.marks = 0
        self.start = origin.out.mark()
        self.client = origin.connect()

    def of(self, target):
        self.marks += 1
        mark = f"/ping?mark-{id(self)}-{self.marks}"
        self.client.request(mark)
        self.origin.out.wait(re.escape(mark), start=self.start)
        with self.origin.out.changed:
            entries = [json.loads(line) for line in self.origin.out.lines[self.start:]]
        return [e for e in entries if e["target"] == target]

    def codes(self, target):
        return [e["status"] for e in self.of(target)]
