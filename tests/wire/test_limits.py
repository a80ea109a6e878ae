"""What one client address may take: requests by rate, connections by number; from many addresses."""
import http.client
import json
import signal
import socket

from segue import Segue, merge, until

ONE = "127.0.0.2"


class Client(http.client.HTTPConnection):
    """A connection from an address of our choice (all of 127/8 is ours)."""

    def __init__(self, server, source=ONE):
        super().__init__("127.0.0.1", server.port, timeout=20, source_address=(source, 0))

    def ask(self, target="/ping"):
        self.request("GET", target)
        r = self.getresponse()
        r.body = r.read()
        return r


def once(server, source=ONE):
    client = Client(server, source)
    try:
        return client.ask()
    finally:
        client.close()


def test_requests_over_the_rate_are_429_with_retry_after(own):
    with Segue(own.root, {"limit": {"requests": {"rate": "3/h", "burst": 4}},
                          "log": {"format": "json"}}) as s:
        answers = [once(s) for _ in range(8)]  # over both workers
        assert [r.status for r in answers] == [200] * 4 + [429] * 4
        for r in answers[4:]:
            assert 1 <= int(r.headers["Retry-After"]) <= 1201
            assert r.headers["Access-Control-Allow-Origin"] == "*"
            assert json.loads(r.body)["status"] == 429
        assert once(s, "127.0.0.3").status == 200
        assert s.metric('segue_denied_total{reason="rate"}') == 4
        assert json.loads(s.out.wait('"status":429').string)["denied"] == "rate"


def test_a_kept_connection_is_limited_and_stays(own):
    with Segue(own.root, {"limit": {"requests": {"rate": "1/h", "burst": 2}}}) as s:
        client = Client(s)
        assert [client.ask("/audio/small.mp3").status for _ in range(4)] == [200, 200, 429, 429]
        client.close()


def test_a_bucket_fills_again(own):
    with Segue(own.root, {"limit": {"requests": {"rate": "5/s", "burst": 1}}}) as s:
        assert once(s).status == 200
        until(lambda: once(s).status == 200, "the next second's request")


def test_ten_thousand_addresses_have_each_their_own(own):
    with Segue(own.root, {"limit": {"requests": {"rate": "1/h", "burst": 1}}}) as s:
        held = Client(s)
        assert held.ask().status == 200 and held.ask().status == 429
        for i in range(10000):
            source = f"127.{1 + i // 60000}.{i // 250 % 240}.{1 + i % 250}"
            assert once(s, source).status == 200, source
        assert held.ask().status == 429
        held.close()


def test_connections_over_the_number_are_503(own):
    with Segue(own.root, {"limit": {"connections": 3}}) as s:
        clients = [Client(s) for _ in range(3)]
        assert all(c.ask().status == 200 for c in clients)
        r = once(s)
        assert r.status == 503 and r.headers["Retry-After"] == "1"
        assert once(s, "127.0.0.3").status == 200
        assert s.metric('segue_denied_total{reason="connections"}') == 1
        clients.pop().close()
        until(lambda: once(s).status == 200, "the place that was given back")
        for c in clients:
            c.close()
        until(lambda: s.metric("segue_connections") == 0, "the end of all")


def test_ipv6_is_limited_by_64_bits(own):
    if not socket.has_ipv6:
        return
    with Segue(own.root, {"listen": "[::1]:0", "limit": {"requests": {"rate": "1/h", "burst": 1}}}) as s:
        codes = []
        for _ in range(2):
            client = http.client.HTTPConnection("::1", s.port, timeout=20)
            client.request("GET", "/ping")
            codes.append(client.getresponse().status)
            client.close()
        assert codes == [200, 429]


def test_limits_are_reloaded(own):
    with Segue(own.root) as s:
        assert all(once(s).status == 200 for _ in range(5))
        s.write_conf(merge(s.conf, {"limit": {"requests": "1/h"}}))
        s.signal(signal.SIGHUP)
        until(lambda: once(s).status == 429, "the limit")
        s.write_conf(s.conf)
        s.signal(signal.SIGHUP)
        until(lambda: once(s).status == 200, "its end")


def forwarded(server, source, **fields):
    """The client that the access log names for a request with these fields."""
    mark = server.out.mark()
    client = Client(server, source)
    client.request("GET", "/ping", headers={n.replace("_", "-"): v for n, v in fields.items()})
    status = client.getresponse().status
    client.close()
    return status, json.loads(server.out.wait('"target":"/ping"', start=mark).string)["client"]


def test_only_trusted_proxies_say_who_the_client_is(own):
    conf = {"http": {"trusted_proxies": ["127.0.0.8/30", "10.0.0.0/8"]}, "log": {"format": "json"}}
    with Segue(own.root, conf) as s:
        cases = [
            ("127.0.0.2", {"X_Forwarded_For": "192.0.2.1"}, "127.0.0.2"),
            ("127.0.0.9", {}, "127.0.0.9"),
            ("127.0.0.9", {"X_Forwarded_For": "6.6.6.6, 192.0.2.1, 10.1.1.1"}, "192.0.2.1"),
            ("127.0.0.9", {"Forwarded": 'for="[2001:db8::1]:4711"'}, "2001:db8::1"),
            ("127.0.0.9", {"X_Forwarded_For": "192.0.2.1", "Forwarded": "for=192.0.2.1"}, "192.0.2.1"),
            ("127.0.0.9", {"X_Forwarded_For": "192.0.2.1", "Forwarded": "for=6.6.6.6"}, "127.0.0.9"),
            ("127.0.0.9", {"X_Forwarded_For": "junk"}, "127.0.0.9"),
        ]
        for source, fields, client in cases:
            assert forwarded(s, source, **fields) == (200, client), fields


def test_clients_behind_a_proxy_are_limited_each(own):
    conf = {"http": {"trusted_proxies": "127.0.0.9"}, "log": {"format": "json"},
            "limit": {"requests": {"rate": "1/h", "burst": 1}, "connections": 1}}
    with Segue(own.root, conf) as s:
        held = [Client(s, "127.0.0.9") for _ in range(3)]
        assert all(c.ask().status in (200, 429) for c in held)  # not counted as one client's
        for i in range(3):
            fields = {"X_Forwarded_For": f"192.0.2.{i}"}
            assert forwarded(s, "127.0.0.9", **fields)[0] == 200
            assert forwarded(s, "127.0.0.9", **fields)[0] == 429
        for c in held:
            c.close()
