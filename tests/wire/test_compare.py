"""The comparison with nginx runs, in its short form. What it finds is not judged here: nothing that depends
on time is. In an instrumented build it would compare the instruments."""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("SEGUE_BUILD", str(TOP / "build"))
INSTRUMENTED = "-fsanitize" in (pathlib.Path(BUILD) / "flags").read_text()

sys.path.append(str(TOP / "nginx-compare"))
import cases  # noqa: E402
import compare  # noqa: E402
import table  # noqa: E402

pytestmark = pytest.mark.skipif(INSTRUMENTED, reason="an instrumented build is not compared")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    out = tmp_path_factory.mktemp("compare")
    done = subprocess.run(["/usr/bin/python3", str(TOP / "nginx-compare/compare.py"), "--quick",
                           "--pairs", "1", "--out", str(out)],
                          capture_output=True, text=True, timeout=300,
                          env=os.environ | {"PEERS": "uncorked"})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads((out / "latest.json").read_text()), (out / "compare.svg").read_text()


def test_each_quick_case_has_a_row(quick):
    text, data, _ = quick
    names = ["1 KB file", "media playlist", "64 KB ranges of a 4 MB song"]
    assert [r["case"] for r in data["rows"]] == names
    for name in names:
        assert re.search(rf"^{name} +\d", text, re.M), text


def test_a_row_has_both_servers_and_the_kernel(quick):
    for row in quick[1]["rows"]:
        assert row["segue_us"] > 0 and row["nginx_us"] > 0 and row["floor_us"] > 0
        assert abs(row["ratio"] - row["pairs"]["segue"][0]["cpu_us"]
                   / row["pairs"]["nginx"][0]["cpu_us"]) < 1e-9
        for server in ("segue", "nginx"):
            assert row["pairs"][server][0]["requests"] > 0
            assert row["pairs"][server][0]["socket_errors"] == 0


def test_what_it_ran_on_is_recorded(quick):
    machine = quick[1]["machine"]
    assert machine["kernel"] and machine["cpu"] and "nginx" in machine["nginx"]
    assert machine["segue"].startswith("segue ")


def test_the_picture_shows_each_case(quick):
    assert quick[2].startswith("<svg ")
    for row in quick[1]["rows"]:
        assert f">{row['case']}</text>" in quick[2]


def test_another_server_can_take_part(quick):
    for row in quick[1]["rows"]:
        assert row["peers"]["uncorked"] > 0
        assert f"uncorked {row['peers']['uncorked']:.1f} µs" in quick[0]


def test_the_committed_results_are_of_every_case_and_shown():
    hls = {k: ("/", "/", 1) for k in ("fmp4", "ts", "packed", "playlist")}
    names = [c.name for c in cases.all_cases(hls, song=1)]
    results = json.loads((TOP / "nginx-compare/results/latest.json").read_text())
    assert [r["case"] for r in results["rows"]] == names
    assert table.put((TOP / "README.md").read_text(), results) == (TOP / "README.md").read_text()
    picture = (TOP / "nginx-compare/results/compare.svg").read_text()
    assert [n for n in names if f">{n}</text>" not in picture] == []


def row(**more):
    return {"case": "a case", "budget": 0.75, "ratio": 0.75, "floor_budget": 1.2, "over_floor": 1.2,
            "over_apart": 1.1, "over_base": {"at 12345": 1.05}, **more}


MEMORY = {"segue_paced": 9999, "segue_idle": 512, "segue_stalled": 2048}


def test_what_keeps_to_its_budgets_is_not_named():
    assert compare.misses([row()], MEMORY) == []


@pytest.mark.parametrize("more, words", [
    ({"ratio": 0.751}, "a case: 0.751 of nginx, budget 0.75"),
    ({"over_floor": 1.201}, "a case: 1.201 of the floor, budget 1.2"),
    ({"over_apart": 1.101}, "a case: 1.101 of two servers of one worker, budget 1.1"),
    ({"over_base": {"at 12345": 1.06}}, "a case: 1.060 of what it cost at 12345, budget 1.05"),
])
def test_a_missed_budget_is_named(more, words):
    assert compare.misses([row(), row(**more)], MEMORY) == [words]


@pytest.mark.parametrize("kind, budget", [("idle", 512), ("stalled", 2048)])
def test_too_much_memory_is_named(kind, budget):
    much = MEMORY | {f"segue_{kind}": budget + 1}
    assert compare.misses([row()], much) == [f"{kind} connections: {budget + 1} bytes, budget {budget}"]
