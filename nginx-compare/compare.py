#!/usr/bin/python3
"""nginx and Segue on the same work, in turn, in one run; see README.md.

    compare.py [--quick] [--pairs N] [--seconds S] [--case TEXT] [--no-memory] [--out FOLDER]

Exit status 1 where a budget of DESIGN.md is missed, unless --quick."""
import argparse
import contextlib
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import cases
import chart
import load
import memory
import servers

BUDGET_IDLE, BUDGET_STALLED, CONTENTION = 512, 2048, 1.1
MISS_MARGIN = 1.0
VERSIONS = {"h2o": ["h2o", "--version"], "lighttpd": ["lighttpd", "-v"], "varnish": ["varnishd", "-V"]}


def words():
    p = argparse.ArgumentParser()
    p.add_argument("--quick", action="store_true", help="three cases, nothing is judged")
    p.add_argument("--pairs", type=int, default=5)
    p.add_argument("--seconds", type=int, default=1)
    p.add_argument("--case", default="", help="only cases with this in their name")
    p.add_argument("--no-memory", action="store_true", help="without the 10,000 connections")
    p.add_argument("--out", default="", help="write latest.json and compare.svg there")
    a = p.parse_args()
    if a.quick:
        a.pairs, a.no_memory = min(a.pairs, 2), True
    return a


def machine():
    def first(command):
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError:
            return None
        return (done.stdout + done.stderr).strip().split("\n")[0]
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            cwd=servers.TOP).stdout.strip()
    return {"cpu": model[1] if model else platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release(), "nginx": first(["/usr/sbin/nginx", "-v"]),
            "peers": {n: first(VERSIONS[n]) for n in peers() if n in VERSIONS},
            "segue": first([str(servers.TOP / "build/segue"), "--version"]), "commit": commit,
            "wrk": (first(["wrk", "-v"]) or "").split(" Copyright")[0]}


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def contestants(case, root, run, started):
    """{name: server}, all for the same cores, each ended with `started`. One with two workers has Segue with
    one beside it: what two cost more than one, on the same two cores and with as many connections a
    worker, is contention."""
    def start(kind, *words, **more):
        server = kind(run / kind.name if kind.name not in all_of else run / "one", *words, **more)
        started.callback(server.stop)
        return server
    cores = "0,1" if case.workers > 1 else "0"
    kept = "64KB" if case.cold else "10MB" # what is to be cold must not be copied into our memory
    all_of = {}
    for kind in (servers.Segue, servers.Nginx):
        log = str(run / f"{kind.name}.log") if case.access_log else "off"
        all_of[kind.name] = start(kind, root, case.workers, log, cores, kept)
    if case.workers > 1:
        all_of["one"] = start(servers.Segue, root, 1, "off", cores)
    elif not case.cold and "Connection: close" not in case.headers:
        file = str(pathlib.Path(root) / case.floor_file) if case.floor_file else None
        all_of["floor"] = start(servers.Floor, case.size, file)
    return all_of


def run_case(case, root, run, a):
    """A B C A B C ..., so that what the machine does besides meets all of them alike."""
    client = "0,1" if case.workers > 1 else "1"
    replace = cases.dataclasses.replace
    asked = {"floor": replace(case, load=(), headers=()),
             "one": replace(case, connections=case.connections // 2)}
    found = {"segue": [], "nginx": [], "floor": [], "one": []}
    with contextlib.ExitStack() as started:
        all_of = contestants(case, root, run, started)
        for turn in range(a.pairs + 1 + (2 if case.budget and not a.quick else 0)):
            for name, s in all_of.items():
                got = load.measure(s, asked.get(name, case), a.seconds, client)
                if turn: # what was cold is warm now, but for the cold case
                    found[name].append(got)
    return found


def peers():
    names = [n for n in os.environ.get("PEERS", "").split() if n not in ("nginx", "segue")]
    for name in names:
        if name not in servers.ALL:
            sys.exit(f"PEERS: {name}: unknown; there are {', '.join(servers.ALL)}")
    return names


def run_peers(case, root, run, a):
    out = {}
    for name in peers() if case.peers else []:
        s = servers.ALL[name](run / name, root, case.workers)
        try:
            load.measure(s, case, 1)
            out[name] = statistics.median(load.measure(s, case, a.seconds)["cpu_us"]
                                          for _ in range(max(2, a.pairs - 2)))
        finally:
            s.stop()
    return out


def row_of(case, found, peers):
    def ratio_to(other):
        return [x["cpu_us"] / y["cpu_us"] for x, y in zip(found["segue"], found[other])]
    ratios = ratio_to("nginx")
    mid = {n: {k: statistics.median(r[k] for r in runs) for k in runs[0]}
           for n, runs in found.items() if runs}
    row = {"case": case.name, "size": case.size, "ratio": statistics.median(ratios),
           "ratio_min": min(ratios), "ratio_max": max(ratios), "budget": case.budget,
           "floor_budget": case.floor_budget, "segue_us": mid["segue"]["cpu_us"],
           "nginx_us": mid["nginx"]["cpu_us"], "median": mid, "pairs": found, "peers": peers}
    if "floor" in mid:
        row["floor_us"] = mid["floor"]["cpu_us"]
        row["floor_ratio"] = row["floor_us"] / row["nginx_us"]
        row["over_floor"] = statistics.median(ratio_to("floor"))
    if "one" in mid:
        row["over_one"] = statistics.median(ratio_to("one"))
    return row


HEAD = (f"{'case':34} {'req/s':>9} {'nginx':>9}  {'µs/req':>7} {'nginx':>7} {'floor':>7}  "
        f"{'ratio':>5} {'spread':>11} {'budget':>6}  {'of floor':>8} {'of one':>6} {'p50/p99 µs':>12} {'nginx':>12}")


def print_row(r):
    s, n = r["median"]["segue"], r["median"]["nginx"]
    floor = f"{r['floor_us']:7.1f}" if "floor_us" in r else f"{'-':>7}"
    over = f"{r['over_floor']:8.2f}" if "over_floor" in r else f"{'-':>8}"
    one = f"{r['over_one']:6.2f}" if "over_one" in r else f"{'-':>6}"
    budget = f"{r['budget']:6.2f}" if r["budget"] else f"{'-':>6}"
    low_high = f"{r['ratio_min']:.2f}-{r['ratio_max']:.2f}"
    print(f"{r['case']:34} {s['rps']:9.0f} {n['rps']:9.0f}  {r['segue_us']:7.1f} {r['nginx_us']:7.1f} "
          f"{floor}  {r['ratio']:5.2f} {low_high:>11} {budget}  {over} {one} "
          f"{s['p50_us']:5.0f}/{s['p99_us']:6.0f} {n['p50_us']:5.0f}/{n['p99_us']:6.0f}"
          + "".join(f"  {k} {v:.1f} µs" for k, v in r["peers"].items()), flush=True)


def run_memory(root, run):
    out = {}
    for name in ("segue", "nginx"):
        for kind, path in (("idle", "/1k.bin"), ("stalled", "/song.m4a")):
            s = servers.ALL[name](run / f"{name}-{kind}", root)
            try:
                out[f"{name}_{kind}"] = memory.grown(s, path, kind == "stalled")
            finally:
                s.stop()
    for kind, budget in (("idle", BUDGET_IDLE), ("stalled", BUDGET_STALLED)):
        print(f"memory of 10,000 {kind} connections: {out['segue_' + kind]:.0f} bytes each, "
              f"nginx {out['nginx_' + kind]:.0f} (budget {budget})")
    return out


def misses(rows, mem):
    """What a budget was missed by, in words."""
    found = []
    for r in rows:
        if r["budget"] and r["ratio"] > r["budget"] * MISS_MARGIN:
            found.append(f"{r['case']}: {r['ratio']:.2f} of nginx, budget {r['budget']}")
        if r["floor_budget"] and r.get("over_floor", 0) > r["floor_budget"] * MISS_MARGIN:
            found.append(f"{r['case']}: {r['over_floor']:.2f} of the floor, budget {r['floor_budget']}")
        if r.get("over_one", 0) > CONTENTION * MISS_MARGIN:
            found.append(f"{r['case']}: {r['over_one']:.2f} of one worker's CPU, budget {CONTENTION}")
    for kind, budget in (("idle", BUDGET_IDLE), ("stalled", BUDGET_STALLED)):
        if mem and mem["segue_" + kind] > budget:
            found.append(f"{kind} connections: {mem['segue_' + kind]:.0f} bytes, budget {budget}")
    return found


def write_results(folder, rows, mem, about):
    out = pathlib.Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    (out / "latest.json").write_text(json.dumps({"machine": about, "rows": rows, "memory": mem},
                                                indent=1) + "\n")
    text = f"{about['cpu']}, {about['kernel']}, {about['nginx']}, {about['segue']} ({about['commit']})"
    (out / "compare.svg").write_text(chart.draw(rows, text))


def main():
    a = words()
    began = time.monotonic()
    about = machine()
    root = pathlib.Path(tempfile.gettempdir()) / "segue-compare-tree"
    run = pathlib.Path(tempfile.mkdtemp(prefix="segue-compare-"))
    try:
        cases.make_tree(root)
        s = servers.Segue(run / "export", root)
        try:
            hls = cases.export_hls(s, root)
        finally:
            s.stop()
        chosen = [c for c in cases.all_cases(root, hls) if a.case in c.name and (c.quick or not a.quick)]
        print(", ".join(f"{k} {v}" for k, v in about.items()) + "\n" + HEAD, flush=True)
        rows = []
        for case in chosen:
            rows.append(row_of(case, run_case(case, root, run, a), run_peers(case, root, run, a)))
            print_row(rows[-1])
        mem = {} if a.no_memory else run_memory(root, run)
    finally:
        shutil.rmtree(run, ignore_errors=True)
    print(f"took {time.monotonic() - began:.0f} s")
    missed = misses(rows, mem)
    for m in missed:
        print("missed:", m)
    if a.out:
        write_results(a.out, rows, mem, about)
    return 1 if missed and not a.quick else 0


if __name__ == "__main__":
    sys.exit(main())
