"""A real Redis of a test's own, a client of few words for it, and a proxy that misbehaves."""
import ctypes
import mmap
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from raw import DEADLINE
from segue import REPO


class Refused(Exception):
    """An error reply."""


class Redis:
    """redis-server on a unix socket, with conf/redis.conf. A context manager."""

    def __init__(self, *args, password=None):
        self.dir = tempfile.mkdtemp(prefix="segue-redis-")
        self.socket = os.path.join(self.dir, "redis.sock")
        self.args = list(args)
        self.password = password
        if password:
            self.args += ["--requirepass", password]
        self.process = None

    def _take_port(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]

    def at_a_port(self):
        """Before it starts: by TCP too."""
        self._take_port()
        self.args += ["--port", str(self.port)]
        return self

    def uses_tls(self, authority, name="localhost"):
        """Before it starts: by TLS too, on a port of its own, with a certificate for `name`."""
        self._take_port()
        cert, key = authority.issue(name)
        self.args += ["--tls-port", str(self.port), "--tls-cert-file", cert, "--tls-key-file", key,
                      "--tls-auth-clients", "no"]
        return self

    @property
    def url(self):
        user = f":{self.password}@" if self.password else ""
        return f"unix://{user}{self.socket}"

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", os.path.join(REPO, "conf", "redis.conf"), "--port", "0",
             "--unixsocket", self.socket, "--dir", self.dir, *self.args],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        end = time.monotonic() + DEADLINE
        while True:
            try:
                self("PING")
                return self
            except OSError:
                assert time.monotonic() < end, "redis-server does not start"
                time.sleep(0.01)

    __enter__ = start

    def __exit__(self, *exc):
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def kill(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()

    def signal(self, which):
        self.process.send_signal(which)

    def __call__(self, *words):
        """One command; its reply as bytes, int, None or a list."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(DEADLINE)
            s.connect(self.socket)
            with s.makefile("rwb") as f:
                for command in ([["AUTH", self.password]] if self.password else []) + [words]:
                    write(f, command)
                    reply = read(f)
                return reply

    def keys(self, pattern="segue:1:*"):
        return sorted(self("KEYS", pattern))


def chill(path):
    """Put a file out of the page cache, as it is on an edge that has not read it; false where the
    file system keeps it there. (mincore tells: a read that may not wait would bring it back.)"""
    end = time.monotonic() + 3
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
        while time.monotonic() < end:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            if not resident(fd, os.fstat(fd).st_size):
                return True
            stir()
            time.sleep(0.01)  # what is being read cannot be dropped
        return False
    finally:
        os.close(fd)


def stir():
    """A packet on each processor. One that was read is freed by the processor it was made on when that next has to
    do with its network (skb_attempt_defer_free, net/core/skbuff.c); until then it holds the pages it was sent from."""
    allowed = os.sched_getaffinity(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.connect(s.getsockname())
        for processor in allowed:
            os.sched_setaffinity(0, {processor})
            s.send(b"x")
            s.recv(1)
        os.sched_setaffinity(0, allowed)


def resident(fd, size):
    """Pages of a file that are in memory."""
    libc = ctypes.CDLL(None, use_errno=True)
    with mmap.mmap(fd, size, prot=mmap.PROT_READ | mmap.PROT_WRITE, flags=mmap.MAP_PRIVATE) as pages:
        at = (ctypes.c_char * size).from_buffer(pages)
        seen = (ctypes.c_ubyte * (-(-size // mmap.PAGESIZE)))()
        ok = libc.mincore(ctypes.byref(at), ctypes.c_size_t(size), seen)
        del at
    assert ok == 0
    return sum(n & 1 for n in seen)


def write(f, words):
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    f.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
    f.flush()


def read(f):
    line = f.readline()
    assert line.endswith(b"\r\n"), line
    kind, rest = line[:1], line[1:-2]
    if kind == b"-":
        raise Refused(rest.decode())
    if kind in b"*":
        return [read(f) for _ in range(int(rest))]
    if kind == b"$":
        if rest == b"-1":
            return None
        data = f.read(int(rest) + 2)
        return data[:-2]
    return int(rest) if kind == b":" else rest


class Authority:
    """A certificate authority of a test's own, under `folder`."""

    def __init__(self, folder, name="ca"):
        self.folder, self.file, self.key = folder, folder / f"{name}.crt", folder / f"{name}.key"
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                      f"/CN={name}", "-keyout", self.key, "-out", self.file)

    def _openssl(self, *args):
        subprocess.run(["openssl", *map(str, args)], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def issue(self, name):
        """A certificate for a name, or an address; the files of it and of its key."""
        base = self.folder / name
        kind = "IP" if name[0].isdigit() else "DNS"
        extra, request = self.folder / f"{name}.ext", self.folder / f"{name}.csr"
        extra.write_text(f"subjectAltName={kind}:{name}\n")
        cert, key = f"{base}.crt", f"{base}.key"
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=redis", "-keyout", key,
                      "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key,
                      "-CAcreateserial", "-days", "2", "-extfile", extra, "-out", cert)
        return cert, key


class Proxy:
    """Stands before a Redis on a unix socket of its own; `mood` says what becomes of its answers:
    "pass", "garbage" (other bytes instead), "cut" (half of it, then the end), "slow" (0.3 s late),
    "mute" (nothing)."""

    def __init__(self, redis, mood="pass"):
        self.redis, self.mood = redis, mood
        self.dir = tempfile.mkdtemp(prefix="segue-proxy-")
        self.socket = os.path.join(self.dir, "proxy.sock")
        self.url = f"unix://{self.socket}"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.socket)
        self.listener.listen(64)
        self.ended = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.ended = True
        self.listener.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _accept(self):
        while not self.ended:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.redis.socket)
            except OSError:
                client.close()
                continue
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source, target, answers):
        try:
            while data := source.recv(1 << 16):
                data = self._bend(data) if answers else data
                if data is None:
                    break
                target.sendall(data)
        except OSError:
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _bend(self, data):
        mood = self.mood
        if mood == "slow":
            time.sleep(0.3)
        elif mood == "garbage":
            return b"*2147483647\r\n$99999999999\r\n\x00\xff%" + data
        elif mood == "cut":
            return None if len(data) < 2 else data[:len(data) // 2]
        elif mood == "mute":
            return b""
        return data
