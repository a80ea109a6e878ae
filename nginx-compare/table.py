"""The table of the README, made from the committed results: table.py FILE.json README.md

A row has a case with one worker; what two workers cost of two servers apart stands beside it."""
import json
import pathlib
import re
import sys

HEAD = """| case | µs a request | nginx | ratio (spread) | budget | of the bare kernel | budget | head ahead | two workers |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |"""
BEGIN, END = "<!-- made by nginx-compare/table.py -->\n", "<!-- to here -->\n"


def figure(row, key):
    return f"{row[key]:.2f}" if row and row.get(key) else ""


def line(row, two):
    return (f"| {row['case']} | {row['segue_us']:.1f} | {row['nginx_us']:.1f} | {row['ratio']:.2f} "
            f"({row['ratio_min']:.2f}–{row['ratio_max']:.2f}) | {figure(row, 'budget')} | "
            f"{figure(row, 'over_floor')} | {figure(row, 'floor_budget')} | "
            f"{figure(row, 'over_ahead')} | {figure(two, 'over_apart')} |")


def render(results):
    rows = {r["case"]: r for r in results["rows"]}
    ones = [name for name in rows if not name.endswith(", two workers")]
    memory = results["memory"]
    return "\n".join([HEAD, *(line(rows[n], rows.get(n + ", two workers")) for n in ones), "",
                      f"Memory of 10,000 connections: {memory['segue_idle']:.0f} bytes each when idle "
                      f"(nginx {memory['nginx_idle']:.0f}), {memory['segue_stalled']:.0f} when the listener "
                      f"has stalled in mid-song (nginx {memory['nginx_stalled']:.0f}), "
                      f"{memory['segue_paced']:.0f} when the server paces it (nginx {memory['nginx_paced']:.0f}).",
                      ""])


def put(text, results):
    """The README's text, with the table of these results."""
    if BEGIN not in text or END not in text:
        raise ValueError(f"no place for the table: {BEGIN.strip()} ... {END.strip()}")
    place = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.S)
    return place.sub(lambda _: BEGIN + render(results) + END, text)


def main():
    results = json.loads(pathlib.Path(sys.argv[1]).read_text())
    readme = pathlib.Path(sys.argv[2])
    readme.write_text(put(readme.read_text(), results))


if __name__ == "__main__":
    main()
