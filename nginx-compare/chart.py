"""The picture: ratios of CPU per request to nginx's, a bar a case, the floor as a mark. SVG by hand:
it needs no library and reads well in a README."""
from xml.sax.saxutils import escape

ROW, LEFT, SCALE, TOP = 26, 290, 420, 64
STYLE = ("<style>text{font:13px system-ui,sans-serif;fill:#222}.dim{fill:#777}.t{font-size:16px;"
         "font-weight:600}.b{fill:#2f7d6b}.w{fill:#b5563b}.f{stroke:#222;stroke-width:2}"
         ".n{stroke:#999;stroke-dasharray:4 3}.g{stroke:#d08a00;stroke-width:2}"
         "@media(prefers-color-scheme:dark){text{fill:#ddd}.dim{fill:#999}.f{stroke:#eee}}</style>")


def bar(y, row):
    ratio = row["ratio"]
    x = LEFT + ratio * SCALE
    out = [f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(row["case"])}</text>',
           f'<rect class="{"b" if ratio <= 1 else "w"}" x="{LEFT}" y="{y + 3}" '
           f'width="{ratio * SCALE:.1f}" height="14" rx="2"/>']
    if row.get("floor_ratio"):
        f = LEFT + row["floor_ratio"] * SCALE
        out.append(f'<line class="f" x1="{f:.1f}" x2="{f:.1f}" y1="{y + 1}" y2="{y + 19}"/>')
    if row.get("budget"):
        g = LEFT + row["budget"] * SCALE
        out.append(f'<line class="g" x1="{g:.1f}" x2="{g:.1f}" y1="{y + 1}" y2="{y + 19}"/>')
    edge = max(x, LEFT + SCALE * max(row.get("floor_ratio") or 0, row.get("budget") or 0))
    out.append(f'<text x="{edge + 8:.1f}" y="{y + 14}">{ratio:.2f}'
               f'<tspan class="dim">  {row["segue_us"]:.1f} of {row["nginx_us"]:.1f} µs</tspan></text>')
    return out


def draw(rows, machine):
    height = TOP + ROW * len(rows) + 34
    width = LEFT + int(SCALE * 1.25) + 170
    one = LEFT + SCALE
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           f'viewBox="0 0 {width} {height}" role="img">', STYLE,
           '<text class="t" x="12" y="24">CPU per request, of nginx\'s (shorter is better)</text>',
           f'<text class="dim" x="12" y="44">{escape(machine)}</text>',
           f'<line class="n" x1="{one}" x2="{one}" y1="{TOP - 6}" y2="{height - 28}"/>',
           f'<text class="dim" x="{one}" y="{height - 12}" text-anchor="middle">nginx</text>',
           f'<line class="f" x1="12" x2="12" y1="{height - 24}" y2="{height - 8}"/>',
           f'<text class="dim" x="20" y="{height - 12}">the kernel alone</text>',
           f'<line class="g" x1="140" x2="140" y1="{height - 24}" y2="{height - 8}"/>',
           f'<text class="dim" x="148" y="{height - 12}">budget</text>']
    for i, row in enumerate(rows):
        out += bar(TOP + ROW * i, row)
    return "\n".join(out + ["</svg>", ""])
