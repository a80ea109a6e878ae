#!/usr/bin/python3
"""nginx and Segue on the same work, in turn, in one run; see README.md.

    compare.py [--quick] [--pairs N] [--seconds S] [--case TEXT] [--no-memory] [--out FOLDER]
               [--base COMMIT]...

Exit status 1 where a budget of DESIGN.md is missed, unless --quick; with --base, where a case costs more
than 5 % more than at that commit."""
import argparse
import contextlib
import dataclasses
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
import table

MEMORY_BUDGETS = {"idle": 512, "stalled": 2048} # bytes a connection
CONTENTION = 1.1
DEARER = 1.05 # of what it was at another commit
WARM_UP = 0.2 # seconds
VERSIONS = {"h2o": ["h2o", "--version"], "lighttpd": ["lighttpd", "-v"], "varnish": ["varnishd", "-V"]}


def words():
    p = argparse.ArgumentParser()
    p.add_argument("--quick", action="store_true", help="three cases, nothing is judged")
    p.add_argument("--pairs", type=int, default=5)
    p.add_argument("--seconds", type=float, default=0.6, help="of each run")
    p.add_argument("--case", default="", help="only cases with this in their name")
    p.add_argument("--no-memory", action="store_true", help="without the 10,000 connections")
    p.add_argument("--base", action="append", default=[], metavar="COMMIT",
                   help="beside Segue as it was then instead of nginx, one worker only")
    p.add_argument("--out", default="", help="write latest.json and compare.svg there, of all cases")
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


def kinds_of(case, bases):
    """Whom Segue meets in a case. Two workers also meet two servers of one each, under the same load on the
    same cores: what they cost more is contention."""
    if bases:
        return [servers.Segue, *bases]
    return [servers.Segue, servers.Nginx] + ([servers.Apart] if case.workers > 1 else [])


def contestants(case, root, run, bases, started):
    """{name: server}, all for the same cores, each ended with `started`."""
    cores = "0,1" if case.workers > 1 else "0"
    kept = "64KB" if case.cold else "10MB" # what is to be cold must not be copied into our memory
    all_of = {}
    for kind in kinds_of(case, bases):
        log = str(run / f"{kind.name}.log") if case.access_log else "off"
        all_of[kind.name] = kind(run / kind.name, root, case.workers, log, cores, kept)
        started.callback(all_of[kind.name].stop)
    if case.workers == 1 and not case.cold and not bases and "Connection: close" not in case.headers:
        file = str(pathlib.Path(root) / case.floor_file) if case.floor_file else None
        head = load.head_of(all_of["segue"], case)
        for kind in (servers.Floor, servers.Ahead) if file else (servers.Floor,):
            all_of[kind.name] = kind(run / kind.name, head, case.size, file)
            started.callback(all_of[kind.name].stop)
    return all_of


def run_case(case, root, run, a, bases):
    """A B C A B C ..., so that what the machine does besides meets all of them alike."""
    with contextlib.ExitStack() as started:
        all_of = contestants(case, root, run, bases, started)
        url = all_of["segue"].url(load.path_on(all_of["segue"], case))
        plain = dataclasses.replace(case, load=(), headers=tuple(load.fields_of(url, case)))
        asked = {name: plain if name in ("floor", "ahead") else case for name in all_of}
        found = {name: [] for name in all_of}
        for name, s in all_of.items():
            load.warm(s, asked[name], WARM_UP)
        for _ in range(a.pairs + (2 if case.budget and not a.quick else 0)):
            for name, s in all_of.items():
                found[name].append(load.measure(s, asked[name], a.seconds))
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
            load.warm(s, case, WARM_UP)
            out[name] = statistics.median(load.measure(s, case, a.seconds)["cpu_us"]
                                          for _ in range(max(2, a.pairs - 2)))
        finally:
            s.stop()
    return out


def row_of(case, found, peers):
    def ratio_to(other):
        return [x["cpu_us"] / y["cpu_us"] for x, y in zip(found["segue"], found[other])]
    mid = {n: {k: statistics.median(r[k] for r in runs) for k in runs[0]} for n, runs in found.items()}
    row = {"case": case.name, "size": case.size, "budget": case.budget,
           "floor_budget": case.floor_budget, "segue_us": mid["segue"]["cpu_us"],
           "median": mid, "pairs": found, "peers": peers}
    if "nginx" in mid:
        ratios = ratio_to("nginx")
        row.update(ratio=statistics.median(ratios), ratio_min=min(ratios), ratio_max=max(ratios),
                   nginx_us=mid["nginx"]["cpu_us"])
    if "floor" in mid:
        row["floor_us"] = mid["floor"]["cpu_us"]
        row["floor_ratio"] = row["floor_us"] / row["nginx_us"]
        row["over_floor"] = statistics.median(ratio_to("floor"))
    if "ahead" in mid:
        row["over_ahead"] = statistics.median(ratio_to("ahead"))
    if "apart" in mid:
        row["over_apart"] = statistics.median(ratio_to("apart"))
    row["over_base"] = {n: statistics.median(ratio_to(n)) for n in found if n.startswith("at ")}
    return row


HEAD = (f"{'case':34} {'req/s':>9} {'nginx':>9}  {'µs/req':>7} {'nginx':>7} {'floor':>7}  "
        f"{'ratio':>5} {'spread':>11} {'budget':>6}  {'of floor':>8} {'ahead':>6} {'apart':>6} {'p50/p99 µs':>12} {'nginx':>12}")


def print_base_row(r):
    print(f"{r['case']:34} {r['median']['segue']['rps']:9.0f} {r['segue_us']:7.1f} µs"
          + "".join(f"  {n} {r['median'][n]['cpu_us']:.1f} µs, now {over:.2f}"
                    for n, over in r["over_base"].items()), flush=True)


def print_row(r):
    if r["over_base"]:
        print_base_row(r)
        return
    s, n = r["median"]["segue"], r["median"]["nginx"]
    floor = f"{r['floor_us']:7.1f}" if "floor_us" in r else f"{'-':>7}"
    over = f"{r['over_floor']:8.2f}" if "over_floor" in r else f"{'-':>8}"
    ahead = f"{r['over_ahead']:6.2f}" if "over_ahead" in r else f"{'-':>6}"
    apart = f"{r['over_apart']:6.2f}" if "over_apart" in r else f"{'-':>6}"
    budget = f"{r['budget']:6.2f}" if r["budget"] else f"{'-':>6}"
    low_high = f"{r['ratio_min']:.2f}-{r['ratio_max']:.2f}"
    print(f"{r['case']:34} {s['rps']:9.0f} {n['rps']:9.0f}  {r['segue_us']:7.1f} {r['nginx_us']:7.1f} "
          f"{floor}  {r['ratio']:5.2f} {low_high:>11} {budget}  {over} {ahead} {apart} "
          f"{s['p50_us']:5.0f}/{s['p99_us']:6.0f} {n['p50_us']:5.0f}/{n['p99_us']:6.0f}"
          + "".join(f"  {k} {v:.1f} µs" for k, v in r["peers"].items()), flush=True)


def run_memory(root, run):
    out = {}
    for name in ("segue", "nginx"):
        for kind in memory.KINDS:
            s = servers.ALL[name](run / f"{name}-{kind}", root, pace=memory.PACE if kind == "paced" else 0)
            try:
                out[f"{name}_{kind}"] = memory.grown(s, "/1k.bin" if kind == "idle" else "/song.m4a", kind)
            finally:
                s.stop()
    for kind in memory.KINDS:
        budget = f" (budget {MEMORY_BUDGETS[kind]})" if kind in MEMORY_BUDGETS else ""
        print(f"memory of 10,000 {kind} connections: {out['segue_' + kind]:.0f} bytes each, "
              f"nginx {out['nginx_' + kind]:.0f}{budget}")
    return out


def misses(rows, mem):
    """What a budget was missed by, in words."""
    found = []
    for r in rows:
        if r["budget"] and "ratio" in r and r["ratio"] > r["budget"]:
            found.append(f"{r['case']}: {r['ratio']:.3f} of nginx, budget {r['budget']}")
        if r["floor_budget"] and r.get("over_floor", 0) > r["floor_budget"]:
            found.append(f"{r['case']}: {r['over_floor']:.3f} of the floor, budget {r['floor_budget']}")
        if r.get("over_apart", 0) > CONTENTION:
            found.append(f"{r['case']}: {r['over_apart']:.3f} of two servers of one worker, budget "
                         f"{CONTENTION}")
        found += [f"{r['case']}: {over:.3f} of what it cost {name}, budget {DEARER}"
                  for name, over in r["over_base"].items() if over > DEARER]
    for kind, budget in MEMORY_BUDGETS.items():
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


def write_readme(rows, mem):
    readme = servers.TOP / "README.md"
    readme.write_text(table.put(readme.read_text(), {"rows": rows, "memory": mem}))


def main():
    a = words()
    began = time.monotonic()
    about = machine()
    root = pathlib.Path(tempfile.gettempdir()) / "segue-compare-tree"
    run = pathlib.Path(tempfile.mkdtemp(prefix="segue-compare-"))
    bases = [servers.built_at(commit) for commit in a.base]
    try:
        cases.make_tree(root)
        s = servers.Segue(run / "export", root)
        try:
            hls = cases.export_hls(s, root)
        finally:
            s.stop()
        chosen = [c for c in cases.all_cases(hls, cases.song_size(root)) if a.case in c.name and (c.quick or not a.quick)
                  and (c.workers == 1 or not a.base)]
        print(", ".join(f"{k} {v}" for k, v in about.items()), flush=True)
        print("" if a.base else HEAD, flush=True)
        rows = []
        for case in chosen:
            rows.append(row_of(case, run_case(case, root, run, a, bases), run_peers(case, root, run, a)))
            print_row(rows[-1])
        mem = {} if a.no_memory or a.base else run_memory(root, run)
    finally:
        shutil.rmtree(run, ignore_errors=True)
    print(f"took {time.monotonic() - began:.0f} s")
    missed = misses(rows, mem)
    for m in missed:
        print("missed:", m)
    if a.out and not a.base and not a.case:
        write_results(a.out, rows, mem, about)
    if a.out and mem and not a.base and not a.case and not a.quick:
        write_readme(rows, mem)
    return 1 if missed and not a.quick else 0


if __name__ == "__main__":
    sys.exit(main())
