"""Many clients, each from an address of its own in 127/8, for measurements; used by the programs beside it.

    results, opened = crowd(port, 10000, 30, Client)

Client(sock, number) is made when it has connected, `came(data, now)` is called with what it reads, and
`result()` at the end gives what is brought home; Client.began is then when the last one had connected.
Where Client.every is not 0, `tick()` is called every so many seconds from then on. They run in processes of their own, so that neither side
runs out of descriptors.
"""
import os
import pickle
import resource
import select
import socket
import time

EACH = 5000  # clients of one process


def raise_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def address(number):
    return f"127.{1 + number // 40000}.{number // 200 % 200}.{1 + number % 200}"


def connect(port, number):
    sock = socket.socket()
    sock.bind((address(number), 0))
    sock.connect(("127.0.0.1", port))
    sock.setblocking(False)
    return sock


def read(poll, clients, wait):
    for fd, _ in poll.poll(wait):
        sock, client = clients[fd]
        try:
            data = sock.recv(1 << 18)
        except BlockingIOError:
            continue
        if data:
            client.came(data, time.monotonic())
        else:
            poll.unregister(fd)


def live(port, numbers, seconds, make, opened, go):
    """A child's life: the results of its clients. The seconds run from the moment all have connected."""
    poll, clients = select.epoll(), {}
    for number in numbers:
        sock = connect(port, number)
        clients[sock.fileno()] = sock, make(sock, number)
        poll.register(sock.fileno(), select.EPOLLIN)
        read(poll, clients, 0)
    os.write(opened, b"!")
    poll.register(go, select.EPOLLIN)  # written to when all are there
    clients[go] = Gate(go), None
    while not clients[go][0].open:
        read(poll, clients, 1)
    make.began = time.monotonic()
    end = make.began + seconds
    again = make.began
    while time.monotonic() < end:
        read(poll, clients, 0.1)
        if make.every and time.monotonic() >= again:
            again += make.every
            for _, client in clients.values():
                if client:
                    client.tick()
    return [client.result() for _, client in clients.values() if client]


class Gate:
    """Reads as a socket does; open when something has come."""

    def __init__(self, fd):
        self.fd, self.open = fd, False

    def recv(self, size):
        self.open = bool(os.read(self.fd, size))
        return b""


def fork(port, numbers, seconds, make):
    opened, say = os.pipe()
    go, start = os.pipe()
    back, out = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(start)
        status = 1
        try:
            results = live(port, numbers, seconds, make, say, go)
            with os.fdopen(out, "wb") as file:
                pickle.dump(results, file)
            status = 0
        finally:
            os._exit(status)
    for fd in (say, go, out):
        os.close(fd)
    return pid, opened, start, back


def crowd(port, count, seconds, make, when_open=lambda: None):
    """The results of all; what when_open() said when all had connected."""
    children = []
    for first in range(0, count, EACH):
        children.append(fork(port, range(first, min(first + EACH, count)), seconds, make))
    for _, opened, _, _ in children:
        assert os.read(opened, 1) == b"!", "a client could not connect"
    for _, _, start, _ in children:
        os.write(start, b"!")
    said, results = when_open(), []
    for pid, opened, start, back in children:
        with os.fdopen(back, "rb") as file:
            results += pickle.load(file)
        os.close(opened)
        os.close(start)
        assert os.waitpid(pid, 0)[1] == 0
    return results, said


def cpu(pid):
    """Seconds that the process has computed."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    """Bytes."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def spread(values):
    """Lowest, 1st percentile, middle, 99th, highest."""
    values = sorted(values)
    at = lambda share: values[min(int(len(values) * share), len(values) - 1)]  # noqa: E731
    return " ".join(f"{name} {v:.4f}" for name, v in
                    (("min", values[0]), ("p1", at(.01)), ("p50", at(.5)), ("p99", at(.99)), ("max", values[-1])))
