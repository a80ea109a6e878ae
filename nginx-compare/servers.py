"""The servers under comparison: started on given cores, measured from /proc, ended by their pid."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process, seconds=20):
    """Until the port takes a connection; the server's end is an error."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args[0]} does not listen on {port}")


class Server:
    """One running server. cpu_ns() and rss() cover the processes that serve, not their masters."""

    name = "?"
    serves_hls = False

    def __init__(self, run, root, workers=1, access_log="off", cores="0", kept="10MB", pace=0):
        self.run = pathlib.Path(run)
        self.run.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.values = {"RUN": self.run, "ROOT": root, "WORKERS": workers, "PORT": self.port,
                       "ADMIN": free_port(), "ACCESS_LOG": access_log, "KEPT": kept,
                       "PACE": self.paced(pace)}
        command = self.command()
        self.process = subprocess.Popen(["taskset", "-c", cores, *command],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(self.port, self.process)
        except RuntimeError:
            self.stop()
            raise

    def paced(self, _pace):
        """The words of the configuration for so many bytes a second; 0: as fast as it goes."""
        return ""

    def fill(self, template, name):
        text = (HERE / template).read_text()
        text = re.sub(r"@([A-Z_]+)@", lambda m: str(self.values.get(m[1], m[0])), text)
        path = self.run / name
        path.write_text(text)
        return str(path)

    def pids(self):
        """The process and its children."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                todo += [int(p) for p in task.read_text().split()]
        return found

    def cpu_ns(self):
        """Nanoseconds on a processor, of every thread of every process."""
        total = 0
        for pid in self.pids():
            for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
                total += int(path.read_text().split()[0])
        return total

    def rss(self):
        """Resident bytes of the processes that serve."""
        total = 0
        for pid in self.serving():
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += 1024 * int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        return total

    def serving(self):
        return [self.process.pid]

    def bases(self):
        """Where it is reached; clients take them in turn."""
        return [f"http://127.0.0.1:{self.port}"]

    def url(self, path):
        return self.bases()[0] + path

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Segue(Server):
    name = "segue"
    serves_hls = True
    build = TOP / os.environ.get("SEGUE_BUILD", "build")

    def paced(self, pace):
        return f"{{rate: {pace // 1024}KB, after: 1s}}" if pace else "off"

    def command(self):
        return [str(self.build / "segue"), "serve", "-c", self.fill("segue.yaml.in", "segue.yaml")]


class Apart:
    """Two servers of one worker each that share nothing: what two workers of one server are held against."""

    name = "apart"
    serves_hls = True

    def __init__(self, run, root, _workers, access_log, cores, kept):
        self.two = []
        try:
            for i in range(2):
                log = access_log if access_log == "off" else f"{access_log}.{i}"
                self.two.append(Segue(run / str(i), root, 1, log, cores, kept))
        except RuntimeError:
            self.stop()
            raise
        self.values = self.two[0].values

    def cpu_ns(self):
        return sum(s.cpu_ns() for s in self.two)

    def bases(self):
        return [base for s in self.two for base in s.bases()]

    def stop(self):
        for s in self.two:
            s.stop()


def built_at(commit):
    """A kind of Segue: as it was at a commit, built beside today's."""
    short = subprocess.run(["git", "rev-parse", "--short", commit + "^{commit}"], cwd=TOP, check=True,
                           capture_output=True, text=True).stdout.strip()
    place = TOP / "build/base" / short
    if not (place / ".git").exists():
        subprocess.run(["git", "worktree", "add", "--force", "--detach", str(place), short], cwd=TOP,
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["make", "-s", "-j2", "NO_UI=1"], cwd=place, check=True, stdout=subprocess.DEVNULL)
    return type("Base", (Segue,), {"name": f"at {short}", "build": place / "build"})


class Nginx(Server):
    name = "nginx"

    def paced(self, pace):
        return str(pace)

    def command(self):
        conf = self.fill("nginx.conf.in", "nginx.conf")
        return [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(self.run), "-c", conf]

    def serving(self):
        return [p for p in self.pids() if p != self.process.pid]


class Uncorked(Nginx):
    """nginx without tcp_nopush: what is longer than a packet costs it much less (PROFILE.md)."""

    name = "uncorked"

    def fill(self, template, name):
        path = pathlib.Path(super().fill(template, name))
        path.write_text(path.read_text().replace("tcp_nopush on;", "tcp_nopush off;"))
        return str(path)


class H2o(Server):
    name = "h2o"

    def command(self):
        return ["h2o", "-m", "worker", "-c", self.fill("peers/h2o.conf.in", "h2o.conf")]


class Lighttpd(Server):
    name = "lighttpd"

    def command(self):
        return ["lighttpd", "-D", "-f", self.fill("peers/lighttpd.conf.in", "lighttpd.conf")]


class Varnish(Server):
    """In front of nginx on the same core: what is compared is a hit in its cache."""

    name = "varnish"

    def command(self):
        self.origin = Nginx(self.run / "origin", self.values["ROOT"])
        self.values["ORIGIN"] = self.origin.port
        vcl = self.fill("peers/varnish.vcl.in", "default.vcl")
        return ["varnishd", "-F", "-a", f"127.0.0.1:{self.port}", "-f", vcl, "-n",
                str(self.run / "n"), "-s", "malloc,512m", "-t", "3600", "-j", "none",
                "-p", "thread_pools=1"]

    def stop(self):
        super().stop()
        self.origin.stop()


class Floor(Server):
    """The kernel alone: see floor.c."""

    name = "floor"

    ahead = ()

    def __init__(self, run, head, size, file=None, cores="0"):
        self.head, self.size, self.file = head, size, file
        super().__init__(run, "/", cores=cores)

    def command(self):
        file = [self.file] if self.file else []
        return [str(TOP / "build/floor"), str(self.port), str(self.head), str(self.size), *file, *self.ahead]


class Ahead(Floor):
    """The same with the head of a long answer sent ahead, as Segue does it."""

    name = "ahead"
    ahead = ("ahead",)


ALL = {s.name: s for s in (Segue, Nginx, Uncorked, H2o, Lighttpd, Varnish)}
