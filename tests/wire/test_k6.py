"""tools/k6: the scenarios run with the real k6, and see what goes wrong.

Times are not judged here: thresholds are for a machine that does nothing else.
"""
import json
import os
import shutil
import subprocess
import textwrap
import xml.etree.ElementTree as xml

import pytest

import raw
from hls_cases import fixtures
from segue import BUILD, REPO, Segue

SANITIZED = any(s in BUILD for s in ("asan", "tsan"))
SCRIPTS = os.path.join(REPO, "tools", "k6")
TRACKS = "ladder,aac.m4a,cbr.mp3,flac.flac,opus.opus"


@pytest.fixture(scope="module")
def k6():
    found = subprocess.run([os.path.join(REPO, "tools", "install-k6"), "--find"], capture_output=True,
                           text=True, check=False)
    if found.returncode:
        pytest.skip("NOT RUN: there is no k6 here; tools/install-k6 says how it comes")
    return found.stdout.strip()


@pytest.fixture(scope="module")
def server():
    with Segue(fixtures.make()) as server:
        yield server


class Run:
    """One scenario with the real k6: its status, what it printed, its files in OUT."""

    def __init__(self, k6, server, scenario, out, judge=False, **settings):
        settings = {"BASE_URL": f"http://127.0.0.1:{server.port}", "TRACKS": TRACKS, "OUT": str(out), **settings}
        command = [k6, "run", "--quiet", "--address", "", *([] if judge else ["--no-thresholds"])]
        for name, value in settings.items():
            command += ["-e", f"{name}={value}"]
        done = subprocess.run([*command, os.path.join(SCRIPTS, f"{scenario}.js")], capture_output=True, text=True,
                              env={**os.environ, "K6_NO_USAGE_REPORT": "true"}, stdin=subprocess.DEVNULL,
                              timeout=200 + raw.DEADLINE, check=False)
        self.status, self.said = done.returncode, done.stdout + done.stderr
        path = os.path.join(out, scenario)
        with open(f"{path}.json", encoding="utf-8") as file:
            self.metrics = {name: metric["values"] for name, metric in json.load(file)["metrics"].items()}
        with open(f"{path}.txt", encoding="utf-8") as file:
            self.text = file.read()
        self.picture = xml.parse(f"{path}.svg").getroot()

    def is_clean(self):
        """Every check passed, no request failed; self."""
        assert self.status == 0, self.said
        assert self.metrics["checks"]["fails"] == 0 < self.metrics["checks"]["passes"], self.said
        assert self.metrics["http_req_failed"]["rate"] == 0, self.said
        return self


def test_smoke_finds_everything_in_order(k6, server, tmp_path):
    before = server.metric("segue_response_bytes_total")
    run = Run(k6, server, "smoke", tmp_path).is_clean()
    assert run.metrics["http_reqs"]["count"] > 10 * 5 * 5
    assert server.metric("segue_response_bytes_total") - before > 10**6


def test_the_summary_is_text_json_and_a_picture(k6, server, tmp_path):
    run = Run(k6, server, "smoke", tmp_path, ROUNDS=1)
    assert run.text in run.said
    assert f"{run.metrics['checks']['passes']} passed, 0 failed" in run.text
    words = "".join(run.picture.itertext())
    assert run.picture.tag.endswith("svg") and "smoke: all thresholds kept" in words
    assert all(f"{what} {point}" in words for what in ("whole answer", "first byte") for point in ("p50", "p99"))


def test_the_thresholds_are_those_of_the_platform_s_owners(k6, server, tmp_path):
    Run(k6, server, "smoke", tmp_path, judge=True, ROUNDS=1)
    with open(os.path.join(tmp_path, "smoke.json"), encoding="utf-8") as file:
        found = {name: set(metric["thresholds"]) for name, metric in json.load(file)["metrics"].items()
                 if "thresholds" in metric}
    assert found["http_req_duration"] == {"p(50)<50", "p(95)<100", "p(99)<200"}
    assert found["http_req_waiting"] == {"p(95)<50"}
    assert found["http_req_failed"] == {"rate<0.001"}
    assert found["memory_hit_ratio"] == {"rate>0.8"}


def test_the_hit_ratio_is_the_server_s_own_where_it_can_be_read(k6, tmp_path):
    with Segue(fixtures.make()) as server:
        run = Run(k6, server, "smoke", tmp_path, ADMIN_URL=f"http://127.0.0.1:{server.admin_port}").is_clean()
        counts = [server.metric(f'segue_cache_requests_total{{tier="memory",result="{result}"}}')
                  for result in ("hit", "miss", "stale")]
        assert abs(run.metrics["memory_hit_ratio"]["value"] - counts[0] / sum(counts)) < 0.01
        run = Run(k6, server, "smoke", tmp_path, ROUNDS=2)
        assert run.metrics["memory_hit_ratio"]["passes"] > 0


def test_tracks_come_from_the_library(k6, own, tmp_path):
    shutil.copy(os.path.join(fixtures.make(), "aac.m4a"), os.path.join(own.root, "only one.m4a"))
    for name in own.bytes:
        os.remove(own.path(name))
    with Segue(own.root) as server:
        Run(k6, server, "smoke", tmp_path, ROUNDS=1, TRACKS="").is_clean()
        server.out.wait(r"GET /hls/only%20one\.m4a/master\.m3u8")


@pytest.mark.parametrize("judge,status", [(True, 99), (False, 0)])
def test_what_is_wrong_fails_checks_and_thresholds(k6, server, tmp_path, judge, status):
    run = Run(k6, server, "smoke", tmp_path, judge=judge, TRACKS="no such.mp3", ROUNDS=2)
    assert run.status == status, run.said
    assert run.metrics["checks"]["fails"] > 0 and run.metrics["http_req_failed"]["rate"] > 0.001
    if judge:
        assert "MISSED  http_req_failed rate<0.001" in run.text and "MISSED  checks rate==1" in run.text


@pytest.mark.skipif(SANITIZED, reason="a minute at the media's pace says nothing in a slowed build")
def test_a_minute_of_listeners(k6, server, tmp_path):
    run = Run(k6, server, "listen", tmp_path, LISTENERS=30, DURATION="60s").is_clean()
    assert run.metrics["startup_time"]["p(50)"] > 0
    # A track is 19.3 s of sound in 4 segments, behind 2 playlists and perhaps an init segment.
    assert 30 * 2 <= run.metrics["iterations"]["count"] <= 30 * 4
    assert 30 * 2 * 6 <= run.metrics["http_reqs"]["count"] <= 30 * 4 * 7, "that is not the sound's pace"
    assert "rebuffer ratio" in run.text and "start-up" in run.text


@pytest.mark.parametrize("scenario,settings", [
    ("seek", {"DURATION": "2s", "USERS": 5, "THINK": "0.2s"}),
    ("join-storm", {"USERS": 20, "ROUNDS": 1}),
    ("cdn-pull", {"DURATION": "2s", "POPS": 3}),
    ("stages", {"SCALE": "0.002", "USERS": 5}),
])
def test_the_other_scenarios_run(k6, server, tmp_path, scenario, settings):
    run = Run(k6, server, scenario, tmp_path, **settings).is_clean()
    assert run.metrics["http_reqs"]["count"] > 20


def test_a_storm_on_a_new_track_makes_one_index(k6, tmp_path):
    with Segue(fixtures.make()) as server:
        Run(k6, server, "join-storm", tmp_path, USERS=50, ROUNDS=1, TRACKS="alac.m4a",
            ADMIN_URL=f"http://127.0.0.1:{server.admin_port}").is_clean()
        assert server.metric("segue_index_builds_total") == 1


@pytest.fixture(scope="module")
def node():
    """Run lines of JavaScript that see lib/hls.js as `hls`; the JSON they return."""
    if not shutil.which("node"):
        pytest.skip("there is no node")

    def run(body):
        source = f"""
        import * as hls from {json.dumps(os.path.join(SCRIPTS, "lib", "hls.js"))};
        const refused = (f) => {{ try {{ f(); return null; }} catch (e) {{ return e.message; }} }};
        console.log(JSON.stringify((() => {{ {textwrap.dedent(body)} }})()));
        """
        done = subprocess.run(["node", "--input-type=module", "-"], input=source, capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    return run


RESOLVED = [  # RFC 3986 5.4, of what may stand in a playlist
    ("g", "/b/c/g"), ("./g", "/b/c/g"), ("g/", "/b/c/g/"), ("/g", "/g"), ("?y", "/b/c/d;p?y"),
    ("g?y", "/b/c/g?y"), (";x", "/b/c/;x"), (".", "/b/c/"), ("..", "/b/"), ("../g", "/b/g"),
    ("../..", "/"), ("../../g", "/g"), ("../../../g", "/g"), ("/./g", "/g"), ("/../g", "/g"),
    ("g.", "/b/c/g."), ("..g", "/b/c/..g"), ("./g/.", "/b/c/g/"), ("g/../h", "/b/c/h"),
]


def test_references_in_playlists(node):
    cases = [ref for ref, _ in RESOLVED]
    found = node(f"return {json.dumps(cases)}.map((ref) => hls.resolve('http://a:1/b/c/d;p?q', ref));")
    assert found == [f"http://a:1{path}" for _, path in RESOLVED]
    assert node("return ['http://b/x', '//b/x'].map((ref) => hls.resolve('http://a/y', ref));") == ["http://b/x"] * 2
    assert node("return hls.resolve('http://a/s/TOKEN/hls/t/master.m3u8?k=v', 'v/0.ts');") \
        == "http://a/s/TOKEN/hls/t/v/0.ts"


def test_a_master_playlist_and_the_choice_from_it(node):
    text = ('#EXTM3U\r\n#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=1,BANDWIDTH=300,CODECS="mp4a.40.2,fLaC"\r\nhi.m3u8\r\n'
            '#EXT-X-STREAM-INF:BANDWIDTH=100\r\n\r\n# words\r\nlo.m3u8?x=1\r\n')
    variants = node(f"return hls.parseMaster({json.dumps(text)}, 'http://h/a/m.m3u8');")
    assert variants == [
        {"uri": "http://h/a/hi.m3u8", "bandwidth": 300, "codecs": "mp4a.40.2,fLaC"},
        {"uri": "http://h/a/lo.m3u8?x=1", "bandwidth": 100, "codecs": ""}]
    assert node(f"const v = {json.dumps(variants)};"
                "return [1, 100, 299, 300, 1e9].map((b) => hls.choose(v, b).bandwidth);") == [100, 100, 100, 300, 300]


def test_a_media_playlist_with_maps_and_byte_ranges(node):
    text = ('#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MAP:URI="i.mp4",BYTERANGE="9@0"\n#EXTINF:5.5,\n'
            '#EXT-X-BYTERANGE:20@10\ns.mp4\n#EXTINF:6,title\n#EXT-X-BYTERANGE:5\ns.mp4\n'
            '#EXT-X-MAP:URI="j.mp4"\n#EXTINF:1,\nt.mp4\n#EXT-X-ENDLIST\n')
    media = node(f"return hls.parseMedia({json.dumps(text)}, 'http://h/x');")
    assert (media["target"], media["duration"], media["ended"]) == (6, 12.5, True)
    assert [s["span"] for s in media["segments"]] == [{"from": 10, "to": 30}, {"from": 30, "to": 35}, None]
    assert media["segments"][0]["map"] == {"uri": "http://h/i.mp4", "span": {"from": 0, "to": 9}}
    assert media["segments"][2]["map"] == {"uri": "http://h/j.mp4", "span": None}
    assert node("return hls.rangeOf({from: 10, to: 30});") == "bytes=10-29"


@pytest.mark.parametrize("kind,text", [
    ("Master", "<html>"), ("Master", "#EXTM3U\n"), ("Media", "#EXTM3U\n"), ("Media", "#EXTM3U\n0.ts\n"),
    ("Media", "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:x\n0.ts\n")])
def test_what_is_no_playlist_is_refused(node, kind, text):
    assert node(f"return refused(() => hls.parse{kind}({json.dumps(text)}, 'http://h/x'));")


def test_install_k6_finds_it_on_the_path_and_is_loud_without(tmp_path):
    tool = os.path.join(REPO, "tools", "install-k6")
    (tmp_path / "tools").mkdir()
    shutil.copy(tool, tmp_path / "tools" / "install-k6")
    program = tmp_path / "bin" / "k6"
    program.parent.mkdir()
    for needed in ("dirname", "sed"):
        (program.parent / needed).symlink_to(shutil.which(needed))
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)

    def run(*args):
        return subprocess.run([tmp_path / "tools" / "install-k6", *args], capture_output=True, text=True, check=False,
                              env={"PATH": str(program.parent), "HOME": str(tmp_path)}, stdin=subprocess.DEVNULL)
    assert run().stdout.strip() == str(program)
    program.write_text("#!/bin/sh\necho go1.24.9\n")
    program.rename(program.parent / "go")
    for args in ([], ["--find"]):
        done = run(*args)
        assert done.returncode == 1 and "NOT run" in done.stderr, done
